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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.sparse import csr_array

from emovec.geometry.sharing import BLOCKS, Split, estimate
from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.clustered import clustered_error, cross_u, weights
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
    """Emotions topic by topic, and the products of differences that do not count: of near topics.

    The others are sums over topics less these, so that time and memory grow with topics.
    """

    x: Floats  # [emotion, topic, q], less the first emotion
    near: Mask  # [pair, topic, topic]
    products: list[Floats | csr_array]  # [pair], `[topic, topic]`; 0 where topics are not near

    @classmethod
    def of(cls, depths: Sequence[Floats], near: Mask) -> Apart:
        """Of `x[class, topic, d]` at each of some depths, summed over these.

        `near[emotion, topic, topic]` are topics that share a head in an emotion.
        """
        pairs = pairs_of(len(near))
        x = np.concatenate([one[: len(near)] - one[0] for one in depths], axis=-1)
        either = np.array([near[a] | near[b] for a, b in pairs])
        products = [_products(x[a] - x[b], at) for (a, b), at in zip(pairs, either, strict=True)]
        return cls(x, either, products)

    def distances(self, topics: Mask) -> Floats:
        """Squared distances `[..., pair]` over the topics kept, `[..., topic]`; NaN without two."""
        kept = np.asarray(topics, dtype=float)
        sums, found = kept @ self.x, []  # [emotion, ..., q]
        for (a, b), near, products in self._pairs():
            all_pairs = ((sums[a] - sums[b]) ** 2).sum(axis=-1), kept.sum(axis=-1) ** 2
            of_near = (((kept @ one) * kept).sum(axis=-1) for one in (products, weights(near)))
            found.append(ratio(*map(np.subtract, all_pairs, of_near)))
        return np.stack(found, axis=-1)

    def whole(self) -> tuple[Floats, Floats, Floats]:
        """Squared distances `[pair]` over all topics, their errors, and degrees of freedom."""
        n, found = self.x.shape[1], []
        for (a, b), near, products in self._pairs():
            d = self.x[a] - self.x[b]
            rows, others = d @ d.sum(axis=0) - products.sum(axis=1), n - near.sum(axis=1)
            found.append(ratio(rows.sum() - 2 * rows, others.sum() - 2 * others))
        value = self.distances(np.ones(n, dtype=bool))
        return value, *clustered_error(np.array(found), self.near)

    def _pairs(self) -> Iterable[tuple[Pair, Mask, Floats | csr_array]]:
        return zip(pairs_of(len(self.x)), self.near, self.products, strict=True)


def _products(d: Floats, near: Mask) -> Floats | csr_array:
    """Products of the rows of `d[topic, q]` where they are `near[topic, topic]`, else 0."""
    found = weights(near)
    if not isinstance(found, csr_array):
        return (d @ d.T) * near
    i, j = found.nonzero()
    return csr_array((np.einsum("nq,nq->n", d[i], d[j]), (i, j)), near.shape)


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
    count, n, _ = a.x.shape

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
