"""Within one model: how long emotion contrasts are and how alike, with and without sampling bias.

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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emovec.statistics.arrays import Array, Floats, divide, ratio
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


def against_neutral(classes: Sequence[str], neutral: str) -> Floats:
    """The weights[emotion, class] of every emotion − neutral, in the order of `classes`."""
    return np.stack([contrast(classes, name, neutral) for name in classes if name != neutral])


def common(classes: Sequence[str], neutral: str) -> Floats:
    """The weights[class] of what emotions share: their mean − neutral."""
    return against_neutral(classes, neutral).mean(axis=0)


def specific(classes: Sequence[str], neutral: str) -> Floats:
    """The weights[emotion, class] of (emotion − neutral) − common; neutral cancels exactly.

    Their cosines have the baseline −1/(n_emotions − 1), not 0.
    """
    weights = against_neutral(classes, neutral)
    return weights - weights.mean(axis=0)


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
    own: Floats  # Σ_i D_ai·D_bi, likewise
    n: int  # topics in the sums


def products(d: Floats) -> Products:
    """Products `[a, b]` of the differences `d[contrast, topic, d_model]`."""
    sums = d.sum(axis=1)
    return Products(sums @ sums.T, np.einsum("aix,bix->ab", d, d, optimize=True), d.shape[1])


def left_out(d: Floats) -> Products:
    """Products `[a, b, topic]` without each topic in turn."""
    whole = products(d)
    with_sum = np.moveaxis(d @ d.sum(axis=1).T, 1, 2)  # D_ai · Σ_j D_bj, [a, b, topic]
    own = np.einsum("aix,bix->abi", d, d, optimize=True)
    total = whole.total[..., None] - with_sum - with_sum.swapaxes(0, 1) + own
    return Products(total, whole.own[..., None] - own, whole.n - 1)


def inner(p: Products) -> Floats:
    """v_a·v_b; with a = b the squared norm. Biased: see `inner_u`."""
    return p.total / p.n**2


def inner_u(p: Products) -> Floats:
    """U_ab, unbiased for δ_a·δ_b: the mean of D_ai·D_bj over pairs of different topics.

    With a = b it estimates ‖δ‖² and may be negative. NaN with fewer than two topics.
    """
    return ratio(p.total - p.own, p.n * (p.n - 1))


def trace_cov(p: Products) -> Floats:
    """tr Cov(D_a, D_b), unbiased: topic noise, no effect in it. NaN with fewer than two topics."""
    return ratio(p.own - p.total / p.n, p.n - 1)


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


def cos_over_depths(ab: Floats, aa: Floats, bb: Floats, axis: int = -1) -> Floats:
    """The ratio of means Σab/√(Σaa·Σbb) of inner products over the depths along `axis`.

    A mean of the ratios would be ruled by the depths where a norm is near 0.
    """
    return cosine(np.sum(ab, axis=axis), np.sum(aa, axis=axis), np.sum(bb, axis=axis))


def s_hat(p: Products) -> Floats:
    """The squared effect in units of the noise of one difference: U/tr Cov(D); no unit.

    Norms themselves have the unit of the residual stream and do not compare between models.
    """
    return ratio(inner_u(p), trace_cov(p))


def reliability_of_products(p: Products) -> Floats:
    """U/‖v‖² ≤ 1, the expected squared cosine of v and δ: the noise ceiling of a direction."""
    return ratio(inner_u(p), inner(p))


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

    `own` is what the length of a's vectors is measured on; b's is measured on `right`.
    """

    left: Array
    right: Array
    own: Array


def u_cross(a: Array, b: Array | None = None) -> float:
    """Unbiased product of two mean contrasts: mean of `a[i] · b[j]` over topics i ≠ j.

    `a[n, d]` and `b[n, d]` (default: a) are contrasts of the same n topics in one space. What the
    models share because they read the same sentences is left out (crossvalidated distances,
    Walther et al. 2016). It may be negative where there is no signal; that is kept.
    """
    b = a if b is None else b
    n = len(a)
    return float((a.sum(axis=0) @ b.sum(axis=0) - np.einsum("ij,ij->", a, b)) / (n * (n - 1)))


def sign_flip_z(a: Array, b: Array) -> float:
    """Standard score of `u_cross(a, b)` under random signs, the same for both models.

    Answers "is there any aligned signal", not "are two existing signals aligned".
    """
    gram = a @ b.T
    np.fill_diagonal(gram, 0.0)
    # Var Σ s_i s_j g_ij = Σ_{i<j} (g_ij + g_ji)², exactly.
    return float(gram.sum() / np.sqrt(((gram + gram.T) ** 2).sum() / 2.0))


@dataclass(frozen=True)
class Cosines:
    """Cosines between each contrast of a and each of b, with what is needed to judge them."""

    value: Array  # [contrast_a, contrast_b]; NaN where a norm is not positive
    low: Array  # interval at 1 − alpha: delete-one-topic jackknife
    high: Array
    reliability_a: Array  # [contrast_a], see `reliability`
    reliability_b: Array  # [contrast_b]

    def reliable(self, threshold: float) -> NDArray[np.bool_]:
        """Which cells `[contrast_a, contrast_b]` rest on two contrasts that are reliable."""
        return (self.reliability_a >= threshold)[:, None] & (self.reliability_b >= threshold)


def cross_cosines(views: Views, alpha: float = 0.05) -> Cosines:
    """Unbiased cosines of mean contrasts; each array of `views` is `[contrast, topic, q]`.

    Intervals are delete-one-topic jackknifes of Fisher's z; where a cosine reaches ±1, which an
    unbiased one may, of the cosine itself. They hold for the map as fitted.
    """
    product, deleted = _u_grid(views.left, views.right)
    norm_a, deleted_a = _u_norms(views.own)
    norm_b, deleted_b = _u_norms(views.right)
    value = cosine_of(product, norm_a[:, None], norm_b)
    deleted = cosine_of(deleted, deleted_a[:, None], deleted_b)
    low, high = jackknife_interval(value, deleted, alpha, fisher_z=True)
    return Cosines(value, low, high, reliability(views.own), reliability(views.right))


def reliability(contrasts: Array) -> Array:
    """Unbiased norm² over naive norm² of `contrasts[contrast, topic, d]`: `[contrast]`.

    The expected squared cosine between the mean contrast and the true one; at most 1, negative
    where there is no signal, NaN if the contrast is 0.
    """
    return divide(_u_norms(contrasts)[0], (contrasts.mean(axis=1) ** 2).sum(axis=-1))


def captured(contrasts: Array, basis: Array) -> Array:
    """Share of each contrast's unbiased norm² inside a subspace, NaN where it is not positive.

    `contrasts[contrast, topic, d]`, `basis[d, k]` with orthonormal columns; gives `[contrast]`.
    """
    whole, inside = _u_norms(contrasts)[0], _u_norms(contrasts @ basis)[0]
    return divide(inside, np.where(whole > 0.0, whole, np.nan))


def naive_cosines(a: Array, b: Array) -> Array:
    """Plain cosines of mean contrasts `[contrast, d]` of both models, axis by axis.

    Without meaning between models: a rotated copy of a model scores 0 ± 1/√d. NaN everywhere if
    the widths differ.
    """
    if a.shape[-1] != b.shape[-1]:
        return np.full((len(a), len(b)), np.nan)
    return cosine_of(a @ b.T, (a**2).sum(axis=-1)[:, None], (b**2).sum(axis=-1))


def cosine_of(product: Array, norm2_a: Array, norm2_b: Array) -> Array:
    """Cosine from a product and squared norms: not clipped, NaN where a norm is not positive."""
    defined = (norm2_a > 0.0) & (norm2_b > 0.0)
    return product / np.sqrt(np.where(defined, norm2_a * norm2_b, np.nan))


def _u_grid(a: Array, b: Array) -> tuple[Array, Array]:
    """`u_cross` for all pairs of contrasts `[k, f]` and with each topic left out `[k, f, n]`."""
    n = a.shape[1]
    own = np.einsum("knq,fnq->kfn", a, b, optimize=True)
    sum_a, sum_b = a.sum(axis=1), b.sum(axis=1)
    total = sum_a @ sum_b.T - own.sum(axis=-1)
    with_others = np.moveaxis(a @ sum_b.T, -1, 1) + np.moveaxis(b @ sum_a.T, -1, 0)
    deleted = (total[..., None] - with_others + 2.0 * own) / ((n - 1) * (n - 2))
    return total / (n * (n - 1)), deleted


def _u_norms(x: Array) -> tuple[Array, Array]:
    grids = [_u_grid(contrast[None], contrast[None]) for contrast in x]
    return (
        np.array([total[0, 0] for total, _ in grids]),
        np.array([deleted[0, 0] for _, deleted in grids]),
    )


def subspace_overlap(a: ArrayLike, b: ArrayLike) -> float:
    """Overlap of the spans of the columns of `a[d, k]` and `b[d, k]`: mean squared cosine.

    1 for the same span, k / d on average for random ones; never above 1, so never clipped.
    """
    q_a, q_b = (np.linalg.qr(np.asarray(x, dtype=float))[0] for x in (a, b))
    return float(((q_a.T @ q_b) ** 2).sum() / min(q_a.shape[1], q_b.shape[1]))
