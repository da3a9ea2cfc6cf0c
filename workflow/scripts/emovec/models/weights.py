"""Weights in the safetensors format: a JSON header with byte offsets, then numbers, never code.

A file is the length of its header (eight bytes), the header, and the bytes of the tensors.
"""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from emovec.errors import InputError
from emovec.io.files import read_json

if TYPE_CHECKING:
    import numpy as np

SUFFIX = ".safetensors"


def shapes(path: Path) -> dict[str, list[int]]:
    """The shape of every tensor of a file.

    Raises
    ------
    InputError
        If it is no whole safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"{path.parent} lacks {path.name}, which its index names.")
    try:
        with safe_open(path, "np") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is no whole safetensors file ({error}): get the file anew."
        ) from error


def formats(path: Path) -> dict[str, float]:
    """The share of the weights of a file that each number format has."""
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        parts = [file.get_slice(name) for name in file.keys()]  # noqa: SIM118
        return shares((one.get_dtype(), math.prod(one.get_shape())) for one in parts)


def shares(tensors: Iterable[tuple[str, int]]) -> dict[str, float]:
    """The share of each format, largest first, from the format and size of every tensor.

    >>> shares([("F32", 10), ("Q4_K", 60), ("Q8_0", 30)])
    {'Q4_K': 0.6, 'Q8_0': 0.3, 'F32': 0.1}
    """
    found: Counter[str] = Counter()
    for name, size in tensors:
        found[name] += size
    return {name: round(size / found.total(), 4) for name, size in found.most_common()}


def n_parameters(path: Path) -> int:
    """How many numbers a file holds."""
    return sum(map(math.prod, shapes(path).values()))


def parts(index: Path) -> list[str]:
    """The names of the files that an index lists.

    Raises
    ------
    InputError
        If it is no index, or names something other than safetensors files beside it.
    """
    try:
        names = sorted(set(read_json(index)["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
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
        If a part is missing or is no whole safetensors file, or two parts hold the same tensor.
    """
    joined: dict[str, dict] = {}
    bodies = []
    offset = 0
    for part in parts:
        shapes(part)
        with part.open("rb") as stream:
            head = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
            start = stream.tell()
        head.pop("__metadata__", None)
        if twice := sorted(joined.keys() & head.keys()):
            raise InputError(f"{part} holds {twice[0]!r}, which another part holds: get it anew.")
        for name, tensor in head.items():
            begin, end = tensor["data_offsets"]
            joined[name] = tensor | {"data_offsets": [begin + offset, end + offset]}
        bodies.append((part, start))
        offset += part.stat().st_size - start
    with _begun(target, joined) as whole:
        for part, start in bodies:
            with part.open("rb") as stream:
                stream.seek(start)
                shutil.copyfileobj(stream, whole, 1 << 20)


def write(
    target: Path, shapes: Mapping[str, Sequence[int]], numbers: Callable[[str], np.ndarray]
) -> None:
    """Write float32 tensors of these shapes, each as `numbers` gives it, one after the other.

    Raises
    ------
    ValueError
        If a tensor has another shape.
    """
    header: dict[str, dict] = {}
    end = 0
    for name, shape in sorted(shapes.items()):
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": [*shape], "data_offsets": [start, end]}
    with _begun(target, header) as whole:
        for name, tensor in header.items():
            found = numbers(name)
            if [*found.shape] != tensor["shape"]:
                raise ValueError(f"{name} has the shape {[*found.shape]}, not {tensor['shape']}")
            whole.write(found.astype("<f4", order="C", copy=False))


@contextmanager
def _begun(target: Path, header: Mapping[str, dict]) -> Iterator[BinaryIO]:
    """A file that begins with this header, for the bytes of its tensors."""
    head = json.dumps({"__metadata__": {"format": "pt"}} | header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with target.open("wb") as whole:
        whole.write(len(head).to_bytes(8, "little") + head)
        yield whole
