"""Corrections for several tests; NaN, an undefined test, is no member of the family."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from emovec.statistics.arrays import Floats


def holm(p: ArrayLike, units: Sequence[Hashable] | None = None) -> Floats:
    """p-values adjusted to control the family-wise error under any dependence (Holm 1979).

    With `units`, the name of one for each test, over units whose members are already adjusted among
    themselves: a unit (one emotion in one pair of models) has a member for each depth, with
    p-values that hold for all of its depths at once. The step-down multiplies by the number of
    units that are not wholly rejected yet (sequential rejection, Goeman & Solari 2010), so that one
    unit changes nothing. NaN stays, and counts only as a member of a unit with a name.

    >>> holm([0.01, 0.04, np.nan, 0.03]).tolist()
    [0.03, 0.06, nan, 0.06]
    >>> holm([0.01, 0.04, 0.03, 0.005], "aabb").tolist()
    [0.02, 0.06, 0.06, 0.01]
    """
    values = np.asarray(p, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    if units is None:
        defined = np.flatnonzero(~np.isnan(values))
        order = defined[np.argsort(values[defined], kind="stable")]
        at_once = np.arange(len(order), 0, -1) * values[order]
        adjusted[order] = np.minimum(np.maximum.accumulate(at_once), 1.0)
        return adjusted
    members: dict[Hashable, list[int]] = {}
    for test, unit in enumerate(units):
        members.setdefault(unit, []).append(test)
    # A unit is wholly rejected when its largest p is; one with an undefined member never is.
    worst = {unit: float(np.max(values[tests])) for unit, tests in members.items()}
    order = sorted(members, key=lambda unit: (np.isnan(worst[unit]), worst[unit]))
    removed = 0.0  # level at which all earlier units are wholly rejected
    best = np.full(len(values), np.inf)
    for rank, unit in enumerate(order):
        left = len(order) - rank
        later = [test for one in order[rank:] for test in members[one]]
        best[later] = np.minimum(best[later], np.maximum(removed, values[later] * left))
        adjusted[members[unit]] = best[members[unit]]
        removed = max(removed, worst[unit] * left)
    return np.minimum(adjusted, 1.0)
