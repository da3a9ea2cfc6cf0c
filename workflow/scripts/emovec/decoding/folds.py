"""Which sentences are held out together: folds by topic, and by phrase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emovec.errors import InputError
from emovec.statistics.arrays import Floats, Mask


@dataclass(frozen=True)
class Folds:
    """Which topics train and which sentences are tested in each fold; class 0 is the positive."""

    train: Mask  # [fold, topic]
    test: Mask  # [fold, class, topic]


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
