"""How alike two whole representations are: debiased CKA and mutual nearest neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emovec.statistics.arrays import Floats, centred
from emovec.statistics.unbiased import cosine

NEIGHBOURS = 10


BAND = 64  # rows of a permuted Gram matrix at a time


def cka_debiased(a: Floats, b: Floats) -> float:
    """Debiased linear CKA of two U-centred Gram matrices (Song et al. 2012, Kornblith et al. 2019).

    0 on average for unrelated models whatever n and d; NaN if a model does not vary.
    """
    return float(cosine(np.vdot(a, b), np.vdot(a, a), np.vdot(b, b)))


def gram(x: ArrayLike) -> Floats:
    """Products `[n, n]` of the centred rows of `x[n, d]`; all 0 if they differ by rounding only."""
    rows = centred(np.asarray(x, dtype=float))
    return rows @ rows.T


def u_centred(gram: Floats) -> Floats:
    """The Gram matrix with diagonal 0 and rows that sum to 0 (Székely & Rizzo 2014)."""
    n = len(gram)
    off = gram - np.diag(np.diag(gram))
    rows = off.sum(axis=0) / (n - 2)
    off = off - rows - rows[:, None] + off.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(off, 0.0)
    return off


def neighbours(gram: Floats, k: int = NEIGHBOURS) -> NDArray[np.bool_]:
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


def cka_shuffle_null(a: Floats, b: Floats, rng: np.random.Generator, shuffles: int = 199) -> Floats:
    """Debiased CKA `[shuffle]` of U-centred Gram matrices with the sentences of b permuted."""
    sums = permuted_sums(a[None], b, rng, shuffles)[:, 0]
    return cosine(sums, np.vdot(a, a), np.vdot(b, b))


def permuted_sums(forms: Floats, b: Floats, rng: np.random.Generator, shuffles: int) -> Floats:
    """Σ_ij forms[f, i, j] · b[π(i), π(j)] for random permutations π: `[shuffle, f]`.

    All are symmetric: one half is summed, the diagonal and twice what is right of it, in bands of
    rows that stay in the cache.
    """
    n = len(b)
    bands = [slice(start, min(start + BAND, n)) for start in range(0, n, BAND)]
    halves = [np.triu(2.0 * forms[:, band, band.start :]) for band in bands]
    for half in halves:
        half[:, range(half.shape[1]), range(half.shape[1])] /= 2.0
    sums = np.zeros((shuffles, len(forms)))
    # The same buffers for all draws: fresh ones would cost five times the products.
    rows = [np.empty((half.shape[1], n)) for half in halves]
    both = [np.empty(half.shape[1:]) for half in halves]
    for draw in range(shuffles):
        order = rng.permutation(n)
        for band, half, row, one in zip(bands, halves, rows, both, strict=True):
            np.take(b, order[band], axis=0, out=row, mode="clip")
            np.take(row, order[band.start :], axis=1, out=one, mode="clip")
            sums[draw] += half.reshape(len(forms), -1) @ one.reshape(-1)
    return sums
