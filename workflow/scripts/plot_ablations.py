"""Shares of heads and MLPs of one model, against what is lost without them."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures.components import shares_and_losses
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    params = snakemake.params
    speak(params.language)
    table = read_table(snakemake.input[0], "ablations")
    figure = shares_and_losses(table, params.emotions, snakemake.wildcards.model, params.alpha)
    save(figure, snakemake.output[0], params.plots["dpi"])
