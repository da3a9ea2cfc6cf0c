"""Depth and strength, chosen on one half of the openings, without the controls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.steering.changes import changes
from emovec.steering.directions import EMOTION


def choose(
    read_outs: pd.DataFrame, openings: Sequence[str], emotions: Sequence[str], max_kl: float
) -> dict:
    """Where emotions raise their own words most, of what leaves the model as it is.

    On the openings given alone. The score of a depth and strength is how much an emotion's vector
    raises the words of its emotion, in nats, less what the vectors of the other emotions do to
    them, averaged over emotions. The largest score is taken of those whose mean KL over the
    emotions is at most `max_kl`; the smallest KL if none is.

    No control is looked at, so that the choice leaves their test as it is.
    """
    own = read_outs[read_outs.opening.isin(list(openings))]
    words = [f"logp_{emotion}" for emotion in emotions]
    less = changes(own, [*words, "kl"])
    added = less[(less.operation == "add") & (less.sign == 1) & (less.kind == EMOTION)]
    cells = []
    for (depth, strength), cell in added.groupby(["depth", "strength"], sort=True):
        means = cell.groupby("direction")[words].mean().reindex(list(emotions)).to_numpy()
        raised = np.diag(means)
        others = (means.sum(axis=0) - raised) / max(1, len(emotions) - 1)
        score, kl = float(np.mean(raised - others)), float(cell.kl.mean())
        cells.append({"depth": int(depth), "strength": float(strength), "score": score, "kl": kl})
    allowed = [cell for cell in cells if cell["kl"] <= max_kl]
    best = (
        max(allowed, key=lambda cell: np.nan_to_num(cell["score"], nan=-np.inf))
        if allowed
        else min(cells, key=lambda cell: cell["kl"])
    )
    return {**best, "max_kl": max_kl, "within_max_kl": bool(allowed), "cells": cells}
