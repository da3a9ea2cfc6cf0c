"""Put tables of one kind one below the other."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.tables import join_tables

    join_tables(list(snakemake.input), snakemake.output[0])
