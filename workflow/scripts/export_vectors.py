"""The vectors of one model in the formats of other programs, with their card."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import numpy as np
    from emovec.activations.store import open_activations
    from emovec.io.files import read_json, sha256, write_json
    from emovec.io.tables import read_table
    from emovec.vectors.card import ALL, DEFINITION, card
    from emovec.vectors.directions import EmotionVectors
    from emovec.vectors.formats import FORMATS, identity

    paths, params = snakemake.input, snakemake.params
    position, emotions = params.position, list(params.emotions)
    activations = open_activations(paths.activations)
    owner = identity(activations.attributes, position)
    read = EmotionVectors.read(paths.vectors)
    vectors = dict(zip(read.emotions, read.vectors[position], strict=True))

    folder, files = Path(snakemake.output.card).parent, []
    for name, (form, emotion) in params.exported.items():
        FORMATS[form].write(folder / name, emotion, vectors, owner)
        files.append({"name": name, "format": form, "sha256": sha256(folder / name)})
    steering = None
    if paths.choice:
        steering = (read_json(paths.choice), read_table(paths.read_outs, "read_outs"))
    kinds = {
        "norms": "layer_norms",
        "within": "within_model_similarity",
        "decoding": "decoding",
        "texts": "decoding",
    }
    known = ("suffix", "prepend_bos", "template", "chat_template_sha256", "normalization")
    known += ("tokenizer_sha256", "prompts_sha256")
    content = card(
        owner,
        {"definition": DEFINITION.format(neutral=params.neutral or ALL)}
        | {key: activations.attributes.get(key) for key in known},
        {name: read_table(paths[name], kind) for name, kind in kinds.items()},
        emotions,
        np.median(np.linalg.norm(activations.residual(position), axis=-1), axis=0),
        files,
        steering=steering,
        alpha=params.alpha,
        untrained=params.untrained,
    )
    write_json(snakemake.output.card, content)
