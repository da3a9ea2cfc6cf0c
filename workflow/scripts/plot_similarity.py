"""How alike two emotions are, all models side by side."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures.similarity import similarity
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    params = snakemake.params
    speak(params.language)
    within = read_table(snakemake.input[0], "within_model_similarity")
    figure = similarity(
        within, params.emotions, params.models, params.untrained, params.position, params.alpha
    )
    save(figure, snakemake.output[0], params.plots["dpi"])
