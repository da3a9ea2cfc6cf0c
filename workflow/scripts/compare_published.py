"""The study's published figures, the same quantities in this run, and their corrected values."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.tables import read_table, write_table
    from emovec.robustness.published import compare_published

    paths = snakemake.input
    table = compare_published(
        read_table(paths.within, "within_model_similarity"),
        read_table(paths.cross, "cross_model_similarity"),
    )
    write_table(table, snakemake.output[0], "published")
