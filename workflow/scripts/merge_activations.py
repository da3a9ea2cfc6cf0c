"""Put together what one model has read of the prompts and of the probe."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.parts import read_attributes, read_blocks
    from emovec.activations.store import write_activations
    from emovec.io.files import read_json, whole
    from emovec.prompts.positions import in_probe
    from emovec.prompts.sentences import read_probe, read_prompts
    from emovec.prompts.turns import encoder_of

    paths, params = snakemake.input, snakemake.params
    manifest, tokenizer = paths.model
    encode = encoder_of(tokenizer, read_json(manifest), params.model, snakemake.wildcards.model)
    prompts = read_prompts(paths.prompts, params.emotions, params.neutral)
    positions = params.activations["positions"]
    parts = [*paths.prompts_read, *paths.probe_read]
    with whole(snakemake.output[0]) as part:
        write_activations(
            part,
            read_attributes(parts, {"prompts": paths.prompts, "probe": paths.probe}),
            prompts,
            read_probe(paths.probe),
            [encode(text).ids for text in prompts.text],
            {"prompts": positions, "probe": in_probe(positions)},
            read_blocks(parts),
        )
