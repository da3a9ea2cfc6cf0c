"""Where in a sentence, and how deep in one model, each emotion appears."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures.style import save
    from emovec.figures.trajectories import along_sentences
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    params, model = snakemake.params, snakemake.wildcards.model
    speak(params.language)
    table = read_table(snakemake.input[0], "trajectories")
    figure = along_sentences(table, params.emotions, model, params.depth, params.alpha)
    save(figure, snakemake.output[0], params.plots["dpi"])
