"""The depth and strength at which emotions stand out most, on one half of the openings."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import write_json
    from emovec.io.tables import read_table
    from emovec.prompts.openings import of_half, read_openings
    from emovec.steering.choice import choose

    write_json(
        snakemake.output[0],
        choose(
            read_table(snakemake.input.read_outs, "read_outs"),
            of_half(read_openings(snakemake.input.openings), "choose"),
            snakemake.params.emotions,
            snakemake.params.max_kl,
        ),
    )
