"""Held-out decoding inside one model, or inside its label-shuffled copy."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.streams import load_streams
    from emovec.decoding.table import decode_model
    from emovec.io.seeds import generator
    from emovec.io.tables import write_table
    from emovec.prompts.sentences import map_half, read_probe, read_prompts

    paths, params, name = snakemake.input, snakemake.params, snakemake.wildcards.model
    settings, classes = params.statistics, [*params.emotions, params.neutral]
    fit = map_half(read_probe(paths.probe))
    table = decode_model(
        load_streams(paths.activations, name, settings["position"], classes, fit, params.seed),
        read_prompts(paths.prompts, params.emotions, params.neutral),
        classes,
        position=settings["position"],
        relative_depths=settings["depths"],
        n_folds=settings["folds"],
        draws=settings["permutations"],
        alpha=settings["alpha"],
        rng=generator(params.seed, "decoding", name),
        direction="untrained" if params.untrained else "native",
    )
    write_table(table, snakemake.output[0], "decoding")
