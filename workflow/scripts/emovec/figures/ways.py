"""The headline numbers under every way to find a direction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emovec.figures.style import (
    BAND,
    MARKERS,
    NEUTRAL,
    OKABE_ITO,
    band_key,
    key,
    model_colours,
    subplots,
    titled,
)
from emovec.robustness.way_findings import Count, count_findings, trained
from emovec.robustness.way_rows import STATS
from emovec.robustness.ways import WAYS
from emovec.within_model.rows import FIXED
from emovec.wording.language import _
from emovec.wording.numbers import clauses, percent

REACH = {"auroc": (0.3, 1.02)}  # of the axis; that of cosines:
OF_COSINES = (-1.1, 1.1)
CHANCE = {"auroc": 0.5}


def ways(
    table: pd.DataFrame,
    models: Sequence[str],
    untrained: Collection[str],
    alpha: float,
    margin: float,
) -> plt.Figure:
    """A panel for each number: ways in rows, models or pairs of models in colours.

    Large marks are means over emotions or pairs, with their intervals and in grey their null; small
    ones are single emotions or pairs.
    """
    stats = [stat for stat in STATS if table.stat.eq(stat).any()]
    rows = -(-len(stats) // 2)
    figure, axes = subplots(rows, 2, 10.6, 0.9 + 4.0 * rows, sharey=True)
    for axis in axes.flat[len(stats) :]:
        axis.axis("off")
    pairs = list(dict.fromkeys(_pairs(table)))
    of_models = model_colours(models)
    others = ("green", "vermilion", "blue", "purple", "orange", "sky", "black")
    of_pairs = {pair: OKABE_ITO[others[i % len(others)]] for i, pair in enumerate(pairs)}
    for axis, stat in zip(axes.flat, stats, strict=False):
        _panel(axis, table[table.stat == stat], of_pairs if stat == "between" else of_models)
        _scale(axis, stat, margin)
    for axis in axes[:, 0]:
        axis.set_yticks(range(len(WAYS)), [_(way.title) for way in WAYS.values()], fontsize=10)
    axes[0, 0].set_ylim(len(WAYS) - 0.5, -0.5)
    keys = [
        *(key(name, colour, marker=MARKERS[i % len(MARKERS)], ms=6)
          for palette in (of_models, of_pairs) for i, (name, colour) in enumerate(palette.items())),
        key(_("mean, with its {share} interval").format(share=percent(1 - alpha)), NEUTRAL,
            marker="o", ms=6),
        key(_("one emotion or pair"), NEUTRAL, marker="o", ms=3, ls="", alpha=0.5),
        band_key(_("unrelated attributes")),
        key(_("undefined"), NEUTRAL, marker="x", ms=5, ls=""),
    ]  # fmt: skip
    counts = count_findings(table, trained(models, untrained), margin)
    return titled(figure, _title(counts), keys, fontsize=9)


def _title(counts: Mapping[str, Count]) -> str:
    said = {
        "auroc": _("{n} of {of} emotions told apart"),
        "cosine": _("{n} of {of} pairs of emotions different"),
        "between": _("{n} of {of} emotions shared by two models"),
    }
    found = [
        said[stat].format(n=one.every, of=one.study) for stat, one in counts.items() if one.study
    ]
    if not found:
        return _("Do other ways to find a direction give the same?")
    return _("Findings of the difference of means that hold in every other way:\n{said}").format(
        said=clauses(found)
    )


def _pairs(table: pd.DataFrame) -> list[str]:
    rows = table[table.model_b.notna()]
    return [f"{a} × {b}" for a, b in zip(rows.model, rows.model_b, strict=True)]


def _panel(axis: plt.Axes, rows: pd.DataFrame, palette: Mapping[str, str]) -> None:
    named = rows.model.where(rows.model_b.isna(), rows.model + " × " + rows.model_b.fillna(""))
    step = 0.8 / max(1, len(palette))
    for i, (name, colour) in enumerate(palette.items()):
        marker = MARKERS[i % len(MARKERS)]
        for y, way in enumerate(WAYS):
            own = rows[(named == name) & (rows.way == way)]
            at = y + step * (i - (len(palette) - 1) / 2)
            mean = own[own.emotion_a.isna()]
            if mean.empty or mean.flag.iloc[0] == FIXED:
                continue
            _mean(axis, mean.iloc[0], at, step, colour, marker)
            single = own.value[own.emotion_a.notna()].clip(*OF_COSINES)
            axis.plot(single, np.full(len(single), at), marker, ms=3, color=colour, alpha=0.5,
                      mew=0, zorder=3)  # fmt: skip


def _mean(axis: plt.Axes, row: pd.Series, at: float, step: float, colour: str, marker: str) -> None:
    low, high = np.clip([row.null_low, row.null_high], *OF_COSINES)
    if high > low:
        axis.barh(at, high - low, 0.8 * step, low, color=BAND, alpha=0.6, lw=0, zorder=1)
    if pd.isna(row.value):
        axis.plot(0.04, at, "x", color=NEUTRAL, ms=5, transform=axis.get_yaxis_transform())
        return
    ends = np.clip([row.ci_low, row.ci_high], *OF_COSINES)
    axis.plot(ends, [at, at], color=colour, lw=1.5, zorder=2)
    axis.plot(np.clip(row.value, *OF_COSINES), at, marker, ms=6, color=colour, zorder=4)


def _scale(axis: plt.Axes, stat: str, margin: float) -> None:
    axis.set_xlim(*REACH.get(stat, OF_COSINES))
    lines = {CHANCE.get(stat, 0.0): "-", margin if stat == "cosine" else 1.0: ":"}
    for at, style in lines.items():
        axis.axvline(at, color=NEUTRAL, lw=0.8, ls=style, zorder=0)
    for y in range(1, len(WAYS)):
        axis.axhline(y - 0.5, color=BAND, lw=0.5, zorder=0)
    axis.set_title(_(STATS[stat].title), fontsize=11)
    axis.tick_params(axis="y", length=0)
