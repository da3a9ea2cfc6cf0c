"""Nulls, p-values, intervals and corrections, by resampling whole topics.

The unit of resampling is the topic, with all its classes, and the same draws serve every depth,
metric and contrast, so that the largest statistic of a family can be compared with the largest
under the null (Westfall & Young 1993). A p-value counts the observed draw among the draws and is
never 0 (Phipson & Smyth 2010, doi:10.2202/1544-6115.1585). All randomness comes from the
generator that is passed.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit  # as stats.t, without its checks

from emovec.statistics.arrays import Floats, Mask, coordinates
from emovec.statistics.clustered import clustered_error

Tail = Literal["upper", "two-sided"]


BATCH = 512  # draws at a time: bounds memory


def shared_out(draws: int, tests: int, in_all: int) -> int:
    """How many draws each of many tests has, so that all together have at most `in_all`.

    At most `draws`, and not fewer than 199 for that reason.

    >>> shared_out(9_999, 3, 100_000), shared_out(9_999, 32, 100_000)
    (9999, 3125)
    """
    return min(draws, max(199, in_all // max(tests, 1)))


def sign_flips(n_topics: int, draws: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """signs[draw, topic] of ±1, to be shared by all depths, metrics and contrasts."""
    return rng.choice(np.array([-1, 1], dtype=np.int8), size=(draws, n_topics))


def flipped_norm2_u(d: Floats, signs: NDArray[np.int8]) -> Floats:
    """U*[draw, contrast] of the squared norms of `d[contrast, topic, d_model]`, topics flipped.

    If both classes of a contrast come from one distribution, flipping D_i, which is swapping the
    two labels of topic i, changes nothing, and U is one of the U*.
    """
    n_topics = d.shape[1]
    same_topic = np.einsum("cix,cix->c", d, d)
    return (flipped_norm2(d, signs) - same_topic) / (n_topics * (n_topics - 1))


def flipped_norm2(d: Floats, signs: NDArray[np.int8]) -> Floats:
    """Squared norms [draw, contrast] of the sums of `d[contrast, topic, d_model]`, flipped."""
    side_by_side = coordinates(d).swapaxes(0, 1).reshape(d.shape[1], -1)
    norms = np.empty((len(signs), len(d)))
    for start in range(0, len(signs), BATCH):
        part = signs[start : start + BATCH].astype(np.float64)
        sums = (part @ side_by_side).reshape(len(part), len(d), -1)
        norms[start : start + BATCH] = np.einsum("bcx,bcx->bc", sums, sums)
    return norms


def relabelings(
    n_classes: int, n_topics: int, draws: int, rng: np.random.Generator
) -> NDArray[np.int8]:
    """labels[draw, topic, class]: the class whose sentence stands in for `class` in that topic."""
    return rng.permuted(np.tile(np.arange(n_classes, dtype=np.int8), (draws, n_topics, 1)), axis=-1)


def relabeled_weights(weights: NDArray, labels: NDArray[np.int8], reference: int) -> NDArray:
    """W[draw, contrast, other, topic]: the weight of each sentence once its topic is relabelled.

    `weights[contrast, class]` sum to 0, so that everything may be measured from one class, the
    `reference`, and the others are enough. The type is that of `weights`.
    """
    draws, n_topics, n_classes = labels.shape
    others = np.delete(np.arange(n_classes), reference)[:, None]
    w = np.zeros((draws, len(weights), n_classes - 1, n_topics), dtype=weights.dtype)
    for k in range(n_classes):
        stands_in = labels[:, None, :, k] == others  # [draw, other, topic]
        w += weights[:, k, None, None] * stands_in[:, None]
    return w


def relabeled_inner(d: Floats, w: NDArray) -> Floats:
    """products[draw, contrast, contrast] of the relabelled mean differences.

    `d[other, topic, d_model]` are the sentences of all classes but the reference, less those of
    the reference; `w` from `relabeled_weights`. With them go the cosines of contrasts that share
    a class.
    """
    rows = d.reshape(-1, d.shape[-1]) / d.shape[1]
    products = []
    for start in range(0, len(w), BATCH):
        part = w[start : start + BATCH].astype(np.float64)
        means = (part.reshape(-1, len(rows)) @ rows).reshape(*part.shape[:2], -1)
        products.append(means @ means.transpose(0, 2, 1))
    return np.concatenate(products)


def p_value(observed: ArrayLike, null: Floats, tail: Tail = "upper") -> Floats:
    """p[...] of `observed[...]` in `null[draw, ...]`; NaN where either is undefined.

    "two-sided" measures how far a value lies from the median, in units of the 95 % band of the
    null on its side, so that p < 0.05 outside the band and nowhere else.

    >>> float(p_value(2.5, np.arange(4.0)))  # one of four draws is as large, and so is the value
    0.4
    """
    if not len(null):
        return np.full(np.shape(observed), np.nan)
    score, scores = np.asarray(observed, dtype=np.float64), null
    if tail == "two-sided":
        score, scores = _standardised(score, null, tail)
    undefined = np.isnan(score) | np.isnan(scores).any(axis=0)
    return np.where(undefined, np.nan, _exceeded(score, scores))


def single_step(observed: float, nulls: Floats) -> float:
    """p of the largest of several statistics against the largest of `nulls[test, draw]`.

    Single-step adjustment (Westfall & Young 1993). A draw counts where it is defined in any test.
    """
    largest = np.fmax.reduce(nulls, axis=0)
    return float(p_value(observed, largest[~np.isnan(largest)]))


def max_t(observed: ArrayLike, null: Floats, tail: Tail = "upper") -> Floats:
    """p[...] of `observed[...]` adjusted for all of them at once: step-down max-T.

    Each statistic is standardised by its own null, so that depths with large norms do not rule
    the maximum (Westfall & Young 1993, algorithm 4.1). Undefined members take no part and get NaN.
    """
    score, scores = _standardised(observed, null, tail)
    flat, flats = score.ravel(), scores.reshape(len(scores), -1)
    defined = np.flatnonzero(~np.isnan(flat))
    order = defined[np.argsort(flat[defined], kind="stable")]  # smallest first
    largest = np.maximum.accumulate(flats[:, order], axis=1)
    adjusted = np.full(flat.shape, np.nan)
    p = _exceeded(flat[order], largest)
    adjusted[order] = np.maximum.accumulate(p[::-1])[::-1]
    return adjusted.reshape(score.shape)


def band(null: Floats, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """The central 1 − alpha of `null[draw, ...]`."""
    low, high = np.quantile(null, [alpha / 2, 1 - alpha / 2], axis=0)
    return low, high


def _standardised(observed: ArrayLike, null: Floats, tail: Tail) -> tuple[Floats, Floats]:
    """Scores of the observed and the null; larger is more extreme."""
    observed = np.asarray(observed, dtype=np.float64)
    both = np.concatenate([observed[None], null])  # the observed is one of the draws
    if tail == "upper":
        scores = _over(both - both.mean(axis=0), both.std(axis=0))
    else:
        low, middle, high = np.quantile(both, [0.025, 0.5, 0.975], axis=0)
        away = both - middle
        scores = np.abs(_over(away, np.where(away > 0, high - middle, middle - low)))
    scores[:, np.isnan(scores).any(axis=0)] = np.nan
    return scores[0], scores[1:]


def _over(top: Floats, bottom: Floats) -> Floats:
    """top/bottom with 0/0 = 0: a statistic that never varies is not extreme."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(top == 0, 0.0, top / bottom)


def _exceeded(score: Floats, scores: Floats) -> Floats:
    # Draws that repeat the observed one differ from it by rounding.
    rounding = np.where(np.isfinite(score), 1e-9 * np.abs(score), 0)
    as_large = scores >= score - rounding
    return (1 + as_large.sum(axis=0)) / (1 + len(scores))


def jackknife_se(loo: Floats) -> Floats:
    """The standard error of a statistic from its values `loo[..., topic]` without each topic.

    Quenouille 1956, Tukey 1958. It errs on the large side for U statistics of weak effects
    (Efron & Stein 1981).
    """
    return np.sqrt((loo.shape[-1] - 1) * loo.var(axis=-1))


def jackknife_interval(
    value: ArrayLike,
    loo: Floats,
    alpha: float = 0.05,
    *,
    fisher_z: bool = False,
    near: Mask | None = None,
) -> tuple[Floats, Floats]:
    """low[...], high[...] of the 1 − alpha interval by Student's t, n_topics − 1 degrees.

    With `fisher_z`, for cosines of means, on the scale of artanh (plain where one is ±1). Not for
    unbiased cosines: their errors do not vanish towards ±1, so that artanh blows up those near
    it, and covers a cosine of 1 three times in four. With `near[..., topic, topic]` errors and
    degrees are those of clusters.
    """
    value = np.asarray(value, dtype=np.float64)

    def half(values: Floats) -> Floats:
        error, df = _error(values, near)
        return stdtrit(df, 1 - alpha / 2) * error

    low, high = value - half(loo), value + half(loo)
    if not fisher_z:
        return low, high
    inside = (np.abs(value) < 1) & (np.abs(loo) < 1).all(axis=-1)
    z = np.arctanh(np.where(inside, value, 0))
    reach = half(np.arctanh(np.where(inside[..., None], loo, 0)))
    return np.where(inside, np.tanh(z - reach), low), np.where(inside, np.tanh(z + reach), high)


def jackknife_p(value: ArrayLike, loo: Floats, near: Mask | None = None) -> Floats:
    """The two-sided p[...] that the statistic is 0, by Student's t as `jackknife_interval`."""
    error, df = _error(loo, near)
    return 2 * stdtr(df, -np.abs(_over(np.asarray(value), error)))


def _error(loo: Floats, near: Mask | None) -> tuple[Floats, Floats | int]:
    return (jackknife_se(loo), loo.shape[-1] - 1) if near is None else clustered_error(loo, near)
