"""Run one model over the prompts and the probe, or over one shard of them, into one file."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.capture import Reader, origin
    from emovec.activations.shards import part_of, write_shard
    from emovec.activations.store import write_activations
    from emovec.io.files import read_json, whole
    from emovec.prompts.positions import in_probe
    from emovec.prompts.sentences import read_probe, read_prompts

    paths, params, settings = snakemake.input, snakemake.params, snakemake.params.activations
    prompts = read_prompts(paths.prompts, params.emotions, params.neutral)
    probe = read_probe(paths.probe)
    positions = {"prompts": settings["positions"], "probe": in_probe(settings["positions"])}

    folder = Path(paths.model[0]).parent
    reader = Reader.load(snakemake.wildcards.model, folder, params.model, settings, params.suffix)
    attributes = origin(
        reader,
        read_json(folder / "manifest.json"),
        params.model,
        settings["dtype"],
        {"prompts": paths.prompts, "probe": paths.probe},
    )
    batches = [
        *reader.plan_table("prompts", prompts, paths.prompts, positions["prompts"]),
        *reader.plan_table("probe", probe, paths.probe, positions["probe"]),
    ]
    with whole(snakemake.output[0]) as part:
        if settings["shards"] > 1:
            mine = part_of(batches, int(snakemake.wildcards.shard), settings["shards"])
            write_shard(part, attributes, reader.read(mine))
        else:
            token_ids = [reader.encode(text).ids for text in prompts.text]
            blocks = reader.read(batches)
            write_activations(part, attributes, prompts, probe, token_ids, positions, blocks)
