"""Emotion vectors in the formats of other programs.

llama.cpp adds `direction.N` to the output of block N, counted from 0, and has no direction.0: it
reaches depths 2..L. Every file carries who its vectors belong to, as JSON under the key `emovec`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emovec.errors import InputError
from emovec.io.files import slugs, whole
from emovec.models.depths import block_before, hook_points
from emovec.registry import Kind, registry

if TYPE_CHECKING:
    import numpy as np

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


def _write_safetensors(path: Path, tensors: Mapping[str, np.ndarray], owner: dict) -> None:
    from safetensors.numpy import save_file

    arrays = {name: array.astype("float32", order="C") for name, array in tensors.items()}
    with whole(path) as part:
        # one key: several would be written in another order each time
        save_file(arrays, part, {KEY: json.dumps(owner, sort_keys=True)})
        part.chmod(0o644)  # safetensors writes for its owner alone


def _write_all(path: Path, emotion: str, vectors: Mapping[str, np.ndarray], owner: dict) -> None:
    _write_safetensors(path, vectors, owner | {"emotions": list(vectors)})


def _write_blocks(path: Path, emotion: str, vectors: Mapping[str, np.ndarray], owner: dict) -> None:
    stream = vectors[emotion]
    tensors = {str(block_before(depth)): stream[depth] for depth in range(1, len(stream))}
    _write_safetensors(path, tensors, owner | {"emotion": emotion})


def _write_hook_points(
    path: Path, emotion: str, vectors: Mapping[str, np.ndarray], owner: dict
) -> None:
    stream = vectors[emotion]
    tensors = dict(zip(hook_points(len(stream) - 1), stream, strict=True))
    _write_safetensors(path, tensors, owner | {"emotion": emotion})


def _write_gguf(path: Path, emotion: str, vectors: Mapping[str, np.ndarray], owner: dict) -> None:
    from gguf import GGUFWriter

    arch, stream = "controlvector", vectors[emotion]
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
        writer.add_string(KEY, json.dumps(owner | {"emotion": emotion}, sort_keys=True))
        for depth in range(2, n_layers + 1):
            direction = stream[depth].astype("float32", order="C")
            writer.add_tensor(f"direction.{block_before(depth)}", direction)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


@dataclass(frozen=True)
class Format(Kind):
    """A file format; its title says how a file is to be read, in the card of the vectors."""

    file: str  # one with {emotion} is made for each
    write: Callable[[Path, str, Mapping[str, np.ndarray], dict], None]
    """`write(path, emotion, vectors, owner)`: `vectors[emotion][depth, d_model]` are at depths 0..L
    in units of the residual stream, `owner` is from `identity`."""


FORMATS = registry(
    Format(
        "safetensors",
        "one tensor [depth, d_model] for each emotion",
        "vectors.safetensors",
        _write_all,
    ),
    Format(
        "gguf",
        "direction.N is depth N + 1, N from 1; llama.cpp and repeng add it to the output of block "
        "N, counted from 0; depths 0 and 1 are not in it",
        "{emotion}.gguf",
        _write_gguf,
    ),
    Format(
        "steering-vectors",
        "key B is depth B + 1, the output of block B, counted from 0",
        "{emotion}.steering-vectors.safetensors",
        _write_blocks,
    ),
    Format(
        "transformer-lens",
        "each key is the hook point of its depth",
        "{emotion}.transformer-lens.safetensors",
        _write_hook_points,
    ),
)


def export_files(formats: Iterable[str], emotions: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The files that are exported for each model: {name: (format, emotion)}.

    >>> export_files(["safetensors", "gguf"], ["anger", "喜び"])
    {'vectors.safetensors': ('safetensors', ''), 'anger.gguf': ('gguf', 'anger'), \
'class-2.gguf': ('gguf', '喜び')}
    """
    named = slugs(emotions) | {"": ""}
    return {
        FORMATS[name].file.format(emotion=named[emotion]): (name, emotion)
        for name in formats
        for emotion in (emotions if "{emotion}" in FORMATS[name].file else [""])
    }
