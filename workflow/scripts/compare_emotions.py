"""Geometry inside one model, or inside its label-shuffled copy."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.activations.streams import load_streams
    from emovec.geometry.fewest import FEWEST
    from emovec.io.seeds import generator
    from emovec.io.tables import write_table
    from emovec.models.depths import nearest_depths
    from emovec.prompts.sentences import map_half, read_probe, read_prompts
    from emovec.prompts.splits import near_by_head
    from emovec.within_model.compare import compare_emotions

    paths, params, name = snakemake.input, snakemake.params, snakemake.wildcards.model
    classes, settings = [*params.emotions, params.neutral], params.statistics
    fit = map_half(read_probe(paths.probe))
    prompts = read_prompts(paths.prompts, params.emotions, params.neutral)
    near = near_by_head(prompts, params.emotions, neutral=params.neutral)
    tables, many = [], len(params.emotions) >= FEWEST
    for position in params.positions:
        streams = load_streams(paths.activations, name, position, classes, fit, params.seed)
        depths = nearest_depths(settings["depths"], streams.n_layers)
        told = depths if position == settings["position"] else []
        tables.append(
            compare_emotions(
                streams.residual,
                streams.probe,
                classes,
                params.neutral,
                generator(params.seed, "within", name, position),
                model=name,
                position=position,
                near=near,
                depths=depths,
                pairs_at=told if many else None,
                flips=settings["permutations"],
                alpha=settings["alpha"],
                thresholds=settings["thresholds"],
            )
        )
    write_table(pd.concat(tables), snakemake.output[0], "within_model_similarity")
