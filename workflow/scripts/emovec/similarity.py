"""Within one model: how long emotion contrasts are and how alike, with and without sampling bias.

The data are balanced, `x[class, topic, d_model]`: one sentence for each class and topic, the
topics in the same order in every class. A contrast is a weight for each class, summing to 0; its
differences D[topic, d_model] have the mean v, the mean-difference vector. Every estimator is a
function of the Gram matrices G_ab[topic, topic] = D_a D_bᵀ, so d_model enters once, in `gram`.

A plain product v_a·v_b also holds the sampling noise that a and b have in common (all of it when
a = b, that of the neutral sentences when both are against neutral). Leaving out the pairs of a
topic with itself removes it: the U statistics, which average all splits into disjoint topics
(Walther et al. 2016, NeuroImage 137; Allefeld & Haynes 2014, NeuroImage 89).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

RESOLUTION = 1e-13  # of a squared norm: what float32 activations and float64 sums resolve


def gram(x: ArrayLike) -> Floats:
    """K[class, class, topic, topic]: the products of all sentences about their grand mean.

    `x[class, topic, d_model]` may be of any float type; products are summed in float64.
    """
    x = np.asarray(x, dtype=np.float64)
    x = x - x[:1, :1]  # identical sentences, as at depth 0, become exactly 0
    x -= x.mean(axis=(0, 1))
    n_classes, n_topics, d_model = x.shape
    rows = x.reshape(-1, d_model)
    products = (rows @ rows.T).reshape(n_classes, n_topics, n_classes, n_topics)
    return products.transpose(0, 2, 1, 3)


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


def contrast_gram(k: Floats, a: ArrayLike, b: ArrayLike) -> Floats:
    """G_ab[topic, topic] = D_a D_bᵀ from `k[class, class, topic, topic]` and weights[class].

    With several contrasts, `a[a, class]` and `b[b, class]`, it is G[a, b, topic, topic].
    """
    half = np.tensordot(a, k, axes=([-1], [0]))  # [a..., class, topic, topic]
    whole = np.tensordot(half, b, axes=([-3], [-1]))  # [a..., topic, topic, b...]
    return np.moveaxis(whole, -1, -3) if np.ndim(b) == 2 else whole


def shared(labels: Sequence[Sequence[object]]) -> Mask:
    """same[topic, topic]: the two topics share a label, or are one topic.

    `labels[class][topic]`, such as the phrases of both classes of a contrast; None and NaN are
    shared with nobody.
    """
    n_topics = len(labels[0])
    same = np.eye(n_topics, dtype=bool)
    for row in labels:
        _, codes = np.unique([str(label) for label in row], return_inverse=True)
        known = np.array([label is not None and label == label for label in row])
        same |= (codes[:, None] == codes) & known[:, None] & known
    return same


def inner(g: Floats) -> Floats:
    """v_a·v_b from `g[..., topic, topic]`; with a = b the squared norm. Biased: see `inner_u`."""
    return g.mean(axis=(-2, -1))


def inner_u(g: Floats, same: Mask | None = None) -> Floats:
    """U_ab, unbiased for δ_a·δ_b: the mean of `g[..., topic, topic]` over pairs not in `same`.

    `same[topic, topic]` defaults to the identity. With a = b it estimates ‖δ‖² and may be
    negative. NaN if every pair is in `same`.
    """
    pairs = distinct(g.shape[-1], same)
    return ratio(np.einsum("...ij,ij->...", g, pairs), pairs.sum())


def distinct(n_topics: int, same: Mask | None = None) -> Floats:
    """1 for the pairs [topic, topic] that enter a U statistic, 0 for the others."""
    return 1.0 - (np.eye(n_topics) if same is None else same | np.eye(n_topics, dtype=bool))


def weighted_inner_u(g: Floats, weights: Floats, same: Mask | None = None) -> Floats:
    """U_ab[..., draw] with the multiplicities `weights[draw, topic]` of a resampling of topics.

    A topic drawn twice is still one topic: its pairs with itself stay out, or the bias that U
    removes would come back.
    """
    pairs = distinct(g.shape[-1], same)
    total = np.einsum("bi,...ij,bj->...b", weights, g * pairs, weights, optimize=True)
    return ratio(total, np.einsum("bi,ij,bj->b", weights, pairs, weights, optimize=True))


def trace_cov(g: Floats) -> Floats:
    """tr Cov(D_a, D_b), unbiased, from `g[..., topic, topic]`: topic noise, no effect in it."""
    n = g.shape[-1]
    return (np.trace(g, axis1=-2, axis2=-1) - n * inner(g)) / (n - 1)


def cosine(ab: ArrayLike, aa: ArrayLike, bb: ArrayLike) -> Floats:
    """ab/√(aa·bb); NaN where a squared norm is not positive, and never clipped to [−1, 1]."""
    aa, bb = np.asarray(aa, dtype=np.float64), np.asarray(bb, dtype=np.float64)
    defined = (aa > 0) & (bb > 0)
    return np.asarray(ab) / np.sqrt(np.where(defined, aa, np.nan) * np.where(defined, bb, np.nan))


def cos_naive(g_ab: Floats, g_aa: Floats, g_bb: Floats) -> Floats:
    """The cosine of v_a and v_b; pulled toward `kappa` by noise, whatever the true cosine."""
    return cosine(inner(g_ab), inner(g_aa), inner(g_bb))


def cos_u(g_ab: Floats, g_aa: Floats, g_bb: Floats, same: Mask | None = None) -> Floats:
    """The cosine of δ_a and δ_b by U statistics; NaN where a U norm is not positive."""
    return cosine(inner_u(g_ab, same), inner_u(g_aa, same), inner_u(g_bb, same))


def kappa(g_ab: Floats, g_aa: Floats, g_bb: Floats) -> Floats:
    """What the naive cosine tends to without any effect: tr Cov_ab/√(tr Cov_aa · tr Cov_bb).

    0.5 for two contrasts against the same neutral sentences if the classes have equal noise.
    """
    return cosine(trace_cov(g_ab), trace_cov(g_aa), trace_cov(g_bb))


def cos_over_depths(ab: Floats, aa: Floats, bb: Floats, axis: int = -1) -> Floats:
    """The ratio of means Σab/√(Σaa·Σbb) of inner products over the depths along `axis`.

    A mean of the ratios would be ruled by the depths where a norm is near 0.
    """
    return cosine(np.sum(ab, axis=axis), np.sum(aa, axis=axis), np.sum(bb, axis=axis))


def s_hat(g: Floats, same: Mask | None = None) -> Floats:
    """The squared effect in units of the noise of one difference: U/tr Cov(D); no unit.

    Norms themselves have the unit of the residual stream and do not compare between models.
    """
    return ratio(inner_u(g, same), trace_cov(g))


def reliability(g: Floats, same: Mask | None = None) -> Floats:
    """U/‖v‖² ≤ 1, the expected squared cosine of v and δ: the noise ceiling of a direction."""
    return ratio(inner_u(g, same), inner(g))


def halves(n_topics: int, splits: int, rng: np.random.Generator) -> Floats:
    """Random splits[split, half, topic] into two disjoint halves, each row summing to 1.

    An odd topic, another one in each split, is left out.
    """
    size = n_topics // 2
    place = rng.permuted(np.tile(np.arange(n_topics), (splits, 1)), axis=1)
    return np.stack([place < size, (place >= size) & (place < 2 * size)], axis=1) / size


def half_products(g: Floats, split: Floats) -> Floats:
    """products[..., split, half, half] of the mean vectors of the halves from `halves`."""
    n_topics = split.shape[-1]
    half = (split.reshape(-1, n_topics) @ g).reshape(*g.shape[:-2], *split.shape)
    return half @ split.transpose(0, 2, 1)


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


def ratio(top: ArrayLike, bottom: ArrayLike) -> Floats:
    """top/bottom, NaN where the bottom is not positive."""
    bottom = np.asarray(bottom, dtype=np.float64)
    return np.asarray(top) / np.where(bottom > 0, bottom, np.nan)


def mean_defined(values: Floats, axis: int = 0) -> Floats:
    """The mean along `axis` of what is not NaN; NaN if nothing is."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis))
