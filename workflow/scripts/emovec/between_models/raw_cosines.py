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
from emovec.statistics.unbiased import cosine
from emovec.vectors.directions import emotion_vectors


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
    band, flag = np.nan, "widths_differ"
    widths = a.shape[-1], b.shape[-1]
    if widths[0] == widths[1]:
        a, b = a[:, :, depths], b[:, :, depths]
        value = _cosines(emotion_vectors(a), emotion_vectors(b))
        left_out = [_cosines(*(_left_out(x, e) for x in (a, b))).T for e in range(len(emotions))]
        low, high = jackknife_interval(value, np.stack(left_out), alpha, fisher_z=True)
        band, flag = normal.isf(alpha / 2) / np.sqrt(widths[0]), "axes_unrelated"
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
            "null": "independent_directions",
            "d_model_a": widths[0],
            "d_model_b": widths[1],
            "flag": flag,
        }
    )
    if np.isfinite(band):
        table.loc[table.value.isna(), "flag"] = "zero_vector"
    return typed(table, "cross_model_similarity")


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row by row, of `[..., d_model]`."""
    ab, aa, bb = (np.einsum("...d,...d", x, y) for x, y in ((a, b), (a, a), (b, b)))
    return cosine(ab, aa, bb)


def _left_out(residual: np.ndarray, emotion: int) -> np.ndarray:
    """The vectors of an emotion without each topic, `[topic, depth, d_model]`."""
    difference = (residual[emotion] - residual[-1]).astype(np.float64)
    return (difference.sum(0) - difference) / (len(difference) - 1)
