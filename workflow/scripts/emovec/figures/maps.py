"""What maps between two models carry over: how well they predict, and what directions decode."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from emovec.activations.copies import is_copy
from emovec.figures.style import (
    BAND,
    FEW,
    MARKERS,
    NEUTRAL,
    PAIR_COLOURS,
    band_key,
    colours,
    key,
    leads,
    model_pairs,
    nothing,
    of_pair,
    row_of_axes,
    titled,
)
from emovec.wording.language import N_, _
from emovec.wording.numbers import percent

# in the order of what is read; one depth of a small model may be nearest to two of another
DEPTHS = ["depth_test", "depth_train"]
TRANSFER = N_("Does a direction found in one model decode the emotion in another?")


def transfer(
    decoding: pd.DataFrame, cross: pd.DataFrame, emotions: Sequence[str], alpha: float
) -> plt.Figure:
    """AUROC of directions carried over from another model, against the model's own, both in the
    whitened read-outs of the model that is read.
    """
    mapped = decoding[decoding.direction == "mapped"]
    real = mapped[~(mapped.train_model.map(is_copy) | mapped.test_model.map(is_copy))]
    pairs = list(dict.fromkeys(zip(real.train_model, real.test_model, strict=True)))
    if not pairs:
        return nothing(_("There is no map between models, and so nothing to compare."))
    if len(emotions) > FEW:
        return _transfer_maps(real, pairs, emotions)
    palette = colours(emotions)
    figure, axes = row_of_axes(len(pairs), width=4.2, height=3.2)
    real = _beside_own(real, cross)
    zero = decoding[decoding.direction == "depth0"]
    for axis, (a, b) in zip(axes, pairs, strict=True):
        own, start = (one[(one.train_model == a) & (one.test_model == b)] for one in (real, zero))
        by_depth = own.groupby(DEPTHS)
        at = np.arange(len(by_depth))
        low, high = by_depth.null_low.min(), by_depth.null_high.max()
        axis.fill_between(at, low, high, color=BAND, alpha=0.6, lw=0)
        for emotion in emotions:
            line = own[own.contrast == emotion].sort_values(DEPTHS)
            colour = palette[emotion]
            axis.fill_between(at, line.ci_low, line.ci_high, color=colour, alpha=0.2, lw=0)
            axis.plot(at, line.auroc, color=colour, marker="o", ms=4)
            axis.plot(at, line.own, color=colour, lw=1, ls="--")
        if len(start):
            axis.axhline(start.auroc.iloc[0], color="#000000", ls=":", lw=1)
        axis.set_ylim(0.2, 1.02)
        axis.set_xticks(at, [f"{depth:.0f}" for depth, _from in low.index])
        axis.set_title(f"{a}\n→ {b}", fontsize=10)
        axis.set_xlabel(_("depth in {model}").format(model=b))
    axes[0].set_ylabel("AUROC")
    share = percent(1 - alpha)
    handles = [
        *(key(emotion, palette[emotion], marker="o") for emotion in emotions),
        key(_("carried over, {share} interval").format(share=share), NEUTRAL, marker="o"),
        key(_("the model's own direction"), NEUTRAL, ls="--"),
        band_key(_("random directions, {share}").format(share=share)),
        key(_("carried over at depth 0"), "#000000", ls=":"),
    ]
    return titled(figure, _(TRANSFER), handles, columns=4, fontsize=10)


def _beside_own(mapped: pd.DataFrame, cross: pd.DataFrame) -> pd.DataFrame:
    """With the AUROC `own` that the efficiency of each transfer was taken over, where there is one.

    Decoding inside a model is in other coordinates.
    """
    keys = {"model_a": "train_model", "model_b": "test_model", "depth_a": "depth_train",
            "depth_b": "depth_test", "position": "position", "emotion_a": "contrast"}  # fmt: skip
    efficiency = cross[cross.stat == "efficiency"].rename(columns=keys)[[*keys.values(), "value"]]
    joined = mapped.merge(efficiency, on=[*keys.values()], how="left")
    return joined.assign(own=0.5 + (joined.auroc - 0.5) / joined.value)


def _transfer_maps(
    real: pd.DataFrame, pairs: Sequence[tuple[str, str]], emotions: Sequence[str]
) -> plt.Figure:
    """The same for many emotions: colours, and a dot beyond the band of random directions."""
    figure, axes = row_of_axes(len(pairs), width=3.4, height=0.2 * len(emotions) + 1.6)
    for axis, (a, b) in zip(axes, pairs, strict=True):
        own = real[(real.train_model == a) & (real.test_model == b)]
        values, low, high = (
            own.pivot(index="contrast", columns=DEPTHS, values=name).reindex(emotions)
            for name in ("auroc", "null_low", "null_high")
        )
        image = axis.imshow(values, vmin=0, vmax=1, cmap="RdBu_r", aspect="auto")
        beyond = np.nonzero(((values < low) | (values > high)).to_numpy())
        axis.plot(*beyond[::-1], ls="", marker=".", ms=4, color="black")
        axis.set_xticks(range(values.shape[1]), [f"{depth:.0f}" for depth, _from in values.columns])
        axis.set_yticks(range(len(emotions)), emotions if leads(axis) else [], fontsize=8)
        axis.set_title(f"{a}\n→ {b}", fontsize=9)
        axis.set_xlabel(_("depth in {model}").format(model=b), fontsize=9)
    figure.colorbar(image, ax=axes, label=_("AUROC (dot: beyond random directions)"), aspect=40)
    return titled(figure, _(TRANSFER))


def maps(
    maps_table: pd.DataFrame,
    cross: pd.DataFrame,
    emotions: Sequence[str],
    untrained: Sequence[str],
    alpha: float,
) -> plt.Figure:
    """How good the maps are, beside the exploratory grid of depths."""
    if maps_table.empty:
        return nothing(_("There is no map between models, and so nothing to compare."))
    real = maps_table[
        (maps_table.method == "ridge")
        & ~(maps_table.model_a.map(is_copy) | maps_table.model_b.map(is_copy))
    ]
    grid = cross[(cross.family == "exploratory") & cross.emotion_a.isin(list(emotions))]
    pairs = [pair for pair in model_pairs(grid) if not is_copy(pair[1])]
    figure, axes = row_of_axes(1 + len(pairs), width=5.6, height=4.2)
    for k, ((a, b), line) in enumerate(real.groupby(["model_a", "model_b"], sort=False)):
        line = line.sort_values("relative_depth_a")
        control = {a, b} & set(untrained)
        axes[0].plot(
            line.relative_depth_a, line.r2_loo, marker=MARKERS[k % len(MARKERS)], ms=5,
            color=PAIR_COLOURS[k % len(PAIR_COLOURS)],
            ls=":" if control else "-", label=f"{a} → {b}",
        )  # fmt: skip
    band = real.groupby("relative_depth_a").r2_null_high.max()
    chance = _("shuffled sentences, {share}").format(share=percent(1 - alpha))
    axes[0].fill_between(
        band.index, np.minimum(0, band.min()), band, color=BAND, alpha=0.6, lw=0, label=chance
    )
    axes[0].set_xlabel(_("relative depth"))
    axes[0].set_ylabel(_("leave-one-out R² of the map"))
    ends = pd.concat([real.r2_loo, band])
    lines = axes[0].get_legend_handles_labels()[0]
    room = 0.2 if len(lines) <= FEW + 1 else 0.02
    axes[0].set_ylim(min(-0.05, ends.min() - 0.02), min(1, ends.max() + room))
    if len(lines) <= FEW + 1:
        axes[0].legend(frameon=False, fontsize=8.5)
    else:  # they would swallow the lines
        figure.legend(handles=lines, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    axes[0].set_title(
        _("how well a map predicts\none model's stream from the other's"), fontsize=11
    )
    grids = [of_pair(grid, *pair).groupby(["depth_a", "depth_b"]).value.mean() for pair in pairs]
    reach = np.ceil(10 * np.fmax.reduce([0.1, *(one.abs().max() for one in grids)])) / 10
    for axis, (a, b), own in zip(axes[1:], pairs, grids, strict=True):
        label = _("whitened read-out cosine\n(mean over emotions)")
        sns.heatmap(own.unstack(), ax=axis, vmin=-reach, vmax=reach, cmap="RdBu_r",
                    cbar=axis is axes[-1], cbar_kws={"label": label})  # fmt: skip
        axis.invert_yaxis()
        axis.tick_params(axis="y", rotation=0)
        axis.set_title(_("{a} × {b}\n(exploratory)").format(a=a, b=b), fontsize=10)
        axis.set_xlabel(_("depth in {model}").format(model=b))
        axis.set_ylabel(_("depth in {model}").format(model=a))
    return figure
