"""The activations file: residual streams of the prompts and the probe, with their labels (HDF5).

/residual/{position}        float32 [prompt, depth, d_model]
/probe/residual/{position}  float32 [sentence, depth, d_model]
/prompts/{id,topic,emotion,text,n_tokens,token_ids}, /probe/{id,text}
/{prompt,sentence,depth,d_model}: the scales of all of these, so that xarray opens the file
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd

from emovec.errors import InputError
from emovec.io.files import sha256
from emovec.io.hdf5 import DAMAGE, FORMAT, MEND, check_filled, check_own, said, survive
from emovec.prompts.design import in_cells

SCHEMA_VERSION = 1


RESIDUAL = {"prompts": "residual", "probe": "probe/residual"}


ROW = {"prompts": "prompt", "probe": "sentence"}


@dataclass(frozen=True)
class Activations:
    """An open activations file; residual streams are read when asked for."""

    path: Path
    attributes: dict
    prompts: pd.DataFrame
    sentences: pd.DataFrame | None  # of the probe
    positions: list[str]

    @property
    def model(self) -> str:
        return self.attributes["model"]

    @property
    def n_layers(self) -> int:
        return int(self.attributes["n_layers"])

    @property
    def d_model(self) -> int:
        return int(self.attributes["d_model"])

    def residual(self, position: str) -> np.ndarray:
        """float32 `[prompt, depth, d_model]` of the prompts."""
        return self._read(f"residual/{position}")

    def probe(self, position: str, ids: list[str]) -> np.ndarray:
        """float32 `[sentence, depth, d_model]` of the probe sentences `ids`, in their order.

        Empty (no sentence) if the file has no probe at this position.

        Raises
        ------
        InputError
            If the file has a probe without one of these sentences.
        """
        with h5py.File(self.path) as file:
            if f"probe/residual/{position}" not in file:
                return np.empty((0, self.n_layers + 1, self.d_model), np.float32)
        known = [] if self.sentences is None else self.sentences.id
        rows = {key: row for row, key in enumerate(known)}
        if missing := [key for key in ids if key not in rows]:
            raise InputError(
                f"{self.path} lacks the probe sentence {missing[0]!r}: capture it anew with the "
                "probe file of the config."
            )
        return self._read(f"probe/residual/{position}")[[rows[key] for key in ids]]

    def by_class(self, position: str, classes: list[str | None]) -> np.ndarray:
        """float32 `[class, topic, depth, d_model]`: the mean over the sentences of each cell.

        A last class of None is the mean of the others.

        Raises
        ------
        InputError
            If a topic lacks one of the classes.
        """
        try:
            return in_cells(self.prompts, classes, self.residual(position))
        except ValueError as error:
            raise InputError(f"{self.path} has {error}: {MEND}.") from error

    def _read(self, name: str) -> np.ndarray:
        try:
            with h5py.File(self.path) as file:
                values = file[name][...]
        except DAMAGE as error:
            raise InputError(
                f"{self.path}: {name} cannot be read ({said(error)}): {MEND}."
            ) from error
        return values


def open_activations(path: str | Path) -> Activations:
    """Open an activations file and check that it is one.

    Raises
    ------
    InputError
        If it is not HDF5, is cut short, or lacks what every activations file has.
    """
    path = Path(path)
    survive(path, lambda: _read_labels(path))
    return _read_labels(path)


def _read_labels(path: Path) -> Activations:
    try:
        with h5py.File(path) as file:
            check_own(file, path)
            needed = ["residual", "prompts/id", "prompts/emotion"]
            needed += ["probe/id"] if "probe/residual" in file else []
            if missing := [name for name in needed if name not in file]:
                raise InputError(f"{path} is no activations file: it lacks {', '.join(missing)}.")
            prompts = _text(file, path, "prompts", ("id", "topic", "emotion", "text"))
            probe = _text(file, path, "probe", ("id", "text"))
            attributes = {name: _plain(value) for name, value in file.attrs.items()}
            positions = list(file["residual"])
            _, n_depths, d_model = file[f"residual/{positions[0]}"].shape
            _check_shapes(file, path, (len(prompts), len(probe), n_depths, d_model))
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        raise InputError(
            f"{path} is no activations file: /residual/{{position}} must be "
            "[prompt, depth, d_model] and /prompts must hold text."
        ) from error
    except DAMAGE as error:
        raise InputError(f"{path} cannot be read as HDF5 ({said(error)}): {MEND}.") from error
    attributes |= {"n_layers": n_depths - 1, "d_model": d_model}
    return Activations(path, attributes, prompts, probe if "id" in probe else None, positions)


def _text(file: h5py.File, path: Path, group: str, columns: tuple[str, ...]) -> pd.DataFrame:
    found = {column: file[name] for column in columns if (name := f"{group}/{column}") in file}
    for data in found.values():
        check_filled(data, path)
    return pd.DataFrame({column: data.asstr()[...] for column, data in found.items()})


def check_same_sentences(files: Sequence[Activations], **now: str | Path) -> None:
    """Compare what `files` were made of, as far as they state it, with one another.

    `prompts` and `probe` in `now` are the files of today, compared too.

    Raises
    ------
    InputError
        If one was made of other sentences.
    """
    for what in ("prompts", "probe"):
        stated = [(file.path, file.attributes.get(f"{what}_sha256")) for file in files]
        if what in now:
            stated.insert(0, (Path(now[what]), sha256(now[what])))
        known = [(path, digest) for path, digest in stated if digest not in (None, "not stated")]
        for path, digest in known:
            if digest != known[0][1]:
                raise InputError(
                    f"{known[0][0]} and {path} differ in the {what} file that they hold or were "
                    "made of, because it was changed while the workflow ran: run again."
                )


def _check_shapes(file: h5py.File, path: Path, expected: tuple[int, int, int, int]) -> None:
    n_prompts, n_probe, *shape = expected
    for group, rows in (("residual", n_prompts), ("probe/residual", n_probe)):
        for position, data in file.get(group, {}).items():
            if data.shape != (rows, *shape) or data.dtype.kind != "f":
                raise InputError(
                    f"{path}: /{group}/{position} is {data.dtype} {list(data.shape)} where "
                    f"floating-point numbers {[rows, *shape]} are needed, a row for each id."
                )
            check_filled(data, path)
    if min(shape) < 1:
        raise InputError(
            f"{path}: /residual has {shape[0]} depths of {shape[1]} numbers: bring all depths."
        )


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


class Block(NamedTuple):
    """What one batch gave at one position: float32 residual `[row, depth, d_model]` of `rows`."""

    group: str
    position: str
    rows: list[int]
    residual: np.ndarray


def check_room(folder: Path, numbers: int) -> None:
    """Raise InputError if the disk of `folder` has no room for so many numbers in float32."""
    if 4 * numbers > (free := shutil.disk_usage(folder).free):
        raise InputError(
            f"{folder} has {free / 2**20:.1f} MiB free and the activations take "
            f"{4 * numbers / 2**20:.1f} MiB or more: make room there and run again."
        )


class ActivationsWriter:
    """Writes an activations file row by row, so that memory does not grow with the prompts."""

    def __init__(self, path: Path, n_depths: int, d_model: int) -> None:
        self.file = h5py.File(path, "w", track_order=True, libver=FORMAT)
        self.path, self.shape = path, (n_depths, d_model)
        self.needed = 0

    def __enter__(self) -> ActivationsWriter:
        return self

    def __exit__(self, *problem: object) -> None:
        self.file.close()

    def attributes(self, values: dict[str, object]) -> None:
        for name, value in values.items():
            self.file.attrs[name] = (
                json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value
            )

    def residual(self, group: str, position: str, n_rows: int) -> h5py.Dataset:
        """An empty `[row, depth, d_model]` dataset with named axes and checksums.

        Raises
        ------
        InputError
            If the disk has no room for it and for those before it, which fill up later.
        """
        self.needed += n_rows * math.prod(self.shape)
        check_room(self.path.parent, self.needed)
        data = self.file.create_dataset(
            f"{RESIDUAL[group]}/{position}",
            (n_rows, *self.shape),
            "f4",
            chunks=(1, *self.shape),
            fletcher32=True,
        )
        for axis, label in zip(data.dims, (ROW[group], "depth", "d_model"), strict=True):
            axis.label = label
        for axis, label, size in zip((1, 2), ("depth", "d_model"), self.shape, strict=True):
            data.dims[axis].attach_scale(self._scale(label, np.arange(size)))
        return data

    def _scale(self, name: str, values: np.ndarray | list[str]) -> h5py.Dataset:
        """The dimension scale `name`, made if it is not there; at the root, where netCDF looks."""
        if name not in self.file:
            scale = (
                self._text(name, values)
                if isinstance(values[0], str)
                else self.file.create_dataset(name, data=values)
            )
            scale.make_scale(name)
        return self.file[name]

    def _text(self, path: str, values: list[str]) -> h5py.Dataset:
        # of one length, because text of any length is kept where there are no checksums
        text = [value.encode() for value in values]
        kind = h5py.string_dtype("utf-8", max(map(len, text)))
        data = self.file.create_dataset(
            path, data=np.array(text, kind), dtype=kind, chunks=True, fletcher32=True
        )
        data.attrs["_Encoding"] = "utf-8"  # so that xarray reads text, not bytes
        return data

    def table(self, group: str, columns: dict[str, list]) -> None:
        """Columns of text or integers under `group`; lists of ids become ragged int32."""
        for name, values in columns.items():
            path = f"{group}/{name}"
            if values and isinstance(values[0], str):
                self._text(path, values)
            elif values and isinstance(values[0], list):
                ragged = self.file.create_dataset(path, (len(values),), h5py.vlen_dtype("i4"))
                for row, ids in enumerate(values):
                    ragged[row] = np.asarray(ids, "i4")
            else:
                self.file.create_dataset(path, data=np.asarray(values, "i4"))
        rows = self._scale(ROW[group], columns["id"])
        residual = self.file[RESIDUAL[group]].values()
        for data in [*residual, *(self.file[f"{group}/{name}"] for name in columns)]:
            data.dims[0].attach_scale(rows)


def write_activations(
    path: Path,
    attributes: dict,
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    token_ids: list[list[int]],
    positions: dict[str, list[str]],
    blocks: Iterable[Block],
) -> None:
    """Write a file of captured activations; the same blocks in the same order give the same bytes.

    Parameters
    ----------
    token_ids : the tokens of each prompt.
    positions : those read in `prompts` and in `probe`.
    """
    tables = {"prompts": prompts, "probe": probe}
    with ActivationsWriter(path, attributes["n_layers"] + 1, attributes["d_model"]) as writer:
        writer.attributes(attributes)
        data = {
            (group, position): writer.residual(group, position, len(tables[group]))
            for group, names in positions.items()
            for position in names
        }
        for block in blocks:
            for row, stream in zip(block.rows, block.residual, strict=True):
                data[block.group, block.position][row] = stream
        columns = {c: prompts[c].tolist() for c in ("id", "topic", "emotion", "text")}
        columns |= {"n_tokens": [len(ids) for ids in token_ids], "token_ids": token_ids}
        writer.table("prompts", columns)
        writer.table("probe", {c: probe[c].tolist() for c in ("id", "text")})


def check_finite(
    residual: np.ndarray, names: Sequence[str], position: str, source: str, remedy: str
) -> None:
    """Raise InputError if a value of `residual[row, depth, d_model]` is not finite."""
    finite = np.isfinite(residual).all(-1)
    if not finite.all():
        row, depth = np.argwhere(~finite)[0]
        raise InputError(
            f"{source} that is not finite in float32 for {names[row]} at position {position}, "
            f"depth {depth}: {remedy}."
        )
