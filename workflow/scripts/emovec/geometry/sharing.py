"""Do two models hold many emotions in the same places, and beyond what the text tells?

Rows are what an emotion has of its own: a sentence less the mean of all emotions of its topic. T,
the sum over emotions of the products of both models' means in canonical axes, answers under labels
in another order whether the emotions correspond one to one.

What the text tells is taken out by an analysis of covariance (Fisher 1932): how the stream follows
features of the text is fitted *within* classes, so that an emotion is not taken for its words, and
without shrinking, which would leave a remainder of the text in both models. As both read the same
sentences, fits and means of one model come from half of the topics and those of the other from the
other half: only what is true of both makes such products positive (crossvalidated distances,
Walther et al. 2016, NeuroImage 137). Sentences of one lexical head are not multiplied either, and
where several people wrote the sentences the halves have different writers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.linalg import null_space
from scipy.stats import ortho_group

from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.clustered import weights
from emovec.statistics.resampling import jackknife_se, p_value

SPLITS = 5  # into halves
BLOCKS = 10  # of topics, left out in turn for an interval


@dataclass(frozen=True)
class Read:
    """Sentences of all classes, neutral last, and of the probe, as rows."""

    sentences: Floats  # [class, topic, q]
    probe: Floats  # [probe sentence, q]


@dataclass(frozen=True)
class Split:
    """Two halves of the topics and of the probe sentences."""

    topics: tuple[Mask, Mask]
    probe: tuple[Mask, Mask]

    def without(self, topics: Mask) -> Split:
        first, second = self.topics
        return Split((first & ~topics, second & ~topics), self.probe)


def splits(
    topics: int, probe: int, rng: np.random.Generator, writers: ArrayLike | None = None
) -> list[Split]:
    """Random halves; with `writers[topic]`, of which there are two or more, halves of those.

    The first topic, or its writer, is always in the first half, so that another order of emotions
    in one half is one of the same writers in every split.
    """
    label = np.arange(topics) if writers is None else np.asarray(writers)
    units = np.unique(label)

    def cut(n: int) -> Mask:
        return rng.permutation(n) < n // 2

    found = []
    for _ in range(SPLITS):
        first = np.isin(label, units[cut(len(units))])
        first = first if first[0] else ~first
        sentences = cut(probe)
        found.append(Split((first, ~first), (sentences, ~sentences)))
    return found


def own_parts(sentences: Floats) -> Floats:
    """What each emotion has of its own, `[emotion, topic, d]`, of `sentences[class, topic, d]`."""
    emotions = sentences[:-1]
    return emotions - emotions.mean(axis=0)


def less_text(model: Read, text: Read) -> Read:
    """A model less what goes with the features of the text within classes and the probe."""
    x, t = (
        np.concatenate([rows - rows.mean(axis=0) for rows in (*one.sentences, one.probe)])
        for one in (model, text)
    )
    weights = np.linalg.pinv(t.T @ t, hermitian=True) @ (t.T @ x)
    return Read(model.sentences - text.sentences @ weights, model.probe - text.probe @ weights)


@dataclass(frozen=True)
class Products:
    """Products of emotions' means over disjoint halves, each `[emotion, emotion]`."""

    ab: Floats  # a in the first half with b in the second
    ba: Floats  # b in the first half with a in the second
    aa: Floats
    bb: Floats

    def over(self, kept: Floats) -> Products:
        """Seen through a projection of labels `[emotion, emotion]`."""
        return Products(*(kept @ one @ kept for one in (self.ab, self.ba, self.aa, self.bb)))

    def without(self, emotion: int) -> Products:
        rest = np.delete(np.arange(len(self.ab)), emotion)
        tables = (self.ab, self.ba, self.aa, self.bb)
        return Products(*(one[np.ix_(rest, rest)] for one in tables))

    @property
    def shared(self) -> float:
        """T: the sum over emotions of the products of both models."""
        return float(np.trace(self.ab) + np.trace(self.ba)) / 2

    @property
    def cosine(self) -> float:
        """T over the lengths of both models; NaN where one has nothing of its own."""
        a, b = np.trace(self.aa), np.trace(self.bb)
        return self.shared / np.sqrt(a * b) if min(a, b) > 0 else np.nan


def products(a: Read, b: Read, text: Read | None, near: Mask, halves: Sequence[Split]) -> Products:
    """Means over the halves; topics that are `near[emotion, topic, topic]` are not multiplied.

    With features of the `text` these are taken out of both models first.
    """
    sums = np.zeros((4, len(near), len(near)))
    for split in halves:
        (a1, a2), (b1, b2) = (
            [_own(model, text, *half) for half in zip(split.topics, split.probe, strict=True)]
            for model in (a, b)
        )
        first, second = split.topics
        apart = ~near[:, first][:, :, second]
        sums += [_mean(x, y, apart) for x, y in ((a1, b2), (b1, a2), (a1, a2), (b1, b2))]
    return Products(*(sums / len(halves)))


def _own(model: Read, text: Read | None, topics: Mask, probe: Mask) -> Floats:
    half = Read(model.sentences[:, topics], model.probe[probe])
    if text is not None:
        half = less_text(half, Read(text.sentences[:, topics], text.probe[probe]))
    return own_parts(half.sentences)


def _mean(x: Floats, y: Floats, apart: Mask) -> Floats:
    """Mean products `[emotion, emotion]` of `x[emotion, topic, q]` and y over pairs of topics.

    Those are multiplied that are `apart[emotion, topic, topic]` in both emotions.
    """
    sums, near = x.sum(axis=1) @ y.sum(axis=1).T, ~apart
    counted = np.full(sums.shape, apart[0].size)
    if near.any():  # all pairs less those near in one emotion, in the other, once those in both
        sparse = [weights(one) for one in near]
        of_x = np.stack([one.T @ rows for one, rows in zip(sparse, x, strict=True)])
        of_y = np.stack([one @ rows for one, rows in zip(sparse, y, strict=True)])
        over = 2 * ([1, 2],)
        sums -= np.tensordot(of_x, y, axes=over) + np.tensordot(x, of_y, axes=over)
        few = np.array([np.count_nonzero(one) for one in near])
        counted -= few[:, None] + few
        for e, f in np.ndindex(sums.shape):
            i, j = np.nonzero(near[e] & near[f])
            sums[e, f] += np.vdot(x[e, i], y[f, j])
            counted[e, f] += len(i)
    return ratio(sums, counted)


def beyond(labels: Floats) -> Floats:
    """The projection `[emotion, emotion]` that takes the mean and `labels[emotion, rating]` out."""
    design = np.column_stack([np.ones(len(labels)), labels])
    return np.eye(len(labels)) - design @ np.linalg.pinv(design)


def p_of_rotations(found: Products, labels: Floats, draws: int, rng: np.random.Generator) -> float:
    """p of T beyond `labels[emotion, rating]`, where emotions are turned instead of put in order.

    What labels leave of the emotions is no longer one row for each, so that it is turned in the
    space of contrasts that is left rather than put in another order (Langsrud 2005, Stat. Comput.
    15). What is turned, and why the larger p counts, is as in `p_of_labels`.
    """
    basis = null_space(np.column_stack([np.ones(len(labels)), labels]).T)
    tables = [basis.T @ table @ basis for table in _turned(found)]
    turns = ortho_group.rvs(len(tables[0]), size=draws, random_state=rng)
    turns = turns.reshape(draws, *tables[0].shape)
    nulls = [np.einsum("dij,ji->d", turns, table) for table in tables]
    return max(float(p_value(np.trace(tables[0]), null)) for null in nulls)


def _turned(found: Products) -> tuple[Floats, Floats]:
    """Twice T is the trace of each: emotions in rows of one model, and of one half."""
    return found.ab + found.ba.T, found.ab + found.ba


def p_of_labels(found: Products, draws: int, rng: np.random.Generator) -> float:
    """p of T where emotions have their names in another order.

    The order of names of one model is random if models are unlike, that of one half of the
    sentences if they are alike and the halves are not; the larger p holds for both.
    """
    count = len(found.ab)
    orders = rng.permuted(np.tile(np.arange(count), (draws, 1)), axis=1)
    nulls = [table[np.arange(count), orders].sum(axis=1) for table in _turned(found)]
    return max(float(p_value(2 * found.shared, null)) for null in nulls)


def p_of_topics(whole: Products, left: Sequence[Products]) -> float:
    """p of T against 0 from what is found without each block of topics (jackknife).

    Emotions in another order do not give the spread of T where both models follow the same text and
    only the fits to it err, as these errors are alike for the same emotion.
    """
    error = float(jackknife_se(np.array([one.shared for one in left])))
    return float(stats.t.sf(whole.shared / error, len(left) - 1)) if error > 0 else np.nan


@dataclass(frozen=True)
class Estimate:
    value: float
    low: float  # interval at 1 − 2 alpha, over topics and emotions
    high: float


def estimate(
    value: float, by_block: Sequence[float], by_emotion: Sequence[float], alpha: float
) -> Estimate:
    """An interval from what is found without each block of topics and without each emotion."""
    errors = np.array([float(jackknife_se(np.array(left))) for left in (by_block, by_emotion)])
    df = np.array([len(by_block) - 1, len(by_emotion) - 1])
    if not np.isfinite([value, *errors]).all() or not errors.any():
        return Estimate(value, np.nan, np.nan)
    freedom = (errors**2).sum() ** 2 / (errors**4 / df).sum()  # Satterthwaite 1946
    reach = stats.t.ppf(1 - alpha, freedom) * np.hypot(*errors)
    return Estimate(value, value - reach, value + reach)
