"""Where many emotions lie in each model, and how much of that two models share."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd

from emovec.figures.style import (
    BAND,
    NEUTRAL,
    OKABE_ITO,
    colours,
    key,
    nothing,
    row_of_axes,
    titled,
)
from emovec.wording.language import _


def places(geometry: pd.DataFrame, models: Sequence[str]) -> plt.Figure:
    """One panel for each model: emotions in the plane of its two leading own axes."""
    rows = geometry[geometry.stat.isin(["first", "second"])]
    figure, axes = row_of_axes(len(models), 5.0, 4.6)
    for axis, model in zip(axes, models, strict=True):
        own = rows[rows.model == model]
        emotions = own.emotion.drop_duplicates().tolist()
        colour = colours(emotions)
        x, y = (own[own.stat == stat].set_index("emotion") for stat in ("first", "second"))
        for name in emotions:
            a, b = x.loc[name], y.loc[name]
            axis.errorbar(
                a.value, b.value, xerr=[[a.value - a.ci_low], [a.ci_high - a.value]],
                yerr=[[b.value - b.ci_low], [b.ci_high - b.value]],
                color=colour[name], marker="o", ms=5, lw=1, alpha=0.8,
            )  # fmt: skip
            axis.annotate(
                name, (a.value, b.value), xytext=(5, 4), textcoords="offset points", fontsize=9
            )
        axis.axhline(0, color=BAND, lw=0.8, zorder=0)
        axis.axvline(0, color=BAND, lw=0.8, zorder=0)
        axis.set_aspect("equal", adjustable="datalim")
        axis.set(xticks=[], yticks=[])
        axis.set_title(model, fontsize=11)
    return titled(figure, _("Where the emotions lie to one another, less what they have in common"))


def shared(between: pd.DataFrame, alpha: float) -> plt.Figure:
    """For each pair of models, what is shared, and what is left without ratings or the text."""
    if between.empty:
        return nothing(_("One model alone: there is no pair to compare."))
    labels = {
        "own": _("all that is shared"),
        "beyond_ratings": _("beyond what people's ratings tell"),
        "beyond_text": _("beyond what the words tell"),
    }
    pairs = list(dict.fromkeys(zip(between.model_a, between.model_b, strict=True)))
    figure, axes = row_of_axes(len(pairs), 5.6, 2.6, sharex=True)
    for axis, (a, b) in zip(axes, pairs, strict=True):
        own = between[(between.model_a == a) & (between.model_b == b)].set_index("stat")
        shown = [stat for stat in labels if stat in own.index]
        for y, stat in enumerate(shown):
            row, colour = own.loc[stat], list(OKABE_ITO.values())[y]
            found = bool(row.p_adjusted < alpha)
            axis.plot([row.ci_low, row.ci_high], [y, y], color=colour, lw=2)
            axis.plot(row.value, y, "o", color=colour, mfc=colour if found else "white", ms=8)
        axis.axvline(0, color=NEUTRAL, lw=1)
        axis.axvline(1, color=NEUTRAL, lw=0.8, ls=":")
        axis.set_yticks(range(len(shown)), [labels[stat] for stat in shown])
        axis.set_ylim(len(shown) - 0.4, -0.6)
        axis.set_xlabel(_("cosine of both models (0: unrelated, 1: the same)"))
        axis.set_title(f"{a} × {b}", fontsize=11)
    keys = [
        key(_("filled: more than with emotions in another order"), NEUTRAL, marker="o", ls=""),
        key(_("interval over topics and emotions"), NEUTRAL, lw=2),
    ]
    return titled(figure, _("Do two models place the emotions alike?"), keys, fontsize=9)
