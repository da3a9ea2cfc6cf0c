"""The headline cosines inside one model under every combination of choices."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.store import open_activations
    from emovec.activations.streams import load_streams
    from emovec.io.tables import read_table, write_table
    from emovec.prompts.sentences import map_half, read_probe, read_prompts
    from emovec.prompts.splits import near_by_head
    from emovec.robustness.multiverse_within import vary_choices

    paths, params, name = snakemake.input, snakemake.params, snakemake.wildcards.model
    classes = [*params.emotions, params.neutral]
    prompts = read_prompts(paths.prompts, params.emotions, params.neutral)
    fit = map_half(read_probe(paths.probe))

    files = {"": paths.activations} | dict(zip(params.precisions, paths.others, strict=True))

    def load(position, precision=""):
        streams = load_streams(files[precision], name, position, classes, fit, params.seed)
        return streams.residual, streams.probe

    table = vary_choices(
        read_table(paths.within, "within_model_similarity"),
        open_activations(paths.activations).attributes,
        load,
        params.positions,
        classes,
        model=name,
        alpha=params.alpha,
        near=near_by_head(prompts, params.emotions, neutral=params.neutral),
        seed=params.seed,
        precisions=params.precisions,
    )
    write_table(table, snakemake.output[0], "multiverse")
