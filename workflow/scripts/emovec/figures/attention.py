"""What heads write of the directions, against how much they look at the emotion's word."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import MaxNLocator

from emovec.components.shares import directions
from emovec.figures.style import (
    FEW,
    NEUTRAL,
    colours,
    hollow_key,
    key,
    nothing,
    row_of_axes,
    titled,
    unreliable,
)
from emovec.wording.language import _
from emovec.wording.numbers import part

NAMED = 3  # heads of each emotion that have their names beside them


def shares_and_attention(
    components: pd.DataFrame, attention: pd.DataFrame, emotions: Sequence[str], model: str,
    alpha: float,
) -> plt.Figure:  # fmt: skip
    """Of each head: its share against its attention to the word, beyond the neutral sentence's."""
    own = directions(components)
    rows = own[(own.metric == "lda") & (own.part == "head")].merge(
        attention[attention.span == "word"],
        on=["emotion", "block", "head"], suffixes=("", "_looks"),
    )  # fmt: skip
    if not rows.gate_ok.any():
        return nothing(_("No direction is known well enough."))
    shown, colour = list(emotions)[:FEW], colours(emotions)
    figure, axes = row_of_axes(len(shown), 3.8, 3.6, sharey=True)
    for axis, emotion in zip(axes, shown, strict=True):
        own = rows[rows.emotion == emotion]
        if not own.gate_ok.any():
            unreliable(axis, emotion)
            continue
        writes = own.gate_ok & (own.p_adjusted < alpha)
        axis.axhline(0, color=NEUTRAL, lw=0.6)
        axis.axvline(0, color=NEUTRAL, lw=0.6)
        rest, some = own[~writes], own[writes]
        axis.plot(rest.value, rest.value_looks, "o", ms=4, color=NEUTRAL, mfc="white", mew=0.7)
        reach = [some.value_looks - some.ci_low_looks, some.ci_high_looks - some.value_looks]
        axis.errorbar(some.value, some.value_looks, reach, fmt="o", ms=4, lw=0.7,
                      color=colour[emotion])  # fmt: skip
        for row in own[writes].nlargest(NAMED, "value").itertuples():
            axis.annotate(f"{row.block}.{row.head}", (row.value, row.value_looks), (4, 4),
                          textcoords="offset points", fontsize=9)  # fmt: skip
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.set_title(emotion, fontsize=11)
        axis.set_xlabel(_("share of the direction"))
    if "neutral" in set(components.against):
        axes[0].set_ylabel(_("attention to the word\n(minus the neutral sentence's)"))
    else:
        axes[0].set_ylabel(_("attention to the word\n(minus the mean of all emotions)"))
    keys = [
        key(_("writes beyond flipped signs"), colour[shown[0]], marker="o", ls=""),
        hollow_key(_("does not")),
    ]
    writing = rows[rows.emotion.isin(shown) & rows.gate_ok & (rows.p_adjusted < alpha)]
    writing = writing[writing.value > 0]
    looking = writing[(writing.p_adjusted_looks < alpha) & (writing.value_looks > 0)]
    heads = ["block", "head"]
    title = _("{model}: {n} heads that write a direction look at the emotion's word").format(
        model=model,
        n=part(len(looking[heads].drop_duplicates()), len(writing[heads].drop_duplicates())),
    )
    return titled(figure, title, keys, fontsize=9)
