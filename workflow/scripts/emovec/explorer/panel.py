"""A part of the page that readers look around in: rows of a table, choices among them, a view.

An empty cell in a column that one chooses by fits every choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import altair as alt
import pandas as pd

from emovec.wording.language import N_, _

SURE = {True: N_("yes"), False: N_("no")}


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    digits: int | None = None  # of a number; None: as it is


@dataclass(frozen=True)
class Choice:
    column: str
    label: str
    all: str = ""  # the label of "no choice", if that is one


@dataclass(frozen=True)
class Panel:
    """One part of the page to look around in.

    Views: `table` lists the chosen rows, `chart` draws them by `chart`, `cards` lays their `text`
    side by side under what is `said` of it, and `tokens` colours the lists `tokens` by `values`.
    """

    name: str
    title: str
    what: str  # what to see
    rows: pd.DataFrame
    choices: list[Choice]
    columns: list[Column]  # of the table, or of the numbers below a card
    view: Literal["table", "chart", "cards", "tokens"] = "table"
    chart: alt.TopLevelMixin | None = None

    def content(self) -> dict:
        """All that the page needs, as JSON."""
        return {
            "view": self.view,
            "rows": len(self.rows),
            "data": encode(self.rows),
            "choices": [vars(choice) for choice in self.choices],
            "columns": [vars(column) for column in self.columns],
            "chart": None if self.chart is None else self.chart.to_dict(),
        }


def encode(rows: pd.DataFrame) -> dict[str, dict]:
    """Columns as lists: numbers, single or in lists, to four significant digits; texts and tuples
    of texts as places in a list.
    """
    found = {}
    for name, column in rows.items():
        if pd.api.types.is_numeric_dtype(column):
            found[name] = {"values": list(map(_short, column))}
        elif len(column) and isinstance(column.iloc[0], list):
            found[name] = {"values": [list(map(_short, numbers)) for numbers in column]}
        else:
            places, texts = pd.factorize(column)
            of = [text if isinstance(text, tuple) else str(text) for text in texts]
            found[name] = {"of": of, "at": places.tolist()}
    return found


def _short(number: float) -> float | None:
    return None if pd.isna(number) else float(f"{number:.4g}")


def told(titles: Mapping) -> dict:
    """The same keys with their titles in the language spoken."""
    return {key: _(title) for key, title in titles.items()}


def offered(rows: pd.DataFrame, **first: Sequence[str]) -> pd.DataFrame:
    """The rows in the order in which their choices are to be offered: in each column these values
    come first, in their order; the rest stays as it was.
    """
    order = {column: {v: i for i, v in enumerate(values)} for column, values in first.items()}
    return rows.sort_values(
        list(first),
        key=lambda column: column.map(order[column.name]).fillna(len(order[column.name])),
        kind="stable",
    )


def drawing() -> alt.Chart:
    """A chart of the rows that are chosen."""
    return alt.Chart(alt.NamedData("rows"))


def hover(columns: Sequence[Column]) -> list[alt.Tooltip]:
    """What a mark says of itself."""
    return [
        alt.Tooltip(f"{c.name}:N" if c.digits is None and "depth" not in c.name else f"{c.name}:Q",
                    title=c.label, format="" if c.digits is None else f".{c.digits}f")
        for c in columns
    ]  # fmt: skip


def finished(chart: alt.LayerChart) -> alt.LayerChart:
    """Size, colours and letters by the page."""
    ink, faint = "currentColor", "var(--line)"
    axis = alt.AxisConfig(
        labelColor=ink, titleColor=ink, domainColor=faint, tickColor=faint, gridColor=faint,
        labelFontSize=12, titleFontSize=13, titleFontWeight="normal",
    )  # fmt: skip
    legend = alt.LegendConfig(labelColor=ink, titleColor=ink, labelFontSize=12, symbolSize=90)
    return chart.properties(width="container", height="container").configure(
        background="transparent", axis=axis, legend=legend,
        view=alt.ViewConfig(stroke="transparent"),
        # rows without a value keep their place on the axes, which else might have none
        mark=alt.MarkConfig(invalid="break-paths-show-domains"),
    )  # fmt: skip
