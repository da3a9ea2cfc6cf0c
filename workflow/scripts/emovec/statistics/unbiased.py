"""How long emotion contrasts are and how alike, with and without sampling bias.

The data are balanced, `x[class, topic, d_model]`: one sentence for each class and topic, the
topics in the same order in every class. A contrast is a weight for each class, summing to 0; its
differences D[topic, d_model] have the mean v, the mean-difference vector. Every estimator is a
function of two products: of the sums of differences, and of the differences topic by topic; so
time and memory grow with the number of topics, not with its square.

A plain product v_a·v_b also holds the sampling noise that a and b have in common (all of it when
a = b, that of the neutral sentences when both are against neutral). Leaving out the pairs of a
topic with itself removes it: the U statistics, which average all splits into disjoint topics
(Walther et al. 2016, NeuroImage 137; Allefeld & Haynes 2014, NeuroImage 89).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.resampling import jackknife_interval

RESOLUTION = 1e-13  # of a squared norm: what float32 activations and float64 sums resolve


def contrast(classes: Sequence[str], positive: str, negative: str) -> Floats:
    """The weights[class] of `positive` − `negative`.

    >>> contrast(["gratitude", "anger", "neutral"], "anger", "neutral")
    array([ 0.,  1., -1.])
    """
    weights = np.zeros(len(classes))
    weights[list(classes).index(positive)] += 1
    weights[list(classes).index(negative)] -= 1
    return weights


def against_neutral(classes: Sequence[str | None], neutral: str | None) -> Floats:
    """The weights[emotion, class] of every emotion − neutral, in the order of `classes`."""
    return np.stack([contrast(classes, name, neutral) for name in classes if name != neutral])


def unlike_cosine(n_emotions: int, neutral: str | None) -> float:
    """The cosine of emotions that are all equally unlike.

    It is 0 against neutral. Differences from the mean of all sum to 0, which alone gives them a
    mean cosine of −1/(K − 1) where they have one length, as in contrasts of K classes.

    >>> unlike_cosine(3, "neutral"), unlike_cosine(3, None)
    (0.0, -0.5)
    """
    return 0.0 if neutral is not None else -1 / (n_emotions - 1)


def differences(x: ArrayLike, weights: ArrayLike) -> Floats:
    """D[contrast, topic, d_model] in float64, of `x[class, topic, d_model]` of any float type.

    `weights[contrast, class]` sum to 0.
    """
    x = np.asarray(x, dtype=np.float64)
    # about the first sentence: identical sentences, as at depth 0, become exactly 0
    return np.tensordot(weights, x - x[:1, :1], axes=([-1], [0]))


@dataclass(frozen=True)
class Products:
    """What estimators need of the differences of contrasts a and b."""

    total: Floats  # Σ_i D_ai · Σ_j D_bj, [..., a, b], or [..., a, b, topic] without each topic
    same: Floats  # Σ_i D_ai·D_bi, of the same topic, likewise
    n: int  # topics in the sums


def products(a: Floats, b: Floats | None = None) -> Products:
    """Products `[a, b]` of the differences `a[contrast, topic, d]` and those of b (default: a)."""
    b = a if b is None else b
    same = np.einsum("aix,bix->ab", a, b, optimize=True)
    return Products(a.sum(axis=1) @ b.sum(axis=1).T, same, a.shape[1])


def left_out(a: Floats, b: Floats | None = None) -> Products:
    """Products `[a, b, topic]` without each topic in turn."""
    b = a if b is None else b
    whole, same = products(a, b), np.einsum("aix,bix->abi", a, b, optimize=True)
    of_a = np.moveaxis(a @ b.sum(axis=1).T, 1, 2)  # D_ai · Σ_j D_bj, [a, b, topic]
    of_b = np.moveaxis(b @ a.sum(axis=1).T, 2, 0)
    total = whole.total[..., None] - of_a - of_b + same
    return Products(total, whole.same[..., None] - same, whole.n - 1)


def inner(p: Products) -> Floats:
    """v_a·v_b; with a = b the squared norm. Biased: see `inner_u`."""
    return p.total / p.n**2


def inner_u(p: Products) -> Floats:
    """U_ab, unbiased for δ_a·δ_b: the mean of D_ai·D_bj over pairs of different topics.

    With a = b it estimates ‖δ‖² and may be negative. NaN with fewer than two topics.
    """
    return ratio(p.total - p.same, p.n * (p.n - 1))


def trace_cov(p: Products) -> Floats:
    """tr Cov(D_a, D_b), unbiased: topic noise, no effect in it. NaN with fewer than two topics."""
    return ratio(p.same - p.total / p.n, p.n - 1)


def cosine(ab: ArrayLike, aa: ArrayLike, bb: ArrayLike) -> Floats:
    """ab/√(aa·bb); NaN where a squared norm is not positive, and never clipped to [−1, 1]."""
    aa, bb = np.asarray(aa, dtype=np.float64), np.asarray(bb, dtype=np.float64)
    defined = (aa > 0) & (bb > 0)
    return np.asarray(ab) / np.sqrt(np.where(defined, aa, np.nan) * np.where(defined, bb, np.nan))


def cosines(products: Floats) -> Floats:
    """Cosines of all contrasts from their products `[..., a, b]`.

    Of `inner` they are the naive ones, pulled by noise toward κ whatever the true cosine; of
    `inner_u` those of δ_a and δ_b; of `trace_cov` κ, what the naive ones tend to without any
    effect (0.5 against the same neutral sentences if the classes have equal noise).
    """
    norms = np.diagonal(products, axis1=-2, axis2=-1)
    return cosine(products, norms[..., :, None], norms[..., None, :])


def s_hat(norm2_u: Floats, trace: Floats) -> Floats:
    """The squared effect in units of the noise of one difference: U/tr Cov(D); no unit.

    Norms themselves have the unit of the residual stream and do not compare between models.
    """
    return ratio(norm2_u, trace)


def reliability(norm2_u: Floats, norm2: Floats) -> Floats:
    """U/‖v‖² ≤ 1, the expected squared cosine of v and δ: the noise ceiling of a direction.

    Negative where there is no signal, NaN if v is 0.
    """
    return ratio(norm2_u, norm2)


def halves(n_topics: int, splits: int, rng: np.random.Generator) -> Floats:
    """Random splits[split, half, topic] into two disjoint halves, each row summing to 1.

    An odd topic, another one in each split, is left out.
    """
    size = n_topics // 2
    place = rng.permuted(np.tile(np.arange(n_topics), (splits, 1)), axis=1)
    return np.stack([place < size, (place >= size) & (place < 2 * size)], axis=1) / size


def half_products(d: Floats, split: Floats) -> Floats:
    """products[a, b, split, half, half] of the mean vectors of the halves from `halves`.

    `d[contrast, topic, d_model]` are differences.
    """
    means = split.reshape(-1, split.shape[-1]) @ d
    means = means.reshape(len(d), *split.shape[:2], -1)
    return np.einsum("ashx,bskx->abshk", means, means, optimize=True)


def split_half(products: Floats) -> Floats:
    """The reliability of the full v from halves: the mean cosine over splits, stepped up.

    `products[..., split, half, half]` come from `half_products`. Spearman 1910 and Brown 1910:
    2r/(1 + r).
    """
    r = cosine(products[..., 0, 1], products[..., 0, 0], products[..., 1, 1]).mean(axis=-1)
    return ratio(2 * r, 1 + r)


def common_share(u: Floats) -> Floats:
    """U(common)/mean U(e) from `u[..., emotion, emotion]` of the contrasts against neutral.

    1 if all emotions are one direction of one length, 1/n_emotions if they are orthogonal.
    """
    return ratio(u.mean(axis=(-2, -1)), np.trace(u, axis1=-2, axis2=-1) / u.shape[-1])


class Views(NamedTuple):
    """Rows of both models in one space: `left · right` is the product of a row of a and one of b.

    The lengths of a's vectors are measured on `of_a`, those of b's on `right`.
    """

    left: Floats
    right: Floats
    of_a: Floats


@dataclass(frozen=True)
class Cosines:
    """Cosines between each contrast of a and each of b, with what is needed to judge them."""

    value: Floats  # [contrast_a, contrast_b]; NaN where a norm is not positive
    low: Floats  # interval at 1 − alpha: delete-one-topic jackknife
    high: Floats
    reliability_a: Floats  # [contrast_a], see `reliability`
    reliability_b: Floats  # [contrast_b]

    def reliable(self, threshold: float) -> NDArray[np.bool_]:
        """Which cells `[contrast_a, contrast_b]` rest on two contrasts that are reliable."""
        return (self.reliability_a >= threshold)[:, None] & (self.reliability_b >= threshold)


def cross_cosines(views: Views, alpha: float = 0.05, near: Mask | None = None) -> Cosines:
    """Unbiased cosines of mean contrasts; each array of `views` is `[contrast, topic, q]`.

    What the models share because they read the same sentences is left out (crossvalidated
    distances, Walther et al. 2016). Intervals are delete-one-topic jackknifes and may, as the
    cosines, reach beyond ±1. They hold for the map as fitted. With `near[contrast, topic, topic]`,
    such as topics of one lexical head, they are clustered.
    """

    def cosines(pairs: Callable[[Floats, Floats | None], Products]) -> Floats:
        norm2_a, norm2_b = (
            np.einsum("aa...->a...", inner_u(pairs(one, None))) for one in (views.of_a, views.right)
        )
        return cosine(inner_u(pairs(views.left, views.right)), norm2_a[:, None], norm2_b)

    value = cosines(products)
    clusters = None if near is None else near[:, None] | near
    low, high = jackknife_interval(value, cosines(left_out), alpha, near=clusters)
    return Cosines(
        value, low, high, contrast_reliability(views.of_a), contrast_reliability(views.right)
    )


def norm2_u(contrasts: Floats) -> Floats:
    """Unbiased squared norms `[contrast]` of the means of `contrasts[contrast, topic, d]`."""
    return np.diagonal(inner_u(products(contrasts)))


def contrast_reliability(contrasts: Floats) -> Floats:
    """`reliability[contrast]` of the means of `contrasts[contrast, topic, d]`."""
    return reliability(norm2_u(contrasts), (contrasts.mean(axis=1) ** 2).sum(axis=-1))


def captured(contrasts: Floats, basis: Floats) -> Floats:
    """Share of each contrast's unbiased norm² inside a subspace, NaN where it is not positive.

    `contrasts[contrast, topic, d]`, `basis[d, k]` with orthonormal columns; gives `[contrast]`.
    """
    return ratio(norm2_u(contrasts @ basis), norm2_u(contrasts))
