"""Steering: by depth and strength, by dose, and against what it costs in fluency."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from emovec.figures.style import BAND, NEUTRAL, colours, key, leads, row_of_axes, titled
from emovec.statistics.resampling import band
from emovec.steering.changes import READ_OUTS, changes
from emovec.steering.controls import CONTROLS
from emovec.steering.directions import EMOTION
from emovec.steering.effects import pooled
from emovec.steering.judges import JUDGES, target_column
from emovec.wording.language import _
from emovec.wording.numbers import listed, percent


def grid(
    effects: pd.DataFrame, choice: dict, emotions: Sequence[str], model: str, alpha: float
) -> plt.Figure:
    """Change in the log-probability of an emotion's words, by depth and strength."""
    own = effects[(effects.source == effects.model) & (effects.reading == READ_OUTS)]
    own = own[(own.operation == "add") & (own.sign == 1)]
    shown = {}
    for emotion in emotions:
        rows = own[(own.direction == emotion) & (own.measure == f"logp_{emotion}")]
        shown[emotion] = (
            pooled(rows).groupby(["depth", "strength"])[["value", "p_adjusted"]].first()
        )
    reach = max(float(cells.value.abs().max()) for cells in shown.values())
    height = 1.6 + 0.62 * len(own.strength.unique())
    figure, axes = row_of_axes(len(emotions), width=4.2, height=height, sharey=True)
    for axis, (emotion, cells) in zip(axes, shown.items(), strict=True):
        values = cells.value.unstack("depth").sort_index(ascending=False)
        outside = (cells.p_adjusted <= alpha).unstack("depth")
        outside = outside.reindex(index=values.index)
        labels = values.map(lambda value: _minus(f"{value:+.2f}"))
        labels = labels.where(outside, "(" + labels + ")")
        sns.heatmap(
            values, ax=axis, cmap="PuOr_r", center=0, vmin=-reach, vmax=reach, annot=labels,
            fmt="", cbar=emotion == emotions[-1], linewidths=1,
            cbar_kws={"label": _("change in log-probability (nats)")},
        )  # fmt: skip
        axis.set_title(_("+ {emotion} → {emotion} words").format(emotion=emotion), fontsize=11)
        axis.tick_params(axis="y", rotation=0)
        axis.set_xlabel(_("depth"))
        axis.set_ylabel(_("strength\n(median lengths of the stream)") if leads(axis) else "")
        row, column = (
            list(values.index).index(choice["strength"]),
            list(values.columns).index(choice["depth"]),
        )
        chosen = Rectangle((column, row), 1, 1, fill=False, ec="black", lw=2.5, clip_on=False)
        axis.add_patch(chosen)
    title = _(
        "{model}: what adding a direction does to its emotion's words\n(in brackets: not shown to "
        "exceed control directions of the same length; framed: chosen on other openings)"
    )
    return titled(figure, title.format(model=model), size=12)


def dose(
    read_outs: pd.DataFrame, choice: dict, emotions: Sequence[str], model: str, alpha: float
) -> plt.Figure:
    """Change in each emotion's words over signed strength at the chosen depth."""
    words = [f"logp_{emotion}" for emotion in emotions]
    less = changes(read_outs, words)
    less = less[(less.operation == "add") & (less.depth == choice["depth"])]
    less = less.assign(dose=(less.strength * less.sign).astype(float))
    palette = colours(emotions)
    figure, axes = row_of_axes(len(emotions), width=4.5, height=4.4, sharey=True)
    for axis, emotion, word in zip(axes, emotions, words, strict=True):
        controls = less[less.kind.isin(list(CONTROLS))]
        means = controls.groupby(["kind", "direction", "dose"])[word].mean()
        doses = sorted(controls.dose.unique())
        low, high = np.array([band(means.xs(d, level="dose").to_numpy(), alpha) for d in doses]).T
        at = np.array(doses)
        axis.fill_between([0, *at], [0, *low], [0, *high], color=BAND, lw=0, alpha=0.8)
        axis.fill_between([0, *-at], [0, *low], [0, *high], color=BAND, lw=0, alpha=0.8)
        for direction in emotions:
            rows = less[(less.kind == EMOTION) & (less.direction == direction)]
            curve = rows.groupby("dose")[word].agg(["mean", "sem"])
            curve.loc[0.0] = 0.0
            curve = curve.sort_index()
            mine = direction == emotion
            axis.errorbar(
                curve.index, curve["mean"], yerr=2 * curve["sem"] if mine else None,
                color=palette[direction], marker="o" if mine else None, ms=4,
                lw=2.4 if mine else 1.2, ls="-" if mine else "--", zorder=3 if mine else 2,
            )  # fmt: skip
        axis.axhline(0, color="#777777", lw=0.8)
        axis.axvline(0, color="#777777", lw=0.8)
        axis.set_title(_("words of {emotion}").format(emotion=emotion), fontsize=11)
        axis.set_xticks([*-at, 0, *at], [_minus(f"{d:g}") for d in [*-at, 0, *at]])
        axis.set_xlabel(_("strength (− pushes away)"))
    for axis in filter(leads, axes):
        axis.set_ylabel(_("change in log-probability (nats)"))
    handles = [key(_("{emotion} vector").format(emotion=e), palette[e], lw=2.4) for e in emotions]
    handles.append(key(_("another emotion's vector"), NEUTRAL, ls="--"))
    chance = _("{share} of control directions").format(share=percent(1 - alpha))
    handles.append(Patch(color=BAND, label=chance))
    title = _(
        "{model}: dose and response at depth {depth} "
        "(solid: the emotion's own vector; bars: 2 standard errors)"
    )
    return titled(figure, title.format(model=model, depth=choice["depth"]), handles, size=12)


def cost(
    scores: pd.DataFrame, choice: dict, emotions: Sequence[str], targets: dict[str, str], model: str
) -> plt.Figure:
    """What greedy texts gain in emotion against what they lose in fluency."""
    measured = {emotion: target_column(emotion, targets) for emotion in emotions}
    columns = sorted(set(measured.values()))
    greedy = scores[scores["sample"] == 0]
    greedy = greedy.assign(log_perplexity=-greedy.log_probability)
    less = changes(greedy, ["log_perplexity", *columns])
    less = less[less.operation == "add"]
    means = less.groupby(["kind", "direction", "strength", "sign"])[
        ["log_perplexity", *columns]
    ].mean()
    palette = colours(emotions)
    figure, axes = row_of_axes(len(emotions), width=4.5, height=4.4)
    for axis, emotion in zip(axes, emotions, strict=True):
        column = measured[emotion]
        for sign, marker in ((1, "o"), (-1, "v")):
            own = means.xs((EMOTION, emotion, sign), level=("kind", "direction", "sign"))
            own = own.sort_index()
            axis.plot([0, *own.log_perplexity], [0, *own[column]], color=palette[emotion],
                      marker=marker, ms=6, lw=1.6, zorder=3)  # fmt: skip
            strength, row = own.index[-1], own.iloc[-1]
            axis.annotate(_minus(f"{sign * strength:+g}"), (row.log_perplexity, row[column]),
                          fontsize=10, xytext=(5, 4 if sign > 0 else -12),
                          textcoords="offset points")  # fmt: skip
        kind = means.index.get_level_values("kind")
        others = means[(kind == EMOTION) & (means.index.get_level_values("direction") != emotion)]
        axis.plot(others.log_perplexity, others[column], ls="", marker="x", ms=5,
                  color=NEUTRAL, alpha=0.7, zorder=2)  # fmt: skip
        controls = means[kind.isin(list(CONTROLS))]
        axis.plot(controls.log_perplexity, controls[column], ls="", marker=".", ms=7,
                  color=NEUTRAL, alpha=0.7, zorder=2)  # fmt: skip
        front = pareto(means.log_perplexity.to_numpy(), means[column].to_numpy())
        ends = means.iloc[front].sort_values("log_perplexity")
        axis.step(ends.log_perplexity, ends[column], where="post", color="#222222", lw=0.9, ls=":")
        axis.axhline(0, color="#777777", lw=0.8)
        axis.axvline(0, color="#777777", lw=0.8)
        axis.set_title(_("{emotion} vector").format(emotion=emotion), fontsize=11)
        axis.margins(y=0.1)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.set_xlabel(_("change in log-perplexity (right: less fluent)"))
        axis.set_ylabel(_change(column))
    strengths = listed(f"{one:g}" for one in sorted(less.strength.unique()))
    handles = [
        key(
            _("emotion added, {strengths} from 0 on").format(strengths=strengths),
            NEUTRAL,
            marker="o",
        ),
        key(_("subtracted"), NEUTRAL, marker="v"),
        key(_("other emotions"), NEUTRAL, marker="x", ls=""),
        key(_("control directions"), NEUTRAL, marker=".", ls=""),
        key(_("Pareto front of all conditions"), "#222222", ls=":"),
    ]
    title = _("{model}: what greedy texts gain and what it costs").format(model=model)
    return titled(figure, title, handles, size=12)


def _change(column: str) -> str:
    """What a column of scores measures, as a change."""
    judge, measured = column.split("_", 1)
    if judge in JUDGES:
        scale = _(JUDGES[judge].title)
        return _("change in {emotion} of the text\n({scale})").format(emotion=measured, scale=scale)
    return _("change in {emotion} words of the text\n(share of all words)").format(emotion=measured)


def _minus(signed: str) -> str:
    return signed.replace("-", "−")


def pareto(cost: np.ndarray, gain: np.ndarray) -> list[int]:
    """Rows that no other row beats in both: more gain at no more cost."""
    order = np.lexsort((-gain, cost))
    front, best = [], -np.inf
    for row in order:
        if gain[row] > best:
            front.append(int(row))
            best = gain[row]
    return front
