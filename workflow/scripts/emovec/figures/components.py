"""How much of an emotion's direction each head and MLP writes, and what is lost without it."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from emovec.components.ablation import METHODS, PROJECTION
from emovec.components.shares import directions
from emovec.figures.style import (
    BAND,
    FEW,
    NEUTRAL,
    band_key,
    colours,
    hollow_key,
    key,
    nothing,
    row_of_axes,
    titled,
    unreliable,
)
from emovec.statistics.metrics import METRICS
from emovec.wording.language import _
from emovec.wording.numbers import interval, part, percent


def component_map(
    components: pd.DataFrame, emotions: Sequence[str], model: str, alpha: float
) -> plt.Figure:
    """Blocks upwards, heads to the right and the MLP last; what beats its nulls is outlined."""
    metric = "lda" if (components.metric == "lda").any() else "raw"
    rows = directions(components)
    rows = rows[(rows.metric == metric) & rows.part.isin(["head", "mlp"])]
    shown = list(emotions)[:FEW]
    n_blocks, n_heads = int(rows.block.max()) + 1, int(rows["head"].max()) + 1
    figure, axes = row_of_axes(
        len(shown), max(3.2, 0.25 * n_heads + 1), max(3.0, 0.2 * n_blocks + 1.2), sharey=True
    )
    largest = np.nanmax([0.01, *rows.value.abs()])
    for axis, emotion in zip(axes, shown, strict=True):
        own = rows[rows.emotion == emotion]
        column = own["head"].fillna(n_heads).to_numpy(int)
        block = own.block.to_numpy(int)
        grid = np.full((n_blocks, n_heads + 1), np.nan)
        grid[block, column] = own.value
        image = axis.imshow(
            grid, cmap="RdBu_r", vmin=-largest, vmax=largest, origin="lower", aspect="auto"
        )
        found = (own.gate_ok & (own.p_adjusted < alpha)).to_numpy(bool)
        for x, y, ordinary in zip(
            column[found], block[found], (own.role == "busy")[found], strict=True
        ):
            axis.add_patch(
                Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, lw=1.4, color="black",
                          ls=":" if ordinary else "-")
            )  # fmt: skip
        axis.axvline(n_heads - 0.5, color=NEUTRAL, lw=0.8)
        axis.set_title(emotion, fontsize=11)
        step = max(1, n_heads // 4)
        heads = list(range(0, n_heads - step // 2, step))
        axis.set_xticks([*heads, n_heads], [*map(str, heads), "MLP"])
        axis.set_xlabel(_("head"))
    axes[0].set_ylabel(_("block"))
    figure.colorbar(image, ax=axes, label=_("share ({metric})").format(
        metric=_(METRICS[metric].title)))  # fmt: skip
    writing = rows[rows.gate_ok & (rows.p_adjusted < alpha) & rows.emotion.isin(shown)]
    title = _("{model}, depth {depth}: {n} heads and MLPs write along a direction").format(
        model=model,
        depth=int(rows.depth.iloc[0]),
        n=part(len(writing[["block", "part", "head"]].drop_duplicates()), n_blocks * (n_heads + 1)),
    )
    keys = [key(_("beyond sign flips"), "black", lw=1.4)]
    if (rows.role == "busy").any():
        keys.append(key(_("but no more than in ordinary attributes"), "black", lw=1.4, ls=":"))
    return titled(figure, title, keys, fontsize=9)


def shares_and_losses(
    ablations: pd.DataFrame, emotions: Sequence[str], model: str, alpha: float
) -> plt.Figure:
    """The share of each part on one half of the topics against the loss without it on the other.

    With means in the place of parts; crosses are the chosen with outputs of another sentence.
    """
    shown = list(emotions)[:FEW]
    if not ablations.gate_ok.any():
        return nothing(_("No direction is known well enough."))
    figure, axes = row_of_axes(len(shown), 4.2, 4.0)
    colour = colours(emotions)
    for axis, emotion in zip(axes, shown, strict=True):
        every = ablations[(ablations.direction == emotion) & (ablations.outcome == PROJECTION)]
        rows, beside = (every[every.method == method] for method in METHODS)
        together = rows[(rows.kind == "together") & (rows.emotion == emotion)].iloc[0]
        if not together.gate_ok:  # whatever would be drawn is of no direction
            unreliable(axis, emotion)
            continue
        alone = rows[rows.kind.isin(["chosen", "other", "control"])]
        band = alone.iloc[0]
        if not np.isnan(band.null_high):
            axis.axhspan(band.null_low, band.null_high, color=BAND, lw=0)
        ends = [min(0, alone.share.min()), alone.share.max()]
        axis.plot(ends, ends, color=NEUTRAL, lw=0.8, ls="--")
        for kind, face in (("control", NEUTRAL), ("other", "white"), ("chosen", colour[emotion])):
            own = alone[alone.kind == kind]
            edge = colour[emotion] if kind == "chosen" else NEUTRAL
            reach = [own.value - own.ci_low, own.ci_high - own.value]
            axis.errorbar(own.share, own.value, reach, fmt="o", ms=5, lw=0.8, color=edge, mfc=face)
        other = beside[beside.kind == "chosen"]
        axis.plot(other.share, other.value, "x", ms=6, color=colour[emotion])
        for row in alone[alone.kind == "chosen"].itertuples():
            name = f"{row.block}.{row.head}" if row.part == "head" else f"MLP {row.block}"
            axis.annotate(name, (row.share, row.value), (4, 4), textcoords="offset points",
                          fontsize=8)  # fmt: skip
        lost = interval(together.value, together.ci_low, together.ci_high)
        told = _("{emotion}: together {lost}").format(emotion=emotion, lost=lost)
        axis.set_title(told, fontsize=10)
        axis.set_xlabel(_("share of the direction"))
        axis.set_ylabel(_("lost without it, on other topics"))
    keys = [
        key(_("largest shares of this emotion"), colour[shown[0]], marker="o", ls=""),
        key(_("with their output in another sentence"), colour[shown[0]], marker="x", ls=""),
        hollow_key(_("largest shares of another emotion")),
        key(_("others with outputs of like size"), NEUTRAL, marker="o", ls=""),
        band_key(_("{level} of these others").format(
            level=percent(1 - 2 * alpha))),
        key(_("what it writes is lost"), NEUTRAL, lw=0.8, ls="--"),
    ]  # fmt: skip
    title = _("{model}: what parts write, and what is lost without them").format(model=model)
    return titled(figure, title, keys, fontsize=9)
