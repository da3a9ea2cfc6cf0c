"""What one model, or two together, give under every way to find a direction."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.tables import write_table
    from emovec.prompts.sentences import read_probe, read_prompts
    from emovec.robustness.ways_run import ways_of

    paths, params = snakemake.input, snakemake.params
    table = ways_of(
        paths.activations,
        [*snakemake.wildcards],  # one model, or a and b
        read_prompts(paths.prompts, params.emotions, params.neutral),
        read_probe(paths.probe),
        [*params.emotions, params.neutral],
        params.statistics,
        params.seed,
    )
    write_table(table, snakemake.output[0], "ways")
