"""The study's published figures, the same quantities in this run, and their corrected values."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.published import compare
    from emovec.tables import read_table, write_table

    paths = snakemake.input
    table = compare(read_table(paths.within), read_table(paths.cross))
    write_table(table, snakemake.output[0], "published")
