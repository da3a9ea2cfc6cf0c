"""Where in a sentence an emotion appears, and whether it reaches the end."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from emovec.components.shares import directions
from emovec.components.trajectories import beyond, near_depth
from emovec.wording.language import _
from emovec.wording.numbers import interval, part


def appearance_facts(
    tables: Sequence[pd.DataFrame], relative: float, alpha: float
) -> list[dict]:  # fmt: skip
    """For each model and emotion: before its word, the rise at it, the end, and at how many depths.

    At the depth nearest to a relative one.
    """
    facts = []
    for table in tables:
        depth = near_depth(table, relative)
        rows = directions(table).assign(shown=lambda t: beyond(t, alpha))
        rows = rows[
            rows.aligned.isin(["rise", "reach"]) | ((rows.aligned == "word") & (rows.place == -1))
        ]
        for emotion, own in rows.groupby("direction", sort=False):
            every = own[own.words == "all"].set_index(["aligned", "depth"])
            implicit = own[own.words == "implicit"].set_index(["aligned", "depth"])
            facts.append(
                {
                    "model": own.model.iloc[0], "depth": depth, "emotion": emotion,
                    "known": bool(every.gate_ok["rise", depth]),
                    **{kind: _told(every, kind, depth) for kind in ("word", "rise", "reach")},
                    "implicit": _told(implicit, "reach", depth) if len(implicit) else "",
                    "depths": [_depths(every.loc[kind]) for kind in ("rise", "reach")],
                }
            )  # fmt: skip
    return facts


def _told(rows: pd.DataFrame, kind: str, depth: int) -> str:
    """A value with its interval, marked if it beats its nulls."""
    one = rows.loc[(kind, depth)]
    if pd.isna(one.value):
        return _("undefined")
    return interval(one.value, one.ci_low, one.ci_high, 1) + ("*" if one.shown else "")


def _depths(rows: pd.DataFrame) -> str:
    """At how many of the depths with a direction a row beats its nulls."""
    return part(int(rows.shown.sum()), int(rows.gate_ok.sum()))
