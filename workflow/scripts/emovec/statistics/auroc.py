"""The area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from emovec.statistics.arrays import Floats


def auroc(scores: ArrayLike, labels: ArrayLike) -> Floats:
    """AUROC[...] of `scores[..., sentence]`; labels are 1, −1, or 0 for a sentence to leave out.

    Ties count one half; scores are ties if they are equal in float32, the precision of
    activations. NaN if a class is absent.

    >>> float(auroc([3.0, 1.0, 2.0, 0.0], [1, 1, -1, -1]))
    0.75
    """
    scores, labels = np.broadcast_arrays(np.asarray(scores, dtype=np.float32), labels)
    absent = labels == 0
    scores = np.where(absent, -np.inf, scores)
    order = np.argsort(scores, axis=-1)
    ordered = np.take_along_axis(scores, order, axis=-1)
    positive = np.take_along_axis(labels == 1, order, axis=-1)
    ranks = np.broadcast_to(np.arange(1.0, scores.shape[-1] + 1), scores.shape)
    tied = ((ordered[..., 1:] == ordered[..., :-1]) & np.isfinite(ordered[..., 1:])).any(axis=-1)
    if tied.any():
        ranks = ranks.copy()
        ranks[tied] = rankdata(ordered[tied], axis=-1)
    n_positive, n_absent = positive.sum(axis=-1), absent.sum(axis=-1)
    n_pairs = n_positive * (scores.shape[-1] - n_absent - n_positive)
    wins = (ranks * positive).sum(axis=-1) - n_positive * (n_absent + (n_positive + 1) / 2)
    return wins / np.where(n_pairs > 0, n_pairs, np.nan)
