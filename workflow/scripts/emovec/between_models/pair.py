"""Two models at one pair of depths: what is measured there, with its nulls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emovec.activations.streams import Streams
from emovec.between_models import maps
from emovec.between_models.attributes import Contrasts, control_cosines
from emovec.between_models.likeness import (
    NEIGHBOURS,
    cka_from_grams,
    cka_shuffle_null,
    gram,
    mutual_neighbours,
    neighbours,
    u_centred,
)
from emovec.between_models.maps import Decomposition, Ridge
from emovec.between_models.thresholds import Thresholds
from emovec.decoding.held_out import HeldOut, held_out_auroc, random_aurocs
from emovec.errors import InputError
from emovec.statistics import unbiased
from emovec.statistics.arrays import Array
from emovec.statistics.unbiased import Cosines, Views


@dataclass(frozen=True)
class Plan:
    """What to compute; the defaults are the pre-registered choices."""

    emotions: Sequence[str]
    neutral: str
    position: str
    relative_depths: Sequence[float] = (0.25, 0.5, 0.75, 0.92)
    thresholds: Thresholds = field(default_factory=Thresholds)
    shuffles: int = 499  # of the probe sentences, for the gate of the map
    draws: int = 1999  # random directions and random sets of attributes
    folds: int = 5
    grid: int = 10  # exploratory depths of each model; 0 for none


@dataclass(frozen=True)
class Common:
    """What all depths of one pair of models share."""

    plan: Plan
    contrasts: Contrasts
    fold: NDArray[np.int_]
    rng: np.random.Generator


@dataclass(frozen=True)
class Place:
    """A depth of a model."""

    model: str
    depth: int
    relative: float


@dataclass(frozen=True)
class AtDepth:
    """One model at one depth, in float64."""

    place: Place
    sentences: Array  # [class, topic, d]
    fit: Array  # [probe sentence of the map half, d]
    control: Array  # [probe sentence of the control half, d]
    parts: Decomposition  # of fit

    @property
    def differences(self) -> Array:
        """Emotion minus neutral, `[emotion, topic, d]`."""
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
class Measured:
    """One method at one pair of depths, from source to target."""

    source: Place
    target: Place
    method: str
    stat: str
    cosines: Cosines
    controls: Array  # [attribute, attribute]
    map_r2: float
    map_ok: bool
    n_map: int


@dataclass(frozen=True)
class Transfer:
    """Held-out decoding of one emotion in the target along the direction mapped from the source."""

    source: Place
    target: Place
    emotion: str
    mapped: HeldOut
    native: HeldOut
    null: Array  # [draw]


def at_depth(
    model: Streams, depth: int, on_map: NDArray[np.bool_], on_control: NDArray[np.bool_]
) -> AtDepth:
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
    place = Place(model.name, depth, depth / model.n_layers)
    return AtDepth(place, sentences, fit, probe[on_control], maps.decompose(fit))


def apply_views(
    source: AtDepth,
    target: AtDepth,
    method: str,
    stat: str,
    views: Callable[[Array, Array], Views],
    common: Common,
    map_r2: float,
    map_ok: bool,
) -> Measured:
    """Cosines of all emotions and of all attributes, seen through one method."""
    return Measured(
        source.place,
        target.place,
        method,
        stat,
        unbiased.cross_cosines(
            views(source.differences, target.differences), common.plan.thresholds.alpha
        ),
        _controls(views(source.control, target.control), common),
        map_r2,
        map_ok,
        len(source.fit),
    )


def _controls(views: Views, common: Common) -> Array:
    return control_cosines(views, common.contrasts, common.plan.thresholds.control_reliability)


def shuffled_r2(source: AtDepth, target: AtDepth, ridge: Ridge, common: Common) -> Array:
    """R² `[shuffle]` of the same map where the target's sentences are shuffled."""
    if not np.isfinite(ridge.r2_loo):
        return np.empty(0)
    return maps.shuffle_null(source.parts, target.fit, ridge, common.rng, common.plan.shuffles)


def likeness(a: AtDepth, b: AtDepth, common: Common) -> tuple[dict, Array]:
    """Likeness of the two representations, and the CKA of shuffled sentences."""
    grams = gram(a.fit), gram(b.fit)
    n = len(a.fit)
    k = min(NEIGHBOURS, n - 1)
    geometry = {"cka_debiased": np.nan, "mknn": np.nan, "mknn_chance": k / (n - 1), "n_map": n}
    if not (a.parts.s.size and b.parts.s.size):
        return geometry, np.empty(0)
    centred = [u_centred(products) for products in grams]
    near = [neighbours(products, k) for products in grams]
    geometry["cka_debiased"] = cka_from_grams(*centred)
    geometry["mknn"] = mutual_neighbours(*near)
    return geometry, cka_shuffle_null(*centred, common.rng, common.plan.shuffles)


def held_out_transfers(
    source: AtDepth, target: AtDepth, ridge: Ridge, common: Common
) -> list[Transfer]:
    """Decoding in the target along each direction carried over, `[emotion]`."""
    mapped = source.differences @ ridge.weights
    random = spectral_directions(target.parts, common.plan.draws, common.rng)
    scores = target.sentences @ random.T  # [class, topic, draw]
    neutral = target.sentences[-1]
    return [
        Transfer(
            source.place,
            target.place,
            emotion,
            held_out_auroc(mapped[i], target.sentences[i], neutral, common.fold),
            held_out_auroc(target.differences[i], target.sentences[i], neutral, common.fold),
            random_aurocs(scores[i], scores[-1], common.fold),
        )
        for i, emotion in enumerate(common.plan.emotions)
    ]


def spectral_directions(b: Decomposition, draws: int, rng: np.random.Generator) -> Array:
    """Random directions `[draw, d]` with the covariance of the decomposed rows."""
    return (rng.standard_normal((draws, b.s.size)) * b.s) @ b.vt
