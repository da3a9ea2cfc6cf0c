"""The study's plot of one emotion across models."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import study
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    speak(snakemake.params.language)
    params = snakemake.params
    cross = read_table(snakemake.input[0], "cross_model_similarity")
    figure = study.cross_model(cross, params.emotion, params.models, params.alpha)
    save(figure, snakemake.output[0], params.plots["dpi"])
