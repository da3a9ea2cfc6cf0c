"""How alike two whole representations are: debiased CKA and mutual nearest neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emovec.statistics.arrays import Array
from emovec.statistics.unbiased import cosine_of

NEIGHBOURS = 10


def _varies(x: Array) -> bool:
    return bool(np.linalg.norm(x - x.mean(axis=0)) > 1e-6 * np.linalg.norm(x))


def _centre(x: Array) -> Array:
    return x - x.mean(axis=0)


def cka_debiased(a: ArrayLike, b: ArrayLike) -> float:
    """Debiased linear CKA of `a[n, d_a]` and `b[n, d_b]` (Song et al. 2012, Kornblith et al. 2019).

    0 on average for unrelated models whatever n and d; NaN if a model does not vary.
    """
    return cka_from_grams(u_centred(gram(a)), u_centred(gram(b)))


def cka_from_grams(a: Array, b: Array) -> float:
    """Debiased CKA from two U-centred Gram matrices."""
    return float(cosine_of(np.vdot(a, b), np.vdot(a, a), np.vdot(b, b)))


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


def cka_shuffle_null(a: Array, b: Array, rng: np.random.Generator, shuffles: int = 199) -> Array:
    """Debiased CKA `[shuffle]` of U-centred Gram matrices with the sentences of b permuted."""
    sums = permuted_sums(a[None], b, rng, shuffles)[:, 0]
    return cosine_of(sums, np.vdot(a, a), np.vdot(b, b))


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
