"""How far emotions lie from one another, how well that is known, and whether two models agree.

The squared distance of two emotions is U(x_a − x_b) in the whitened stream, the mean product over
pairs of topics that share no head: the crossnobis distance (Walther et al. 2016, NeuroImage 137),
which is 0 on average where two emotions are alike, and may be negative.

Two models that read the same sentences have noise in common, which makes their distances alike
where nothing is shared. So those of one model come from one half of the topics and those of the
other from the other half, and are compared by their ranks (representational similarity analysis,
Kriegeskorte et al. 2008, Front. Syst. Neurosci. 2), with emotions in another order as the null
(Mantel 1967, Cancer Res. 27). What a model agrees with itself, likewise, is the ceiling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np
from scipy import stats
from scipy.cluster.hierarchy import leaves_list, linkage

from emovec.geometry.sharing import BLOCKS, Split, estimate
from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.clustered import clustered_error, cross_u
from emovec.statistics.resampling import p_value
from emovec.statistics.unbiased import cosine

Pair = tuple[int, int]


def pairs_of(count: int) -> list[Pair]:
    """Every two of so many emotions, in the order of all axes `[pair]`."""
    return list(combinations(range(count), 2))


def square(values: Floats, count: int) -> Floats:
    """`[..., emotion, emotion]` of `values[..., pair]`, 0 on the diagonal."""
    found = np.zeros((*values.shape[:-1], count, count))
    a, b = np.triu_indices(count, 1)
    found[..., a, b] = found[..., b, a] = values
    return found


@dataclass(frozen=True)
class Apart:
    """Products of the differences of every two emotions, topic by topic."""

    products: Floats  # [pair, topic, topic]; 0 where topics are near
    counted: Floats  # [pair, topic, topic]; 0 there, else 1

    @classmethod
    def of(cls, depths: Sequence[Floats], near: Mask) -> Apart:
        """Of `x[class, topic, d]` at each of some depths, summed over these.

        `near[emotion, topic, topic]` are topics that share a head in an emotion.
        """
        pairs = pairs_of(len(near))
        counted = np.array([~(near[a] | near[b]) for a, b in pairs], dtype=float)
        differences = ([x[a] - x[b] for a, b in pairs] for x in depths)
        products = (np.array([d @ d.T for d in every]) for every in differences)
        return cls(reduce(np.add, products) * counted, counted)

    def distances(self, topics: Mask) -> Floats:
        """Squared distances `[..., pair]` over the topics kept, `[..., topic]`; NaN without two."""
        kept = np.asarray(topics, dtype=float)
        total, pairs = (
            np.einsum("...i,pij,...j->...p", kept, one, kept, optimize=True)
            for one in (self.products, self.counted)
        )
        return ratio(total, pairs)

    def whole(self) -> tuple[Floats, Floats, Floats]:
        """Squared distances `[pair]` over all topics, their errors, and degrees of freedom."""
        n = self.products.shape[-1]
        deleted = self.distances(~np.eye(n, dtype=bool)).T
        return (
            self.distances(np.ones(n, dtype=bool)),
            *clustered_error(deleted, self.counted == 0),
        )


def cosines(own: Floats, near: Mask) -> tuple[Floats, Floats]:
    """Cosines `[pair]` of what emotions have of their own, `[emotion, topic, d]`; their errors."""
    found = []
    for a, b in pairs_of(len(own)):
        either = near[a] | near[b]
        products = [cross_u(own[p], own[q], either) for p, q in ((a, b), (a, a), (b, b))]
        deleted = cosine(*(left for _, left in products))
        error, _ = clustered_error(deleted, either)
        found.append((float(cosine(*(whole for whole, _ in products))), float(error)))
    value, error = np.array(found).T
    return value, error


def cluster_order(distances: Floats, count: int) -> list[int]:
    """Emotions so that near ones stand together: average linkage, leaves ordered optimally.

    As they are where a distance is undefined. Bar-Joseph et al. 2001, Bioinformatics 17.
    """
    if not np.isfinite(distances).all():
        return list(range(count))
    tree = linkage(np.maximum(distances, 0), "average", optimal_ordering=True)
    return leaves_list(tree).tolist()


def _ranks(distances: Floats) -> Floats:
    """Ranks over the last axis, centred and of unit length; NaN where there is nothing to rank."""
    ranks = stats.rankdata(distances, axis=-1)
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    return ratio(ranks, np.sqrt((ranks**2).sum(axis=-1, keepdims=True)))


@dataclass(frozen=True)
class Halved:
    """Distances of one model on both halves of the topics, `[split, pair]` each."""

    first: Floats
    second: Floats

    @classmethod
    def of(cls, apart: Apart, halves: Sequence[Split]) -> Halved:
        return cls(*(apart.distances(np.array(side)) for side in zip(*_sides(halves), strict=True)))

    def without(self, emotion: int, count: int) -> Halved:
        kept = [emotion not in pair for pair in pairs_of(count)]
        return Halved(self.first[:, kept], self.second[:, kept])

    def across(self, other: Halved) -> list[tuple[Floats, Floats]]:
        """What is compared: this one's first half with the other's second, and so on."""
        return [(self.first, other.second), (self.second, other.first)]


def _sides(halves: Sequence[Split]) -> list[tuple[Mask, Mask]]:
    return [one.topics for one in halves]


def agreement(a: Halved, b: Halved) -> float:
    """Spearman's correlation over pairs of emotions, halves crossed, averaged over splits."""
    found = [(_ranks(x) * _ranks(y)).sum(axis=-1) for x, y in a.across(b)]
    return float(np.mean(found))


def p_of_orders(a: Halved, b: Halved, orders: Floats) -> float:
    """p of `agreement` where emotions stand in `orders[draw, emotion]`, the larger of two.

    In another order are once the emotions of one model, which is right if models are unlike, and
    once those of one half of the topics, if models are alike and the halves are not.
    """
    count = orders.shape[1]

    def null(x: Floats, y: Floats) -> Floats:
        found = np.zeros(len(orders))
        for one, other in zip(square(_ranks(x), count), square(_ranks(y), count), strict=True):
            turned = other[orders[:, :, None], orders[:, None]]
            found += np.einsum("ij,dij->d", one, turned) / (2 * len(x))
        return found

    first = null(a.first, b.second)
    nulls = first + null(a.second, b.first), first + null(b.first, a.second)
    return max(float(p_value(agreement(a, b), one / 2)) for one in nulls)


def stepped_up(r: float) -> float:
    """The reliability of the whole from that of halves (Spearman 1910, Brown 1910), at least −1."""
    r = np.maximum(r, -1 / 3)
    return float(2 * r / (1 + r))


def blocks_left(topics: int, rng: np.random.Generator) -> list[Mask]:
    """Blocks of topics, each left out in turn for an interval."""
    block = rng.permutation(topics) % min(BLOCKS, topics // 2)
    return [block == i for i in range(block.max() + 1)]


def compare(
    a: Apart,
    b: Apart,
    halves: Sequence[Split],
    draws: int,
    alpha: float,
    rng: np.random.Generator,
) -> dict[str, dict]:
    """How far two models agree on distances, and the most that they could: cells of two rows.

    With one model twice, how far its halves agree. Intervals are at 1 − 2 alpha, over topics and
    emotions; the ceiling is the root of the product of both models' agreement with themselves.
    """
    n = a.products.shape[-1]
    count = int((1 + np.sqrt(1 + 8 * len(a.products))) / 2)

    def at(some: Sequence[Split]) -> tuple[Halved, Halved]:
        return Halved.of(a, some), Halved.of(b, some)

    whole = at(halves)
    left = [at([one.without(block) for one in halves]) for block in blocks_left(n, rng)]
    less = [tuple(one.without(e, count) for one in whole) for e in range(count)]
    orders = rng.permuted(np.tile(np.arange(count), (draws, 1)), axis=1)
    rows = {}
    for stat, measured in (("distances", agreement), ("distances_ceiling", ceiling)):
        value = estimate(
            measured(*whole), [measured(*one) for one in left],
            [measured(*one) for one in less], alpha,
        )  # fmt: skip
        ends = np.clip([value.low, value.high], -1, 1)
        rows[stat] = {"value": value.value, "ci_low": ends[0], "ci_high": ends[1]}
    rows["distances"]["p"] = p_of_orders(*whole, orders)
    return {stat: row | {"stat": stat, "n_emotions": count} for stat, row in rows.items()}


def ceiling(a: Halved, b: Halved) -> float:
    """The agreement of two models whose distances are the same but for noise; NaN if all is noise.

    The root of the product of both reliabilities (Spearman 1904), each that of half of the topics.
    """
    own = agreement(a, a), agreement(b, b)
    return float(np.sqrt(own[0] * own[1])) if min(own) > 0 else np.nan


def half_rows(a: Apart, b: Apart, split: Split, emotions: Sequence[str]) -> list[dict]:
    """The distances of each model on a half of the topics of its own, a row for every two emotions.

    They are what may be looked at side by side.
    """
    pairs = [(emotions[p], emotions[q]) for p, q in pairs_of(len(emotions))]
    return [
        {"stat": stat, "emotion": one, "emotion_b": other, "value": value}
        for stat, apart, topics in zip(("half_a", "half_b"), (a, b), split.topics, strict=True)
        for (one, other), value in zip(pairs, apart.distances(topics), strict=True)
    ]
