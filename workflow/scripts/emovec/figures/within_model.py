"""Geometry inside one model: corrected cosines by depth, and what could distort them."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from emovec.activations.copies import COPIES
from emovec.figures.style import (
    BAND,
    MARKERS,
    NEUTRAL,
    PAIR_COLOURS,
    colours,
    depth_axis,
    named_pairs,
    no_pair,
    other_pairs,
    position_title,
    subplots,
    titled,
)
from emovec.prompts.positions import POSITIONS
from emovec.statistics.metrics import METRICS
from emovec.wording.language import N_, _
from emovec.wording.numbers import percent

SHUFFLED = COPIES["shuffled"]


DIAGNOSTICS = {
    "reliability": N_("reliability of the vector"),
    "rogue_share1": N_("share of the largest dimension"),
    "evr_pc1": N_("variance on the first component"),
    "d_eff": N_("effective dimension"),
}


def similarity_by_depth(
    within: pd.DataFrame, emotions: Sequence[str], model: str, alpha: float
) -> plt.Figure:
    """Corrected cosines with intervals, hollow where the gate fails; the study's cosine dotted."""
    if (why := no_pair(within)) is not None:
        return why
    rows = within[within.depth.notna()]
    named = named_pairs(rows[rows.stat == "cos_u"])
    positions = list(dict.fromkeys(rows.position))
    metrics = [name for name in METRICS if (rows.metric == name).any()]
    figure, axes = subplots(
        len(metrics),
        len(positions),
        5.6 * len(positions),
        2.9 * len(metrics) + 0.6,
        sharex=True,
        sharey=True,
    )
    told = rows[rows.gate_ok.fillna(False).astype(bool) & (rows.stat == "cos_u")]
    ends = pd.concat([told.ci_low, rows.null_low[rows.stat == "cos_naive"]]).dropna()
    # a few early depths with wide intervals would leave half of each panel empty
    bottom = max(-1.05, min(0, ends.quantile(0.05)) - 0.05) if len(ends) else -1.05
    for i, metric in enumerate(metrics):
        for j, position in enumerate(positions):
            axis = axes[i, j]
            here = rows[(rows.metric == metric) & (rows.position == position)]
            shuffled = here[here.stat == "cos_naive"].groupby("depth")
            low, high = shuffled.null_low.min(), shuffled.null_high.max()
            axis.fill_between(low.index.astype(float), low, high, color=BAND, alpha=0.4, lw=0)
            other_pairs(axis, here[here.stat == "cos_u"], named)
            for k, pair in enumerate(named):
                _pair(axis, here, pair, k)
            axis.axhline(0, color="#999999", lw=0.8)
            axis.axhline(1, color="#999999", lw=0.8)
            axis.set_ylim(bottom, 1.1)
            depth_axis(axis, rows.depth.max())
            if i < len(metrics) - 1:
                axis.set_xlabel("")
            if i == 0:
                position_title(axis, position)
            if j == 0:
                axis.set_ylabel(
                    _("{metric}\ncosine, {share} interval").format(
                        metric=_(METRICS[metric].title), share=percent(1 - alpha)
                    )
                )
    label = _("the study's cosine (both against one mean)")
    axes[0, 0].plot([], [], color=NEUTRAL, ls=":", label=label)
    axes[0, 0].plot(
        [], [], color=NEUTRAL, ls="", marker="o", mfc="white", label=_("not reliable enough")
    )
    label = _("the study's cosine with shuffled labels, {share}").format(share=percent(1 - alpha))
    axes[0, 0].plot([], [], color=BAND, lw=8, alpha=0.6, solid_capstyle="butt", label=label)
    handles, _labels = axes[0, 0].get_legend_handles_labels()
    title = _("{model}: are the emotions distinct directions? (1 = the same, 0 = unrelated)")
    return titled(figure, title.format(model=model), handles, columns=3, fontsize=9)


def _pair(axis: plt.Axes, rows: pd.DataFrame, pair: tuple[str, str], k: int) -> None:
    """One pair of emotions by depth."""
    colour, marker = PAIR_COLOURS[k % len(PAIR_COLOURS)], MARKERS[k % len(MARKERS)]
    own = rows[(rows.emotion_a == pair[0]) & (rows.emotion_b == pair[1])]
    line = own[own.stat == "cos_u"].sort_values("depth")
    naive = own[own.stat == "cos_naive"].sort_values("depth")
    at = line.depth.to_numpy(float)
    passes = line.gate_ok.to_numpy(bool)
    axis.plot(naive.depth.to_numpy(float), naive.value, color=colour, ls=":", lw=1.2)
    axis.fill_between(
        at, line.ci_low.where(passes), line.ci_high.where(passes), color=colour, alpha=0.25, lw=0
    )
    axis.plot(at, line.value.where(passes), color=colour, marker=marker, ms=4,
              label=f"{pair[0]} – {pair[1]}")  # fmt: skip
    axis.plot(at, line.value.where(~passes), color=colour, marker=marker, ms=4, ls="", mfc="white")


def diagnostics(
    within: pd.DataFrame, shuffled: pd.DataFrame, emotions: Sequence[str], model: str
) -> plt.Figure:
    """What a raw cosine rests on: reliability, single dimensions, effective dimension.

    `shuffled` is the table of the label-shuffled copy: the reliability of vectors that are noise.
    """
    noise = shuffled[(shuffled.metric == "raw") & (shuffled.stat == "reliability")]
    noise = noise[noise.emotion_a.isin(list(emotions)) & noise.depth.notna()]
    rows = within[within.depth.notna() & (within.metric == "raw")]
    positions = list(dict.fromkeys(rows.position))
    palette = colours(emotions)
    figure, axes = subplots(
        len(positions),
        len(DIAGNOSTICS),
        3.9 * len(DIAGNOSTICS),
        3.0 * len(positions) + 0.6,
        sharex=True,
    )
    for i, position in enumerate(positions):
        for j, (stat, title) in enumerate(DIAGNOSTICS.items()):
            axis = axes[i, j]
            here = rows[(rows.position == position) & (rows.stat == stat)]
            for k, name in enumerate(dict.fromkeys(here.emotion_a)):
                if name not in palette and (stat == "reliability"):
                    continue  # emotions against each other: the table has them
                line = here[here.emotion_a == name].sort_values("depth")
                axis.plot(
                    line.depth.to_numpy(float), line.value, color=palette.get(name, NEUTRAL),
                    marker=MARKERS[k % len(MARKERS)], ms=3.5, label=name,
                )  # fmt: skip
            if stat == "reliability":
                own = noise[noise.position == position].groupby("depth").value
                axis.fill_between(
                    own.min().index.astype(float), own.min(), own.max(), color=BAND, alpha=0.6, lw=0
                )
                _note(axis, 0.04, _("grey: {copy}").format(copy=_(SHUFFLED.title)))
            if stat == "d_eff":
                if here.value.max() > 10 * here.value.min():
                    axis.set_yscale("log")
                    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
                    axis.yaxis.set_minor_formatter(NullFormatter())
                else:
                    axis.set_ylim(0, None)
            else:
                axis.set_ylim(-0.05 if stat != "reliability" else -1.1, 1.05)
                if stat != "reliability":
                    axis.axhline(0.5, color="#999999", ls="--", lw=0.8)
                    _note(axis, 0.93, _("dashed: one half"))
            depth_axis(axis, rows.depth.max())
            if i == 0:
                axis.set_title(_(title), fontsize=11)
            if i < len(positions) - 1:
                axis.set_xlabel("")
            if j == 0:
                axis.set_ylabel(
                    _("read at:\n{position}").format(position=_(POSITIONS[position].title))
                )
    handles, _labels = axes[0, -1].get_legend_handles_labels()
    worst = rows[rows.stat == "rogue_share1"].value.max()
    if worst > 0.5:
        verdict = _(
            "{model}: one dimension decides raw cosines at some depths (largest share {share:.2f})"
        )
    else:
        verdict = _(
            "{model}: no single dimension decides the raw cosines (largest share {share:.2f})"
        )
    return titled(figure, verdict.format(model=model, share=np.round(worst, 2)), handles)


def _note(axis: plt.Axes, height: float, text: str) -> None:
    """A word on what is drawn, at the right."""
    axis.text(0.98, height, text, transform=axis.transAxes, ha="right", fontsize=8, color=NEUTRAL)
