"""Prompts of any shape as a complete design: every unit of resampling has every class.

A unit is a topic that is written in every class. In a file without topics it is the i-th sentence,
or the i-th group of sentences, of every class: what stands in one unit by chance is independent
between units, which is all that U-statistics, sign flips and jackknives ask for; only what matched
topics have in common no longer cancels. Several sentences of a class in one unit are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Design:
    """The prompts that can be analysed, and what was left out of the file."""

    prompts: pd.DataFrame  # by unit and class; the column `topic` names the unit
    unit: str = "topic"  # or group, or sentence
    matched: bool = True  # whether what stands in one unit belongs together, as on one topic
    left_out: int = 0  # topics that lack a class; groups or sentences beyond the smallest class's
    empty: tuple[tuple[str, str], ...] = ()  # (unit, class) of the cells for want of which

    @classmethod
    def of(cls, table: pd.DataFrame, classes: Sequence[str]) -> Design:
        """The complete units of `table` in the order of their first rows, and classes in theirs."""
        unit = next((name for name in ("topic", "group") if name in table), "sentence")
        own = table["id" if unit == "sentence" else unit]
        # groups that classes share, such as speakers, are matched as topics are
        matched = unit == "topic" or bool(table["emotion"].groupby(own).nunique().gt(1).any())
        if not matched:
            number = own.groupby(table["emotion"]).transform(lambda one: pd.factorize(one)[0] + 1)
            table = table.assign(topic=unit + " " + number.astype(int).astype(str))
        else:
            table = table.assign(topic=own)
        here = pd.crosstab(table["topic"], table["emotion"]).reindex(columns=classes, fill_value=0)
        here = here.loc[table["topic"].unique()] > 0
        used = table["topic"].isin(here.index[here.all(axis=1)])
        dropped = own[~used] if matched else own[~used] + "\0" + table["emotion"][~used]
        order = pd.DataFrame(
            {
                "topic": pd.factorize(table["topic"])[0],
                "class": table["emotion"].map(list(classes).index),
            },
            index=table.index,
        )[used]
        return cls(
            table.loc[order.sort_values(["topic", "class"]).index].reset_index(drop=True),
            unit,
            matched,
            dropped.nunique(),
            tuple((here.index[i], here.columns[j]) for i, j in np.argwhere(~here.to_numpy())),
        )

    @property
    def n_units(self) -> int:
        """How many units tests resample."""
        return self.prompts["topic"].nunique()


def written(classes: Sequence[str | None]) -> list[str]:
    """The classes that sentences are of: all but a neutral one that is None."""
    return [name for name in classes if name is not None]


def with_reference(values: NDArray, classes: Sequence[str | None]) -> NDArray:
    """`values[class, ...]` with what emotions are taken against as the last class.

    The last of `classes` is the neutral one, or None: then `values` are of emotions alone, and
    their mean stands in its place, which leaves each emotion (K − 1)/K of its difference from the
    mean of the others.
    """
    if classes[-1] is not None:
        return values
    mean = values.mean(axis=0, keepdims=True, dtype=np.float64)
    return np.concatenate([values, mean.astype(values.dtype)])


def cell_places(prompts: pd.DataFrame, classes: Sequence[str]) -> NDArray[np.intp]:
    """`[row, (class, topic)]`, the cell of each row; class −1 is none of `classes`.

    Topics are counted in the order of their first rows.
    """
    number = pd.Index(classes).get_indexer(prompts["emotion"])
    return np.stack([number, pd.factorize(prompts["topic"])[0]], axis=1)


def in_cells(prompts: pd.DataFrame, classes: Sequence[str | None], values: NDArray) -> NDArray:
    """The mean of `values[row, ...]` over each cell, `[class, topic, ...]` as in `cell_places`.

    A last class of None is the mean of the others: see `with_reference`.

    Raises
    ------
    ValueError
        If a cell is empty.
    """
    topics, names = prompts["topic"].unique(), written(classes)
    cell = cell_places(prompts, names) @ [len(topics), 1]
    order = np.argsort(cell, kind="stable")[np.count_nonzero(cell < 0) :]
    count = np.bincount(cell[order], minlength=len(names) * len(topics))
    if not count.all():
        name, topic = divmod(int((count == 0).argmax()), len(topics))
        raise ValueError(f"no {names[name]!r} sentence of topic {topics[topic]!r}")
    values = values[order]
    if (count > 1).any():
        values = np.add.reduceat(values, np.cumsum(count) - count)
        values = values / count.astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    values = values.reshape(len(names), len(topics), *values.shape[1:])
    return with_reference(values, classes)


def cells_of(prompts: pd.DataFrame, name: str, column: str) -> list[list[str]]:
    """The values of a column in each topic of the class `name`; topics as in `in_cells`."""
    own = prompts[prompts["emotion"] == name]
    found = own.groupby("topic", sort=False)[column].agg(list)
    return found.loc[prompts["topic"].unique()].tolist()
