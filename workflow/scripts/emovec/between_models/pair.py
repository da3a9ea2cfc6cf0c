"""Two models at one pair of depths: what is measured there, with its nulls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from emovec.activations.streams import Streams
from emovec.between_models import canonical, maps
from emovec.between_models.attributes import Contrasts, control_cosines
from emovec.between_models.likeness import (
    NEIGHBOURS,
    cka_debiased,
    cka_shuffle_null,
    gram,
    mutual_neighbours,
    neighbours,
    u_centred,
)
from emovec.between_models.maps import Decomposition, Ridge
from emovec.between_models.thresholds import Thresholds
from emovec.decoding.held_out import along_fixed, carry_over
from emovec.errors import InputError
from emovec.statistics import unbiased
from emovec.statistics.arrays import Floats, Mask
from emovec.statistics.auroc import HeldOut
from emovec.statistics.folds import Folds
from emovec.statistics.resampling import p_value
from emovec.statistics.unbiased import Cosines, Views

UNWHITENED = "cos_u_unwhitened"


@dataclass(frozen=True)
class Plan:
    """What to compute; the defaults are the pre-registered choices."""

    emotions: Sequence[str]
    neutral: str | None
    position: str
    relative_depths: Sequence[float] = (0.25, 0.5, 0.75, 0.92)
    thresholds: Thresholds = field(default_factory=Thresholds)
    shuffles: int = 499  # of the probe sentences
    draws: int = 1999  # random directions, and orders of emotions
    folds: int = 5
    grid: int = 10  # exploratory depths of each model; 0 for none
    brief: bool = False  # of different emotions only whitened read-outs, for many emotions

    def compared(self, i: int) -> list[int]:
        """The classes that are scored to decode emotion i: it and neutral, or all others."""
        every = range(len(self.emotions))
        return [i, *(j for j in every if j != i)] if self.neutral is None else [i, -1]

    @classmethod
    def of(
        cls, emotions: Sequence[str], neutral: str | None, statistics: dict, *, brief: bool = False
    ) -> Plan:
        """What the `statistics` of the configuration ask for."""
        return cls(
            emotions=emotions,
            neutral=neutral,
            position=statistics["position"],
            relative_depths=statistics["depths"],
            thresholds=Thresholds(alpha=statistics["alpha"], **statistics["thresholds"]),
            folds=statistics["folds"],
            draws=statistics["permutations"],
            shuffles=min(statistics["permutations"], 999),
            brief=brief,
        )


@dataclass(frozen=True)
class Common:
    """What all depths of one pair of models share."""

    plan: Plan
    near: Mask  # [emotion, topic, topic], topics that share a lexical head
    contrasts: Contrasts
    folds: Folds
    rng: np.random.Generator


@dataclass(frozen=True)
class Place:
    """A depth of a model."""

    model: str
    depth: int
    relative: float
    rogue_share: float  # of the variance of its probe sentences on the first component


@dataclass(frozen=True)
class AtDepth:
    """One model at one depth, in float64."""

    place: Place
    sentences: Floats  # [class, topic, d]
    fit: Floats  # [probe sentence of the map half, d]
    control: Floats  # [probe sentence of the control half, d]
    parts: Decomposition  # of fit

    @property
    def differences(self) -> Floats:
        """Emotion minus neutral or the mean of all, `[emotion, topic, d]`."""
        return self.sentences[:-1] - self.sentences[-1]

    @property
    def whitened(self) -> AtDepth:
        """The same in whitened read-outs, where no dimension outweighs the others."""
        axes = maps.whitener(self.parts)
        n, k = len(self.fit), axes.shape[1]
        parts = Decomposition(
            self.parts.mean @ axes, self.parts.u[:, :k], np.full(k, np.sqrt(n - 1)), np.eye(k)
        )
        return AtDepth(
            self.place, self.sentences @ axes, self.fit @ axes, self.control @ axes, parts
        )


@dataclass(frozen=True)
class FittedMap:
    """A map from one model to the read-outs of another, and how good it is."""

    source: Place
    target: Place
    ridge: Ridge
    null: Floats  # R² [shuffle] where it is refitted to shuffled sentences
    p: float
    unwhitened: Ridge  # to the raw stream of the target, to compare


@dataclass(frozen=True)
class OfVectors:
    """A number for each emotion about the vectors of one of the two models."""

    method: str
    stat: str
    values: Floats  # [emotion]
    reliable: Mask  # [emotion]


@dataclass(frozen=True)
class Measured:
    """One method at one pair of depths, from source to target."""

    source: Place
    target: Place
    method: str
    stat: str
    cosines: Cosines
    controls: Floats  # [attribute, attribute]
    map_r2: float
    n_map: int


@dataclass(frozen=True)
class Aligned:
    """Both models in their common axes."""

    emotions: tuple[Floats, Floats]  # [fit, emotion, topic, k] of both models, as `differences`
    control: tuple[Floats, Floats]  # [probe sentence of the control half, k]


@dataclass(frozen=True)
class Transfer:
    """Held-out decoding of one emotion in the target along the direction mapped from the source."""

    source: Place
    target: Place
    emotion: str
    mapped: HeldOut
    native: HeldOut
    null: Floats  # [draw]


@dataclass(frozen=True)
class Pair:
    """All that is measured of two models at one pair of depths."""

    a: Place
    b: Place
    geometry: dict  # likeness of the two representations
    cka_null: Floats  # [shuffle]
    maps: list[FittedMap]  # a to b, and back
    procrustes: maps.Procrustes | None
    aligned: Aligned | None  # None where a model does not vary
    vectors: list[OfVectors]
    cells: list[Measured]
    transfers: list[Transfer]


def at_depth(model: Streams, depth: int, on_map: Mask, on_control: Mask) -> AtDepth:
    """One depth of a model, with the spectrum of its map half.

    Raises
    ------
    InputError
        If activations are not finite.
    """
    sentences = np.asarray(model.residual[:, :, depth], dtype=float)
    if not np.isfinite(sentences).all():
        raise InputError(f"{model.name} has undefined activations at depth {depth}: capture anew.")
    probe = np.asarray(model.probe[:, depth], dtype=float)
    fit = probe[on_map]
    parts = maps.decompose(fit)
    place = Place(model.name, depth, depth / model.n_layers, parts.rogue_share)
    return AtDepth(place, sentences, fit, probe[on_control], parts)


def measure(a: AtDepth, b: AtDepth, common: Common) -> Pair:
    """Everything with its null, at one of the pre-registered depths."""
    geometry, cka_null = likeness(a, b, common)
    fitted, cells, transfers, vectors = [], [], [], []
    for source, target in ((a, b), (b, a)):
        white = target.whitened
        fit = fit_map(source, target, white, common)
        fitted.append(fit)
        for method, onto, ridge in (
            ("cos_u", white, fit.ridge),
            (UNWHITENED, target, fit.unwhitened),
        ):
            cells.append(
                apply_views(source, onto, "ridge", method, ridge.views, common, ridge.r2_loo)
            )
        transfers += held_out_transfers(source, white, fit.ridge, common)
    if (procrustes := maps.fit_procrustes(a.fit, b.fit)) is not None:
        cells.append(
            apply_views(a, b, "procrustes", "cos_u", procrustes.views, common, procrustes.r2_ab)
        )
        bases = ((a, "a", procrustes.basis_a), (b, "b", procrustes.basis_b))
        for at, side, basis in bases:
            captured = unbiased.captured(at.differences, basis)
            vectors.append(_of_vectors(at, "procrustes", f"captured_{side}", captured, common))
    if (read_outs := maps.fit_readouts(a.parts, b.parts)) is not None:
        cells.append(apply_views(a, b, "wpc", "cos_u", read_outs.views, common, np.nan))
        for at, other, side in ((a, b, "a"), (b, a, "b")):
            fit = maps.fit_readouts(at.parts, other.parts)
            basis = at.parts.vt[: fit.whiten_a.shape[1]].T
            ceiling = fit.ceiling(at.differences)
            captured = unbiased.captured(at.differences, basis)
            vectors.append(_of_vectors(at, "wpc", f"ceiling_{side}", ceiling, common))
            vectors.append(_of_vectors(at, "wpc", f"captured_{side}", captured, common))
    return Pair(
        a.place, b.place, geometry, cka_null, fitted, procrustes, align(a, b), vectors, cells,
        transfers,
    )  # fmt: skip


def align(a: AtDepth, b: AtDepth) -> Aligned | None:
    """Both models in canonical axes of their map halves; None if one does not vary."""
    if (fit := common_axes(a, b)) is None:
        return None
    control = fit.views(a.control, b.control)
    return Aligned(fit.views(a.differences, b.differences), (control[0][0], control[1][0]))


def common_axes(a: AtDepth, b: AtDepth) -> canonical.Canonical | None:
    """Canonical axes of the map halves of two models; None if one does not vary."""
    white = [canonical.whiten(one.parts) for one in (a, b)]
    return None if None in white else canonical.fit_canonical(*white)


def _of_vectors(at: AtDepth, method: str, stat: str, values: Floats, common: Common) -> OfVectors:
    reliability = unbiased.contrast_reliability(at.whitened.differences)
    return OfVectors(method, stat, values, reliability >= common.plan.thresholds.reliability)


def fit_map(source: AtDepth, target: AtDepth, white: AtDepth, common: Common) -> FittedMap:
    """The map from the source to the target, `white` in whitened read-outs, with its null."""
    ridge = maps.fit_ridge(source.parts, white.fit)
    null = np.empty(0)
    if np.isfinite(ridge.r2_loo):
        null = maps.shuffle_null(source.parts, white.fit, ridge, common.rng, common.plan.shuffles)
    p = float(p_value(ridge.r2_loo, null))
    unwhitened = maps.fit_ridge(source.parts, target.fit)
    return FittedMap(source.place, target.place, ridge, null, p, unwhitened)


def apply_views(
    source: AtDepth,
    target: AtDepth,
    method: str,
    stat: str,
    views: Callable[[Floats, Floats], Views],
    common: Common,
    map_r2: float,
) -> Measured:
    """Cosines of all emotions and of all attributes, seen through one method."""
    return Measured(
        source.place,
        target.place,
        method,
        stat,
        unbiased.cross_cosines(
            views(source.differences, target.differences),
            common.plan.thresholds.alpha,
            common.near,
        ),
        control_cosines(
            views(source.control, target.control),
            common.contrasts,
            common.plan.thresholds.reliability,
        ),
        map_r2,
        len(source.fit),
    )


def likeness(a: AtDepth, b: AtDepth, common: Common) -> tuple[dict, Floats]:
    """Likeness of the two representations, and the CKA of shuffled sentences."""
    products = gram(a.fit), gram(b.fit)
    n = len(a.fit)
    k = min(NEIGHBOURS, n - 1)
    geometry = {"cka_debiased": np.nan, "mknn": np.nan, "mknn_chance": k / (n - 1), "n_map": n}
    if not (a.parts.s.size and b.parts.s.size):
        return geometry, np.empty(0)
    grams = [u_centred(one) for one in products]
    near = [neighbours(one, k) for one in products]
    geometry["cka_debiased"] = cka_debiased(*grams)
    geometry["mknn"] = mutual_neighbours(*near)
    return geometry, cka_shuffle_null(*grams, common.rng, common.plan.shuffles)


def held_out_transfers(
    source: AtDepth, target: AtDepth, ridge: Ridge, common: Common
) -> list[Transfer]:
    """Decoding in the target along each direction carried over, `[emotion]`."""
    mapped = source.differences @ ridge.weights
    random = spectral_directions(target.parts, common.plan.draws, common.rng)
    compared = [common.plan.compared(i) for i in range(len(mapped))]
    folds = common.folds.among(len(compared[0]))
    return [
        Transfer(
            source.place,
            target.place,
            emotion,
            carry_over(mapped[i], target.sentences[compared[i]], folds),
            carry_over(target.differences[i], target.sentences[compared[i]], folds),
            along_fixed(random, target.sentences[compared[i]], folds),
        )
        for i, emotion in enumerate(common.plan.emotions)
    ]


def spectral_directions(b: Decomposition, draws: int, rng: np.random.Generator) -> Floats:
    """Random directions `[draw, d]` with the covariance of the decomposed rows."""
    return (rng.standard_normal((draws, b.s.size)) * b.s) @ b.vt
