"""The study's own plots, each with the band that chance gives."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from emovec.figures.style import (
    BAND,
    FEW,
    MARKERS,
    NEUTRAL,
    PAIR_COLOURS,
    WIDE,
    band_key,
    colours,
    depth_axis,
    key,
    mark_undefined,
    markers,
    named_pairs,
    no_pair,
    nothing,
    of_pair,
    other_pairs,
    position_title,
    row_of_axes,
    subplots,
    titled,
)
from emovec.wording.language import _
from emovec.wording.numbers import number, percent
from emovec.wording.remarks import FLAGS, told


def layer_norms(norms: pd.DataFrame, emotions: Sequence[str], model: str) -> plt.Figure:
    """L2 norm of each emotion vector by depth; below, divided by what noise alone would give it."""
    table = norms[(norms.norm == "l2") & (norms.value > 0)]
    positions = list(dict.fromkeys(norms.position))
    palette, shapes = colours(emotions), markers(emotions)
    width = max(2.8, min(5.2, WIDE / len(positions)))
    figure, axes = subplots(
        2, len(positions), width * len(positions), 5.4, sharex=True, sharey="row",
        height_ratios=[3, 2],
    )  # fmt: skip
    for (top, bottom), position in zip(axes.T, positions, strict=True):
        here = table[table.position == position]
        for emotion in emotions:
            line = here[here.emotion == emotion]
            look = {"marker": shapes[emotion], "ms": 4, "color": palette[emotion]}
            top.plot(line.depth, line.value, label=emotion, **look)
            top.plot(line.depth, line.chance, color=palette[emotion], ls=":", lw=1.5)
            bottom.plot(line.depth, line.value / line.chance.where(line.chance > 0), **look)
        top.plot([], [], color=NEUTRAL, ls=":", label=_("expected from noise alone"))
        top.set_yscale("log")
        bottom.axhline(1, color=NEUTRAL, ls=":", lw=1.5)
        bottom.set_ylim(bottom=0)
        depth_axis(bottom, norms.depth.max())
        position_title(top, position)
    axes[0, 0].set_ylabel(_("L2 norm of the emotion vector\n(residual-stream units, log scale)"))
    axes[1, 0].set_ylabel(_("times the norm\nof noise"))
    title = _("{model}: strength of the emotion vectors by depth").format(model=model)
    return _with_legend(figure, axes[0, -1], title)


def emotion_distances(
    within: pd.DataFrame, emotions: Sequence[str], model: str, alpha: float
) -> plt.Figure:
    """The study's cosine between emotions by depth, with the band that shuffled labels give."""
    if (why := no_pair(within)) is not None:
        return why
    rows = within[(within.stat == "cos_naive") & (within.metric == "raw") & within.depth.notna()]
    positions, named = list(dict.fromkeys(rows.position)), named_pairs(rows)
    figure, axes = row_of_axes(len(positions), sharey=True)
    for axis, position in zip(axes, positions, strict=True):
        here = rows[rows.position == position]
        band = here.groupby("depth").agg({"null_low": "min", "null_high": "max"})
        _band(
            axis,
            band.index,
            band.null_low,
            band.null_high,
            _("{share} with shuffled labels").format(share=percent(1 - alpha)),
        )
        other_pairs(axis, here, named)
        for k, (a, b) in enumerate(named):
            line = here[(here.emotion_a == a) & (here.emotion_b == b)].sort_values("depth")
            _line(axis, line.depth, line, k, f"{a} – {b}")
        nowhere = here.groupby("depth").value.apply(lambda values: values.isna().all())
        mark_undefined(axis, nowhere.index[nowhere], _("classes do not differ there"))
        axis.axhline(0, color="#999999", lw=0.8)
        axis.set_ylim(-1.05, 1.05)
        depth_axis(axis, rows.depth.max())
        position_title(axis, position)
    axes[0].set_ylabel(_("cosine of two emotion vectors\n(both against the same mean)"))
    title = _("{model}: how alike are the emotion vectors?").format(model=model)
    return _with_legend(figure, axes[0], title)


def _with_legend(figure: plt.Figure, axis: plt.Axes, title: str) -> plt.Figure:
    """The legend in the picture, or below it where it would swallow the lines."""
    handles, _labels = axis.get_legend_handles_labels()
    if len(handles) > FEW:
        return titled(figure, title, handles, fontsize=9)
    axis.legend(frameon=False, fontsize=9, loc="lower right")
    return titled(figure, title)


def similarity_heatmap(
    within: pd.DataFrame, emotions: Sequence[str], model: str, alpha: float
) -> plt.Figure:
    """The study's cosine between emotions, averaged over depths, and what chance gives."""
    if (why := no_pair(within)) is not None:
        return why
    rows = within[(within.stat == "cos_naive") & (within.metric == "raw") & within.depth.isna()]
    positions = list(dict.fromkeys(rows.position))
    brief, side = len(emotions) > FEW, max(4.7, 0.5 * len(emotions))
    figure, axes = row_of_axes(len(positions), width=side + 0.7, height=side)
    for k, (axis, position) in enumerate(zip(axes, positions, strict=True)):
        values = pd.DataFrame(np.eye(len(emotions)), index=emotions, columns=emotions)
        notes = values.astype(object).map("{:.0f}".format)
        for row in rows[rows.position == position].itertuples():
            note = (
                f"{number(row.value)}\n[{number(row.ci_low)}, {number(row.ci_high)}]\n"
                f"{_('chance')}\n[{number(row.null_low)}, {number(row.null_high)}]"
            )
            note = number(row.value) if brief else note
            for pair in ((row.emotion_a, row.emotion_b), (row.emotion_b, row.emotion_a)):
                values.loc[pair], notes.loc[pair] = row.value, note
        sns.heatmap(
            values, annot=notes, fmt="", vmin=-1, vmax=1, cmap="RdBu_r", square=True, ax=axis,
            cbar=k == len(positions) - 1, cbar_kws={"label": _("mean cosine"), "shrink": 0.8},
            annot_kws={"fontsize": 7 if brief else 9}, linewidths=1,
            xticklabels=True, yticklabels=True,
        )  # fmt: skip
        position_title(axis, position)
        axis.tick_params(axis="y", rotation=0)
    title = _("{model}: mean cosine over depths (without the last), {share} interval and chance")
    return titled(figure, title.format(model=model, share=percent(1 - alpha)), size=12)


def cross_model(
    cross: pd.DataFrame, emotion: str, models: Sequence[str], alpha: float
) -> plt.Figure:
    """The study's raw cosine of one emotion in two models, in the band of unrelated vectors."""
    rows = cross[
        (cross.method == "raw")
        & (cross.emotion_a == emotion)
        & cross.model_a.isin(models)
        & cross.model_b.isin(models)
    ]
    positions = list(dict.fromkeys(rows.position))
    pairs = list(dict.fromkeys(zip(rows.model_a, rows.model_b, strict=True)))
    title = _(
        "{emotion}: raw cosine across models\n(compares unrelated coordinates: it shows neither "
        "sharing nor its absence)"
    ).format(emotion=emotion)
    known = {pair: of_pair(rows, *pair) for pair in pairs}
    missing = [
        _("undefined: {a} × {b}, {why}").format(
            a=a, b=b, why=told(FLAGS, own.flag.iloc[0], own.iloc[0])
        )
        for (a, b), own in known.items()
        if own.value.isna().all()
    ]
    drawn = rows[rows.value.notna()]
    if drawn.empty:
        return nothing("\n".join([title, "", *missing]))
    figure, axes = row_of_axes(len(positions), height=3.5, sharey=True)
    for axis, position in zip(axes, positions, strict=True):
        here = rows[rows.position == position]
        nowhere = set()
        for k, pair in enumerate(pairs):
            line = of_pair(here, *pair).sort_values("depth_a")
            if line.value.notna().any():
                _band(axis, line.depth_a, line.null_low, line.null_high, None)
                _line(axis, line.depth_a, line, k, " × ".join(pair))
                nowhere |= set(line.depth_a[line.value.isna()])
        mark_undefined(axis, sorted(nowhere), _("the vector is zero there"))
        axis.axhline(0, color="#999999", lw=0.8)
        depth_axis(axis, drawn.depth_a.max())
        position_title(axis, position)
    limit = drawn[["ci_low", "ci_high", "null_low", "null_high"]].abs().max().max()
    axes[0].set_ylim(-1.05 * limit, 1.05 * limit)
    label = _("raw cosine between models\n{share} interval").format(share=percent(1 - alpha))
    axes[0].set_ylabel(label)
    shown = {one.get_label(): one for axis in axes for one in axis.get_legend_handles_labels()[0]}
    keys = [
        *shown.values(),
        band_key(_("{share} of unrelated vectors").format(share=percent(1 - alpha)), alpha=0.6),
        *(key(why, NEUTRAL, marker="x", ls="") for why in missing),
    ]
    return titled(figure, title, keys, size=12, fontsize=10)


def _band(
    axis: plt.Axes, depth: Sequence, low: Sequence, high: Sequence, label: str | None
) -> None:
    """What chance gives."""
    axis.fill_between(np.asarray(depth, float), low, high, color=BAND, alpha=0.5, lw=0, label=label)


def _line(axis: plt.Axes, depth: pd.Series, line: pd.DataFrame, k: int, label: str) -> None:
    """Values by depth with their intervals, in the k-th colour."""
    colour, marker = PAIR_COLOURS[k % len(PAIR_COLOURS)], MARKERS[k % len(MARKERS)]
    at = depth.to_numpy(float)
    axis.fill_between(at, line.ci_low, line.ci_high, color=colour, alpha=0.25, lw=0)
    axis.plot(at, line.value, marker=marker, ms=4, color=colour, label=label)
