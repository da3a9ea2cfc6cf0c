"""What the heads of one model write of the directions, and whether they look at the word."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures.attention import shares_and_attention
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    params, paths, model = snakemake.params, snakemake.input, snakemake.wildcards.model
    speak(params.language)
    tables = (read_table(paths[kind], kind) for kind in ("components", "attention"))
    figure = shares_and_attention(*tables, params.emotions, model, params.alpha)
    save(figure, snakemake.output[0], params.plots["dpi"])
