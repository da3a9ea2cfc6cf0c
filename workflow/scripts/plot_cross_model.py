"""The study's plot of one emotion across models."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec import figures_study
    from emovec.figures import save
    from emovec.language import speak
    from emovec.tables import read_table

    speak(snakemake.params.language)
    params = snakemake.params
    figure = figures_study.cross_model(
        read_table(snakemake.input[0]), snakemake.wildcards.emotion, params.models, params.alpha
    )
    save(figure, snakemake.output[0], params.plots["dpi"])
