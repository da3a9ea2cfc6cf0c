"""Weights in the safetensors format: a JSON header with byte offsets, then numbers, never code.

A file is the length of its header (eight bytes), the header, and the bytes of the tensors.
"""

from __future__ import annotations

import json
import math
import shutil
import struct
from pathlib import Path

from emovec.errors import InputError
from emovec.io.files import read_json

SUFFIX = ".safetensors"


MAX_HEADER = 100_000_000  # bytes; the limit of the format


def header(path: Path) -> tuple[dict[str, dict], int]:
    """The tensors of a file, with their shapes and offsets, and the byte where their data begin.

    Raises
    ------
    InputError
        If it is no whole safetensors file.
    """
    if not path.is_file():
        raise InputError(f"{path.parent} lacks {path.name}, which its index names.")
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > min(size - 8, MAX_HEADER):
                raise ValueError("its header is longer than itself")
            tensors = json.loads(stream.read(length))
        tensors.pop("__metadata__", None)
        ends = [tensor["data_offsets"][1] for tensor in tensors.values()]
        if max(ends) != size - 8 - length:
            raise ValueError(f"it has {size} bytes and names {8 + length + max(ends)}")
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        said = f"{error}" if type(error) is ValueError else "its header cannot be read"
        raise InputError(
            f"{path} is no whole safetensors file ({said}): get the file anew."
        ) from error
    return tensors, 8 + length


def n_parameters(path: Path) -> int:
    """How many numbers a file holds."""
    return sum(math.prod(tensor["shape"]) for tensor in header(path)[0].values())


def parts(index: Path) -> list[str]:
    """The names of the files that an index lists.

    Raises
    ------
    InputError
        If it is no index, or names something else than safetensors files beside it.
    """
    try:
        names = sorted(set(read_json(index)["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{index} is no index of safetensors files: get it anew.") from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or Path(name).suffix != SUFFIX:
            raise InputError(
                f"{index} names {name!r}, which is no safetensors file beside it: get it anew."
            )
    return names


def merge(parts: list[Path], target: Path) -> None:
    """Join sharded weights into one file, streaming, so that memory does not grow with them.

    Raises
    ------
    InputError
        If a part lacks or is no whole safetensors file.
    """
    joined: dict[str, dict] = {}
    bodies = []
    offset = 0
    for part in parts:
        tensors, start = header(part)
        for name, tensor in tensors.items():
            begin, end = tensor["data_offsets"]
            joined[name] = tensor | {"data_offsets": [begin + offset, end + offset]}
        bodies.append((part, start))
        offset += part.stat().st_size - start
    head = json.dumps({"__metadata__": {"format": "pt"}} | joined).encode()
    head += b" " * (-len(head) % 8)
    with target.open("wb") as whole:
        whole.write(struct.pack("<Q", len(head)) + head)
        for part, start in bodies:
            with part.open("rb") as stream:
                stream.seek(start)
                shutil.copyfileobj(stream, whole, 1 << 20)
