"""Corrections for several tests; NaN, an undefined test, is no member of the family."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from emovec.statistics.arrays import Floats


def holm_by_unit(p: ArrayLike, units: Sequence[Hashable]) -> NDArray[np.float64]:
    """Holm's correction over units whose members are already adjusted among themselves.

    A unit (one emotion in one pair of models) has a member for each depth, with p-values that hold
    for all of its depths at once. The step-down multiplies by the number of units that are not
    wholly rejected yet (sequential rejection, Goeman & Solari 2010), so that units with one member
    give Holm (1979), and one unit changes nothing. NaN stays and its unit counts as one.

    >>> holm_by_unit([0.01, 0.04, 0.03, 0.005], "abcd").tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    values = np.asarray(p, dtype=float)
    names = list(dict.fromkeys(units))
    members = {name: [i for i, unit in enumerate(units) if unit == name] for name in names}
    # A unit is wholly rejected when its largest p is; one with an undefined member never is.
    worst = {name: float(np.max(values[members[name]])) for name in names}
    order = sorted(names, key=lambda name: (np.isnan(worst[name]), worst[name]))
    adjusted = np.full(len(values), np.nan)
    removed = 0.0  # level at which all earlier units are wholly rejected
    best = np.full(len(values), np.inf)
    for rank, name in enumerate(order):
        left = len(order) - rank
        for later in order[rank:]:
            best[members[later]] = np.minimum(
                best[members[later]], np.maximum(removed, values[members[later]] * left)
            )
        adjusted[members[name]] = best[members[name]]
        removed = max(removed, worst[name] * left)
    return np.where(np.isnan(values), np.nan, np.minimum(adjusted, 1.0))


def holm(p: ArrayLike) -> Floats:
    """p-values adjusted to control the family-wise error under any dependence (Holm 1979).

    >>> holm([0.01, 0.04, np.nan, 0.03]).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]  # NaN sort last
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """p-values adjusted to control the false discovery rate (Benjamini & Hochberg 1995).

    >>> benjamini_hochberg([0.01, 0.04, np.nan, 0.03]).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    defined = ~np.isnan(p)
    adjusted[defined] = stats.false_discovery_control(p[defined])
    return adjusted
