"""Do two models share an emotion? One statistic for each claim.

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

from dataclasses import dataclass

import numpy as np
from scipy import stats

from emovec.between_models.attributes import Contrasts, control_cosines
from emovec.between_models.thresholds import Thresholds
from emovec.statistics.arrays import Floats, Mask
from emovec.statistics.clustered import cross_u, reliability
from emovec.statistics.replicated import Replicated
from emovec.statistics.unbiased import Views, cosine


@dataclass(frozen=True)
class Claim:
    """A cosine between two models with its interval, test and reliabilities."""

    cosine: float  # NaN where a norm is not positive
    low: float  # interval at 1 − 2 alpha: sentences and map
    high: float
    error_topics: float
    error_map: float
    p: float  # one-sided: the cosine is at most that of interest
    reliability: tuple[float, float]  # of both models
    reliability_low: tuple[float, float]

    def reliable(self, limits: Thresholds) -> bool:
        """Whether both directions are known well enough for a cosine to mean something."""
        return bool(np.min(self.reliability_low) >= limits.reliability)


def claim(x: Floats, y: Floats, near: Mask, limits: Thresholds) -> Claim:
    """The claim about the emotions of `x` and `y` together; give one for a claim about it alone."""
    found, either = cos_s(x, y, near), near.any(axis=0)
    both, df = found.error(either)
    value, reach = found.value, stats.t.ppf(1.0 - limits.alpha, df) * both
    with np.errstate(divide="ignore"):
        t = (value - limits.cosine_of_interest) / both
    known = [_reliability(side[0], near, limits) for side in (x, y)]
    return Claim(
        cosine=float(value),
        low=float(value - reach),
        high=float(value + reach),
        error_topics=float(found.of_topics(either)[0]),
        error_map=float(found.of_map),
        p=float(stats.t.sf(t, df)),
        reliability=tuple(rho for rho, _ in known),
        reliability_low=tuple(low for _, low in known),
    )


def cos_s(x: Floats, y: Floats, near: Mask) -> Replicated:
    """cos_s of the emotions of `x` and `y` together, with what topics and the map contribute."""
    fits = [
        [cross_u(p, q, near) for p, q in ((a, b), (a, a), (b, b))]
        for a, b in zip(x, y, strict=True)
    ]
    values = cosine(*np.array([[whole.sum() for whole, _ in fit] for fit in fits]).T)
    deleted = cosine(*(left.sum(axis=0) for _, left in fits[0]))
    return Replicated(float(values[0]), deleted, values[1:])


def _reliability(x: Floats, near: Mask, limits: Thresholds) -> tuple[float, float]:
    """The least reliable of the emotions `x[emotion, topic, q]`."""
    found = [reliability(one, mask, limits.alpha) for one, mask in zip(x, near, strict=True)]
    value, low = found[int(np.argmin([low for _, low in found]))]
    return float(value), float(low)


def less_mean(x: Floats) -> Floats:
    """What each emotion has of its own: less the mean of all emotions; neutral cancels."""
    return x - x.mean(axis=1, keepdims=True)


@dataclass(frozen=True)
class Claims:
    """All claims about one pair of models."""

    common: tuple[Claim, ...]  # of each emotion
    common_of_all: Claim
    specific: tuple[Claim, ...]  # empty with a single emotion, which has nothing of its own
    specific_of_all: Claim | None


def claims(
    x: Floats, y: Floats, near: Mask, limits: Thresholds, *, own_alone: bool = False
) -> Claims:
    """Both claims for every emotion and for all of them together.

    With `own_alone` emotions are less the mean of all already, because no class is neutral: there
    is one claim, which has the place of the common one.

    What an emotion has of its own comes from the sentences of all of them, so that topics are near
    there if they share a head in any emotion.
    """

    def each(x: Floats, y: Floats, near: Mask) -> tuple[Claim, ...]:
        one = [slice(i, i + 1) for i in range(x.shape[1])]
        return tuple(claim(x[:, i], y[:, i], near[i], limits) for i in one)

    common, of_all = each(x, y, near), claim(x, y, near, limits)
    if own_alone or x.shape[1] < 2:
        return Claims(common, of_all, (), None)
    x, y = less_mean(x), less_mean(y)
    near = np.broadcast_to(near.any(axis=0), near.shape)
    return Claims(common, of_all, each(x, y, near), claim(x, y, near, limits))


@dataclass(frozen=True)
class Ruler:
    """How well ordinary attributes of the probe correspond between the two models."""

    cosines: Floats  # [attribute, attribute], NaN where one is not reliable
    median: float  # of attributes with themselves
    low: float  # interval at 1 − 2 alpha
    high: float


def ruler(x: Floats, y: Floats, contrasts: Contrasts, limits: Thresholds) -> Ruler:
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
