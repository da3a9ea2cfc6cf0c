"""Types and small operations on float64 arrays that every estimator uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


Mask = NDArray[np.bool_]


def coordinates(rows: Floats) -> Floats:
    """`rows[..., row, d]` in an orthonormal basis of their span if there are fewer rows than d.

    Their inner products stay as they are, in min(row, d) dimensions.
    """
    if rows.shape[-1] <= rows.shape[-2]:
        return rows
    return np.linalg.qr(rows.swapaxes(-1, -2), mode="r").swapaxes(-1, -2)


def centred(rows: Floats) -> Floats:
    """`rows[n, d]` less their mean; all 0 if they differ by rounding only."""
    moved = rows - rows.mean(axis=0)
    return moved if np.linalg.norm(moved) > 1e-6 * np.linalg.norm(rows) else np.zeros_like(moved)


def leading_axes(rows: Floats, share: float = 0.5) -> Floats:
    """The fewest principal axes `[axis, d]` that hold this share of the variance of `rows[n, d]`.

    None of no rows, or of rows that are all alike.

    >>> np.abs(leading_axes(np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]]))).tolist()
    [[1.0, 0.0]]
    """
    if not len(rows):
        return np.empty((0, rows.shape[1]))
    _, sizes, axes = np.linalg.svd(centred(rows), full_matrices=False)
    held = np.cumsum(sizes**2)
    return axes[: 1 + np.searchsorted(held, share * held[-1])] if held[-1] else axes[:0]


def ratio(top: ArrayLike, bottom: ArrayLike) -> Floats:
    """top/bottom, NaN where the bottom is not positive."""
    bottom = np.asarray(bottom, dtype=np.float64)
    return np.asarray(top) / np.where(bottom > 0, bottom, np.nan)


def mean_defined(values: Floats, axis: int = 0) -> Floats:
    """The mean along `axis` of what is not NaN; NaN if nothing is."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis))
