"""Distances and cosines of many emotions in one model at every depth: geometry/{model}.h5."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from emovec.activations.streams import Streams
from emovec.geometry.distances import Apart, cosines, square
from emovec.geometry.sharing import own_parts
from emovec.io.files import whole
from emovec.io.hdf5 import FORMAT, opened, write_labelled, write_scales
from emovec.statistics import metrics
from emovec.statistics.arrays import Floats, Mask

KINDS = ("distances", "distances_error", "cosines", "cosines_error")
AXES = ("emotion", "emotion_b", "depth")


def matrices_at(streams: Streams, near: Mask) -> dict[str, Floats]:
    """Each of KINDS `[emotion, emotion, depth]` at the position of `streams`.

    Whitened by the probe where there is one. Cosines are of what emotions have of their own, errors
    are standard errors over topics; `near[emotion, topic, topic]` as everywhere.
    """
    residual, probe = np.asarray(streams.residual), np.asarray(streams.probe)
    metric, found = "lda" if len(probe) else "raw", []
    for depth in range(residual.shape[2]):
        x = metrics.fit(metric, probe[:, depth]).apply(residual[:, :, depth])
        value, error, _ = Apart.of([x], near).whole()
        found.append([value, error, *cosines(own_parts(x), near)])
    values = square(np.moveaxis(np.array(found), 0, 1), len(near))  # [kind, depth, …]
    values[KINDS.index("cosines")] += np.eye(len(near))
    return dict(zip(KINDS, np.moveaxis(values, 1, -1), strict=True))


@dataclass(frozen=True)
class Matrices:
    """`values[position][kind]`, each `[emotion, emotion, depth]` in the order of `emotions`."""

    model: str
    emotions: Sequence[str]
    order: Sequence[str]  # the emotions so that near ones stand together
    values: Mapping[str, Mapping[str, Floats]]

    def write(self, path: str | Path) -> None:
        """Write `/{kind}/{position}`; the names of the axes are scales."""
        depths = next(iter(next(iter(self.values.values())).values())).shape[-1]
        with whole(path) as part, h5py.File(part, "w", track_order=True, libver=FORMAT) as file:
            file.attrs["metadata"] = json.dumps({"model": self.model})
            names = list(self.emotions)
            scales = zip(AXES, (names, names, np.arange(depths)), strict=True)
            write_scales(file, dict(scales))
            file["order"] = list(self.order)
            for position, of_kind in self.values.items():
                for kind, values in of_kind.items():
                    write_labelled(file, f"{kind}/{position}", values, AXES)

    @classmethod
    def read(cls, path: str | Path) -> Matrices:
        """Read a file of matrices.

        Raises
        ------
        InputError
            If it is not one.
        """
        with opened(path, "distances") as file:
            return cls(
                json.loads(file.attrs["metadata"])["model"],
                file["emotion"].asstr()[...].tolist(),
                file["order"].asstr()[...].tolist(),
                {
                    position: {kind: file[kind][position][...] for kind in KINDS}
                    for position in file[KINDS[0]]
                },
            )
