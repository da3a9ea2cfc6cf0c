"""Run one model over the prompts or over the probe, or over one shard of them."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.capture import Reader, origin
    from emovec.activations.parts import part_of, write_part
    from emovec.io.files import read_json, whole
    from emovec.prompts.sentences import read_probe, read_prompts

    paths, params, settings = snakemake.input, snakemake.params, snakemake.params.activations
    path, folder = paths.sentences, Path(paths.model[0]).parent
    if params.group == "prompts":
        table = read_prompts(path, params.emotions, params.neutral)
    else:
        table = read_probe(path)
    reader = Reader.load(snakemake.wildcards.model, folder, params.model, settings, params.suffix)
    manifest = read_json(folder / "manifest.json")
    attributes = origin(reader, manifest, params.model, settings["dtype"], {params.group: path})
    batches = reader.plan_table(params.group, table, path, settings["positions"])
    mine = part_of(batches, params.shard, settings["shards"])
    with whole(snakemake.output[0]) as part:
        write_part(part, attributes, reader.read(mine), sum(batch.n_streams for batch in mine))
