"""Inner products of the contrasts of one model, from which all statistics follow."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from emovec.statistics import arrays, metrics, resampling, unbiased
from emovec.statistics.arrays import Floats, Mask

DRAWN = ("flipped", "relabeled")  # fields of Measured whose first axis is the draw


@dataclass(frozen=True)
class Plan:
    """What is the same at every metric of a position."""

    classes: list[str]
    emotions: list[str]
    weights: Floats  # [emotion, class], of emotion − neutral or the mean of emotions, which is last
    unlike: float  # the cosine of directions that are all equally unlike
    signs: NDArray[np.int8]  # [flip, topic]
    relabeled: NDArray[np.int8]  # [relabeling, emotion, class, topic]
    halves: Floats  # [split, half, topic]
    near: Mask  # [emotion, topic, topic], topics that share a lexical head
    alpha: float
    reliability: float
    margin: float

    @property
    def pairs(self) -> NDArray[np.int64]:
        """[2, pair], indices of emotions."""
        pairs = list(combinations(range(len(self.emotions)), 2))
        return np.array(pairs, dtype=np.int64).reshape(-1, 2).T

    @property
    def contrasts(self) -> Floats:
        """[contrast, emotion]: each emotion against neutral, then the pairs, between emotions."""
        against = np.eye(len(self.emotions))
        return np.vstack([against, against[self.pairs[0]] - against[self.pairs[1]]])

    @property
    def near_in_contrasts(self) -> Mask:
        """[contrast, topic, topic], in either emotion of it."""
        return np.concatenate([self.near, self.near_in_pairs])

    @property
    def near_in_pairs(self) -> Mask:
        a, b = self.pairs
        return self.near[a] | self.near[b]

    @property
    def names(self) -> list[str]:
        return self.emotions + ["-".join(pair) for pair in self.pair_names]

    @property
    def pair_names(self) -> list[tuple[str, str]]:
        return [(self.emotions[a], self.emotions[b]) for a, b in self.pairs.T]


@dataclass(frozen=True)
class Measured:
    """Inner products of the contrasts with neutral in one metric; all others follow from them."""

    naive: Floats  # [depth, emotion, emotion], as the next two
    u: Floats
    trace: Floats
    loo_naive: Floats  # [depth, emotion, emotion, topic], as the next two
    loo_u: Floats
    loo_trace: Floats
    flipped: Floats  # U of the norms [draw, depth, contrast]
    relabeled: Floats  # [draw, depth, emotion, emotion]
    halved: Floats  # [depth, emotion, emotion, split, half, half]
    spectra: Floats  # [depth, class, (evr_pc1, d_eff)], of the classes that are written
    rogues: list[list[metrics.Rogue]]  # [depth][emotion]; none where a metric mixes dimensions
    resolved: Mask  # [depth, contrast]: above rounding errors


def measure(residual: NDArray, probe: NDArray, name: str, plan: Plan) -> Measured:
    """The contrasts of `residual` at every depth, in the metric `name` fitted on `probe`."""
    depths = range(residual.shape[2])
    measured = [
        _at_depth(metrics.fit(name, probe[:, depth]).apply(residual[:, :, depth]), name, plan)
        for depth in depths
    ]
    stacked = {
        field: np.stack([one[field] for one in measured], axis=int(field in DRAWN))
        for field in measured[0]
        if field != "rogues"
    }
    return Measured(**stacked, rogues=[one["rogues"] for one in measured])


def _at_depth(x: Floats, name: str, plan: Plan) -> dict:
    """The fields of `Measured` at one depth, from `x[class, topic, d_model]`."""
    centred = x - x[:1, :1]
    centred -= centred.mean(axis=(0, 1))
    d = unbiased.differences(x, plan.weights)
    keeps_axes = metrics.METRICS[name].keeps_axes
    rogues = [metrics.rogue(one) for one in d.mean(axis=1)] if keeps_axes else []
    d = arrays.coordinates(d.reshape(-1, d.shape[-1])).reshape(*d.shape[:2], -1)
    relabeled = resampling.relabeled_inner(d, plan.relabeled)
    lengths = (np.tensordot(plan.contrasts, d, axes=1) ** 2).sum(axis=(1, 2))
    resolved = lengths > unbiased.RESOLUTION * (centred**2).sum()
    d = d * resolved[: len(plan.emotions), None, None]
    whole, left = unbiased.products(d), unbiased.left_out(d)
    return {
        "naive": unbiased.inner(whole),
        "u": unbiased.inner_u(whole),
        "trace": unbiased.trace_cov(whole),
        "loo_naive": unbiased.inner(left),
        "loo_u": unbiased.inner_u(left),
        "loo_trace": unbiased.trace_cov(left),
        "flipped": resampling.flipped_norm2_u(np.tensordot(plan.contrasts, d, axes=1), plan.signs),
        "relabeled": relabeled,
        "halved": unbiased.half_products(d, plan.halves),
        "spectra": np.array([metrics.spectrum(one) for one in x[: len(plan.classes)]]),
        "rogues": rogues,
        "resolved": resolved,
    }


def norms(products: Floats, plan: Plan, axis: int) -> Floats:
    """Squared norms: the axes [emotion, emotion] from `axis` on become [contrast]."""
    square = np.einsum("ce,cf->efc", plan.contrasts, plan.contrasts)
    moved = np.moveaxis(products, (axis, axis + 1), (0, 1))
    return np.moveaxis(np.tensordot(square, moved, axes=([0, 1], [0, 1])), 0, axis)


def pair_products(products: Floats, plan: Plan, axis: int) -> Floats:
    """Inner products: the axes [emotion, emotion] from `axis` on become [pair]."""
    square = np.moveaxis(products, (axis, axis + 1), (-2, -1))
    return np.moveaxis(square[..., *plan.pairs], -1, axis)


def pair_cosines(products: Floats, plan: Plan, axis: int) -> Floats:
    """Cosines: the axes [emotion, emotion] from `axis` on become [pair]."""
    square = np.moveaxis(products, (axis, axis + 1), (-2, -1))
    return np.moveaxis(unbiased.cosines(square)[..., *plan.pairs], -1, axis)
