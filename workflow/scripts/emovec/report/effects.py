"""Single effects, found in the table of a steered model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emovec.steering.effects import pooled


def adding(rows: pd.DataFrame, choice: dict, emotion: str, sign: int) -> pd.DataFrame:
    """What adding a direction does at the depth and strength that were chosen."""
    return rows[
        (rows.operation == "add")
        & (rows.depth == choice["depth"])
        & (rows.strength == choice["strength"])
        & (rows.direction == emotion)
        & (rows.sign == sign)
    ]


def effect(rows: pd.DataFrame) -> dict:
    """One effect with the null of all kinds of control together, or of the one kind there is."""
    keys = ("value", "ci_low", "ci_high", "null_low", "null_high")
    if rows.empty:
        return dict.fromkeys((*keys, "p"), np.nan)
    row = pooled(rows).iloc[0]
    p = row.p if pd.isna(row.p_adjusted) else row.p_adjusted
    return {**{key: float(row[key]) for key in keys}, "p": float(p)}


def measured(rows: pd.DataFrame, measure: str, reading: str) -> dict:
    """The effect on one measure, read in one way."""
    return effect(rows[(rows.measure == measure) & (rows.reading == reading)])


def beyond(effect: dict, alpha: float) -> bool:
    """Whether something is shown to be raised."""
    return bool(effect["value"] > 0 and effect["ci_low"] > 0 and effect["p"] <= alpha)
