"""A model's activations captured in shards: consecutive parts of the batches, one file each.

A shard holds its blocks in the order in which one job for everything would have read them, so
that putting shards together in order does exactly what that job does.

/{block}/residual  float32 [row, depth, d_model]
/{block}/rows      the rows of its table; the table and the position are attributes of the block
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import h5py

from emovec.activations.store import Block
from emovec.errors import InputError
from emovec.io.hdf5 import DAMAGE, FORMAT, said

Item = TypeVar("Item")


def part_of(items: Sequence[Item], shard: int, shards: int) -> Sequence[Item]:
    """Part `shard` (1..shards) of consecutive items, of like size and empty only if few."""
    return items[len(items) * (shard - 1) // shards : len(items) * shard // shards]


def write_shard(path: Path, attributes: dict, blocks: Iterable[Block]) -> None:
    """Write blocks as they come, with the attributes of the whole."""
    with h5py.File(path, "w", track_order=True, libver=FORMAT) as file:
        file.attrs["activations"] = json.dumps(attributes)
        for number, block in enumerate(blocks):
            group = file.create_group(str(number))
            group.attrs.update(group=block.group, position=block.position)
            group["rows"] = block.rows
            chunk = (1, *block.residual.shape[1:])
            group.create_dataset("residual", data=block.residual, chunks=chunk, fletcher32=True)


def read_attributes(paths: list[str]) -> dict:
    """The attributes of the whole.

    Raises
    ------
    InputError
        If the shards were captured under different circumstances.
    """
    found = []
    for path in paths:
        with _opened(path) as file:
            found.append(json.loads(file.attrs["activations"]))
    for path, attributes in zip(paths, found, strict=True):
        for key, value in attributes.items():
            if value != found[0][key]:
                raise InputError(
                    f"{paths[0]} and {path} were captured with another {key} ({found[0][key]} and "
                    f"{value}): remove one of them and run again."
                )
    return found[0]


def read_blocks(paths: list[str]) -> Iterator[Block]:
    """The blocks of all shards in their order, one at a time."""
    for path in paths:
        with _opened(path) as file:
            for number in range(len(file)):
                block = file[str(number)]
                group, position = block.attrs["group"], block.attrs["position"]
                yield Block(group, position, block["rows"][...].tolist(), block["residual"][...])


@contextmanager
def _opened(path: str) -> Iterator[h5py.File]:
    try:
        with h5py.File(path) as file:
            yield file
    except DAMAGE as error:
        raise InputError(
            f"{path} cannot be read as a shard ({said(error)}): remove it and run again."
        ) from error
