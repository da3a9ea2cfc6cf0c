"""What tells the classes of the prompts apart without any emotion."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures.audit import draw_audit
    from emovec.figures.style import save
    from emovec.io.files import read_json
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    paths, params = snakemake.input, snakemake.params
    speak(params.language)
    figure = draw_audit(
        read_table(paths.confounds, "confounds"),
        read_json(paths.audit),
        list(params.emotions),
        params.neutral,
    )
    save(figure, snakemake.output[0], params.plots["dpi"])
