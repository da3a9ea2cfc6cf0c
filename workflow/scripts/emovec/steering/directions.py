"""What a model is steered with, and under which conditions.

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
from emovec.io.hdf5 import DAMAGE, FORMAT, said

EMOTION = "emotion"


CONTROLS = {
    "random": "random directions",
    "covariance": "random directions that vary as the stream does",
    "attribute": "ordinary attributes",
}


SMALLEST_SIDE = 10  # sentences with and without an attribute


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
        try:
            with h5py.File(path) as file:
                return cls(
                    json.loads(file.attrs["metadata"]),
                    file["depth"][...].tolist(),
                    file["kind"].asstr()[...].tolist(),
                    file["name"].asstr()[...].tolist(),
                    file["vectors"][...],
                    file["norms"][...],
                )
        except DAMAGE as error:
            raise InputError(
                f"{path} is no file of steering directions ({said(error)}): remove it and run "
                "again."
            ) from error


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

    Notes
    -----
    A random direction is uniform on the sphere. A covariance-matched one is a random mixture of
    the centred probe sentences, and so lies where the stream varies. An attribute is the mean
    difference between probe sentences with it and without it.
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
    width = found[0][2].shape[-1]
    found += [
        ("random", f"random {i + 1}", rng.standard_normal((len(at), width)))
        for i in range(controls)
    ]
    if len(probe):
        stream = probe[:, at].astype(float)
        centred = stream - stream.mean(axis=0)
        mixed = np.einsum("cn,ndk->cdk", rng.standard_normal((controls, len(probe))), centred)
        found += [
            ("covariance", f"covariance {i + 1}", mixture / np.sqrt(len(probe) - 1))
            for i, mixture in enumerate(mixed)
        ]
        found += _attribute_directions(stream, attributes, controls)
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


def _attribute_directions(
    stream: np.ndarray, attributes: pd.DataFrame, most: int
) -> list[tuple[str, str, np.ndarray]]:
    found = []
    for name in attributes:
        has = attributes[name].to_numpy() == 1
        if min(has.sum(), (~has).sum()) >= SMALLEST_SIDE and len(found) < most:
            found.append(("attribute", name, stream[has].mean(axis=0) - stream[~has].mean(axis=0)))
    return found
