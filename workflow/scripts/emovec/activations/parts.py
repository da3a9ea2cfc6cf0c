"""What one job has read of a model's activations: consecutive batches of one table, one file each.

A part holds its blocks in the order in which one job for everything would have read them, so
that putting parts together in order does exactly what that job does.

/{block}/residual  float32 [row, depth, d_model]
/{block}/rows      the rows of its table; the table and the position are attributes of the block
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import h5py

from emovec.activations.store import Block, check_room
from emovec.errors import InputError
from emovec.io.files import sha256
from emovec.io.hdf5 import FORMAT, opened

Item = TypeVar("Item")


def part_of(items: Sequence[Item], shard: int, shards: int) -> Sequence[Item]:
    """Part `shard` (1..shards) of consecutive items, of like size and empty only if few."""
    return items[len(items) * (shard - 1) // shards : len(items) * shard // shards]


def write_part(path: Path, attributes: dict, blocks: Iterable[Block], n_streams: int) -> None:
    """Write blocks as they come.

    Parameters
    ----------
    attributes : those of the whole, None where other parts state them.
    n_streams : how many rows all blocks have.

    Raises
    ------
    InputError
        If the disk has no room for them.
    """
    check_room(path.parent, n_streams * (attributes["n_layers"] + 1) * attributes["d_model"])
    with h5py.File(path, "w", track_order=True, libver=FORMAT) as file:
        file.attrs["activations"] = json.dumps(attributes)
        for number, block in enumerate(blocks):
            group = file.create_group(str(number))
            group.attrs.update(group=block.group, position=block.position)
            group["rows"] = block.rows
            chunk = (1, *block.residual.shape[1:])
            group.create_dataset("residual", data=block.residual, chunks=chunk, fletcher32=True)


def read_attributes(paths: Sequence[str], tables: dict[str, str]) -> dict:
    """The attributes of the whole: of each what the first part states that states it.

    Parameters
    ----------
    tables : the files of the sentences, by group.

    Raises
    ------
    InputError
        If the parts were captured under different circumstances, or of other sentences.
    """
    whole, first = {}, {}
    for path in paths:
        with opened(path, "activations") as file:
            attributes = json.loads(file.attrs["activations"])
        for key, value in attributes.items():
            if whole.get(key) is None:
                whole[key], first[key] = value, path
            elif value not in (None, whole[key]):
                raise InputError(
                    f"{first[key]} and {path} were captured with another {key} ({whole[key]} and "
                    f"{value}): remove the older one and run again."
                )
    for group, table in tables.items():
        if whole[key := f"{group}_sha256"] != sha256(table):
            raise InputError(
                f"{first[key]} was captured from another {table} than is there now: remove it and "
                "run again."
            )
    return whole


def read_blocks(paths: Sequence[str]) -> Iterator[Block]:
    """The blocks of all parts in their order, one at a time."""
    for path in paths:
        with opened(path, "activations") as file:
            for number in range(len(file)):
                block = file[str(number)]
                group, position = block.attrs["group"], block.attrs["position"]
                yield Block(group, position, block["rows"][...].tolist(), block["residual"][...])
