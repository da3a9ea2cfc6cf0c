"""The specification curve."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import save
    from emovec.figures_cross import specification_curve
    from emovec.multiverse import CHOICES
    from emovec.tables import read_table

    figure = specification_curve(read_table(snakemake.input[0]), CHOICES)
    save(figure, snakemake.output[0], snakemake.params.plots["dpi"])
