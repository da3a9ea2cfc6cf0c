"""Run one model over the prompts and the probe, streaming what it reads into one file."""

import importlib.metadata
from pathlib import Path

from emovec.job import job

PACKAGES = ("torch", "transformers", "transformer-lens", "tokenizers")

with job(snakemake.rule, snakemake.log[0]):
    import torch
    from emovec.capture import Reader, choose_device, load_model
    from emovec.files import check_digests, read_json, sha256, whole
    from emovec.positions import load_encoder
    from emovec.prompts import read_probe, read_prompts
    from emovec.store import SCHEMA_VERSION, ActivationsWriter

    paths, params = snakemake.input, snakemake.params
    name, model, settings = snakemake.wildcards.model, params.model, params.activations
    manifest = read_json(paths.manifest)
    check_digests(Path(paths.manifest).parent, manifest["files"])
    prompts = read_prompts(paths.prompts, params.emotions, params.neutral)
    probe = read_probe(paths.probe)
    # the probe has no marked words
    shared = [position for position in settings["positions"] if position != "emotion_word"]

    torch.set_num_threads(snakemake.threads)
    reader = Reader(
        model=name,
        bridge=load_model(
            Path(paths.config).parent, choose_device(settings["device"]), settings["dtype"]
        ),
        encode=load_encoder(paths.tokenizer, manifest["bos_token_id"], model["prepend_bos"], name),
        suffix=params.suffix,
        batch_tokens=settings["batch_tokens"],
        centered=model["space"] == "centered",
    )
    with (
        whole(snakemake.output[0]) as part,
        ActivationsWriter(part, manifest["n_layers"] + 1, manifest["d_model"]) as writer,
    ):
        writer.attributes(
            {
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
        )
        for group, table, path, positions in (
            ("prompts", prompts, paths.prompts, settings["positions"]),
            ("probe", probe, paths.probe, shared),
        ):
            words = table.emotion_word.tolist() if "emotion_word" in table else None
            names = [f"row {key!r} of {path}" for key in table.id]
            data = {p: writer.residual(group, p, len(table)) for p in positions}
            for position, rows, residual in reader.read(
                table.text.tolist(), words, names, positions
            ):
                for row, stream in zip(rows, residual, strict=True):
                    data[position][row] = stream
        ids = [reader.encode(text).ids for text in prompts.text]
        columns = {c: prompts[c].tolist() for c in ("id", "topic", "emotion", "text")}
        writer.table("prompts", columns | {"n_tokens": [len(i) for i in ids], "token_ids": ids})
        writer.table("probe", {"id": probe.id.tolist(), "text": probe.text.tolist()})
