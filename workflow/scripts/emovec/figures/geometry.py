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
    leads,
    nothing,
    row_of_axes,
    titled,
)
from emovec.wording.language import N_, _
from emovec.wording.numbers import interval, number, part

TITLES = {"valence": N_("valence"), "arousal": N_("arousal")}
INK = "#222222"
FAR = 2.5  # means of a panel, beyond which distances have one colour


def places(geometry: pd.DataFrame, models: Sequence[str], alpha: float) -> plt.Figure:
    """One panel for each model: emotions in the plane of its two leading own axes.

    Arrows show where ratings rise, if emotions are known; pale are those that they do not predict.
    """
    rows = geometry[geometry.stat.isin(["first", "second"])]
    ways, rows = rows[rows.emotion.isna()], rows[rows.emotion.notna()]
    figure, axes = row_of_axes(len(models), 4.5, 4.4)
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
        ends = []
        for rating, way in ways[(ways.model == model) & bool(best.value)].groupby("source"):
            of_rating = of_model[(of_model.stat == rating) & (of_model.source == "model")]
            told = bool((of_rating.p_adjusted < alpha).any())
            ends.append(_arrow(axis, _(TITLES[rating]), *way.value, INK if told else NEUTRAL))
        _name(axis, x.value, y.value, ends)
    return titled(figure, _("Where the emotions lie to one another, less what they have in common"))


def _arrow(axis: plt.Axes, name: str, x: float, y: float, colour: str) -> tuple[float, float]:
    """From the middle, a third of the panel long, whatever the units; where it ends."""
    reach = min(*map(np.ptp, (axis.get_xlim(), axis.get_ylim()))) / 3
    axis.annotate(
        name, (0, 0), xytext=(reach * x, reach * y), color=colour, fontsize=9, ha="center",
        va="center", arrowprops={"arrowstyle": "<-", "color": colour, "lw": 0.8, "shrinkA": 1},
        zorder=1,
    )  # fmt: skip
    return reach * x, reach * y


def _name(
    axis: plt.Axes, x: pd.Series, y: pd.Series, others: Sequence[tuple[float, float]]
) -> None:
    """Write names beside points, each in the corner farthest from points and other names."""
    axis.figure.canvas.draw()
    at = axis.transData.transform(np.column_stack([x, y]))
    taken = [*at, *map(axis.transData.transform, others)]
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


def distances(geometry: pd.DataFrame, models: Sequence[str], alpha: float) -> plt.Figure:
    """How far every two emotions lie apart in each model, in the order of the first one's clusters.

    At the depth where distances are most reliable, in means of the panel, as models have no unit in
    common; emotions with a hollow dot are not shown to differ.
    """
    order = geometry[(geometry.stat == "order") & (geometry.model == models[0])]
    order = order.sort_values("value").emotion.tolist()
    side = max(3.0, 0.32 * len(order) + 1.4)
    figure, axes = row_of_axes(len(models), side + 0.4, side + 0.4)
    for axis, model in zip(axes, models, strict=True):
        of_model = geometry[geometry.model == model]
        known = of_model[of_model.stat == "distance_reliability"]
        best = known.loc[known.value.fillna(-2).idxmax()]
        rows = of_model[(of_model.stat == "distance") & (of_model.depth == best.depth)]
        places = [[order.index(name) for name in rows[k]] for k in ("emotion", "emotion_b")]
        matrix, mean = np.full((len(order), len(order)), np.nan), rows.value.mean()
        matrix[*places] = matrix[*places[::-1]] = rows.value / mean if mean > 0 else np.nan
        image = axis.imshow(matrix, cmap="viridis", vmin=0, vmax=FAR)
        alike = ~(rows.p_adjusted < alpha).to_numpy(bool)
        for x, y in (places, places[::-1]):
            axis.plot(np.array(x)[alike], np.array(y)[alike], "o", color=INK, mfc="white", ms=4)
        names = order if leads(axis) else []
        axis.set_yticks(range(len(names)), names, fontsize=9)
        axis.set_xticks(range(len(order)), order, rotation=90, fontsize=9)
        title = _("{model}, depth {depth}\nreliability {r}")
        r = interval(best.value, best.ci_low, best.ci_high)
        axis.set_title(title.format(model=model, depth=int(best.depth), r=r), fontsize=11)
    label = _("squared distance\n(1: mean of the panel)")
    figure.colorbar(image, ax=axes, label=label, shrink=0.8, extend="max")
    keys = [key(_("not shown to differ"), INK, marker="o", mfc="white", ls="")]
    return titled(figure, _("How far the emotions lie from one another"), keys, fontsize=9)


def distances_between(between: pd.DataFrame, alpha: float) -> plt.Figure:
    """Distances in one model and in another, each on a half of the topics of its own."""
    points = between[between.stat.isin(["half_a", "half_b"])]
    if points.empty:
        return nothing(_("There is no pair of models to compare."))
    pairs = list(dict.fromkeys(zip(points.model_a, points.model_b, strict=True)))
    figure, axes = row_of_axes(len(pairs), 4.4, 4.2)
    for axis, (a, b) in zip(axes, pairs, strict=True):
        here = between[(between.model_a == a) & (between.model_b == b)]
        halves = here.pivot_table("value", ["emotion", "emotion_b"], "stat", dropna=False)
        one = here[here.emotion.isna()].set_index("stat")
        found, most = one.loc["distances"], one.value["distances_ceiling"]
        shown = bool(found.p_adjusted < alpha)
        colour = OKABE_ITO["blue"] if shown else NEUTRAL
        if len(halves):
            axis.plot(halves.half_a, halves.half_b, "o", color=colour, ms=4,
                      mfc=colour if shown else "white")  # fmt: skip
        axis.axhline(0, color=BAND, lw=0.8, zorder=0)
        axis.axvline(0, color=BAND, lw=0.8, zorder=0)
        label = _("squared distance in {model}")
        axis.set(xlabel=label.format(model=a), ylabel=label.format(model=b))
        title = _("rank correlation {r}\nceiling {most}")
        r = interval(found.value, found.ci_low, found.ci_high)
        axis.set_title(title.format(r=r, most=number(most)), fontsize=11)
    keys = [
        key(_("two emotions; filled: agreement beyond permuted emotions"), NEUTRAL,
            marker="o", ls=""),
    ]  # fmt: skip
    title = _("Are the same emotions far apart? Each model on its own half of the topics")
    return titled(figure, title, keys, fontsize=9)


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
