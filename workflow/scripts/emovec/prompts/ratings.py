"""How people rate the words of emotions: published norms, one row for each emotion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emovec.errors import InputError
from emovec.statistics.arrays import Floats

RATINGS = ("valence", "arousal", "dominance")
PLANE = RATINGS[:2]  # of the circumplex (Russell 1980)


def read_ratings(path: str | Path | None, emotions: Sequence[str]) -> tuple[list[str], Floats]:
    """The names of the ratings of `RATINGS` that a file has, and `[emotion, rating]`.

    NaN where nobody rated an emotion; without a file there is no rating.

    Raises
    ------
    InputError
        If the file has no rating at all or a cell that is no number, named with its row.
    """
    if path is None:
        return [], np.empty((len(emotions), 0))
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a table ({error}): correct it.") from error
    if "emotion" not in table:
        raise InputError(f"{path} has no column 'emotion': name the columns in its first line.")
    names = [name for name in RATINGS if name in table]
    if not names:
        raise InputError(f"{path} has none of the columns {', '.join(RATINGS)}: name one.")
    if (again := table.index[table.emotion.duplicated()]).size:
        raise InputError(f"{path}, row {again[0] + 1}, rates an emotion again: keep one row.")
    values = table[names].apply(pd.to_numeric, errors="coerce")
    for row, name in zip(*np.nonzero(values.isna() & (table[names] != "")), strict=True):
        raise InputError(
            f"{path}, row {row + 1}, has {table[names[name]][row]!r} in the column "
            f"{names[name]}: write a number, or nothing."
        )
    return names, values.set_index(table.emotion).reindex(emotions).to_numpy(dtype=float)


def in_plane(names: Sequence[str], ratings: Floats) -> Floats:
    """Those of `ratings[emotion, rating]`, named `names`, that are valence and arousal."""
    return ratings[:, np.isin(names, PLANE)] if len(names) else ratings
