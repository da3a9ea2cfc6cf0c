"""The places of many emotions inside one model, beside those of their words, and all distances."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.geometry.run import geometry_of, matrices_of
    from emovec.io.tables import write_table
    from emovec.prompts.sentences import read_probe, read_prompts

    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    given = (
        paths.activations,
        snakemake.wildcards.model,
        read_prompts(paths.prompts, params.emotions, params.neutral),
        read_probe(paths.probe),
        [*params.emotions, params.neutral],
    )
    ratings = next(iter(paths.ratings), None)
    table = geometry_of(*given, ratings, params.statistics, params.seed)
    matrices_of(*given, params.positions, table, params.seed).write(output.matrices)
    write_table(table, output.table, "geometry")
