"""Transfer decoding: does a direction mapped from another model separate held-out sentences?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emovec.statistics.arrays import Array, divide
from emovec.statistics.auroc import auroc
from emovec.statistics.resampling import jackknife_interval


@dataclass(frozen=True)
class HeldOut:
    """Area under the ROC curve of held-out topics, averaged over folds."""

    auroc: float
    deleted: Array  # [topic], with that topic left out of its fold

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Delete-one-topic jackknife within [0, 1]; the directions stay as trained."""
        low, high = jackknife_interval(self.auroc, self.deleted, alpha)
        return max(0.0, float(low)), min(1.0, float(high))


def topic_folds(n: int, folds: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Fold of each of n topics, as even as can be, in random order; at least two folds."""
    return rng.permutation(np.arange(n) % max(2, min(folds, n // 2)))


def held_out_auroc(
    directions: Array, positive: Array, negative: Array, fold: NDArray[np.int_]
) -> HeldOut:
    """Separate held-out sentences along the mean difference of the training topics.

    Parameters
    ----------
    directions : [topic, q]
        One difference vector per topic, already mapped into the space of the sentences. For
        decoding inside a model: positive − negative.
    positive, negative : [topic, q]
        The sentences to score, one of each kind per topic.
    fold : [topic]
        All sentences of a topic are in one fold.
    """
    deleted = np.empty(len(fold))
    values = []
    for number in np.unique(fold):
        test = np.flatnonzero(fold == number)
        direction = directions[fold != number].mean(axis=0)
        high, low = positive[test] @ direction, negative[test] @ direction
        wins, losses = _below(high, low), len(test) - _below(low, high)
        own = 0.5 * (high > low) + 0.5 * (high >= low)
        values.append(wins.mean() / len(test))
        without = wins.sum() - losses - wins + own
        deleted[test] = divide(without, (len(test) - 1) ** 2) - values[-1]
    value = float(np.mean(values))
    return HeldOut(value, value + deleted / len(values))


def random_aurocs(scores_positive: Array, scores_negative: Array, fold: NDArray[np.int_]) -> Array:
    """Fold-averaged AUROC `[draw]` of scores `[topic, draw]` along fixed directions."""
    found = []
    for number in np.unique(fold):
        test = fold == number
        scores = np.concatenate([scores_positive[test], scores_negative[test]])
        found.append(auroc(scores.T, np.repeat([1, -1], test.sum())))
    return np.mean(found, axis=0)


def _below(one: Array, others: Array) -> Array:
    """How many of `others` lie below each of `one`; ties count ½."""
    ordered = np.sort(others)
    left, right = (np.searchsorted(ordered, one, side) for side in ("left", "right"))
    return 0.5 * (left + right)
