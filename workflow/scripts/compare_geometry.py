"""How much of the places of many emotions two models share, and how much of it beyond the text."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.geometry.run import geometry_between
    from emovec.io.tables import write_table
    from emovec.prompts.sentences import read_probe, read_prompts

    paths, params = snakemake.input, snakemake.params
    table = geometry_between(
        (paths.a, paths.b),
        (snakemake.wildcards.a, snakemake.wildcards.b),
        read_prompts(paths.prompts, params.emotions, params.neutral),
        read_probe(paths.probe),
        [*params.emotions, params.neutral],
        next(iter(paths.ratings), None),
        params.statistics,
        params.seed,
    )
    write_table(table, snakemake.output[0], "geometry_between")
