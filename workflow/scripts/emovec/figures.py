"""The figures. One colour per emotion, per pair of emotions and per pair of models throughout.

Colours: Okabe and Ito (2008), told apart by people with the common colour vision deficiencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from emovec.files import whole

OKABE_ITO = {
    "green": "#009E73",
    "vermilion": "#D55E00",
    "blue": "#0072B2",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "orange": "#E69F00",
    "black": "#222222",
}
EMOTION_COLOURS = {
    "gratitude": OKABE_ITO["green"],
    "anger": OKABE_ITO["vermilion"],
    "apology": OKABE_ITO["blue"],
}
NEUTRAL = "#666666"
BAND = "#BBBBBB"
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
POSITION_TITLES = {
    "last": "last token",
    "last_content": "last word",
    "mean": "mean over the words",
    "emotion_word": "the emotional word",
    "suffix": "after a fixed neutral suffix",
}


def colours(emotions: Sequence[str]) -> dict[str, str]:
    """A colour for each emotion; the known three keep theirs."""
    spare = [c for c in OKABE_ITO.values() if c not in EMOTION_COLOURS.values()]
    spare = [*spare, *EMOTION_COLOURS.values()]
    others = [e for e in emotions if e not in EMOTION_COLOURS]
    found = {e: EMOTION_COLOURS[e] for e in emotions if e in EMOTION_COLOURS}
    return found | {e: spare[i % len(spare)] for i, e in enumerate(others)}


def style() -> None:
    sns.set_theme(style="ticks", context="notebook", font="DejaVu Sans")
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})


def save(figure: plt.Figure, path: str | Path, dpi: int) -> None:
    """Write a PNG that depends on its content alone, whole or not at all."""
    with whole(path) as part:
        figure.savefig(part, dpi=dpi, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def _panels(count: int, width: float = 5.2, height: float = 4.0, **options: object):
    figure, axes = plt.subplots(
        1, count, figsize=(width * count, height), squeeze=False, layout="constrained", **options
    )
    return figure, list(axes[0])


def _depth_axis(axis: plt.Axes) -> None:
    axis.set_xlabel("depth (0 = before the first block)")
    axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))


def _title(axis: plt.Axes, position: str) -> None:
    axis.set_title(f"read at: {POSITION_TITLES[position]}", fontsize=11)


def layer_norms(norms: pd.DataFrame, emotions: Sequence[str], model: str) -> plt.Figure:
    """L2 norm of each emotion vector by depth, and the norm that noise alone would give it."""
    style()
    table = norms[norms.norm == "l2"]
    positions = list(dict.fromkeys(table.position))
    palette = colours(emotions)
    figure, axes = _panels(len(positions), sharey=True)
    for axis, position in zip(axes, positions, strict=True):
        here = table[table.position == position]
        for marker, emotion in zip(MARKERS * len(emotions), emotions, strict=False):
            line = here[here.emotion == emotion]
            axis.plot(
                line.depth, line.value, marker=marker, ms=4, color=palette[emotion], label=emotion
            )
        chance = here.groupby("depth").chance.agg(["min", "max"])
        axis.fill_between(
            chance.index.astype(float), chance["min"] * 0.98, chance["max"] * 1.02,
            color=BAND, label="expected from noise alone", lw=0,
        )  # fmt: skip
        axis.set_yscale("log")
        _depth_axis(axis)
        _title(axis, position)
    axes[0].set_ylabel("L2 norm of the emotion vector\n(residual-stream units, log scale)")
    axes[-1].legend(frameon=False, fontsize=9)
    figure.suptitle(f"{model}: strength of the emotion vectors by depth", fontsize=13)
    return figure


def pair_name(a: str, b: str) -> str:
    return f"{a} – {b}"


def emotion_distances(within: pd.DataFrame, emotions: Sequence[str], model: str) -> plt.Figure:
    """The study's cosine between emotions by depth, with the band that shuffled labels give."""
    style()
    rows = within[(within.stat == "cos_naive") & (within.metric == "raw") & within.depth.notna()]
    pairs = list(combinations(emotions, 2))
    positions = list(dict.fromkeys(rows.position))
    palette = [OKABE_ITO[c] for c in ("purple", "sky", "orange", "black", "green", "vermilion")]
    figure, axes = _panels(len(positions), sharey=True)
    for axis, position in zip(axes, positions, strict=True):
        here = rows[rows.position == position]
        band = here.groupby("depth").agg({"null_low": "min", "null_high": "max"})
        axis.fill_between(
            band.index.astype(float), band.null_low, band.null_high, color=BAND, alpha=0.55, lw=0,
            label="95 % of cosines with shuffled labels",
        )  # fmt: skip
        for k, (a, b) in enumerate(pairs):
            line = here[(here.emotion_a == a) & (here.emotion_b == b)].sort_values("depth")
            axis.plot(
                line.depth, line.value, marker=MARKERS[k % len(MARKERS)], ms=4,
                color=palette[k % len(palette)], label=pair_name(a, b),
            )  # fmt: skip
        axis.axhline(0, color="#999999", lw=0.8)
        axis.set_ylim(-1.05, 1.05)
        _depth_axis(axis)
        _title(axis, position)
    axes[0].set_ylabel("cosine of two emotion vectors\n(both against the same neutral mean)")
    axes[0].legend(frameon=False, fontsize=9, loc="lower right")
    figure.suptitle(f"{model}: how alike are the emotion vectors?", fontsize=13)
    return figure


def similarity_heatmap(within: pd.DataFrame, emotions: Sequence[str], model: str) -> plt.Figure:
    """The study's cosine between emotions, averaged over depths, and what chance gives."""
    style()
    rows = within[(within.stat == "cos_naive") & (within.metric == "raw") & within.depth.isna()]
    positions = list(dict.fromkeys(rows.position))
    figure, axes = _panels(len(positions), width=4.6, height=4.2)
    for k, (axis, position) in enumerate(zip(axes, positions, strict=True)):
        values = pd.DataFrame(np.eye(len(emotions)), index=emotions, columns=emotions)
        notes = values.astype(object).map(lambda _: "1")
        for row in rows[rows.position == position].itertuples():
            chance = f"\nchance {row.null_low:.2f} to {row.null_high:.2f}"
            for pair in ((row.emotion_a, row.emotion_b), (row.emotion_b, row.emotion_a)):
                values.loc[pair] = row.value
                notes.loc[pair] = f"{row.value:.2f}{chance}"
        sns.heatmap(
            values, annot=notes, fmt="", vmin=-1, vmax=1, cmap="RdBu_r", square=True, ax=axis,
            cbar=k == len(positions) - 1, cbar_kws={"label": "mean cosine", "shrink": 0.8},
            annot_kws={"fontsize": 9}, linewidths=1,
        )  # fmt: skip
        _title(axis, position)
        axis.tick_params(axis="y", rotation=0)
    figure.suptitle(f"{model}: mean cosine over depths (the last one left out)", fontsize=12)
    return figure


def cross_model(cross: pd.DataFrame, emotion: str, models: Sequence[str]) -> plt.Figure:
    """The study's raw cosine of one emotion in two models, in the band of unrelated vectors."""
    style()
    rows = cross[
        (cross.method == "raw") & (cross.stat == "cos_naive")
        & (cross.emotion_a == emotion) & (cross.emotion_b == emotion)
    ]  # fmt: skip
    rows = rows[rows.model_a.isin(models) & rows.model_b.isin(models)]
    positions = list(dict.fromkeys(rows.position))
    pairs = list(dict.fromkeys(zip(rows.model_a, rows.model_b, strict=True)))
    palette = [OKABE_ITO[c] for c in ("blue", "vermilion", "green", "purple", "orange", "sky")]
    figure, axes = _panels(max(len(positions), 1), sharey=True)
    for axis, position in zip(axes, positions, strict=False):
        here = rows[rows.position == position]
        undefined = []
        for k, (a, b) in enumerate(pairs):
            line = here[(here.model_a == a) & (here.model_b == b)].sort_values("depth_a")
            defined = line[line.value.notna()]
            if defined.empty:
                undefined.append(f"{a} × {b}: {line.flag.iloc[0]}")
                continue
            axis.fill_between(
                defined.depth_a.astype(float), defined.null_low, defined.null_high,
                color=BAND, alpha=0.5, lw=0,
            )  # fmt: skip
            axis.plot(
                defined.depth_a, defined.value, marker=MARKERS[k % len(MARKERS)], ms=4,
                color=palette[k % len(palette)], label=f"{a} × {b}",
            )  # fmt: skip
        axis.axhline(0, color="#999999", lw=0.8)
        if undefined:
            axis.text(
                0.02, 0.03, "undefined: " + "\nundefined: ".join(undefined), fontsize=8,
                transform=axis.transAxes, va="bottom", color=NEUTRAL,
            )  # fmt: skip
        _depth_axis(axis)
        _title(axis, position)
    limit = rows[["value", "null_low", "null_high"]].abs().max().max()
    axes[0].set_ylim(*(np.array([-1.6, 1.6]) * (limit if limit > 0 else 0.5)))
    axes[0].set_ylabel("raw cosine between models")
    axes[0].plot([], [], color=BAND, lw=8, alpha=0.6, label="95 % of unrelated vectors")
    axes[0].legend(frameon=False, fontsize=8, loc="upper left")
    figure.suptitle(
        f"{emotion}: raw cosine across models\n(compares unrelated coordinates: it cannot show "
        "sharing, nor its absence)", fontsize=12,
    )  # fmt: skip
    return figure
