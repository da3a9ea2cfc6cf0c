"""Asking beside steering: what each does to an emotion's words, and what it costs in fluency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from emovec.figures.style import BAND, NEUTRAL, colours, hollow_key, key, row_of_axes, titled
from emovec.prompts.openings import PLAIN
from emovec.steering.asking import INSTRUCT, PRECEDE, WAYS
from emovec.steering.asking_effects import PRICE
from emovec.steering.changes import READ_OUTS, TEXTS
from emovec.steering.effects import pooled
from emovec.wording.language import N_, _
from emovec.wording.numbers import percent


class Mark(NamedTuple):
    """A way to bring about an emotion: its rows, its name and its marker."""

    operation: str
    title: str
    marker: str
    sign: int


MARKS = [
    Mark("add", N_("direction added"), "^", 1),
    Mark("remove", N_("projected out"), "v", 0),
    Mark(INSTRUCT, N_("instruction before it"), "o", 1),
    Mark(PRECEDE, N_("sentence before it"), "s", 1),
]


LINE = 0.08  # least distance of two names, as a share of the panel


def asking(
    effects: pd.DataFrame, choice: Mapping, emotions: Sequence[str], model: str, alpha: float
) -> plt.Figure:
    """Change in the log-probability of an emotion's words against loss of fluency."""
    own = effects[(effects.source == effects.model) & effects.chosen]
    palette = colours(emotions)
    figure, axes = row_of_axes(len(emotions), width=5.8, height=3.8)
    for axis, emotion in zip(axes, emotions, strict=True):
        words = own[(own.measure == f"logp_{emotion}") & (own.reading == READ_OUTS)]
        price = own[(own.measure == PRICE) & (own.reading == TEXTS)]
        labels = []
        for mark in MARKS:
            at = _point(words, price, mark.operation, emotion, mark.sign)
            if at is None:
                continue
            _drawn(axis, at, palette[emotion], mark.marker, palette[emotion])
            labels.append((at, _(mark.title)))
            plain = _point(words, price, mark.operation, PLAIN, 0)
            if mark.operation in WAYS and plain is not None:
                _drawn(axis, plain, NEUTRAL, mark.marker, "white")
                axis.annotate("", at[:, 0], plain[:, 0], zorder=2, arrowprops={
                    "arrowstyle": "->", "color": palette[emotion], "lw": 1, "shrinkA": 5,
                    "shrinkB": 5})  # fmt: skip
        _controls(axis, words, price, emotion)
        axis.axhline(0, color="#777777", lw=0.8)
        axis.axvline(0, color="#777777", lw=0.8)
        axis.set_title(emotion, fontsize=12, color=palette[emotion])
        axis.margins(x=0.06, y=0.1)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.set_xlabel(_("change in log-perplexity (right: less fluent)"))
        told = _("change in {emotion} words\n(log-probability, nats)")
        axis.set_ylabel(told.format(emotion=emotion))
        _label(axis, labels)
    handles = [
        hollow_key(_("the same without an emotion")),
        Patch(color=BAND, alpha=0.5, label=_("{share} of control directions").format(
            share=percent(1 - alpha))),
        key(_("bars: {share} intervals over openings").format(share=percent(1 - alpha)), NEUTRAL),
    ]  # fmt: skip
    title = _("{model}: is it enough to ask? What is done to the openings, and what it costs")
    return titled(figure, title.format(model=model), handles, size=12)


def _point(
    words: pd.DataFrame, price: pd.DataFrame, operation: str, direction: str, sign: int
) -> np.ndarray | None:
    """`[axis, (value, low, high)]` of what one operation does; None if it was not done."""
    found = []
    for rows in (price, words):
        at = (rows.operation == operation) & (rows.direction == direction) & (rows.sign == sign)
        rows = rows[at]
        if rows.empty:
            return None
        found.append(pooled(rows).iloc[0][["value", "ci_low", "ci_high"]].to_numpy(float))
    return np.array(found)


def _drawn(axis: plt.Axes, at: np.ndarray, colour: str, marker: str, face: str) -> None:
    (x, *across), (y, *along) = at
    axis.plot(across, [y, y], color=colour, lw=1, zorder=3)
    axis.plot([x, x], along, color=colour, lw=1, zorder=3)
    axis.plot(x, y, marker=marker, color=colour, mfc=face, ms=8, ls="", zorder=4)


def _controls(axis: plt.Axes, words: pd.DataFrame, price: pd.DataFrame, emotion: str) -> None:
    """Where control directions lie that were added in the emotion's place."""
    spans = []
    for rows in (price, words):
        at = (rows.operation == "add") & (rows.direction == emotion) & (rows.sign == 1)
        rows = pooled(rows[at])
        if rows.empty or not np.isfinite(rows.null_low.iloc[0]):
            return
        spans.append((rows.null_low.iloc[0], rows.null_high.iloc[0]))
    (left, right), (low, high) = spans
    axis.add_patch(Rectangle((left, low), right - left, high - low, color=BAND, alpha=0.5, lw=0,
                             zorder=0))  # fmt: skip


def _label(axis: plt.Axes, labels: Sequence[tuple[np.ndarray, str]]) -> None:
    """The name of each mark beside the panel, at its height where there is room."""
    (low, high), placed = axis.get_ylim(), -np.inf
    for at, title in sorted(labels, key=lambda one: one[0][1, 0]):
        placed = max((at[1, 0] - low) / (high - low), placed + LINE)
        axis.annotate(
            title, at[:, 0], (1.02, placed), textcoords="axes fraction", fontsize=10.5,
            va="center", zorder=1,
            arrowprops={"arrowstyle": "-", "color": NEUTRAL, "lw": 0.7, "ls": ":"},
        )  # fmt: skip
