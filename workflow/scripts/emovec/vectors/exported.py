"""Vectors that were exported, read back for the model they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emovec.errors import InputError
from emovec.io.files import read_json, sha256
from emovec.vectors.directions import EmotionVectors
from emovec.vectors.formats import KEY


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
    EmotionVectors
        Their `vectors[position]` are float32 `[emotion, depth, d_model]`.

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
