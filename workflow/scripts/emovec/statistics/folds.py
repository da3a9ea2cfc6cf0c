"""Which topics train and which sentences are tested: folds by topic, and by phrase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emovec.statistics.arrays import Floats, Mask


@dataclass(frozen=True)
class Folds:
    """Which topics train and which sentences are tested in each fold; class 0 is the positive."""

    train: Mask  # [fold, topic]
    test: Mask  # [fold, class, topic]

    def among(self, n_classes: int) -> Folds:
        """With as many classes, all but the positive tested as the negative one is."""
        rest = np.repeat(self.test[:, 1:2], n_classes - 1, axis=1)
        return Folds(self.train, np.concatenate([self.test[:, :1], rest], axis=1))


def topic_folds(n_topics: int, n_folds: int, rng: np.random.Generator) -> Folds:
    """Random folds of equal size; all sentences of a topic are in one fold.

    Folds are fewer where there are not two topics for each, but at least two.
    """
    n_folds = max(2, min(n_folds, n_topics // 2))
    fold = rng.permutation(n_topics) % n_folds
    test = np.arange(n_folds)[:, None] == fold
    return Folds(~test, np.stack([test, test], axis=1))


def phrase_folds(phrases: Sequence[Sequence[object]], n_folds: int) -> Folds | None:
    """Folds in which neither the phrase nor the topic of a test sentence is seen in training.

    `phrases[class][topic]` are the labels of the positive and the negative class. A sentence
    without one (empty, None or NaN), as a neutral one, goes with the other of its topic. Folds are
    fewer where a class has fewer phrases; None if one has a single phrase, or both have none. The
    largest phrases are dealt first, each to the fold that has fewest sentences of its classes, so
    the folds do not depend on chance. With phrases in both classes, more topics are kept from
    training than are tested, and a fold may lack a class, when it counts for nothing.
    """
    labels = [[label if label and label == label else None for label in row] for row in phrases]
    counts: dict[object, Floats] = {}  # of each phrase in the two classes
    for i, row in enumerate(labels):
        for label in row:
            if label is not None:
                counts.setdefault(label, np.zeros(2))[i] += 1
    if not counts:
        return None
    different = np.count_nonzero(list(counts.values()), axis=0)  # phrases in each class
    n_folds = min(n_folds, *different[different > 0])
    if n_folds < 2:
        return None
    load = np.zeros((n_folds, 2))
    place: dict[object, int] = {None: -1}
    for label, count in sorted(counts.items(), key=lambda item: -item[1].sum()):
        place[label] = int((load @ count).argmin())
        load[place[label]] += count
    fold = np.array([[place[label] for label in row] for row in labels])
    alone = np.arange(fold.shape[1]) % n_folds  # topics without any phrase
    fold = np.where(fold >= 0, fold, np.where(fold[::-1] >= 0, fold[::-1], alone))
    test = np.arange(n_folds)[:, None, None] == fold
    return Folds(~test.any(axis=1), test)
