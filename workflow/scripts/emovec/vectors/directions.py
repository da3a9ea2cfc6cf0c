"""Emotion directions as the study defined them, and the file they are kept in.

`emotion_vec[depth] = mean(resid_emotion[depth]) − mean(resid_neutral[depth])`. Where no class is
neutral the mean of all emotions stands in its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from emovec.io.files import whole
from emovec.io.hdf5 import FORMAT, opened, write_labelled, write_scales
from emovec.statistics.unbiased import cosine


def emotion_vectors(residual: np.ndarray) -> np.ndarray:
    """Difference of means of each emotion against neutral.

    Parameters
    ----------
    residual
        `[class, topic, depth, d_model]`, neutral last.

    Returns
    -------
    NDArray
        float64 `[emotion, depth, d_model]`, in the units of the residual stream.

    Examples
    --------
    >>> joy, neutral = [[[3.0, 1.0]]], [[[1.0, 1.0]]]  # one topic, one depth, two dimensions
    >>> emotion_vectors(np.array([joy, neutral])).tolist()
    [[[2.0, 0.0]]]
    """
    means = residual.mean(1, dtype=np.float64)
    return means[:-1] - means[-1]


def cosines(vectors: np.ndarray) -> np.ndarray:
    """Cosine of every pair of emotions: `[emotion, depth, d_model]` to `[emotion, emotion, depth]`.

    NaN where a vector is zero.

    >>> cosines(np.array([[[1.0, 0.0]], [[2.0, 2.0]]])).round(3)[..., 0].tolist()
    [[1.0, 0.707], [0.707, 1.0]]
    """
    norms2 = (vectors**2).sum(-1)
    return cosine(np.einsum("ild,jld->ijl", vectors, vectors), norms2[:, None], norms2[None])


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


def norm_table(vectors: np.ndarray, residual: np.ndarray, emotions: Sequence[str]) -> pd.DataFrame:
    """Every norm of `vectors[emotion, depth, d_model]` at each depth.

    Noise has a known expected squared length in `residual`, hence a chance level for L2 alone.
    """
    chance, depths = chance_norm(residual), np.arange(vectors.shape[1])
    return pd.concat(
        pd.DataFrame(
            {
                "depth": depths,
                "relative_depth": depths / (len(depths) - 1),
                "emotion": emotion,
                "norm": norm,
                "value": value,
                "chance": expected if norm == "l2" else np.nan,
            }
        )
        for norm, values in norms(vectors).items()
        for emotion, value, expected in zip(emotions, values, chance, strict=True)
    )


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
            _, n_depths, d_model = next(iter(self.vectors.values())).shape
            scales = {"depth": np.arange(n_depths), "d_model": np.arange(d_model)}
            # two names, because an array has each dimension once in xarray
            write_scales(file, scales | dict.fromkeys(("emotion", "emotion_b"), self.emotions))
            for position, vectors in self.vectors.items():
                for emotion, vector in zip(self.emotions, vectors, strict=True):
                    path = f"emotion_vectors/{position}/{emotion}"
                    write_labelled(file, path, vector.astype("f4"), ("depth", "d_model"))
                path = f"emotion_distances/{position}"
                write_labelled(file, path, cosines(vectors), ("emotion", "emotion_b", "depth"))

    @classmethod
    def read(cls, path: str | Path) -> EmotionVectors:
        """Read a vectors file.

        Raises
        ------
        InputError
            If it is not one.
        """
        with opened(path, "emotion vectors") as file:
            metadata = json.loads(file.attrs["metadata"])
            emotions = metadata.pop("emotions")
            vectors = {
                position: np.stack([group[emotion][...] for emotion in emotions])
                for position, group in file["emotion_vectors"].items()
            }
        return cls(metadata, emotions, vectors)
