"""Where many emotions lie in each model, and how much of that two models share."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emovec.figures.style import (
    BAND,
    NEUTRAL,
    OKABE_ITO,
    key,
    nothing,
    row_of_axes,
    titled,
)
from emovec.wording.language import _
from emovec.wording.numbers import part


def places(geometry: pd.DataFrame, models: Sequence[str]) -> plt.Figure:
    """One panel for each model: emotions in the plane of its two leading own axes."""
    rows = geometry[geometry.stat.isin(["first", "second"])]
    figure, axes = row_of_axes(len(models), 5.0, 4.6)
    for axis, model in zip(axes, models, strict=True):
        of_model = geometry[geometry.model == model]
        reliable = of_model[of_model.stat == "reliable"]
        best = reliable.loc[reliable.value.idxmax()]
        x, y = (
            rows[(rows.model == model) & (rows.stat == stat)].set_index("emotion")
            for stat in ("first", "second")
        )
        colour = OKABE_ITO["blue"] if best.value else NEUTRAL
        axis.errorbar(
            x.value, y.value, xerr=[x.value - x.ci_low, x.ci_high - x.value],
            yerr=[y.value - y.ci_low, y.ci_high - y.value], color=colour, ls="", marker="o",
            ms=5, lw=1, mfc=colour if best.value else "white",
        )  # fmt: skip
        axis.axhline(0, color=BAND, lw=0.8, zorder=0)
        axis.axvline(0, color=BAND, lw=0.8, zorder=0)
        axis.set_aspect("equal", adjustable="datalim")
        axis.set(xticks=[], yticks=[])
        known = part(int(best.value), int(best.n_emotions))
        axis.set_title(_("{model}: {n} known").format(model=model, n=known), fontsize=11)
        _name(axis, x.value, y.value)
    return titled(figure, _("Where the emotions lie to one another, less what they have in common"))


def _name(axis: plt.Axes, x: pd.Series, y: pd.Series) -> None:
    """Write names beside points, each in the corner farthest from points and other names."""
    axis.figure.canvas.draw()
    at = axis.transData.transform(np.column_stack([x, y]))
    taken = list(at)
    for name, place in zip(x.index, at, strict=True):
        width = 3.5 * axis.figure.dpi / 72 * len(name)  # half of it, in pixels
        corners = [
            (right, up, place + np.array([right * (width + 8), up * 12]))
            for right in (1, -1)
            for up in (1, -1)
        ]
        right, up, middle = max(
            corners, key=lambda one: min(_apart(one[2], other, width) for other in taken)
        )
        taken.append(middle)
        axis.annotate(
            name, (x[name], y[name]), xytext=(5 * right, 5 * up), textcoords="offset points",
            ha="left" if right > 0 else "right", va="bottom" if up > 0 else "top", fontsize=9,
        )  # fmt: skip


def _apart(one: np.ndarray, other: np.ndarray, width: float) -> float:
    """How far two places are, a name being wider than high; a point is its own neighbour."""
    return float(np.hypot((one - other)[0] / max(width, 1), (one - other)[1] / 12))


def shared(between: pd.DataFrame, alpha: float) -> plt.Figure:
    """For each pair of models, what is shared, and what is left without ratings or the text."""
    if between.empty:
        return nothing(_("There is no pair of models to compare."))
    labels = {
        "own": _("all that is shared"),
        "beyond_ratings": _("beyond what people's ratings tell"),
        "beyond_text": _("beyond what the words tell"),
    }
    pairs = list(dict.fromkeys(zip(between.model_a, between.model_b, strict=True)))
    figure, axes = row_of_axes(len(pairs), 4.4, 2.6, sharex=True, sharey=True)
    for axis, (a, b) in zip(axes, pairs, strict=True):
        own = between[(between.model_a == a) & (between.model_b == b)].set_index("stat")
        for y, stat in enumerate(labels):
            if stat not in own.index:
                continue
            row, colour = own.loc[stat], list(OKABE_ITO.values())[y]
            found = bool(row.p_adjusted < alpha)
            axis.plot([row.ci_low, row.ci_high], [y, y], color=colour, lw=2)
            axis.plot(row.value, y, "o", color=colour, mfc=colour if found else "white", ms=8)
        axis.axvline(0, color=NEUTRAL, lw=1)
        axis.axvline(1, color=NEUTRAL, lw=0.8, ls=":")
        axis.set_yticks(range(len(labels)), labels.values())
        axis.set_ylim(len(labels) - 0.4, -0.6)
        axis.set_xlabel(_("cosine (0: unrelated, 1: the same)"))
        axis.set_title(f"{a} × {b}", fontsize=11)
    keys = [
        key(_("filled: more than with emotions in another order"), NEUTRAL, marker="o", ls=""),
        key(_("interval over topics and emotions"), NEUTRAL, lw=2),
    ]
    return titled(figure, _("Do two models place the emotions alike?"), keys, fontsize=9)
