"""One emotion in two models under every combination of choices."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.tables import read_table, write_table
    from emovec.robustness.multiverse_between import between_models

    params = snakemake.params
    cross = read_table(snakemake.input[0], "cross_model_similarity")
    table = between_models(cross, list(params.models), params.depths)
    write_table(table, snakemake.output[0], "multiverse")
