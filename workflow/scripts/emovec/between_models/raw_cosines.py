"""The study's comparison between models: the raw cosine, axis by axis, at equal depths.

It is re-created so that it can be read beside its chance band and beside the rotated twin, which
shows that it says nothing of what two models share.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm as normal

from emovec.io.tables import typed
from emovec.statistics.resampling import jackknife_interval
from emovec.vectors.directions import cross_cosines, emotion_vectors

UNRELATED = "axes of two models do not correspond"


def raw_cosines(
    names: tuple[str, str],
    a: np.ndarray,
    b: np.ndarray,
    emotions: Sequence[str],
    position: str,
    alpha: float,
) -> pd.DataFrame:
    """Rows of cross_model_similarity.csv with method raw, at the depths both models have.

    Parameters
    ----------
    a, b : residual streams `[class, topic, depth, d_model]`, neutral last.

    The null is N(0, 1/d), the cosine of independent directions; the interval a delete-one-topic
    jackknife. Values are empty, and `flag` says why, where d_model differs or a vector is zero.
    """
    last = np.array([a.shape[2] - 1, b.shape[2] - 1])
    depths = np.arange(last.min() + 1)
    shape = (len(emotions), len(depths))
    value = low = high = np.full(shape, np.nan)
    band, flag = np.nan, f"d_model differs ({a.shape[-1]} and {b.shape[-1]})"
    if a.shape[-1] == b.shape[-1]:
        a, b = a[:, :, depths], b[:, :, depths]
        value = _diagonal(emotion_vectors(a), emotion_vectors(b))
        low, high = jackknife_interval(value, _left_out(a, b), alpha, fisher_z=True)
        band, flag = normal.isf(alpha / 2) / np.sqrt(a.shape[-1]), UNRELATED
    table = pd.DataFrame(
        {
            "model_a": names[0],
            "model_b": names[1],
            "position": position,
            "depth_a": np.tile(depths, len(emotions)),
            "depth_b": np.tile(depths, len(emotions)),
            "relative_depth_a": np.tile(depths / max(last[0], 1), len(emotions)),
            "relative_depth_b": np.tile(depths / max(last[1], 1), len(emotions)),
            "emotion_a": np.repeat(emotions, len(depths)),
            "emotion_b": np.repeat(emotions, len(depths)),
            "method": "raw",
            "stat": "cos_naive",
            "value": value.ravel(),
            "ci_low": low.ravel(),
            "ci_high": high.ravel(),
            "null_low": -band,
            "null_high": band,
            "null": "independent directions, N(0, 1/d)",
            "flag": flag,
        }
    )
    if np.isfinite(band):
        table.loc[table.value.isna(), "flag"] = "zero vector"
    return typed(table, "cross_model_similarity")


def _diagonal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of each emotion with itself, `[emotion, depth]`."""
    return np.stack([cross_cosines(x[None], y[None])[0, 0] for x, y in zip(a, b, strict=True)])


def _left_out(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The cosines without each topic, `[emotion, depth, topic]`."""

    def vectors(residual: np.ndarray, emotion: int) -> np.ndarray:
        """`[topic, depth, d_model]`"""
        difference = (residual[emotion] - residual[-1]).astype(np.float64)
        return (difference.sum(0) - difference) / (len(difference) - 1)

    found = []
    for emotion in range(len(a) - 1):
        x, y = vectors(a, emotion), vectors(b, emotion)
        norms = np.linalg.norm(x, axis=-1) * np.linalg.norm(y, axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append((np.einsum("tld,tld->tl", x, y) / norms).T)
    return np.stack(found)
