"""HDF5 files in which damage shows, and which hold everything they say.

With checksums on data (`fletcher32` per dataset) and on everything that leads to them (the version
of the format), a flipped bit is an error; without the latter it can turn a row into zeros.
"""

from __future__ import annotations

from pathlib import Path

import h5py

from emovec.errors import InputError

FORMAT = ("v110", "v110")


DAMAGE = (OSError, KeyError, RuntimeError, ValueError)  # what h5py raises for a damaged file


def said(error: Exception) -> str:
    """The words of an h5py error on one line."""
    return " ".join(str(error).strip("\"'").split()).rstrip(".")


def check_own(file: h5py.File, path: Path) -> None:
    """Refuse a file that would have others read: by a link, or for the numbers of a dataset.

    Raises
    ------
    InputError
        If anything in it lies in another file.
    """
    outward = []

    def link(name: str, found: object) -> None:
        if isinstance(found, h5py.ExternalLink):
            outward.append(name)

    def item(name: str, found: object) -> None:
        if isinstance(found, h5py.Dataset) and (found.external or found.is_virtual):
            outward.append(name)

    file.visititems_links(link)
    file.visititems(item)
    if outward:
        raise InputError(
            f"{path} takes /{outward[0]} from another file: put the values themselves into it."
        )
