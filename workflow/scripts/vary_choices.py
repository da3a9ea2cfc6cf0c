"""The headline cosines inside one model under every combination of choices."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.activations.store import open_activations
    from emovec.activations.streams import load_streams
    from emovec.io.seeds import generator
    from emovec.io.tables import read_table, write_table
    from emovec.prompts.sentences import read_probe
    from emovec.robustness.multiverse_within import centered, mark_study, specifications

    paths, params, name = snakemake.input, snakemake.params, snakemake.wildcards.model
    classes = [*params.emotions, params.neutral]
    attributes = open_activations(paths.activations).attributes
    within = read_table(paths.within, "within_model_similarity")
    tables = [specifications(within, attributes["space"])]
    if attributes["space"] == "raw" and attributes.get("normalization") == "LayerNorm":
        probe = read_probe(paths.probe)
        fit = probe.id[probe.half == "map"].tolist()
        for position in params.positions:
            streams = load_streams(paths.activations, name, position, classes, fit, params.seed)
            tables.append(
                centered(
                    streams.residual,
                    streams.probe,
                    classes,
                    name,
                    position,
                    params.alpha,
                    generator(params.seed, "multiverse", name, position),
                )
            )
    table = mark_study(pd.concat(tables, ignore_index=True))
    write_table(table, snakemake.output[0], "multiverse")
