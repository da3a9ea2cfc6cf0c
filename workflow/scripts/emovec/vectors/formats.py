"""Emotion vectors in the formats of other programs, and back.

| format | file | keys |
|---|---|---|
| safetensors | `vectors.safetensors` | `{emotion}`, float32 `[depth, d_model]` |
| gguf | `{emotion}.gguf` | `direction.N`: depth N + 1, N = 1..L − 1 |
| steering-vectors | `{emotion}.steering-vectors.safetensors` | `{block}`: depth block + 1, from 0 |
| transformer-lens | `{emotion}.transformer-lens.safetensors` | the hook point of each depth |

llama.cpp adds `direction.N` to the output of block N, counted from 0, and has no direction.0: it
reaches depths 2..L. Every file carries who its vectors belong to, as JSON under the key `emovec`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emovec.errors import InputError
from emovec.io.files import read_json, sha256, whole
from emovec.models.depths import block_before, hook_points
from emovec.vectors.directions import EmotionVectors

KEY = "emovec"


SCHEMA_VERSION = 1


IDENTITY = (
    *("model", "architecture", "n_layers", "d_model", "license", "source"),
    *("weights_sha256", "space", "position"),
)


def identity(attributes: Mapping, position: str) -> dict:
    """Whose vectors these are, from the attributes of the activations; None for what is unknown."""
    found = {name: attributes.get(name) for name in IDENTITY}
    if isinstance(source := found["source"], str):
        found["source"] = json.loads(source)
    return found | {"position": position, "schema_version": SCHEMA_VERSION}


def write_export(
    path: Path, form: str, emotion: str, vectors: Mapping[str, np.ndarray], owner: dict
) -> None:
    """Write one file of the format `form`.

    Parameters
    ----------
    emotion : the one that the file is for; of no account for safetensors, which holds all.
    vectors : `{emotion: [depth, d_model]}`, depths 0..L, in units of the residual stream.
    owner : from `identity`.
    """
    if form == "safetensors":
        _write_safetensors(path, vectors, owner | {"emotions": list(vectors)})
    elif form == "gguf":
        _write_gguf(path, vectors[emotion], owner | {"emotion": emotion})
    else:
        stream = vectors[emotion]
        names = {
            "steering-vectors": {str(block_before(k)): k for k in range(1, len(stream))},
            "transformer-lens": {name: k for k, name in enumerate(hook_points(len(stream) - 1))},
        }[form]
        tensors = {name: stream[depth] for name, depth in names.items()}
        _write_safetensors(path, tensors, owner | {"emotion": emotion})


def _write_safetensors(path: Path, tensors: Mapping[str, np.ndarray], owner: dict) -> None:
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in tensors.items()}
    with whole(path) as part:
        # one key: several would be written in another order each time
        save_file(arrays, part, {KEY: json.dumps(owner, sort_keys=True)})
        part.chmod(0o644)  # safetensors writes for its owner alone


def _write_gguf(path: Path, stream: np.ndarray, owner: dict) -> None:
    from gguf import GGUFWriter

    arch = "controlvector"
    n_layers = len(stream) - 1
    if n_layers < 2:
        raise InputError(
            f"{owner['model']} has one block, which llama.cpp cannot steer: take gguf out of "
            "exports.formats."
        )
    with whole(path) as part:
        writer = GGUFWriter(part, arch)
        writer.add_string(f"{arch}.model_hint", str(owner["architecture"]))
        writer.add_uint32(f"{arch}.layer_count", n_layers - 1)
        writer.add_string(KEY, json.dumps(owner, sort_keys=True))
        for depth in range(2, n_layers + 1):
            direction = np.ascontiguousarray(stream[depth], np.float32)
            writer.add_tensor(f"direction.{block_before(depth)}", direction)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def load_vectors(
    path: str | Path, *, model: str | Path | Mapping, space: str | None = None
) -> EmotionVectors:
    """Read `vectors.safetensors`, if its vectors belong to `model`.

    Parameters
    ----------
    model
        What they are to be used on: a model folder (as under `resources/models/`, or any in
        Hugging Face layout), or a mapping with the keys of its manifest or of the attributes of an
        activations file.
    space
        The space they are to be used in, raw or centered; that of `model` if it says so.

    Returns
    -------
    EmotionVectors with `vectors[position]`: float32 `[emotion, depth, d_model]`.

    Raises
    ------
    InputError
        If it is no such file, or its vectors are of another model, revision or space.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            owner = json.loads((file.metadata() or {})[KEY])
            emotions = owner.pop("emotions")
            stacked = np.stack([file.get_tensor(emotion) for emotion in emotions])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no vectors.safetensors of emovec ({error}): export the vectors anew."
        ) from error
    check_owner(path, owner, _described(model), space)
    return EmotionVectors(owner, emotions, {owner["position"]: stacked})


def check_owner(path: str | Path, owner: Mapping, model: Mapping, space: str | None) -> None:
    """Refuse vectors whose `owner` is not `model`.

    Raises
    ------
    InputError
        Naming the first thing that differs: architecture or shape, revision, weights, space.
    """

    def differs(name: str, there: object) -> bool:
        return None not in (owner.get(name), there) and owner[name] != there

    for name in ("architecture", "n_layers", "d_model"):
        if differs(name, model.get(name)):
            raise InputError(
                f"{path} holds vectors of {owner['model']}, whose {name} is {owner[name]}, not "
                f"{model[name]}: they cannot be used on this model."
            )
    revision = (owner.get("source") or {}).get("revision")
    other = (model.get("source") or {}).get("revision")
    if None not in (revision, other) and revision != other:
        raise InputError(
            f"{path} holds vectors of {owner['model']} at revision {revision}, not {other}: export "
            "them anew from this revision."
        )
    known = None not in (owner.get("weights_sha256"), model.get("weights_sha256"))
    if differs("weights_sha256", model.get("weights_sha256")):
        raise InputError(
            f"{path} holds vectors of {owner['model']} with other weights (SHA-256 "
            f"{owner['weights_sha256'][:12]}…, not {model['weights_sha256'][:12]}…): export them "
            "anew from this model."
        )
    if not known and owner["model"] != model.get("model"):
        raise InputError(
            f"{path} holds vectors of {owner['model']}, and nothing shows that this model is the "
            "same: name a model folder with its weights."
        )
    space = space or model.get("space")
    if differs("space", space):
        raise InputError(
            f"{path} holds vectors in the space {owner['space']}, not {space}: capture the model "
            f"anew with space: {space}."
        )


def _described(model: str | Path | Mapping) -> dict:
    """The manifest of a model, made from its files where there is none."""
    if isinstance(model, Mapping):
        found = dict(model)
        if isinstance(source := found.get("source"), str):
            found["source"] = json.loads(source)
        return found
    folder = Path(model)
    if (folder / "manifest.json").is_file():
        return read_json(folder / "manifest.json")
    if not (folder / "model.safetensors").is_file():
        raise InputError(f"{folder} has no model.safetensors: name the folder of a model.")
    return {"weights_sha256": sha256(folder / "model.safetensors")}
