"""The pictures of the first screen: one for each question, with its null, and one for a slide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, NullFormatter

from emovec.activations.copies import is_copy
from emovec.figures.style import (
    BAND,
    FEW,
    MARKERS,
    MOST_PAIRS,
    NEUTRAL,
    OKABE_ITO,
    colours,
    dot,
    key,
    model_colours,
    no_pair,
    nothing,
    pair_title,
    subplots,
    titled,
)
from emovec.steering.changes import READ_OUTS
from emovec.steering.effects import pooled, searched
from emovec.steering.families import OWN
from emovec.wording.language import _

WIDTH, HEIGHT = 4.2, 2.7  # of a card, in inches
LETTERS = 10


def _card(height: float = HEIGHT) -> tuple[plt.Figure, plt.Axes]:
    figure, [[axis]] = subplots(1, 1, WIDTH, height)
    axis.tick_params(labelsize=LETTERS)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    return figure, axis


def apart(
    within: pd.DataFrame,
    emotions: Sequence[str],
    models: Sequence[str],
    position: str,
    alpha: float,
) -> plt.Figure:
    """Corrected cosines of pairs of emotions, all pre-registered depths together."""
    if (why := no_pair(within)) is not None:
        return why
    rows = within[(within.stat == "distinct") & (within.position == position)]
    rows = rows[rows.model.isin(list(models)) & rows.value.notna()]
    if rows.empty:
        return nothing(_("No direction is known well enough."))
    figure, axis = _card(max(HEIGHT, 0.9 + 0.27 * min(len(rows), 2 * MOST_PAIRS)))
    margin = rows.null_high.iloc[0]
    axis.axvspan(margin, 1.1, color=BAND, alpha=0.5, lw=0)
    axis.text(1.08, 1.02, _("one direction"), transform=axis.get_xaxis_transform(), ha="right",
              va="bottom", fontsize=LETTERS - 1, color=NEUTRAL)  # fmt: skip
    palette = model_colours(models)
    many = len(rows) > 2 * MOST_PAIRS
    for y, row in enumerate(rows.sort_values("value").itertuples() if many else rows.itertuples()):
        dot(axis, row, y, palette[row.model], filled=row.gate_ok and row.p_adjusted < alpha)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    names = [] if many else [f"{row.emotion_a} – {row.emotion_b}" for row in rows.itertuples()]
    axis.set_yticks(range(len(names)), names)
    _from_0_to_1(axis, rows)
    axis.set_xlabel(_("cosine of two emotions"), fontsize=LETTERS)
    return _keyed(figure, palette)


def shared(
    cross: pd.DataFrame,
    emotions: Sequence[str],
    models: Sequence[str],
    limits: Mapping[str, float],
    alpha: float,
) -> plt.Figure:
    """One emotion in two trained models, in common axes."""
    pairs = _pairs(cross, models)
    if not pairs:
        return nothing(_("Needs two trained models."))
    figure, axis = _card(max(HEIGHT, 0.9 + 0.27 * len(emotions)))
    palette = colours(emotions)
    _rulers(axis, cross, emotions, pairs, palette, limits, alpha)
    axis.set_xlabel(_("cosine between two models"), fontsize=LETTERS)
    return figure


def hero(
    cross: pd.DataFrame,
    emotions: Sequence[str],
    models: Sequence[str],
    limits: Mapping[str, float],
    alpha: float,
) -> plt.Figure:
    """The same for a slide, with chance, ordinary attributes and the rotated twin named."""
    pairs = _pairs(cross, models) or [(m, f"{m}@twin") for m in models]
    claims = cross[(cross.method == "canonical") & cross.depth_a.isna()]
    twins = claims[claims.model_b.map(is_copy) & claims.model_a.isin(list(models))]
    figure, [[axis]] = subplots(1, 1, 9, 1.9 + 0.55 * max(1, len(pairs) / 2) * len(emotions))
    palette = colours(emotions)
    _rulers(axis, cross, emotions, pairs, palette, limits, alpha)
    twin = twins[(twins.stat == "cos_s") & twins.emotion_a.isin(list(emotions))]
    for y, emotion in enumerate(emotions):
        one = twin[twin.emotion_a == emotion].value.dropna()
        axis.plot(one, np.full(len(one), y - 0.28), marker="D", ls="", ms=5, mfc="white",
                  color=NEUTRAL)  # fmt: skip
    here = claims[(claims.model_a == pairs[0][0]) & (claims.model_b == pairs[0][1])]
    own = here[here.family == "control"].value.dropna()
    axis.plot(own, np.full(len(own), len(emotions) - 0.45), marker="|", ls="", ms=9, color=NEUTRAL)
    axis.set_ylim(len(emotions) - 0.2, -0.7)
    axis.set_xlabel(_("cosine between two models (0 unrelated, 1 the same direction)"))
    keys = [
        *(
            key(_("an emotion in {pair}").format(pair=pair_title(*pair)), OKABE_ITO["black"],
                marker=marker)
            for pair, marker in zip(pairs, cycle(MARKERS))
        ),
        key(_("rotated twin: the same model"), NEUTRAL, marker="D", mfc="white", ls=""),
        key(_("ordinary attributes with themselves"), NEUTRAL, marker="|", ls="", ms=9),
        key(_("unrelated attributes"), BAND, lw=8, solid_capstyle="butt"),
        key(_("smallest cosine of interest"), NEUTRAL, ls="--"),
    ]  # fmt: skip
    title = _("How alike is the direction of an emotion in two models?")
    return titled(figure, title, keys, size=14, columns=3, fontsize=10)


def act(
    steered: Sequence[tuple[pd.DataFrame, dict]], emotions: Sequence[str], alpha: float
) -> plt.Figure:
    """How much likelier adding a direction makes its words: in all, and beside other emotions."""
    rows = []
    for effects, choice in steered:
        own = effects[
            (effects.source == effects.model) & (effects.operation == "add") & (effects.sign == 1)
            & (effects.depth == choice["depth"]) & (effects.strength == choice["strength"])
            & (effects.reading == READ_OUTS)
        ]  # fmt: skip
        searchable = effects[effects.source == effects.model]
        named = f"{effects.model.iloc[0]} · " if len(steered) > 1 else ""
        for emotion in emotions:
            whole, beside = f"{named}+ {emotion}", _("relative to the others")
            for part, name in (("", whole), (OWN, beside))[: 1 + (len(emotions) > 1)]:
                measure = f"logp_{emotion}{part}"
                one = own[(own.direction == emotion) & (own.measure == measure)]
                found = searched(searchable, emotion, measure) <= alpha
                rows += [(name, row, found) for row in pooled(one).iloc[:1].itertuples()]
    if not rows:
        return nothing(_("Not tried in this run."))
    figure, axis = _card(max(HEIGHT, 0.9 + 0.27 * len(rows)))
    palette = colours(emotions)
    for y, (_name, row, found) in enumerate(rows):
        axis.fill_betweenx([y - 0.32, y + 0.32], np.exp(row.null_low), np.exp(row.null_high),
                           color=BAND, alpha=0.6, lw=0)  # fmt: skip
        times = {k: np.exp(getattr(row, k)) for k in ("value", "ci_low", "ci_high")}
        dot(axis, row._replace(**times), y, palette[row.direction], filled=found)
    axis.axvline(1, color=NEUTRAL, lw=0.8)
    axis.set_xscale("log")
    axis.xaxis.set_minor_formatter(NullFormatter())
    low, high = axis.get_xlim()
    every = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
    ticks = [t for t in (every if high < 100 * low else every[::3]) if low <= t <= high]
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.set_xticklabels([f"×{t:g}" for t in ticks])
    axis.set_yticks(range(len(rows)), [name for name, *_row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(_("its words more likely by (grey: control directions)"), fontsize=LETTERS)
    return figure


def where(
    within: pd.DataFrame, emotions: Sequence[str], models: Sequence[str], position: str
) -> plt.Figure:
    """How much of the emotion vectors is signal, by depth, beside the label-shuffled copies."""
    rows = within[
        (within.stat == "reliability") & (within.position == position) & within.depth.notna()
        & within.emotion_a.isin(list(emotions)) & within.emotion_b.isna()
    ]  # fmt: skip
    metric = "lda" if (rows.metric == "lda").any() else "raw"
    mean = rows[rows.metric == metric].groupby(["model", "relative_depth"]).value.mean()
    figure, axis = _card()
    axis.spines["left"].set_visible(True)
    palette = model_colours(models)
    for model in models:
        shuffled = {"color": NEUTRAL, "ls": ":", "lw": 1.2}
        own = {"color": palette[model], "marker": ".", "lw": 1.8}
        for name, drawn in ((f"{model}@shuffled", shuffled), (model, own)):
            if name in mean.index.get_level_values("model"):
                line = mean[name]
                axis.plot(100 * line.index.to_numpy(float), np.clip(line, -0.1, 1), **drawn)
    axis.set_ylim(-0.12, 1.02)
    axis.set_xlabel(_("depth, % of the blocks (dotted: labels shuffled)"), fontsize=LETTERS)
    axis.set_ylabel(_("share of signal"), fontsize=LETTERS)
    return _keyed(figure, palette)


def _pairs(cross: pd.DataFrame, models: Sequence[str]) -> list[tuple[str, str]]:
    rows = cross[cross.model_a.isin(list(models)) & cross.model_b.isin(list(models))]
    rows = rows[rows.method == "canonical"]
    return list(dict.fromkeys(zip(rows.model_a, rows.model_b, strict=True)))


def _rulers(
    axis: plt.Axes,
    cross: pd.DataFrame,
    emotions: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    palette: Mapping[str, str],
    limits: Mapping[str, float],
    alpha: float,
) -> None:
    """A ruler from 0 to 1 for each emotion, a mark for each pair."""
    claims = cross[(cross.method == "canonical") & cross.depth_a.isna()]
    drawn = []
    for k, ((a, b), marker) in enumerate(zip(pairs, cycle(MARKERS))):
        here = claims[(claims.model_a == a) & (claims.model_b == b)]
        for matched in here[here.stat == "matched"].itertuples():
            if k == 0 and pd.notna(matched.null_low):
                axis.axvspan(matched.null_low, matched.null_high, color=BAND, alpha=0.4, lw=0)
        own = here[(here.stat == "cos_s") & (here.family != "control")].set_index("emotion_a")
        for y, emotion in enumerate(emotions):
            if emotion in own.index and pd.notna(own.loc[emotion, "value"]):
                row = own.loc[emotion]
                place = y + 0.5 * (k + 0.5 - len(pairs) / 2) / len(pairs)
                shown = row.p_adjusted < alpha
                dot(axis, row, place, palette[emotion], filled=shown, marker=marker)
                drawn.append(row)
    axis.axvline(limits["cosine_of_interest"], color=NEUTRAL, ls="--", lw=1.2)
    axis.set_yticks(range(len(emotions)), emotions)
    if len(emotions) > 2 * FEW:
        axis.tick_params(axis="y", labelsize=7)
    axis.set_ylim(len(emotions) - 0.5, -0.5)
    _from_0_to_1(axis, pd.DataFrame(drawn, columns=cross.columns))


def _from_0_to_1(axis: plt.Axes, rows: pd.DataFrame) -> None:
    """The scale of a cosine that should be between 0 and 1, wider where intervals are."""
    low = min(0.0, max(-1.0, float(np.nanmin([0.0, *rows.ci_low]))))
    axis.set_xlim(low - 0.04, 1.1)
    for at, style in ((0, "-"), (1, ":")):
        axis.axvline(at, color=NEUTRAL, lw=0.8, ls=style, zorder=0)


def _keyed(figure: plt.Figure, palette: Mapping[str, str]) -> plt.Figure:
    if len(palette) > 1:
        handles = [key(name, colour, marker="o") for name, colour in palette.items()]
        figure.legend(handles=handles[:FEW], loc="outside upper center", frameon=False,
                      ncols=min(2, len(handles)), fontsize=LETTERS)  # fmt: skip
    return figure
