"""A map of a model: how much of an emotion's direction each head and MLP writes."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from emovec.figures.style import FEW, NEUTRAL, key, row_of_axes, titled
from emovec.statistics.metrics import METRICS
from emovec.wording.language import _
from emovec.wording.numbers import part


def component_map(
    components: pd.DataFrame, emotions: Sequence[str], model: str, alpha: float
) -> plt.Figure:
    """Blocks upwards, heads to the right and the MLP last; what beats its nulls is outlined."""
    metric = "lda" if (components.metric == "lda").any() else "raw"
    rows = components[
        (components.metric == metric) & (components.against == "neutral")
        & components.part.isin(["head", "mlp"])
    ]  # fmt: skip
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
