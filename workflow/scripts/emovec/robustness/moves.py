"""Which choice of analysis moves a number, and by how much."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist

from emovec.wording.language import N_

CHOICES = {
    "position": N_("position"),
    "space": N_("space"),
    "metric": N_("metric"),
    "estimator": N_("estimator"),
    "precision": N_("number format"),
    "depth": N_("depth"),
    "method": N_("method"),
}


WITHIN = ("position", "space", "metric", "estimator", "precision")


def moves(table: pd.DataFrame, choices: Sequence[str], about: Sequence[str]) -> dict[str, float]:
    """By how much each choice moves `value` with all other choices equal.

    For rows that agree in all other choices and in the columns `about` (what the number is about),
    the mean distance of two values (Gini's mean difference, which does not grow with the number of
    options, as a range does); of these the mean over all such sets of two rows or more. NaN where
    there is none: nothing else was chosen there, and so nothing can be told. Rows without a value
    are left out.
    """
    rows, found = table[table.value.notna()], {}
    for choice in choices:
        equal = [name for name in choices if name != choice]
        sets = rows.groupby([*equal, *about]).value
        apart = [pdist(one.to_numpy()[:, None]).mean() for _name, one in sets if len(one) > 1]
        found[choice] = float(np.mean(apart)) if apart else np.nan
    return found


def mover(panels: Sequence[dict[str, float]]) -> str | None:
    """The choice that moves the numbers of every panel most; None if they differ or none moves."""
    most = {
        max(known, key=known.__getitem__) if known else None
        for known in ({k: v for k, v in one.items() if v > 0} for one in panels)
    }
    return most.pop() if len(most) == 1 else None
