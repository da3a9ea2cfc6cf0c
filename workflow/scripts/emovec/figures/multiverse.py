"""Specification curves: what is found under every choice of analysis, and which choice moves it."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist

from emovec.between_models.methods import METHODS
from emovec.figures.style import (
    BAND,
    FEW,
    MARKERS,
    NEUTRAL,
    PAIR_COLOURS,
    band_key,
    colours,
    hollow_key,
    key,
    markers,
    named_pairs,
    no_pair,
    nothing,
    subplots,
    titled,
)
from emovec.prompts.positions import POSITIONS
from emovec.registry import titles
from emovec.statistics.metrics import METRICS
from emovec.wording.language import N_, _
from emovec.wording.numbers import percent

STUDY_COLOUR = "#F0E442"


CHOICES = {
    "position": N_("position"),
    "space": N_("space"),
    "metric": N_("metric"),
    "estimator": N_("estimator"),
    "depth": N_("depth"),
    "method": N_("method"),
}


OPTIONS = {  # those that are no titles yet
    "position": titles(POSITIONS),
    "space": {"raw": N_("raw"), "centered": N_("centered")},
    "metric": titles(METRICS),
    "estimator": {"naive": N_("naive"), "unbiased": N_("unbiased")},
    "depth": {"mean": N_("mean")},
}


WITHIN = ("position", "space", "metric", "estimator")


BETWEEN = ("position", "depth", "method")


REACH = (-1.15, 1.25)  # what is drawn of cosines, which have no bounds where norms are noise


def specification_curve(table: pd.DataFrame, alpha: float) -> plt.Figure:
    """The mean cosine between emotions under every specification, the study's own marked."""
    if (why := no_pair(table)) is not None:
        return why
    models, pairs = list(dict.fromkeys(table.model)), named_pairs(table)
    options = [(c, o) for c in WITHIN for o in dict.fromkeys(table[c])]
    figure, axes = subplots(
        2, len(models), 4.6 * len(models) + 1, 6.4, sharey="row", height_ratios=[1.6, 1]
    )
    for j, model in enumerate(models):
        own = table[table.model == model]
        order = (
            own.groupby(list(WITHIN), sort=False)
            .agg(value=("value", "mean"), study=("study", "any"))
            .sort_values("value", na_position="first").reset_index()
        )  # fmt: skip
        top, bottom = axes[:, j]
        _mark_study(order, top, bottom)
        _other_pairs(top, order, own, pairs)
        for k, (a, b) in enumerate(pairs):
            colour = PAIR_COLOURS[k % len(PAIR_COLOURS)]
            line = order.merge(own[(own.emotion_a == a) & (own.emotion_b == b)],
                               on=list(WITHIN), how="left")  # fmt: skip
            at = np.arange(len(line)) + _beside(k, len(pairs), 0.18)
            top.vlines(at, line.ci_low, line.ci_high, color=colour, lw=1)
            top.plot(at, line.value_y, ls="", marker=MARKERS[k % len(MARKERS)], ms=4, color=colour,
                     label=f"{a} – {b}")  # fmt: skip
        top.axhline(0, color="#777777", lw=0.8)
        top.set_ylim(max(REACH[0], min(-0.1, 1.05 * table.ci_low.min())), 1.1)
        top.set_title(model, fontsize=11)
        top.set_xticks([])
        _choices(bottom, order, options)
        bottom.set_xlabel(_("specifications, by mean cosine"))
    label = _("mean cosine between emotions\n{share} interval").format(share=percent(1 - alpha))
    axes[0, 0].set_ylabel(label)
    handles = [*axes[0, 0].get_legend_handles_labels()[0], _study_key()]
    return titled(figure, _("Which choice moves the answer?"), handles)


def pair_specification_curve(
    table: pd.DataFrame, emotions: Sequence[str], models: Sequence[str]
) -> plt.Figure:
    """The cosine of one emotion in two models under every specification, each over its null.

    One column of panels for each pair of `models`; `table` holds the rows of pairs.
    """
    first = [list(models).index(a) < list(models).index(b)
             for a, b in zip(table.model, table.model_b, strict=True)]  # fmt: skip
    table = table.assign(
        pair=[tuple(sorted(pair, key=list(models).index))
              for pair in zip(table.model, table.model_b, strict=True)],
        depth=table.relative_depth.map(lambda at: "mean" if pd.isna(at) else f"{at:g}"),
        method=[_way(*key) for key in zip(table.metric, first, strict=True)],
    )  # fmt: skip
    pairs = list(dict.fromkeys(table.pair))
    if not pairs:
        return nothing(_("Only one model: there is no pair to compare."))
    depths = [*sorted(set(table.depth) - {"mean"}, key=float), "mean"]
    ways = [_way(name, forwards) for name in METHODS for forwards in (True, False)]
    order = {
        "position": list(dict.fromkeys(table.position)),
        "depth": depths,
        "method": [way for way in dict.fromkeys(ways) if way in set(table.method)],
    }
    options = [(choice, option) for choice in BETWEEN for option in order[choice]]
    figure, axes = subplots(
        2, len(pairs), 5.6 * len(pairs) + 2.6, 7.6, sharey="row", height_ratios=[1.25, 1]
    )
    for j, pair in enumerate(pairs):
        _pair_panel(*axes[:, j], table[table.pair == pair], options, emotions)
        axes[0, j].set_title(" × ".join(pair), fontsize=11)
    axes[0, 0].set_ylabel(_("cosine of one emotion in two models\nwith its interval"))
    palette, shapes = colours(emotions), markers(emotions)
    handles = [key(emotion, palette[emotion], marker=shapes[emotion], ms=5) for emotion in emotions]
    handles += [hollow_key(_("gate not passed")), band_key(_("null band")), _study_key()]
    return titled(figure, _("Which choice moves the answer between models?"), handles)


def _pair_panel(
    top: plt.Axes,
    bottom: plt.Axes,
    own: pd.DataFrame,
    options: Sequence[tuple[str, str]],
    emotions: Sequence[str],
) -> None:
    defined = own[own.value.notna()]
    order = (
        defined.groupby(list(BETWEEN), sort=False)
        .agg(value=("value", "median"), study=("study", "any"),
             low=("null_low", "min"), high=("null_high", "max"))
        .sort_values("value").reset_index()
    )  # fmt: skip
    _mark_study(order, top, bottom)
    low, high = np.clip(order.low, *REACH), np.clip(order.high, *REACH)
    top.bar(np.arange(len(order)), high - low, bottom=low, width=1, color=BAND, alpha=0.6, lw=0)
    palette = colours(emotions)
    for k, (emotion, marker) in enumerate(markers(emotions).items()):
        line = order[list(BETWEEN)].merge(
            defined[defined.emotion_a == emotion], on=list(BETWEEN), how="left"
        )
        at = np.arange(len(line)) + _beside(k, len(emotions), 0.24)
        colour = palette[emotion]
        if len(emotions) <= FEW:  # more intervals hide each other
            top.vlines(at, *(np.clip(line[end], *REACH) for end in ("ci_low", "ci_high")),
                       color=colour, lw=1)  # fmt: skip
        shut = line.gate_ok.eq(False).to_numpy(bool, na_value=False)
        for these, face in ((~shut, colour), (shut, "white")):
            top.plot(at[these], np.clip(line.value, *REACH)[these], ls="", marker=marker, ms=4,
                     color=colour, mfc=face, mew=0.8)  # fmt: skip
    for height in (0, 1):
        top.axhline(height, color="#777777", lw=0.8, ls=":" if height else "-")
    top.set_ylim(REACH[0] - 0.05, REACH[1] + 0.05)
    top.set_xticks([])
    if absent := sorted(set(own.method) - set(defined.method)):
        note = _("undefined: {why}").format(why="\n".join(absent))
        top.text(0.02, 0.02, note, fontsize=9, color=NEUTRAL, transform=top.transAxes,
                 in_layout=False)  # fmt: skip
    _choices(bottom, order, options)
    bottom.set_xlabel(_("specifications, by median cosine"))


def _other_pairs(
    axis: plt.Axes, order: pd.DataFrame, own: pd.DataFrame, named: Sequence[tuple[str, str]]
) -> None:
    """The pairs without a colour of their own, as dots behind."""
    pairs = pd.MultiIndex.from_frame(own[["emotion_a", "emotion_b"]])
    if pairs.isin(named).all():
        return
    places = order[list(WITHIN)].assign(at=range(len(order)))
    rest = own[~pairs.isin(named)].merge(places, on=list(WITHIN))
    label = _("the other {n} pairs").format(n=len(pairs.unique().difference(named)))
    axis.plot(rest["at"], rest.value, ls="", marker=".", ms=2, color=NEUTRAL, label=label)


def _beside(k: int, count: int, step: float) -> float:
    """Where the k-th of several marks stands that share a place: `step` apart, if there is room."""
    return min(step, 0.8 / count) * (k - (count - 1) / 2)


def _way(method: str, forwards: bool) -> str:
    """A method, and which model it maps onto which where that makes a difference."""
    title = _(METHODS[method].title)
    if not METHODS[method].directed:
        return title
    way = _("{method}, 1st → 2nd") if forwards else _("{method}, 2nd → 1st")
    return way.format(method=title)


def _mark_study(order: pd.DataFrame, *axes: plt.Axes) -> None:
    """Mark the study's own specification in panels that stand one over the other."""
    for x in np.flatnonzero(order.study):
        for axis in axes:
            axis.axvspan(x - 0.5, x + 0.5, color=STUDY_COLOUR, alpha=0.5, lw=0)
    for axis in axes:
        axis.set_xlim(-0.8, len(order) - 0.2)


def _study_key() -> Artist:
    return band_key(_("the study's own choice"), STUDY_COLOUR, alpha=0.5)


def _choices(axis: plt.Axes, order: pd.DataFrame, options: Sequence[tuple[str, str]]) -> None:
    """Which options each specification takes, one row for each."""
    for y, (choice, option) in enumerate(options):
        chosen = np.flatnonzero(order[choice] == option)
        axis.plot(chosen, np.full(len(chosen), y), ls="", marker="s", ms=5, color="#333333")
    titles = [
        _("{choice}: {option}").format(
            choice=_(CHOICES[choice]), option=_(OPTIONS.get(choice, {}).get(option, option))
        )
        for choice, option in options
    ]
    axis.set_yticks(range(len(options)), titles, fontsize=9)
    axis.set_ylim(len(options) - 0.5, -0.5)
    axis.set_xticks([])
