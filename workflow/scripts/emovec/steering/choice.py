"""Depth and strength, chosen on one half of the openings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.steering.changes import changes
from emovec.steering.controls import CONTROLS
from emovec.steering.directions import EMOTION
from emovec.steering.dose import slopes


def choose(
    read_outs: pd.DataFrame, openings: Sequence[str], emotions: Sequence[str], max_kl: float
) -> dict:
    """The depth at which emotions stand out most from controls, and how strongly to steer there.

    On the openings given alone. A depth's score is how much steeper each emotion's vector raises
    the words of its emotion than controls do on average, in standard deviations of the controls'
    slopes, averaged over emotions. The strength is the largest whose mean KL over the emotions is
    at most `max_kl`; the smallest if none is.
    """
    own = read_outs[read_outs.opening.isin(list(openings))]
    words = [f"logp_{emotion}" for emotion in emotions]
    less = changes(own, [*words, "kl"])
    added = less[(less.operation == "add") & (less.sign == 1)]
    cells = []
    for depth, cell in added.groupby("depth", sort=True):
        means = slopes(cell.assign(dose=cell.strength), words).groupby("direction").mean()
        kinds = cell.drop_duplicates("direction").set_index("direction").kind
        controls = means.loc[kinds.index[kinds.isin(list(CONTROLS))]]
        z = [
            (means.loc[emotion, word] - controls[word].mean()) / controls[word].std(ddof=1)
            for emotion, word in zip(emotions, words, strict=True)
        ]
        kl = cell[cell.kind == EMOTION].groupby("strength").kl.mean()
        cells += [
            {"depth": int(depth), "score": float(np.mean(z)), "strength": float(s), "kl": float(v)}
            for s, v in kl.items()
        ]
    best = max(cells, key=lambda cell: (np.nan_to_num(cell["score"], nan=-np.inf), -cell["depth"]))
    there = [cell for cell in cells if cell["depth"] == best["depth"]]
    allowed = [cell for cell in there if cell["kl"] <= max_kl]
    chosen = allowed[-1] if allowed else there[0]
    return {**chosen, "max_kl": max_kl, "within_max_kl": bool(allowed), "cells": cells}
