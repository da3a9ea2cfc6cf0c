"""Emotion directions as the study defined them, and the file they are kept in.

`emotion_vec[depth] = mean(resid_emotion[depth]) − mean(resid_neutral[depth])`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from emovec.errors import InputError
from emovec.files import whole
from emovec.hdf5 import DAMAGE, FORMAT, said


def emotion_vectors(residual: np.ndarray) -> np.ndarray:
    """Difference of means of each emotion against neutral.

    Parameters
    ----------
    residual : `[class, topic, depth, d_model]`, neutral last.

    Returns
    -------
    float64 `[emotion, depth, d_model]`, in the units of the residual stream.
    """
    means = residual.mean(1, dtype=np.float64)
    return means[:-1] - means[-1]


def cosines(vectors: np.ndarray) -> np.ndarray:
    """Cosine of every pair of emotions: `[emotion, depth, d_model]` to `[emotion, emotion, depth]`.

    NaN where a vector is zero.
    """
    return cross_cosines(vectors, vectors)


def cross_cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines `[i, j, depth]` of `a[i, depth, d_model]` with `b[j, depth, d_model]`."""
    inner = np.einsum("ild,jld->ijl", a, b)
    norms = np.linalg.norm(a, axis=-1)[:, None] * np.linalg.norm(b, axis=-1)[None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(norms > 0, inner / norms, np.nan)


def norms(vectors: np.ndarray) -> dict[str, np.ndarray]:
    """L1 and L2 norms over d_model: `{"l1": [emotion, depth], "l2": …}`."""
    return {"l1": np.abs(vectors).sum(-1), "l2": np.linalg.norm(vectors, axis=-1)}


def chance_norm(residual: np.ndarray) -> np.ndarray:
    """The L2 norm that sampling noise alone gives each emotion vector, `[emotion, depth]`.

    The square root of the expected squared norm without an effect, tr Cov(D) / n, where D are the
    differences between an emotion and neutral on the same topic.
    """
    n_topics = residual.shape[1]
    chance = []
    for emotion in residual[:-1]:
        difference = (emotion - residual[-1]).astype(np.float64)  # one emotion at a time in memory
        chance.append(np.sqrt(difference.var(0, ddof=1).sum(-1) / n_topics))
    return np.stack(chance)


@dataclass(frozen=True)
class EmotionVectors:
    """`vectors[position]`: `[emotion, depth, d_model]`, in the order of `emotions`."""

    metadata: dict
    emotions: list[str]
    vectors: dict[str, np.ndarray]

    def write(self, path: str | Path) -> None:
        """Write `/emotion_vectors/{position}/{emotion}` and `/emotion_distances/{position}`."""
        with whole(path) as part, h5py.File(part, "w", track_order=True, libver=FORMAT) as file:
            file.attrs["metadata"] = json.dumps(
                self.metadata | {"emotions": self.emotions}, sort_keys=True
            )
            for position, vectors in self.vectors.items():
                for emotion, vector in zip(self.emotions, vectors, strict=True):
                    data = file.create_dataset(
                        f"emotion_vectors/{position}/{emotion}",
                        data=vector.astype("f4"),
                        fletcher32=True,
                    )
                    data.dims[0].label, data.dims[1].label = "depth", "d_model"
                distances = file.create_dataset(
                    f"emotion_distances/{position}", data=cosines(vectors), fletcher32=True
                )
                for axis, label in enumerate(("emotion", "emotion", "depth")):
                    distances.dims[axis].label = label

    @classmethod
    def read(cls, path: str | Path) -> EmotionVectors:
        """Read a vectors file.

        Raises
        ------
        InputError
            If it is not one.
        """
        try:
            with h5py.File(path) as file:
                metadata = json.loads(file.attrs["metadata"])
                emotions = metadata.pop("emotions")
                vectors = {
                    position: np.stack([group[emotion][...] for emotion in emotions])
                    for position, group in file["emotion_vectors"].items()
                }
        except DAMAGE as error:
            raise InputError(
                f"{path} is no file of emotion vectors ({said(error)}): remove it and run again."
            ) from error
        return cls(metadata, emotions, vectors)
