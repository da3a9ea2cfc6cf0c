"""Held-out decoding in one model: can a direction tell two classes apart in sentences not seen?

The direction is the difference of the two means in the training topics, in whatever metric the
residuals were mapped to (in the lda metric, Fisher's direction). A sentence scores
(x − midpoint)·v/‖v‖; AUROC is taken within a fold, where midpoint and length cannot matter, and
averaged over folds. Scores are linear in the training differences, so one matrix product serves
all permutations, each with its own refitted direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emovec.decoding.folds import Folds
from emovec.statistics.arrays import Floats, mean_defined
from emovec.statistics.auroc import auroc
from emovec.statistics.metrics import Fitted
from emovec.statistics.resampling import band, jackknife_interval, p_value

BATCH = 4096  # draws at a time: bounds memory


@dataclass(frozen=True)
class Decoding:
    """An AUROC with its interval and its null of refitted within-topic label permutations."""

    auroc: float
    ci_low: float
    ci_high: float
    null_low: float
    null_high: float
    p: float
    n_test: int  # sentences
    null: Floats  # [draw], for max-T over depths


def fit_direction(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """v[d_model] and midpoint[d_model] of training sentences `[topic, d_model]` of two classes."""
    means = positive.mean(axis=0), negative.mean(axis=0)
    return means[0] - means[1], (means[0] + means[1]) / 2


def score(x: Floats, v: Floats, midpoint: Floats) -> Floats:
    """(x − midpoint)·v/‖v‖ for `x[..., d_model]`, in units of the residual stream."""
    return (x - midpoint) @ v / np.linalg.norm(v)


def decode(
    positive: ArrayLike,
    negative: ArrayLike,
    folds: Folds,
    signs: NDArray[np.int8],
    alpha: float = 0.05,
) -> Decoding:
    """Decode `positive[topic, d_model]` from `negative[topic, d_model]`, rows paired by topic.

    `signs[draw, topic]` from `inference.sign_flips` swap the labels of a topic, in training and
    test alike; shared over depths and contrasts they allow `inference.max_t` on the nulls. The
    interval is the delete-one-topic jackknife of the fold average: without each topic the
    directions are fitted and the folds tested again. It errs on the wide side; with the directions
    held fixed it would be too narrow.
    """
    x = np.stack([positive, negative]).astype(np.float64)
    x -= x[:1, :1]  # identical sentences become exactly 0
    x -= x.mean(axis=(0, 1))
    n_topics = x.shape[1]
    everything = np.ones((1, n_topics), dtype=np.int8)
    value = float(_refitted(x, folds, everything)[0])
    null = _refitted(x, folds, signs)
    loo = _refitted(x, folds, everything - np.eye(n_topics, dtype=np.int8))
    low, high = _auroc_interval(value, loo, alpha)
    null_low, null_high = band(null, alpha)
    p = float(p_value(value, null))
    n_test = int(folds.test.sum())
    return Decoding(value, low, high, float(null_low), float(null_high), p, n_test, null)


def decode_depths(
    residual: ArrayLike,
    positive: int,
    negative: int,
    folds: Folds,
    signs: NDArray[np.int8],
    metrics: Sequence[Fitted] | None = None,
    alpha: float = 0.05,
) -> list[Decoding]:
    """`decode` class `positive` from class `negative`, both indices, at every depth.

    `residual[class, topic, depth, d_model]` are first mapped by `metrics[depth]`, fitted on the
    probe, if given: with lda the direction is Fisher's. The p-values adjusted for depths are
    `max_t([one.auroc for one in decodings], np.stack([one.null for one in decodings], axis=1))`.
    """
    pair = np.asarray(residual)[[positive, negative]]
    depths = [pair[:, :, depth] for depth in range(pair.shape[2])]
    if metrics is not None:
        depths = [one.apply(x) for one, x in zip(metrics, depths, strict=True)]
    return [decode(*x, folds, signs, alpha) for x in depths]


def _refitted(x: Floats, folds: Folds, signs: NDArray[np.int8]) -> Floats:
    """AUROC[draw], averaged over folds, with each topic kept (1), swapped (−1) or left out (0)."""
    differences = x[0] - x[1]
    values = np.empty((len(folds.train), len(signs)))
    for fold, (train, test) in enumerate(zip(folds.train, folds.test, strict=True)):
        for start in range(0, len(signs), BATCH):
            part = signs[start : start + BATCH]
            # in the cheaper order: through products of topics, or of many topics through d_model
            scores = np.linalg.multi_dot([part * train.astype(float), differences, x[test].T])
            labels = np.concatenate([part[:, test[0]], -part[:, test[1]]], axis=1)
            values[fold, start : start + BATCH] = auroc(scores, labels)
    return mean_defined(values)  # a fold may lack one class


def _auroc_interval(value: float, loo: Floats, alpha: float) -> tuple[float, float]:
    """By jackknife, within [0, 1]; NaN if all scores are ties, so that nothing was measured."""
    if value == 0.5 and (loo == 0.5).all():
        return np.nan, np.nan
    low, high = (float(end) for end in jackknife_interval(value, loo, alpha))
    # Where no topic makes a difference, as when all are told apart: as many topics without one
    # exception leave room for this share of exceptions (Clopper & Pearson 1934).
    room = 1 - (alpha / 2) ** (1 / len(loo))
    return max(0.0, min(low, 1 - room)), min(1.0, max(high, room))
