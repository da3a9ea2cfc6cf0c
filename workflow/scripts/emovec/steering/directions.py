"""The directions that a model is steered with: its emotions and their controls.

Every direction is a unit vector per depth; strength is the length of what is added, in medians of
the residual stream's length at that depth, so that an emotion and its controls push equally hard.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from emovec.errors import InputError
from emovec.io.files import whole
from emovec.io.hdf5 import FORMAT, opened
from emovec.steering.controls import CONTROLS

EMOTION = "emotion"


@dataclass(frozen=True)
class Directions:
    """Unit vectors `vectors[direction, depth, d_model]`; `norms[direction, depth]` as found."""

    metadata: dict
    depths: list[int]
    kinds: list[str]
    names: list[str]
    vectors: np.ndarray
    norms: np.ndarray

    def write(self, path: str | Path) -> None:
        text = h5py.string_dtype("utf-8")
        with whole(path) as part, h5py.File(part, "w", libver=FORMAT, track_order=True) as file:
            file.attrs["metadata"] = json.dumps(self.metadata, sort_keys=True)
            file["depth"] = np.asarray(self.depths, "i4")
            file.create_dataset("kind", data=self.kinds, dtype=text)
            file.create_dataset("name", data=self.names, dtype=text)
            data = file.create_dataset("vectors", data=self.vectors.astype("f4"), fletcher32=True)
            for axis, label in zip(data.dims, ("direction", "depth", "d_model"), strict=True):
                axis.label = label
            file["norms"] = self.norms

    @classmethod
    def read(cls, path: str | Path) -> Directions:
        """Read a directions file.

        Raises
        ------
        InputError
            If it is not one.
        """
        with opened(path, "steering directions") as file:
            return cls(
                json.loads(file.attrs["metadata"]),
                file["depth"][...].tolist(),
                file["kind"].asstr()[...].tolist(),
                file["name"].asstr()[...].tolist(),
                file["vectors"][...],
                file["norms"][...],
            )


def make_directions(
    emotions: dict[str, np.ndarray],
    probe: np.ndarray,
    attributes: pd.DataFrame,
    depths: Sequence[int],
    controls: int,
    rng: np.random.Generator,
    metadata: dict,
) -> Directions:
    """The emotion vectors at some depths and, for each kind of control, `controls` directions.

    Parameters
    ----------
    emotions : emotion vectors `[depth, d_model]` over all depths of the model.
    probe : [sentence, depth, d_model], the residual stream of the probe; may have no sentence.
    attributes : the columns `attr_*` of the probe, 0 or 1; the first that have ten sentences on
        either side are used.

    Raises
    ------
    InputError
        If an emotion vector is zero at one of the depths.
    """
    at = list(depths)
    found = [(EMOTION, name, vectors[at].astype(float)) for name, vectors in emotions.items()]
    for _, name, vectors in found:
        for depth, vector in zip(at, vectors, strict=True):
            if not vector.any():
                raise InputError(
                    f"The vector of {name} is zero at depth {depth} of "
                    f"{metadata.get('source', metadata['model'])}, position "
                    f"{metadata['position']}: take that depth out of steering.depths, or set "
                    "steering.position to another position."
                )
    stream = probe[:, at].astype(float)
    for kind, control in CONTROLS.items():
        found += [(kind, *one) for one in control.make(stream, attributes, controls, rng)]
    kinds, names, vectors = zip(*found, strict=True)
    return unit(metadata, at, kinds, names, np.stack(vectors))


def unit(
    metadata: dict,
    depths: Sequence[int],
    kinds: Sequence[str],
    names: Sequence[str],
    vectors: np.ndarray,
) -> Directions:
    """Directions of length 1; one that is zero stays zero."""
    norms = np.linalg.norm(vectors, axis=-1)
    scaled = vectors / np.where(norms > 0, norms, 1)[..., None]
    return Directions(metadata, list(depths), list(kinds), list(names), scaled, norms)
