"""What one model, or two together, give in other number formats."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.tables import write_table
    from emovec.prompts.sentences import read_probe, read_prompts
    from emovec.robustness.precision_run import precision_of

    paths, params = snakemake.input, snakemake.params
    n_models = len(paths.activations)
    table = precision_of(
        paths.activations,
        {
            name: paths.others[i * n_models : (i + 1) * n_models]
            for i, name in enumerate(params.precisions)
        },
        [*snakemake.wildcards],  # one model, or a and b
        read_prompts(paths.prompts, params.emotions, params.neutral),
        read_probe(paths.probe),
        [*params.emotions, params.neutral],
        params.statistics,
        params.seed,
    )
    write_table(table, snakemake.output[0], "precision")
