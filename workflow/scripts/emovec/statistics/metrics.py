"""Inner products on the residual stream, fitted on probe sentences alone, and rogue dimensions.

Which inner product is used decides what a cosine means (Park, Choe & Veitch 2024,
arXiv:2311.03658). In the raw one a few dimensions of huge variance can decide everything
(Timkey & van Schijndel 2021, arXiv:2109.04404), so each number is reported in three:

- raw: as the model computes.
- zstd: every dimension divided by its standard deviation between probe sentences, the same in
  every class. It depends on the basis.
- lda: then whitened by the Ledoit–Wolf covariance of the probe (Ledoit & Wolf 2004), so that the
  inner product is δ_aᵀΣ⁻¹δ_b and v is Fisher's direction; with U statistics, the crossnobis
  distance (Walther et al. 2016). It would not depend on the basis but for the shrinkage.

As the probe is independent of the sentences compared, U statistics stay unbiased in all three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, solve_triangular
from sklearn.covariance import ledoit_wolf

from emovec.registry import Kind, registry

Floats = NDArray[np.float64]


DOMINATED = 0.5  # of the squared norm in one dimension


@dataclass(frozen=True)
class Fitted:
    """A linear map after which the plain inner product is that of a metric."""

    scale: Floats | None = None  # [d_model]; 0 for a dimension in which the probe is constant
    whitener: Floats | None = None  # [kept, kept]: of the dimensions with scale > 0

    def apply(self, x: ArrayLike) -> Floats:
        """`x[..., d_model]` in float64, mapped; a whitener leaves out dimensions of scale 0."""
        x = np.asarray(x, dtype=np.float64)
        if self.scale is None:
            return x
        if self.whitener is None:
            return x * self.scale
        kept = self.scale > 0
        scaled = (x[..., kept] * self.scale[kept]).reshape(-1, kept.sum())
        return (scaled @ self.whitener).reshape(*x.shape[:-1], -1)


def _standardise(probe: Floats) -> Fitted:
    largest = np.abs(probe).max(axis=0)
    deviation = probe.std(axis=0, ddof=1)
    kept = deviation > np.finfo(np.float32).eps * largest  # below it, float32 rounding
    return Fitted(np.where(kept, 1 / np.where(kept, deviation, 1), 0))


def _whiten(probe: Floats) -> Fitted:
    scale = _standardise(probe).scale
    kept = scale > 0
    if not kept.any():
        return Fitted(scale)
    z = (probe - probe.mean(axis=0))[:, kept] * scale[kept]
    covariance, _ = ledoit_wolf(z, assume_centered=True)
    root = np.linalg.cholesky(covariance)
    return Fitted(scale, solve_triangular(root, np.eye(len(root)), lower=True).T)


@dataclass(frozen=True)
class Metric(Kind):
    """An inner product, and how it is fitted on `probe[sentence, d_model]`."""

    fit: Callable[[Floats], Fitted]
    needs_probe: bool = True
    keeps_axes: bool = True  # whether a dimension is still one of the residual stream


METRICS = registry(
    Metric("raw", "raw", lambda probe: Fitted(), needs_probe=False),
    Metric("zstd", "z-scored", _standardise),
    Metric("lda", "LDA-whitened", _whiten, keeps_axes=False),
)


def fit(name: str, probe: ArrayLike) -> Fitted:
    """The metric `name` from the residuals `probe[sentence, d_model]` of the map half.

    Raises
    ------
    ValueError
        If the name is not one of `METRICS`.
    """
    if name not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {name!r}")
    return METRICS[name].fit(np.asarray(probe, dtype=np.float64))


@dataclass(frozen=True)
class Rogue:
    """How much of a squared vector its largest dimensions hold; 1/d_model each if it is even."""

    dims: tuple[int, ...]  # largest first
    share1: float
    share3: float

    @property
    def dominated(self) -> bool:
        """One dimension decides every cosine with this vector."""
        return self.share1 > DOMINATED


def rogue(v: ArrayLike, n_dims: int = 3) -> Rogue:
    """The `n_dims` largest dimensions of `v[d_model]`; shares are NaN for a vector of zeros."""
    squares = np.asarray(v, dtype=np.float64) ** 2
    dims = np.argsort(-squares, kind="stable")[:n_dims]
    total = squares.sum()
    shares = squares[dims] / (total if total > 0 else np.nan)
    return Rogue(tuple(int(dim) for dim in dims), float(shares[0]), float(shares.sum()))


def spectrum(x: Floats) -> tuple[float, float]:
    """The share of the first principal component, and the effective dimension (Σλ)²/Σλ².

    The λ are the variances of `x[sentence, d_model]` along its principal components. Both are NaN
    if the sentences do not differ. The effective dimension of n sentences is below n whatever the
    model.
    """
    n, d = x.shape
    rows = x - x[0]
    largest_product = (rows**2).sum(axis=1).max()
    rows = rows - rows.mean(axis=0)
    products = rows @ rows.T if n <= d else rows.T @ rows  # the same λ but for zeros
    total = np.trace(products)
    if not total > np.finfo(np.float64).eps * n * largest_product:
        return np.nan, np.nan
    last = len(products) - 1
    largest = eigh(products, eigvals_only=True, subset_by_index=(last, last))[0]
    return float(largest / total), float(total**2 / (products**2).sum())
