"""Held-out decoding: can a direction tell two classes apart in sentences not seen?

The direction is the difference of the two means in the training topics, of the sentences' own
model or carried over from another. A sentence scores (x − midpoint)·v/‖v‖; AUROC is taken within a
fold, where midpoint and length cannot matter, and averaged over folds. Scores are linear in the
training differences, so matrix products serve all permutations, each with its own refitted
direction, and all topics left out. With more topics than dimensions, their time grows with topics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emovec.statistics.arrays import Floats
from emovec.statistics.auroc import HeldOut, each_left_out, labelled, over_folds
from emovec.statistics.folds import Folds
from emovec.statistics.resampling import BATCH, band, p_value


@dataclass(frozen=True)
class Decoding(HeldOut):
    """An AUROC with its interval and its null of refitted within-topic label permutations."""

    ci_low: float
    ci_high: float
    null_low: float
    null_high: float
    p: float
    n_test: int  # sentences
    null: Floats  # [draw], for max-T over depths


def decode(
    positive: ArrayLike,
    negative: ArrayLike,
    folds: Folds,
    signs: NDArray[np.int8],
    alpha: float = 0.05,
) -> Decoding:
    """Decode `positive[topic, d_model]` from `negative[topic, d_model]`, rows paired by topic.

    `signs[draw, topic]` from `resampling.sign_flips` swap the labels of a topic, in training and
    test alike; shared over depths and contrasts they allow `resampling.max_t` on the nulls. The
    interval is the delete-one-topic jackknife of the fold average: without each topic the
    directions are fitted and the folds tested again. It errs on the wide side; with the directions
    held fixed it would be too narrow.
    """
    x = _centred([positive, negative])
    signs = np.vstack([each_left_out(x.shape[1]), signs])
    return _decoding(_refitted(x[0] - x[1], x, folds, signs), folds, alpha)


def decode_among(
    x: ArrayLike, folds: Folds, chosen: NDArray[np.intp], alpha: float = 0.05
) -> Decoding:
    """Decode the first class of `x[class, topic, d_model]` from all others, rows paired by topic.

    Where no class is neutral, directions are differences from the mean of all. In each draw
    `chosen[draw, topic]` is the class that has the first one's label, in training and test alike:
    all classes of a topic are exchangeable. Otherwise as `decode`; `folds` are those of
    `Folds.among`.
    """
    x = _centred(x)
    n_classes, n_topics, _ = x.shape
    differences = (x - x.mean(axis=0)).reshape(n_classes * n_topics, -1)
    drawn = np.where(np.arange(n_classes)[:, None] == chosen[:, None], 1, -1)
    labels = np.concatenate([labelled(each_left_out(n_topics), n_classes), drawn.astype(np.int8)])
    return _decoding(_refitted(differences, x, folds, labels), folds, alpha)


def _decoding(values: Floats, folds: Folds, alpha: float) -> Decoding:
    """From the AUROC of each topic left out, and of each draw after them."""
    n_topics = folds.train.shape[1]
    held_out, null = HeldOut.of(values[: 1 + n_topics]), values[1 + n_topics :]
    low, high = held_out.interval(alpha)
    null_low, null_high = (float(end) for end in band(null, alpha))
    p = float(p_value(held_out.auroc, null))
    n_test = int(folds.test.sum())
    return Decoding(
        held_out.auroc, held_out.left_out, low, high, null_low, null_high, p, n_test, null
    )


def decode_depths(
    residual: ArrayLike,
    positive: int,
    negative: int,
    folds: Folds,
    signs: NDArray[np.int8],
    alpha: float = 0.05,
) -> list[Decoding]:
    """`decode` class `positive` from class `negative`, both indices, at every depth.

    Of `residual[class, topic, depth, d_model]`. The p-values adjusted for depths are
    `max_t([one.auroc for one in decodings], np.stack([one.null for one in decodings], axis=1))`.
    """
    pair = np.asarray(residual)[[positive, negative]]
    return [decode(*pair[:, :, depth], folds, signs, alpha) for depth in range(pair.shape[2])]


def carry_over(differences: Floats, classes: ArrayLike, folds: Folds) -> HeldOut:
    """Decode the first of `classes[class, topic, d]` along the mean of `differences[topic, d]`.

    They are those of the training topics in another model, mapped into the space of the sentences.
    Without each topic the directions are fitted again; the map stays.
    """
    x = _centred(classes)
    return HeldOut.of(_refitted(differences, x, folds, each_left_out(len(differences))))


def along_fixed(directions: Floats, classes: Floats, folds: Folds) -> Floats:
    """Fold-averaged AUROC `[draw]` of the first of `classes[class, topic, d]`.

    They are along `directions[draw, d]`, which do not vary.
    """
    everything = np.ones((1, classes.shape[1]), dtype=np.int8)
    tested = [classes[test].T for test in folds.test]
    return _in_batches(
        directions, lambda some: over_folds((some @ x for x in tested), folds, everything)
    )


def _centred(classes: ArrayLike) -> Floats:
    """[class, topic, d], identical sentences exactly 0."""
    x = np.array(classes, dtype=np.float64)
    x -= x[:1, :1]
    return x - x.mean(axis=(0, 1))


def _refitted(differences: Floats, x: Floats, folds: Folds, draws: NDArray[np.int8]) -> Floats:
    """AUROC[draw] along the mean of `differences[row, d]`, in each draw with their weights.

    `draws[draw, topic]` are 1 for a topic kept, −1 for one swapped and 0 for one left out; or they
    are the labels `[draw, class, topic]`, of which the positive are summed.
    """
    scores = _scores(differences, x, folds)

    def values(some: NDArray[np.int8]) -> Floats:
        weights = some if some.ndim == 2 else (some == 1).reshape(len(some), -1)
        return over_folds(scores(weights.astype(float)), folds, some)

    return _in_batches(draws, values)


def _scores(differences: Floats, x: Floats, folds: Folds) -> Callable[[Floats], Iterator[Floats]]:
    """A function of weights `[draw, row]`: scores `[draw, sentence]` of each fold's tested `x`.

    Through the products of rows with sentences, or of many rows through d, which is cheaper then:
    rows that train in the same folds are summed once for all of them.
    """
    n_rows, width = differences.shape
    train = np.tile(folds.train, n_rows // folds.train.shape[1])  # [fold, row]
    tested = [x[test].T for test in folds.test]
    pairs = sum(rows.sum() * one.shape[1] for rows, one in zip(train, tested, strict=True))
    if pairs <= width * (n_rows + folds.test.sum()):
        products = [differences[rows] @ one for rows, one in zip(train, tested, strict=True)]
        return lambda weights: (
            weights[:, rows] @ one for rows, one in zip(train, products, strict=True)
        )
    parts, part = np.unique(train, axis=1, return_inverse=True)  # [fold, part], [row]
    rows = [part == number for number in range(parts.shape[1])]

    def scores(weights: Floats) -> Iterator[Floats]:
        sums = np.stack([weights[:, some] @ differences[some] for some in rows])
        for used, one in zip(parts, tested, strict=True):
            yield sums[used].sum(axis=0) @ one

    return scores


def _in_batches(draws: NDArray, values: Callable[[NDArray], Floats]) -> Floats:
    starts = range(0, len(draws), BATCH)
    return np.concatenate([values(draws[start : start + BATCH]) for start in starts])
