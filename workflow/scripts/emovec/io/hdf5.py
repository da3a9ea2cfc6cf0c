"""HDF5 files in which damage shows, and which hold everything they say.

With checksums on data (`fletcher32` per dataset) and on everything that leads to them (the version
of the format), a flipped bit is an error; without the latter it can turn a row into zeros.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py
import numpy as np

from emovec.errors import InputError

FORMAT = ("v110", "v110")


MEND = "remove it and run again, or bring a whole file"


PATIENCE = 60  # seconds


LEVELS, LINKS = 20, 1000


DEFLATE = 1032  # numbers alike shrink to no less than this part


DAMAGE = (OSError, KeyError, RuntimeError, ValueError)  # what h5py raises for a damaged file


def said(error: Exception) -> str:
    """The words of an h5py error on one line."""
    return " ".join(str(error).strip("\"'").split()).rstrip(".")


@contextmanager
def opened(path: str | Path, what: str) -> Iterator[h5py.File]:
    """A file of ours to be read, such as `what` = "emotion vectors".

    Raises
    ------
    InputError
        If it is none, or cannot be read to the end of the block.
    """
    try:
        with h5py.File(path) as file:
            yield file
    except DAMAGE as error:
        raise InputError(
            f"{path} is no file of {what} ({said(error)}): remove it and run again."
        ) from error


def survive(path: Path, read: Callable[[], object]) -> None:
    """Let another process read first: over some damage the library crashes or never comes back.

    Raises
    ------
    InputError
        If that process does. What it raises itself is left for the reader to raise.
    """
    child = multiprocessing.get_context("fork").Process(target=_try, args=(read,), daemon=True)
    child.start()
    child.join(PATIENCE)
    if (code := child.exitcode) is None:
        child.kill()
        child.join()
    if code != 0:
        how = f"does not come back in {PATIENCE} s" if code is None else f"ends with status {code}"
        raise InputError(f"{path} cannot be read as HDF5 (its library {how}): {MEND}.")


def _try(read: Callable[[], object]) -> None:
    with suppress(Exception):
        read()


def check_own(file: h5py.File, path: Path) -> None:
    """Refuse a file that would have others read: by a link, or for the numbers of a dataset.

    Raises
    ------
    InputError
        If anything in it lies in another file, or far too deep.
    """
    waiting, links = [(file, 1)], 0
    for group, level in waiting:
        links += len(group)
        if level > LEVELS or links > LINKS:  # groups may hold themselves, or one another
            raise InputError(
                f"{path} nests groups more than {LEVELS} deep, or has more than {LINKS} parts: "
                "bring a plain one."
            )
        for name in group:
            where = f"{group.name.rstrip('/')}/{name}"
            link = group.get(name, getlink=True)
            outward = isinstance(link, h5py.ExternalLink)
            item = group[name] if isinstance(link, h5py.HardLink) else None
            if outward or (isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)):
                raise InputError(
                    f"{path} takes {where} from another file: put the values themselves into it."
                )
            if isinstance(item, h5py.Group):
                waiting.append((item, level + 1))


def check_filled(data: h5py.Dataset, path: Path) -> None:
    """Refuse a dataset that claims more numbers than compression could have packed into it.

    Raises
    ------
    InputError
        If it is too large for what the file holds of it.
    """
    if data.nbytes > DEFLATE * data.id.get_storage_size():
        raise InputError(
            f"{path}: {data.name} claims {list(data.shape)} and holds "
            f"{data.id.get_storage_size()} bytes: write all of its values."
        )


def write_scales(file: h5py.File, scales: Mapping[str, np.ndarray | Sequence[str]]) -> None:
    """The scales of axes by name, in the root of the file."""
    for name, values in scales.items():
        file[name] = values
        file[name].make_scale(name)


def write_labelled(file: h5py.File, path: str, data: np.ndarray, labels: Sequence[str]) -> None:
    """A dataset whose axes have names and, in the root of the file, scales."""
    axes = file.create_dataset(path, data=data, fletcher32=True).dims
    for axis, label in zip(axes, labels, strict=True):
        axis.label = label
        axis.attach_scale(file[label])
