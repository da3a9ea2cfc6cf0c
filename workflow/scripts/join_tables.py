"""Put tables of one kind one below the other."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.tables import join_tables

    paths = snakemake.input
    join_tables(list(paths.get("shards", paths)), snakemake.output[0])
