"""Do two models share an emotion? One statistic for each claim, and one verdict.

x and y are the contrasts of both models in canonical axes scaled by √S (`canonical`), the primary
depths side by side, so that

    cos_s = U(x, y) / √(U(x, x) U(y, y)),

with U the mean product over topics that are not near (`statistics.clustered`), is the ratio of
sums over depths of one symmetric cosine. Both claims say how large a cosine is:

- common: cos_s of emotion less neutral is above the smallest cosine of interest;
- specific: so is cos_s of the emotion less the mean of all emotions.

A claim of size stays true where directions are few: two unrelated ones in three dimensions *have*
large cosines, and no test that breaks a correspondence can tell that from sharing.

Arrays are `[fit, emotion, topic, q]`; fit 0 is the map of the whole probe, the others leave one
fold of it out. `near[emotion, topic, topic]` says which topics share a head in that emotion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import factorial

import numpy as np
from scipy import stats

from emovec.between_models.attributes import Contrasts, control_cosines
from emovec.statistics.arrays import Floats, Mask
from emovec.statistics.clustered import clustered_error, cross_u, reliability
from emovec.statistics.corrections import holm
from emovec.statistics.resampling import p_value
from emovec.statistics.unbiased import Views, cosine

FEWEST_FOR_LABELS = 6  # emotions; fewer have too few orders for a p below 0.05 after correction


@dataclass(frozen=True)
class Limits:
    """The pre-registered limits of the verdict."""

    alpha: float = 0.05
    cosine_of_interest: float = 0.4
    reliability: float = 0.5  # lower bound, of both directions, in the axes they are compared in
    matched: float = 0.7  # median cosine of ordinary attributes with themselves
    equivalence: float = 0.2


@dataclass(frozen=True)
class Claim:
    """A cosine between two models with its interval, test and reliabilities."""

    cosine: float  # NaN where a norm is not positive
    low: float  # interval at 1 − 2 alpha: sentences and map
    high: float
    error_topics: float  # of artanh of the cosine, as is error_map
    error_map: float
    p: float  # one-sided: the cosine is at most that of interest
    reliability: tuple[float, float]  # of both models
    reliability_low: tuple[float, float]

    def reliable(self, limits: Limits) -> bool:
        """Whether both directions are known well enough for a cosine to mean something."""
        return min(self.reliability_low) >= limits.reliability

    def within(self, bound: float) -> bool:
        """Whether the interval lies within ± bound."""
        return -bound < self.low and self.high < bound


def claim(x: Floats, y: Floats, near: Mask, limits: Limits) -> Claim:
    """cos_s of the emotions of `x` and `y` together; give one emotion for a claim about it alone.

    Errors add what topics contribute (jackknife, clustered) to what the map does (jackknife over
    its folds), on Fisher's z where all values lie inside ±1; degrees of freedom by Satterthwaite
    1946.
    """
    products = [cross_u(p, q, near) for p, q in ((x[0], y[0]), (x[0], x[0]), (y[0], y[0]))]
    value = cosine(*(whole.sum() for whole, _ in products))
    deleted = cosine(*(left.sum(axis=0) for _, left in products))
    fits = [(cross_u(p, q, near)[0].sum(axis=1)) for p, q in ((x, y), (x, x), (y, y))]
    refitted = cosine(*fits)[1:]
    inside = all((np.abs(values) < 1.0).all() for values in (value, deleted, refitted))
    scale, back = (np.arctanh, np.tanh) if inside else (np.asarray, float)
    error, df = clustered_error(scale(deleted), near.any(axis=0))
    folds = len(refitted)
    of_map = np.sqrt((folds - 1) * np.var(scale(refitted)))
    both = np.hypot(error, of_map)
    shares = error**4 / df + of_map**4 / (folds - 1)
    df = both**4 / shares if shares > 0.0 else df
    reach = stats.t.ppf(1.0 - limits.alpha, df) * both
    with np.errstate(divide="ignore"):
        t = (scale(value) - scale(limits.cosine_of_interest)) / both
    known = [_reliability(side[0], near, limits) for side in (x, y)]
    return Claim(
        cosine=float(value),
        low=float(back(scale(value) - reach)),
        high=float(back(scale(value) + reach)),
        error_topics=float(error),
        error_map=float(of_map),
        p=float(stats.t.sf(t, df)),
        reliability=tuple(rho for rho, _ in known),
        reliability_low=tuple(low for _, low in known),
    )


def _reliability(x: Floats, near: Mask, limits: Limits) -> tuple[float, float]:
    """The least reliable of the emotions `x[emotion, topic, q]`."""
    found = [reliability(one, mask, limits.alpha) for one, mask in zip(x, near, strict=True)]
    return min(((float(rho), float(low)) for rho, low in found), key=lambda pair: pair[1])


def less_mean(x: Floats) -> Floats:
    """What each emotion has of its own: less the mean of all emotions; neutral cancels."""
    return x - x.mean(axis=1, keepdims=True)


@dataclass(frozen=True)
class Claims:
    """All claims about one pair of models."""

    common: tuple[Claim, ...]  # of each emotion
    common_of_all: Claim
    specific: tuple[Claim | None, ...]  # None with a single emotion
    specific_of_all: Claim | None
    p_labels: float  # emotions correspond one to one at all; NaN with fewer than six


def claims(
    x: Floats, y: Floats, near: Mask, limits: Limits, draws: int, rng: np.random.Generator
) -> Claims:
    """Both claims for every emotion and for all of them together.

    What an emotion has of its own comes from the sentences of all of them, so that topics are near
    there if they share a head in any emotion.
    """
    count = x.shape[1]
    each = [slice(i, i + 1) for i in range(count)]
    common = tuple(claim(x[:, one], y[:, one], near[one], limits) for one in each)
    of_all = claim(x, y, near, limits)
    if count < 2:
        return Claims(common, of_all, (None,) * count, None, float("nan"))
    x, y = less_mean(x), less_mean(y)
    near = np.broadcast_to(near.any(axis=0), near.shape)
    specific = tuple(claim(x[:, one], y[:, one], near[one], limits) for one in each)
    p = p_of_labels(x[0], y[0], near[0], draws, rng)
    return Claims(common, of_all, specific, claim(x, y, near, limits), p)


def p_of_labels(x: Floats, y: Floats, near: Mask, draws: int, rng: np.random.Generator) -> float:
    """Σ U(x_e, y_e) against the labels of one model in another order; NaN below six emotions.

    Answers whether the emotions correspond one to one at all, exactly if any order of them is as
    likely where they do not; it says nothing of how far. All orders are used if they are no more
    than the draws.
    """
    count = len(x)
    if count < FEWEST_FOR_LABELS:
        return float("nan")
    apart = (~near).astype(float)
    table = np.tensordot(x, apart @ y, axes=([1, 2], [1, 2]))
    orders = rng.permuted(np.tile(np.arange(count), (min(draws, factorial(count)), 1)), axis=1)
    return float(p_value(float(np.trace(table)), table[np.arange(count), orders].sum(axis=1)))


@dataclass(frozen=True)
class Ruler:
    """How well ordinary attributes of the probe correspond between the two models."""

    cosines: Floats  # [attribute, attribute], NaN where one is not reliable
    median: float  # of attributes with themselves
    low: float  # interval at 1 − 2 alpha
    high: float


def ruler(x: Floats, y: Floats, contrasts: Contrasts, limits: Limits) -> Ruler:
    """cos_s of attributes over the control half, `x` and `y` `[sentence, q]`, by the whole map.

    The interval of the median is that of the sign test; attributes that go together make it too
    narrow.
    """
    cosines = control_cosines(Views(x, y, x), contrasts, limits.reliability)
    matched = np.sort(np.diag(cosines)[np.isfinite(np.diag(cosines))])
    n = len(matched)
    median = float(np.median(matched)) if n else float("nan")
    rank = int(stats.binom.ppf(limits.alpha, n, 0.5)) if n else 0
    if rank < 1:
        return Ruler(cosines, median, float("nan"), float("nan"))
    return Ruler(cosines, median, float(matched[rank - 1]), float(matched[n - rank]))


def both(common: Claim, specific: Claim | None) -> Claim | None:
    """The claim that both hold, as reliable and as probable as the weaker of them; else None."""
    if specific is None:
        return None
    return replace(
        specific,
        p=float(np.maximum(common.p, specific.p)),
        reliability_low=min(common.reliability_low, specific.reliability_low, key=min),
    )


def adjusted(family: Sequence[Claim | None], limits: Limits) -> Floats:
    """Holm's correction over all pairs of models and emotions.

    A claim that cannot be made, for want of a reliable direction, stays in the family with p = 1.
    """
    usable = [one is not None and one.reliable(limits) and one.p == one.p for one in family]
    p = [one.p if ok else 1.0 for one, ok in zip(family, usable, strict=True)]
    return np.where(usable, holm(p), np.nan)


@dataclass(frozen=True)
class Verdict:
    """The outcome for one emotion, or all together, and one pair of models; why, in a sentence."""

    verdict: str  # shared, common, common_only, not_shared or inconclusive
    decodes: bool | None  # the grade: a direction carried over decodes there; None: not measured
    reason: str


def decide(
    common: Claim,
    specific: Claim | None,
    p_common: float,
    p_specific: float,
    matched: Ruler,
    limits: Limits,
    decodes: bool | None = None,
) -> Verdict:
    """Apply the pre-registered rule; both p are corrected, NaN where a gate is closed.

    `shared` says that both claims hold, `common` that the first does, `common_only` that the own
    part of the emotion is shown to correspond little besides, `not_shared` that even the cosine
    with the common part is small. `p_specific` is of both claims at once, the larger of the two.
    """

    def outcome(verdict: str, reason: str) -> Verdict:
        return Verdict(verdict, decodes, reason)

    found = f"cosine {common.cosine:.2f}, {common.low:.2f} to {common.high:.2f}"
    if not matched.median >= limits.matched:
        return outcome(
            "inconclusive",
            "This design cannot tell: ordinary attributes are not found to correspond between the "
            f"models (median cosine {matched.median:.2f}).",
        )
    if not common.reliable(limits):
        return outcome(
            "inconclusive",
            "This design cannot tell: the direction is not known well enough in both models "
            f"(lower bounds of reliability {common.reliability_low[0]:.2f} and "
            f"{common.reliability_low[1]:.2f}).",
        )
    if p_common < limits.alpha and p_specific < limits.alpha:
        return outcome("shared", f"The direction corresponds ({found}), and so does its own part.")
    if p_common < limits.alpha:
        if specific is not None and specific.reliable(limits):
            own = f"cosine {specific.cosine:.2f}, {specific.low:.2f} to {specific.high:.2f}"
            if specific.within(limits.equivalence):
                return outcome(
                    "common_only",
                    f"The direction corresponds ({found}), its own part hardly does ({own}).",
                )
            return outcome(
                "common", f"The direction corresponds ({found}); its own part is open ({own})."
            )
        return outcome(
            "common", f"The direction corresponds ({found}); its own part could not be compared."
        )
    if common.within(limits.equivalence):
        return outcome(
            "not_shared", f"The cosine is small ({found}), while ordinary attributes correspond."
        )
    return outcome(
        "inconclusive", f"A cosine above {limits.cosine_of_interest:g} is not shown ({found})."
    )
