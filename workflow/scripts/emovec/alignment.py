"""Compare directions of two models whose axes differ in meaning and often in number.

Every map is fitted on neutral probe sentences that both models read, rows paired by sentence, and
applied to contrasts of other sentences. Products of contrasts skip pairs of rows that belong to
the same topic: both models read the same sentences, so their sampling noise is aligned too, and a
plain cosine of mapped means would find "shared" directions where there are none.

Arrays are float64. `a` and `b` are the two models, `n` sentences or topics, `d_a` and `d_b` their
widths; `[contrast, topic, d]` is the order of axes of difference vectors (emotion minus neutral).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emovec.errors import InputError
from emovec.inference import jackknife_interval

Array = NDArray[np.float64]

RANKS = (8, 16, 32, 64, 128)
READ_OUTS = 64
NEIGHBOURS = 10


# Maps ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decomposition:
    """Principal components of n rows: `x = mean + (u * s) @ vt`, with rank r ≤ min(n − 1, d)."""

    mean: Array  # [d]
    u: Array  # [n, r]
    s: Array  # [r], largest first
    vt: Array  # [r, d]

    @property
    def rogue_share(self) -> float:
        """Share of the variance on the first component; NaN without variance."""
        return float(self.s[0] ** 2 / (self.s**2).sum()) if self.s.size else float("nan")


def decompose(x: ArrayLike) -> Decomposition:
    """Centre the rows of `x[n, d]` and take their singular value decomposition.

    Rows that differ by no more than rounding (the embedding of one fixed token) have rank 0.

    Raises
    ------
    InputError
        If `x` holds a value that is not finite or has fewer than three rows.
    """
    rows = np.asarray(x, dtype=float)
    if len(rows) < 3 or not np.isfinite(rows).all():
        raise InputError(
            f"A map needs at least 3 sentences with finite activations, not an array of shape "
            f"{rows.shape} with {np.count_nonzero(~np.isfinite(rows))} undefined values."
        )
    mean = rows.mean(axis=0)
    centred = rows - mean
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    rank = int((s > s[0] * max(rows.shape) * np.finfo(float).eps).sum())
    if np.linalg.norm(centred) <= 1e-6 * np.linalg.norm(rows):
        rank = 0
    rank = min(rank, len(rows) - 1)
    return Decomposition(mean, u[:, :rank], s[:rank], vt[:rank])


class Views(NamedTuple):
    """Rows of both models in one space: `left · right` is the product of a row of a and one of b.

    `own` is what the length of a's vectors is measured on; b's is measured on `right`.
    """

    left: Array
    right: Array
    own: Array


@dataclass(frozen=True)
class Ridge:
    """Linear map `x_b ≈ mean_b + (x_a − mean_a) @ weights`."""

    mean_a: Array  # [d_a]
    mean_b: Array  # [d_b]
    weights: Array  # [d_a, d_b]
    alpha: float
    r2_loo: float  # of held-out rows, against the mean of the other rows; NaN without variance

    def apply(self, x: ArrayLike) -> Array:
        """Predict rows of b from rows `x[..., d_a]` of a."""
        return self.mean_b + (np.asarray(x, dtype=float) - self.mean_a) @ self.weights

    def views(self, x_a: Array, x_b: Array) -> Views:
        """Differences (or rows up to an offset) of both models in the space of b."""
        mapped = x_a @ self.weights
        return Views(mapped, x_b, mapped)


def fit_ridge(a: ArrayLike | Decomposition, b: ArrayLike) -> Ridge:
    """Fit b from a by ridge regression, with the penalty that leave-one-out error prefers.

    The error of each left-out row follows from one fit (PRESS, Allen 1974) with the leverage of
    the intercept included, so it is exact with fewer rows than dimensions too. R² compares it with
    predicting the mean of the other rows.

    Parameters
    ----------
    a, b : [n, d_a], [n, d_b]
        The same n sentences in both models; `a` may be decomposed already.
    """
    left, target = _paired(a, b)
    mean_b = target.mean(axis=0)
    centred = target - mean_b
    if not left.s.size or not _varies(target):
        weights = np.zeros((left.vt.shape[1], target.shape[1]))
        return Ridge(left.mean, mean_b, weights, float("nan"), float("nan"))
    scores = left.u.T @ centred
    outside = centred - left.u @ scores if len(left.u) - 1 > left.s.size else 0.0
    errors = [_press(left, scores, outside, alpha) for alpha in penalties(left)]
    best = int(np.argmin(errors))
    alpha = float(penalties(left)[best])
    weights = left.vt.T @ ((left.s / (left.s**2 + alpha))[:, None] * scores)
    return Ridge(left.mean, mean_b, weights, alpha, 1.0 - errors[best] / _error_of_mean(centred))


def penalties(a: Decomposition) -> Array:
    """The penalties that `fit_ridge` chooses from, spread over the spectrum of `a`."""
    largest = a.s[0] ** 2
    return np.geomspace(max(a.s[-1] ** 2, 1e-10 * largest), 10.0 * largest, 16)


def _paired(a: ArrayLike | Decomposition, b: ArrayLike) -> tuple[Decomposition, Array]:
    left = a if isinstance(a, Decomposition) else decompose(a)
    target = np.asarray(b, dtype=float)
    if len(left.u) != len(target):
        raise InputError(
            f"A map needs the same sentences in both models, not {len(left.u)} and {len(target)}."
        )
    return left, target


def _varies(x: Array) -> bool:
    return bool(np.linalg.norm(x - x.mean(axis=0)) > 1e-6 * np.linalg.norm(x))


def _unleveraged(a: Decomposition, alpha: float) -> tuple[Array, Array]:
    """1 − f per component and 1 − leverage per row, the intercept included."""
    kept = alpha / (a.s**2 + alpha)
    power = a.u**2
    # Summed this way there is no cancellation when n ≤ d and both factors go to zero.
    outside = np.maximum(1.0 - 1.0 / len(a.u) - power.sum(axis=1), 0.0)
    return kept, outside + power @ kept


def _press(a: Decomposition, scores: Array, outside: Array | float, alpha: float) -> float:
    kept, unleveraged = _unleveraged(a, alpha)
    residual = outside + a.u @ (kept[:, None] * scores)
    return float(((residual / unleveraged[:, None]) ** 2).sum())


def _error_of_mean(centred: Array) -> float:
    """Squared error of predicting each row by the mean of the others."""
    n = len(centred)
    return float((centred**2).sum() * (n / (n - 1)) ** 2)


@dataclass(frozen=True)
class Procrustes:
    """Rotation between the k leading principal components of both models."""

    basis_a: Array  # [d_a, k], orthonormal columns
    basis_b: Array  # [d_b, k]
    rotation: Array  # [k, k], orthogonal
    scale: float  # a to b
    k: int
    r2_ab: float  # held out, share of all variance of b
    r2_ba: float

    def views(self, x_a: Array, x_b: Array) -> Views:
        """Differences of both models inside the k components, a rotated onto b."""
        rotated = (x_a @ self.basis_a) @ self.rotation
        return Views(rotated, x_b @ self.basis_b, rotated)


def fit_procrustes(
    a: ArrayLike, b: ArrayLike, ks: Sequence[int] = RANKS, *, folds: int = 5
) -> Procrustes | None:
    """Fit the rank-k orthogonal Procrustes rotation (Schönemann 1966) between two models.

    k is the candidate that predicts held-out rows best, averaged over both directions; only
    k below half of the training rows and within the rank are tried. None if no k is possible.

    Parameters
    ----------
    a, b : [n, d_a], [n, d_b]
        The same n sentences in both models. Fold i holds the rows i, i + folds, …
    """
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    n = len(x)
    largest = min((n - -(-n // folds) - 1) // 2, x.shape[1], y.shape[1])
    if not (_varies(x) and _varies(y)) or not (tried := [k for k in ks if k <= largest]):
        return None
    errors = np.zeros((len(tried), 2))
    total = np.zeros(2)
    for fold in range(folds):
        test = np.arange(n) % folds == fold
        train_a, train_b = _centre(x[~test]), _centre(y[~test])
        held_a, held_b = x[test] - x[~test].mean(axis=0), y[test] - y[~test].mean(axis=0)
        basis_a, basis_b = leading(train_a, tried[-1]), leading(train_b, tried[-1])
        total += (held_a**2).sum(), (held_b**2).sum()
        scores = train_a @ basis_a, train_b @ basis_b
        held = held_a @ basis_a, held_b @ basis_b
        for row, k in enumerate(tried):
            rotation, ab, ba = _rotate(scores[0][:, :k], scores[1][:, :k])
            left, right = held[0][:, :k], held[1][:, :k]
            gain_ab = (right**2).sum() - ((right - ab * left @ rotation) ** 2).sum()
            gain_ba = (left**2).sum() - ((left - ba * right @ rotation.T) ** 2).sum()
            errors[row] += gain_ba, gain_ab
    r2 = errors / total
    best = int(np.argmax(r2.mean(axis=1)))
    k = tried[best]
    full_a, full_b = _centre(x), _centre(y)
    basis_a, basis_b = leading(full_a, k), leading(full_b, k)
    rotation, scale, _ = _rotate(full_a @ basis_a, full_b @ basis_b)
    return Procrustes(basis_a, basis_b, rotation, scale, k, float(r2[best, 1]), float(r2[best, 0]))


def leading(centred: Array, k: int) -> Array:
    """The k leading principal axes `[d, k]` of centred rows `[n, d]`."""
    n, d = centred.shape
    if d <= n:
        return np.linalg.eigh(centred.T @ centred)[1][:, : -k - 1 : -1]
    vectors = np.linalg.eigh(centred @ centred.T)[1][:, : -k - 1 : -1]
    return np.linalg.qr(centred.T @ vectors)[0]


def _centre(x: Array) -> Array:
    return x - x.mean(axis=0)


def _rotate(a: Array, b: Array) -> tuple[Array, float, float]:
    """Rotation from a to b and the scales of both directions."""
    u, s, vt = np.linalg.svd(a.T @ b)
    return u @ vt, float(s.sum() / (a**2).sum()), float(s.sum() / (b**2).sum())


@dataclass(frozen=True)
class ReadOuts:
    """Whitened principal components of both models and their correlation over the probe."""

    whiten_a: Array  # [d_a, k]
    whiten_b: Array  # [d_b, k]
    correlation: Array  # [k, k]
    n: int  # probe sentences

    def views(self, x_a: Array, x_b: Array) -> Views:
        """Differences as read-outs; `left` is a carried over by the correlation."""
        own = x_a @ self.whiten_a
        return Views(own @ self.correlation, x_b @ self.whiten_b, own)

    def ceiling(self, contrasts: Array) -> Array:
        """Largest correlation that any read-out of b has with each contrast of a.

        The root of the adjusted R² (Ezekiel 1930) of regressing a's read-out on b's components;
        NaN where that is not positive. `contrasts[contrast, topic, d_a]` gives `[contrast]`.
        """
        own = contrasts @ self.whiten_a
        k = self.whiten_b.shape[1]
        r2 = np.array([u_cross(x @ self.correlation) / u_cross(x) for x in own])
        adjusted = 1.0 - (1.0 - r2) * (self.n - 1) / (self.n - k - 1)
        return np.sqrt(np.where(adjusted > 0.0, adjusted, np.nan))


def fit_readouts(
    a: ArrayLike | Decomposition, b: ArrayLike | Decomposition, k: int = READ_OUTS
) -> ReadOuts | None:
    """Whiten the k leading components of both models and correlate them over the probe.

    A contrast in these coordinates is a regularised linear discriminant, and the product of two
    contrasts through `correlation` is the correlation of two read-outs over probe sentences that
    neither was found on (wPC). Nothing is inverted, and the two models play the same part.

    k is lowered to a quarter of the sentences; None if a model does not vary.
    """
    left = a if isinstance(a, Decomposition) else decompose(a)
    right = b if isinstance(b, Decomposition) else decompose(b)
    n = len(left.u)
    if n != len(right.u):
        raise InputError(
            f"Read-outs need the same sentences in both models, not {n} and {len(right.u)}."
        )
    whiten_a, whiten_b = whitener(left, k), whitener(right, k)
    if not (whiten_a.size and whiten_b.size):
        return None
    kept_a, kept_b = whiten_a.shape[1], whiten_b.shape[1]
    return ReadOuts(whiten_a, whiten_b, left.u[:, :kept_a].T @ right.u[:, :kept_b], n)


def whitener(parts: Decomposition, k: int = READ_OUTS) -> Array:
    """Axes `[d, k]` along which the decomposed rows have unit variance and no correlation.

    The leading components, at most `k` and a quarter of the rows, so that none is mere noise.
    """
    kept = min(k, len(parts.u) // 4, parts.s.size)
    return parts.vt[:kept].T * (np.sqrt(len(parts.u) - 1) / parts.s[:kept])


# Products that skip same-topic pairs --------------------------------------------------------------


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
    value = ratio(product, norm_a[:, None], norm_b)
    deleted = ratio(deleted, deleted_a[:, None], deleted_b)
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
    return ratio(a @ b.T, (a**2).sum(axis=-1)[:, None], (b**2).sum(axis=-1))


def divide(x: ArrayLike, y: ArrayLike) -> Array:
    """x / y, NaN where y is 0."""
    bottom = np.asarray(y, dtype=float)
    return np.asarray(x, dtype=float) / np.where(bottom == 0.0, np.nan, bottom)


def ratio(product: Array, norm2_a: Array, norm2_b: Array) -> Array:
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


# Likeness of whole representations ----------------------------------------------------------------


def cka_debiased(a: ArrayLike, b: ArrayLike) -> float:
    """Debiased linear CKA of `a[n, d_a]` and `b[n, d_b]` (Song et al. 2012, Kornblith et al. 2019).

    0 on average for unrelated models whatever n and d; NaN if a model does not vary.
    """
    return cka_from_grams(u_centred(gram(a)), u_centred(gram(b)))


def cka_from_grams(a: Array, b: Array) -> float:
    """Debiased CKA from two U-centred Gram matrices."""
    return float(ratio(np.vdot(a, b), np.vdot(a, a), np.vdot(b, b)))


def gram(x: ArrayLike) -> Array:
    """Products `[n, n]` of the centred rows of `x[n, d]`; all 0 if they differ by rounding only."""
    rows = np.asarray(x, dtype=float)
    centred = _centre(rows) if _varies(rows) else np.zeros_like(rows)
    return centred @ centred.T


def u_centred(gram: Array) -> Array:
    """The Gram matrix with diagonal 0 and rows that sum to 0 (Székely & Rizzo 2014)."""
    n = len(gram)
    off = gram - np.diag(np.diag(gram))
    rows = off.sum(axis=0) / (n - 2)
    centred = off - rows - rows[:, None] + off.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred


def neighbours(gram: Array, k: int = NEIGHBOURS) -> NDArray[np.bool_]:
    """Whether column j is among the k rows most similar to row i, by cosine of centred rows."""
    length = np.sqrt(np.diag(gram))
    similarity = gram / np.where(length > 0.0, length, np.nan) / length[:, None]
    np.fill_diagonal(similarity, -np.inf)
    nearest = np.zeros(gram.shape, dtype=bool)
    np.put_along_axis(nearest, np.argpartition(similarity, -k, axis=1)[:, -k:], True, axis=1)
    return nearest


def mutual_neighbours(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Mean share of nearest neighbours that two models agree on (mutual k-NN, Huh et al. 2024).

    k / (n − 1) by chance.
    """
    return float((a & b).sum() / a.sum())


def shuffle_null(
    a: Decomposition, b: ArrayLike, fit: Ridge, rng: np.random.Generator, shuffles: int = 199
) -> Array:
    """R² of left-out rows `[shuffle]` when the map is refitted to permuted sentences of b.

    Each permutation is refitted with the chosen penalty and with the largest, and keeps the better
    of the two. With H the hat matrix the error of left-out rows is Σ Q ∘ K, where
    Q = (I − H) diag(1 / (1 − h)²) (I − H) depends on a and K = b bᵀ on b, so a refit is one
    permutation of K.
    """
    products = gram(b)
    n = len(products)
    forms = [_press_form(a, alpha) for alpha in {fit.alpha, float(penalties(a)[-1])}]
    errors = permuted_sums(np.stack(forms), products, rng, shuffles)
    return 1.0 - errors.min(axis=1) / (np.trace(products) * (n / (n - 1)) ** 2)


def cka_shuffle_null(a: Array, b: Array, rng: np.random.Generator, shuffles: int = 199) -> Array:
    """Debiased CKA `[shuffle]` of U-centred Gram matrices with the sentences of b permuted."""
    sums = permuted_sums(a[None], b, rng, shuffles)[:, 0]
    return ratio(sums, np.vdot(a, a), np.vdot(b, b))


def permuted_sums(forms: Array, b: Array, rng: np.random.Generator, shuffles: int) -> Array:
    """Σ_ij forms[f, i, j] · b[π(i), π(j)] for random permutations π: `[shuffle, f]`."""
    flat = forms.reshape(len(forms), -1)
    sums = np.empty((shuffles, len(forms)))
    # Two buffers for all draws: fresh ones would cost five times the products.
    rows, both = np.empty_like(b), np.empty_like(b)
    for draw in range(shuffles):
        order = rng.permutation(len(b))
        np.take(b, order, axis=0, out=rows, mode="clip")
        np.take(rows, order, axis=1, out=both, mode="clip")
        sums[draw] = flat @ both.reshape(-1)
    return sums


def _press_form(a: Decomposition, alpha: float) -> Array:
    kept, unleveraged = _unleveraged(a, alpha)
    n = len(a.u)
    # I − H, of which the constant vector is a null vector.
    maker = np.eye(n) - 1.0 / n - (a.u * (1.0 - kept)) @ a.u.T
    weighted = maker / unleveraged[:, None]
    return weighted.T @ weighted


def exceedance(observed: float, null: Array) -> float:
    """p = (1 + #{null ≥ observed}) / (1 + draws) over the defined draws; never 0.

    NaN if the observed value is undefined or no draw is defined (Phipson & Smyth 2010).
    """
    defined = null[np.isfinite(null)]
    if not np.isfinite(observed) or not defined.size:
        return float("nan")
    # Refits that are equal in exact arithmetic must count as equal.
    reached = defined >= observed - 1e-12 * abs(observed)
    return float((1 + np.count_nonzero(reached)) / (1 + defined.size))
