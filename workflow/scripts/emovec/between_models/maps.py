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

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import orthogonal_procrustes

from emovec.between_models.likeness import gram, permuted_sums
from emovec.errors import InputError
from emovec.statistics.arrays import Floats, centred
from emovec.statistics.unbiased import Views, norm2_u

RANKS = (8, 16, 32, 64, 128)


READ_OUTS = 64


@dataclass(frozen=True)
class Decomposition:
    """Principal components of n rows: `x = mean + (u * s) @ vt`, with rank r ≤ min(n − 1, d)."""

    mean: Floats  # [d]
    u: Floats  # [n, r]
    s: Floats  # [r], largest first
    vt: Floats  # [r, d]

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
    u, s, vt = np.linalg.svd(centred(rows), full_matrices=False)
    rank = int((s > s[0] * max(rows.shape) * np.finfo(float).eps).sum())
    rank = min(rank, len(rows) - 1)
    return Decomposition(rows.mean(axis=0), u[:, :rank], s[:rank], vt[:rank])


@dataclass(frozen=True)
class Ridge:
    """Linear map `x_b ≈ mean_b + (x_a − mean_a) @ weights`."""

    mean_a: Floats  # [d_a]
    mean_b: Floats  # [d_b]
    weights: Floats  # [d_a, d_b]
    alpha: float
    r2_loo: float  # of held-out rows, against the mean of the other rows; NaN without variance

    def apply(self, x: ArrayLike) -> Floats:
        """Predict rows of b from rows `x[..., d_a]` of a."""
        return self.mean_b + (np.asarray(x, dtype=float) - self.mean_a) @ self.weights

    def views(self, x_a: Floats, x_b: Floats) -> Views:
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
    mean_b, moved = target.mean(axis=0), centred(target)
    if not left.s.size or not moved.any():
        weights = np.zeros((left.vt.shape[1], target.shape[1]))
        return Ridge(left.mean, mean_b, weights, float("nan"), float("nan"))
    scores = left.u.T @ moved
    outside = moved - left.u @ scores if len(left.u) - 1 > left.s.size else 0.0
    errors = [_press(left, scores, outside, alpha) for alpha in penalties(left)]
    best = int(np.argmin(errors))
    alpha = float(penalties(left)[best])
    weights = left.vt.T @ ((left.s / (left.s**2 + alpha))[:, None] * scores)
    return Ridge(left.mean, mean_b, weights, alpha, 1.0 - errors[best] / _error_of_mean(moved))


def penalties(a: Decomposition) -> Floats:
    """The penalties that `fit_ridge` chooses from, spread over the spectrum of `a`."""
    largest = a.s[0] ** 2
    return np.geomspace(max(a.s[-1] ** 2, 1e-10 * largest), 10.0 * largest, 16)


def _paired(a: ArrayLike | Decomposition, b: ArrayLike) -> tuple[Decomposition, Floats]:
    left = a if isinstance(a, Decomposition) else decompose(a)
    target = np.asarray(b, dtype=float)
    if len(left.u) != len(target):
        raise InputError(
            f"A map needs the same sentences in both models, not {len(left.u)} and {len(target)}."
        )
    return left, target


def _unleveraged(a: Decomposition, alpha: float) -> tuple[Floats, Floats]:
    """1 − f per component and 1 − leverage per row, the intercept included."""
    kept = alpha / (a.s**2 + alpha)
    power = a.u**2
    # Summed this way there is no cancellation when n ≤ d and both factors go to zero.
    outside = np.maximum(1.0 - 1.0 / len(a.u) - power.sum(axis=1), 0.0)
    return kept, outside + power @ kept


def _press(a: Decomposition, scores: Floats, outside: Floats | float, alpha: float) -> float:
    kept, unleveraged = _unleveraged(a, alpha)
    residual = outside + a.u @ (kept[:, None] * scores)
    return float(((residual / unleveraged[:, None]) ** 2).sum())


def _error_of_mean(rows: Floats) -> float:
    """Squared error of predicting each of the centred rows by the mean of the others."""
    n = len(rows)
    return float((rows**2).sum() * (n / (n - 1)) ** 2)


@dataclass(frozen=True)
class Procrustes:
    """Rotation between the k leading principal components of both models."""

    basis_a: Floats  # [d_a, k], orthonormal columns
    basis_b: Floats  # [d_b, k]
    rotation: Floats  # [k, k], orthogonal
    scale: float  # a to b
    k: int
    r2_ab: float  # held out, share of all variance of b
    r2_ba: float

    def views(self, x_a: Floats, x_b: Floats) -> Views:
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
    full_a, full_b = centred(x), centred(y)
    if not (full_a.any() and full_b.any()) or not (tried := [k for k in ks if k <= largest]):
        return None
    errors = np.zeros((len(tried), 2))
    total = np.zeros(2)
    for fold in range(folds):
        test = np.arange(n) % folds == fold
        mean_a, mean_b = x[~test].mean(axis=0), y[~test].mean(axis=0)
        train_a, train_b = x[~test] - mean_a, y[~test] - mean_b
        held_a, held_b = x[test] - mean_a, y[test] - mean_b
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
    basis_a, basis_b = leading(full_a, k), leading(full_b, k)
    rotation, scale, _ = _rotate(full_a @ basis_a, full_b @ basis_b)
    return Procrustes(basis_a, basis_b, rotation, scale, k, float(r2[best, 1]), float(r2[best, 0]))


def leading(rows: Floats, k: int) -> Floats:
    """The k leading principal axes `[d, k]` of centred rows `[n, d]`."""
    n, d = rows.shape
    if d <= n:
        return np.linalg.eigh(rows.T @ rows)[1][:, : -k - 1 : -1]
    vectors = np.linalg.eigh(rows @ rows.T)[1][:, : -k - 1 : -1]
    return np.linalg.qr(rows.T @ vectors)[0]


def _rotate(a: Floats, b: Floats) -> tuple[Floats, float, float]:
    """Rotation from a to b and the scales of both directions."""
    rotation, total = orthogonal_procrustes(a, b)
    return rotation, float(total / (a**2).sum()), float(total / (b**2).sum())


@dataclass(frozen=True)
class ReadOuts:
    """Whitened principal components of both models and their correlation over the probe."""

    whiten_a: Floats  # [d_a, k]
    whiten_b: Floats  # [d_b, k]
    correlation: Floats  # [k, k]
    n: int  # probe sentences

    def views(self, x_a: Floats, x_b: Floats) -> Views:
        """Differences as read-outs; `left` is a carried over by the correlation."""
        readings = x_a @ self.whiten_a
        return Views(readings @ self.correlation, x_b @ self.whiten_b, readings)

    def ceiling(self, contrasts: Floats) -> Floats:
        """Largest correlation that any read-out of b has with each contrast of a.

        The root of the adjusted R² (Ezekiel 1930) of regressing a's read-out on b's components;
        NaN where that is not positive. `contrasts[contrast, topic, d_a]` gives `[contrast]`.
        """
        readings = contrasts @ self.whiten_a
        k = self.whiten_b.shape[1]
        r2 = norm2_u(readings @ self.correlation) / norm2_u(readings)
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


def whitener(parts: Decomposition, k: int = READ_OUTS) -> Floats:
    """Axes `[d, k]` along which the decomposed rows have unit variance and no correlation.

    The leading components, at most `k` and a quarter of the rows, so that none is mere noise.
    """
    kept = min(k, len(parts.u) // 4, parts.s.size)
    return parts.vt[:kept].T * (np.sqrt(len(parts.u) - 1) / parts.s[:kept])


def shuffle_null(
    a: Decomposition, b: ArrayLike, fit: Ridge, rng: np.random.Generator, shuffles: int = 199
) -> Floats:
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


def _press_form(a: Decomposition, alpha: float) -> Floats:
    kept, unleveraged = _unleveraged(a, alpha)
    n = len(a.u)
    # I − H, of which the constant vector is a null vector.
    maker = np.eye(n) - 1.0 / n - (a.u * (1.0 - kept)) @ a.u.T
    weighted = maker / unleveraged[:, None]
    return weighted.T @ weighted
