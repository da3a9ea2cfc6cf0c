"""Held-out decoding in one model: can a direction tell two classes apart in sentences not seen?

The direction is the difference of the two means in the training topics, in whatever metric the
residuals were mapped to (in the lda metric, Fisher's direction). A sentence scores
(x − midpoint)·v/‖v‖; AUROC is taken within a fold, where midpoint and length cannot matter, and
averaged over folds. Scores are linear in the training differences, so one matrix product serves
all permutations, each with its own refitted direction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emovec.errors import InputError
from emovec.inference import band, jackknife_interval, p_value
from emovec.metric import Metric
from emovec.similarity import Floats, Mask, mean_defined

BATCH = 4096  # draws at a time: bounds memory


@dataclass(frozen=True)
class Folds:
    """Which topics train and which sentences are tested in each fold; class 0 is the positive."""

    train: Mask  # [fold, topic]
    test: Mask  # [fold, class, topic]


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


def topic_folds(n_topics: int, n_folds: int, rng: np.random.Generator) -> Folds:
    """Random folds of equal size; both sentences of a topic are in one fold.

    Raises
    ------
    InputError
        If there are fewer than two topics for each fold.
    """
    if n_topics < 2 * n_folds:
        raise InputError(
            f"{n_topics} topics are too few for {n_folds} folds of two or more: add topics to the "
            "prompt file or lower `statistics: folds`."
        )
    fold = rng.permutation(n_topics) % n_folds
    test = np.arange(n_folds)[:, None] == fold
    return Folds(~test, np.stack([test, test], axis=1))


def phrase_folds(phrases: Sequence[Sequence[object]], n_folds: int) -> Folds:
    """Folds in which neither the phrase nor the topic of a test sentence is seen in training.

    `phrases[class][topic]` are the labels of the positive and the negative class. A sentence
    without one (None or NaN), as a neutral one, goes with the other of its topic. The largest
    phrases are dealt first, each to the fold that has fewest sentences of its classes, so the
    folds do not depend on chance. With phrases in both classes, more topics are kept from training
    than are tested, and a fold may lack a class, when it counts for nothing.

    Raises
    ------
    InputError
        If a class has labels, but fewer phrases than folds.
    """
    known = [[label is not None and label == label for label in row] for row in phrases]
    counts: dict[object, Floats] = {}  # of each phrase in the two classes
    for i, (row, has) in enumerate(zip(phrases, known, strict=True)):
        own = {label for label, one in zip(row, has, strict=True) if one}
        if own and len(own) < n_folds:
            raise InputError(
                f"{len(own)} phrases ({', '.join(sorted(map(str, own))[:5])}) are too few for "
                f"{n_folds} folds: add phrases to the prompt file or lower `statistics: folds`."
            )
        for label, one in zip(row, has, strict=True):
            if one:
                counts.setdefault(label, np.zeros(2))[i] += 1
    load = np.zeros((n_folds, 2))
    place = {}
    for label, count in sorted(counts.items(), key=lambda item: -item[1].sum()):
        place[label] = (load @ count).argmin()
        load[place[label]] += count
    fold = np.array(
        [
            [place[label] if one else -1 for label, one in zip(row, has, strict=True)]
            for row, has in zip(phrases, known, strict=True)
        ]
    )
    alone = np.arange(fold.shape[1]) % n_folds  # topics without any phrase
    fold = np.where(fold >= 0, fold, np.where(fold[::-1] >= 0, fold[::-1], alone))
    test = np.arange(n_folds)[:, None, None] == fold
    return Folds(~test.any(axis=1), test)


def fit_direction(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """v[d_model] and midpoint[d_model] of training sentences `[topic, d_model]` of two classes."""
    means = positive.mean(axis=0), negative.mean(axis=0)
    return means[0] - means[1], (means[0] + means[1]) / 2


def score(x: Floats, v: Floats, midpoint: Floats) -> Floats:
    """(x − midpoint)·v/‖v‖ for `x[..., d_model]`, in units of the residual stream."""
    return (x - midpoint) @ v / np.linalg.norm(v)


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
    metrics: Sequence[Metric] | None = None,
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


# Baselines that see the text only


def bag_of_words_auroc(
    positive: Sequence[str], negative: Sequence[str], folds: Folds, alpha: float = 0.05
) -> tuple[float, float, float]:
    """AUROC and its interval of logistic regression on word counts, in the same folds.

    Texts are paired by topic. The interval is the delete-one-topic jackknife with the fitted
    models held fixed, so it is rather too narrow.
    """
    words = CountVectorizer(token_pattern=r"(?u)\w+")
    return _text_auroc(words, [list(positive), list(negative)], folds, alpha)


def nuisance_auroc(
    positive: Sequence[str], negative: Sequence[str], folds: Folds, alpha: float = 0.05
) -> tuple[float, float, float]:
    """As `bag_of_words_auroc`, from what should carry nothing: see `nuisances`."""
    features = [[nuisances(text) for text in texts] for texts in (positive, negative)]
    return _text_auroc(DictVectorizer(sparse=False), features, folds, alpha)


def nuisances(text: str) -> dict[str, float | str]:
    """Length in characters and words, commas, the first word and the final character."""
    words = re.findall(r"\w+", text.lower())
    return {
        "characters": float(len(text)),
        "words": float(len(words)),
        "commas": float(text.count(",")),
        "first word": words[0] if words else "",
        "final character": text.strip()[-1:],
    }


def _text_auroc(
    vectorizer: CountVectorizer | DictVectorizer, rows: list[list], folds: Folds, alpha: float
) -> tuple[float, float, float]:
    n_topics = len(rows[0])
    kept = np.vstack([np.ones(n_topics), 1 - np.eye(n_topics)])  # all topics, then all but one
    values = []
    for train, test in zip(folds.train, folds.test, strict=True):
        topics = np.flatnonzero(train)
        model = make_pipeline(
            vectorizer, StandardScaler(with_mean=False), LogisticRegression(max_iter=1000)
        )
        model.fit([row[i] for row in rows for i in topics], np.repeat([1, -1], len(topics)))
        tested = [row[i] for row, one in zip(rows, test, strict=True) for i in np.flatnonzero(one)]
        scores = model.decision_function(tested)
        labels = np.concatenate([kept[:, test[0]], -kept[:, test[1]]], axis=1)
        values.append(auroc(scores, labels))
    value, *loo = mean_defined(np.array(values))
    return float(value), *_auroc_interval(value, np.array(loo), alpha)
