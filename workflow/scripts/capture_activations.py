"""Run one model over the prompts and the probe, or over one shard of them, into one file."""

import importlib.metadata
from pathlib import Path

from emovec.io.job import job

PACKAGES = ("torch", "transformers", "transformer-lens", "tokenizers")

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.capture import Reader
    from emovec.activations.shards import part_of, write_shard
    from emovec.activations.store import SCHEMA_VERSION, write_activations
    from emovec.io.files import read_json, sha256, whole
    from emovec.prompts.positions import in_probe
    from emovec.prompts.sentences import read_probe, read_prompts

    paths, params = snakemake.input, snakemake.params
    name, model, settings = snakemake.wildcards.model, params.model, params.activations
    folder = Path(paths.model[0]).parent
    manifest = read_json(folder / "manifest.json")
    prompts = read_prompts(paths.prompts, params.emotions, params.neutral)
    probe = read_probe(paths.probe)
    positions = {"prompts": settings["positions"], "probe": in_probe(settings["positions"])}

    reader = Reader.load(name, folder, model, settings, params.suffix)
    attributes = {
        "schema_version": SCHEMA_VERSION,
        "model": name,
        **{key: manifest[key] for key in ("source", "license", "architecture")},
        **{key: manifest[key] for key in ("n_layers", "d_model")},
        **{key: manifest[key] for key in ("weights_sha256", "tokenizer_sha256")},
        "prompts_sha256": sha256(paths.prompts),
        "probe_sha256": sha256(paths.probe),
        "space": model["space"],
        "normalization": reader.normalization,
        "prepend_bos": model["prepend_bos"],
        "dtype": settings["dtype"],
        "suffix": params.suffix,
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
    }
    batches = []
    for group, table, path in (("prompts", prompts, paths.prompts), ("probe", probe, paths.probe)):
        words = table.emotion_word.tolist() if "emotion_word" in table else None
        names = [f"row {key!r} of {path}" for key in table.id]
        batches += reader.plan(group, table.text.tolist(), words, names, positions[group])

    with whole(snakemake.output[0]) as part:
        if settings["shards"] == 1:
            token_ids = [reader.encode(text).ids for text in prompts.text]
            blocks = reader.read(batches)
            write_activations(part, attributes, prompts, probe, token_ids, positions, blocks)
        else:
            mine = part_of(batches, int(snakemake.wildcards.shard), settings["shards"])
            write_shard(part, attributes, reader.read(mine))
