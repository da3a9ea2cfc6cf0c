"""Inner products of the contrasts of one model, from which all statistics follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
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
    told: Sequence[int]  # depths where pairs of emotions are
    brief: bool  # of pairs only the cosines
    alpha: float
    reliability: float
    margin: float

    @property
    def pairs(self) -> NDArray[np.int64]:
        """[2, pair], indices of emotions."""
        pairs = list(combinations(range(len(self.emotions)), 2))
        return np.array(pairs, dtype=np.int64).reshape(-1, 2).T

    @property
    def names(self) -> list[str]:
        """Of all contrasts: each emotion against neutral, then the pairs, between emotions."""
        return [*self.emotions, *("-".join(pair) for pair in self.pair_names)]

    @property
    def near_in_pairs(self) -> Mask:
        """[pair, topic, topic], in either emotion."""
        a, b = self.pairs
        return self.near[a] | self.near[b]

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
    flipped: Floats  # U of the norms [draw, depth, contrast], in a brief plan of emotions alone
    relabeled: Floats  # [draw, depth, emotion, emotion]
    halved: Floats  # [depth, emotion, emotion, split, half, half]
    spectra: Floats  # [depth, class, (evr_pc1, d_eff)], of the classes that are written
    rogues: list[list[metrics.Rogue]]  # [depth][emotion]; none where a metric mixes dimensions
    resolved: Mask  # [depth, contrast]: above rounding errors

    def at(self, depths: Sequence[int]) -> Measured:
        """The same at some depths, those where pairs are told."""
        kept = {
            one.name: array[:, depths] if one.name in DRAWN else array[depths]
            for one in fields(self)
            if isinstance(array := getattr(self, one.name), np.ndarray)
        }
        rogues = [self.rogues[depth] for depth in depths]
        return replace(self, **kept, rogues=rogues)


def measure(residual: NDArray, probe: NDArray, name: str, plan: Plan) -> Measured:
    """The contrasts of `residual` at every depth, in the metric `name` fitted on `probe`."""
    measured = []
    for depth in range(residual.shape[2]):
        x = metrics.fit(name, probe[:, depth]).apply(residual[:, :, depth])
        measured.append(_at_depth(x, name, plan))
    rogues = [one.pop("rogues") for one in measured]
    stacked = {
        field: np.stack([one[field] for one in measured], axis=int(field in DRAWN))
        for field in measured[0]
    }
    return Measured(**stacked, rogues=rogues)


def _at_depth(x: Floats, name: str, plan: Plan) -> dict:
    """The fields of `Measured` at one depth, from `x[class, topic, d_model]`."""
    centred = x - x[:1, :1]
    centred -= centred.mean(axis=(0, 1))
    d = unbiased.differences(x, plan.weights)
    keeps_axes = metrics.METRICS[name].keeps_axes
    rogues = [metrics.rogue(one) for one in d.mean(axis=1)] if keeps_axes else []
    d = arrays.coordinates(d.reshape(-1, d.shape[-1])).reshape(*d.shape[:2], -1)
    relabeled = resampling.relabeled_inner(d, plan.relabeled)
    a, b = plan.pairs
    lengths = (np.concatenate([d, d[a] - d[b]]) ** 2).sum(axis=(1, 2))
    resolved = lengths > unbiased.RESOLUTION * (centred**2).sum()
    d = d * resolved[: len(plan.emotions), None, None]
    whole, left = unbiased.products(d), unbiased.left_out(d)
    contrasts = d if plan.brief else np.concatenate([d, d[a] - d[b]])
    return {
        "naive": unbiased.inner(whole),
        "u": unbiased.inner_u(whole),
        "trace": unbiased.trace_cov(whole),
        "loo_naive": unbiased.inner(left),
        "loo_u": unbiased.inner_u(left),
        "loo_trace": unbiased.trace_cov(left),
        "flipped": resampling.flipped_norm2_u(contrasts, plan.signs),
        "relabeled": relabeled,
        "halved": unbiased.half_products(d, plan.halves),
        "spectra": np.array([metrics.spectrum(one) for one in x[: len(plan.classes)]]),
        "rogues": rogues,
        "resolved": resolved,
    }


@dataclass(frozen=True)
class Lengths:
    """Squared lengths of contrasts of one kind: of emotions, or of one emotion less another."""

    names: list[str]
    kind: str
    naive: Floats  # [depth, contrast], as the next two
    u: Floats
    trace: Floats
    loo_naive: Floats  # [depth, contrast, topic], as the next two
    loo_u: Floats
    loo_trace: Floats
    flipped: Floats  # [draw, depth, contrast]
    halved: Floats  # [depth, contrast, split, half, half]
    resolved: Mask  # [depth, contrast]
    near: Mask  # [contrast, topic, topic], in either emotion of it


OF_CONTRASTS = ("naive", "u", "trace", "loo_naive", "loo_u", "loo_trace", "halved")


def lengths_of_emotions(m: Measured, plan: Plan) -> Lengths:
    """Of every emotion, at all depths of m."""
    against, n_emotions = "neutral" if plan.unlike == 0 else "the others", len(plan.emotions)
    return Lengths(
        plan.emotions, f"signal against {against}", near=plan.near,
        flipped=m.flipped[..., :n_emotions], resolved=m.resolved[:, :n_emotions],
        **{name: _own(getattr(m, name), 1) for name in OF_CONTRASTS},
    )  # fmt: skip


def lengths_of_pairs(m: Measured, plan: Plan) -> Lengths:
    """Of the difference of every two emotions, at all depths of m; not of a brief plan."""
    return Lengths(
        plan.names[len(plan.emotions) :], "signal between emotions", near=plan.near_in_pairs,
        flipped=m.flipped[..., len(plan.emotions) :],
        resolved=m.resolved[:, len(plan.emotions) :],
        **{name: _apart(getattr(m, name), plan, 1) for name in OF_CONTRASTS},
    )  # fmt: skip


def _own(products: Floats, axis: int) -> Floats:
    """Squared norms: the axes [emotion, emotion] from `axis` on become [emotion]."""
    return np.moveaxis(np.diagonal(products, axis1=axis, axis2=axis + 1), -1, axis)


def _apart(products: Floats, plan: Plan, axis: int) -> Floats:
    """Squared norms of differences: the axes [emotion, emotion] from `axis` on become [pair]."""
    own = _own(products, axis)
    a, b = (own.take(one, axis=axis) for one in plan.pairs)
    across = products + products.swapaxes(axis, axis + 1)  # halves differ in whose comes first
    return a + b - pair_products(across, plan, axis)


def pair_products(products: Floats, plan: Plan, axis: int) -> Floats:
    """Inner products: the axes [emotion, emotion] from `axis` on become [pair]."""
    square = np.moveaxis(products, (axis, axis + 1), (-2, -1))
    return np.moveaxis(square[..., *plan.pairs], -1, axis)


def pair_cosines(products: Floats, plan: Plan, axis: int) -> Floats:
    """Cosines: the axes [emotion, emotion] from `axis` on become [pair]."""
    square = np.moveaxis(products, (axis, axis + 1), (-2, -1))
    return np.moveaxis(unbiased.cosines(square)[..., *plan.pairs], -1, axis)
