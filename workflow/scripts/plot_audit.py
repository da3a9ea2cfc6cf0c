"""What tells the classes of the prompts apart without any emotion."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import save
    from emovec.figures_audit import draw_audit
    from emovec.files import read_json
    from emovec.language import speak
    from emovec.tables import read_table

    paths, params = snakemake.input, snakemake.params
    speak(params.language)
    figure = draw_audit(
        read_table(paths.confounds),
        read_json(paths.audit),
        list(params.emotions),
        params.neutral,
    )
    save(figure, snakemake.output[0], params.plots["dpi"])
