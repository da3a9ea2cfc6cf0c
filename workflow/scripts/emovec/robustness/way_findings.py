"""What holds under every way to find a direction, from ways.csv."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.robustness.ways import STUDY

# of numbers that a way does not have, whatever the data are
NOT_ASKED = ("as_mean", "by_construction", "no_probe", "one_emotion", "too_few_topics")
ITEM = ["model", "model_b", "emotion_a", "emotion_b"]


def holds(table: pd.DataFrame, margin: float) -> pd.Series:
    """Whether each row of ways.csv shows what its number is asked for.

    That an emotion is told apart on held-out topics (the interval lies above 0.5), that two
    emotions have different directions (below `margin`), that a way finds what differences of means
    find, and that an emotion corresponds between models (both: above the band of unrelated
    attributes). A number that is undefined shows nothing.
    """
    beyond = table.ci_low > table.null_high
    shown = {
        "auroc": table.ci_low > 0.5,
        "cosine": table.ci_high < margin,
        "with_mean": beyond,
        "between": beyond,
    }
    here = [table.stat == stat for stat in shown]
    return pd.Series(np.select(here, list(shown.values()), default=False), table.index)


@dataclass(frozen=True)
class Count:
    """Of how many emotions, or pairs, something is shown."""

    of: int
    study: int  # by the difference of means
    every: int  # by these in every other way, too
    most: int  # by the way that shows most
    best: str  # which that is


def trained(models: Sequence[str], untrained: Collection[str]) -> list[str]:
    """The models that findings are about: all but untrained ones, unless there are no others."""
    return [name for name in models if name not in untrained] or list(models)


def count_findings(table: pd.DataFrame, models: Collection[str], margin: float) -> dict[str, Count]:
    """What is shown of `models`, by `stat`; none where nothing was asked."""
    table = table.reset_index(drop=True)
    about = table.model.isin(models) & (table.model_b.isin(models) | table.model_b.isna())
    asked = table[about & table.emotion_a.notna() & ~table.flag.isin(NOT_ASKED)]
    asked = asked.assign(shown=holds(asked, margin))
    found = {}
    for stat in ("auroc", "cosine", "between"):
        rows = asked[asked.stat == stat]
        items = rows.groupby(ITEM, sort=False, dropna=False).shown.all()
        if len(items):
            by_way = rows.groupby("way", sort=False).shown.sum()
            every, study = int(items.sum()), int(by_way.get(STUDY, 0))
            best = str(by_way.idxmax())
            found[stat] = Count(len(items), study, every, int(by_way[best]), best)
    return found
