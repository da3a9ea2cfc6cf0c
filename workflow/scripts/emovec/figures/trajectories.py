"""Where in a sentence, and how deep in a model, an emotion appears."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from emovec.components.shares import directions
from emovec.components.trajectories import beyond, near_depth
from emovec.figures.style import (
    BAND,
    FEW,
    NEUTRAL,
    band_key,
    colours,
    key,
    nothing,
    subplots,
    titled,
    unreliable,
)
from emovec.wording.language import _
from emovec.wording.numbers import part, percent

GAP = 2  # between the sentence and the suffix
COMMON = 4
CROWDED = 40  # places between whose names there is no room for numbers
STYLES = {"all": "-", "explicit": "--", "implicit": ":"}


def along_sentences(
    trajectories: pd.DataFrame, emotions: Sequence[str], model: str, depth: float, alpha: float
) -> plt.Figure:
    """Above at one depth, below at all of them: from before the emotion's word to the end.

    `depth` is relative, that of the curves above.
    """
    trajectories = directions(trajectories)
    rows = trajectories[trajectories.aligned.isin(["word", "suffix"])]
    # elsewhere few sentences have a token, and curves would be noise
    many = rows.n_topics >= rows.groupby(["direction", "words"]).n_topics.transform("max") / COMMON
    rows = rows[many].assign(x=rows.place.astype(int))
    offset = rows.x[rows.aligned == "word"].max() + GAP
    rows.loc[rows.aligned == "suffix", "x"] += offset
    if not rows.gate_ok.any():
        return nothing(_("No direction is known well enough."))
    shown, colour = list(emotions)[:FEW], colours(emotions)
    figure, axes = subplots(
        2, len(shown), max(7.0, 3.6 * len(shown)), 5.6, sharex=True, sharey="row",
        gridspec_kw={"height_ratios": [1.2, 1]},
    )  # fmt: skip
    told = rows[(rows.words == "all") & beyond(rows, alpha)]
    most = np.quantile(told.value, 0.99) if len(told) else 1.0
    for (curve, image), emotion in zip(axes.T, shown, strict=True):
        own = rows[rows.direction == emotion]
        here = own[own.depth == near_depth(own, depth)]
        if here.gate_ok.any():
            _draw_curves(curve, here, colour[emotion])
            curve.set_title(emotion, fontsize=11)
        else:
            unreliable(curve, emotion)
        every = own[own.words == "all"]
        grid = every.assign(value=every.value.where(beyond(every, alpha)))
        grid = grid.pivot(index="depth", columns="x", values="value")
        left, right = own.x.min(), own.x.max()
        grid = grid.reindex(columns=range(left, right + 1))
        image.set_facecolor("#EEEEEE")
        drawn = image.imshow(
            grid, cmap="OrRd", vmin=0, vmax=most, origin="lower", aspect="auto",
            extent=(left - 0.5, right + 0.5, grid.index.min() - 0.5, grid.index.max() + 0.5),
        )  # fmt: skip
        image.axhline(int(here.depth.iloc[0]), color=NEUTRAL, lw=0.6, ls="--")
        end = right - offset if (own.aligned == "suffix").any() else 0
        for axis in (curve, image):
            axis.axvspan(offset - GAP + 0.5, offset + 0.5, color="white", zorder=3)
            axis.axvline(0, color=NEUTRAL, lw=0.6)
        marks = {0: _("word")} | ({offset + (1 + end) / 2: _("suffix")} if end > 0 else {})
        if right - left < CROWDED:
            marks |= {x: f"{x:+d}".replace("-", "−") for x in (-6, 6, 12) if x <= offset - GAP}
        image.set_xticks(list(marks), list(marks.values()))
        image.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0, 0].set_ylabel(_("along the direction (SD)"))
    axes[1, 0].set_ylabel(_("depth"))
    figure.colorbar(drawn, ax=axes[1], label=_("SD"))
    keys = [key(_("all sentences"), NEUTRAL, ls="-")]
    if rows.value[rows.words == "implicit"].notna().any():
        keys += [
            key(_("with an emotion word"), NEUTRAL, ls="--"),
            key(_("without one"), NEUTRAL, ls=":"),
        ]
    if here.null_high.notna().any():
        keys.append(band_key(_("{level} of ordinary attributes").format(level=percent(1 - alpha))))
    changes = trajectories[trajectories.words == "all"]
    changes = changes[changes.direction.isin(shown) & (changes.depth == here.depth.iloc[0])]
    changes = changes[beyond(changes, alpha)]
    rise, reach = (
        part(int((changes.aligned == kind).sum()), len(shown)) for kind in ("rise", "reach")
    )
    title = _(
        "{model}, depth {depth}: {rise} emotions rise at their word, {reach} are stronger at the "
        "end than before it"
    ).format(model=model, depth=int(here.depth.iloc[0]), rise=rise, reach=reach)
    return titled(figure, title, keys, fontsize=9)


def _draw_curves(axis: plt.Axes, rows: pd.DataFrame, colour: str) -> None:
    """The curves of each kind of sentences; word and suffix apart."""
    axis.axhline(0, color=NEUTRAL, lw=0.6)
    for _place, some in rows.groupby("aligned"):
        for words, ls in STYLES.items():
            own = some[some.words == words].sort_values("x")
            if words == "all":
                axis.fill_between(own.x, own.null_low, own.null_high, color=BAND, lw=0, alpha=0.7)
                axis.fill_between(own.x, own.ci_low, own.ci_high, color=colour, alpha=0.25, lw=0)
            axis.plot(own.x, own.value, color=colour, ls=ls, lw=1.8 if words == "all" else 1.2)
