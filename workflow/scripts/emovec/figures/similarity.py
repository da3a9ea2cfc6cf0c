"""How alike two emotions are in each model: all models, pairs and positions in one figure."""

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
    dot,
    hollow_key,
    key,
    leads,
    model_colours,
    no_pair,
    position_title,
    row_of_axes,
    subplots,
    titled,
)
from emovec.wording.language import N_, _
from emovec.wording.numbers import listed, percent, span

MOST_ROWS = 15  # pairs of emotions that have a row each; more are cells of a matrix
MEANS = {
    "corrected": N_("corrected cosine"),
    "study": N_("the study's cosine\n(both against one mean)"),
}


def similarity(
    within: pd.DataFrame,
    emotions: Sequence[str],
    models: Sequence[str],
    untrained: Collection[str],
    primary: str,
    alpha: float,
) -> plt.Figure:
    """Mean cosines over depths: corrected, in the whitened stream, and the study's own.

    Corrected ones are filled where both directions are reliable enough; the study's where they
    exceed what shuffled labels give. The position `primary` comes first.
    """
    if (why := no_pair(within)) is not None:
        return why
    rows = means(within, emotions, models, alpha)
    positions = sorted(dict.fromkeys(rows.position), key=lambda name: name != primary)
    pairs = list(dict.fromkeys(zip(rows.emotion_a, rows.emotion_b, strict=True)))
    draw = _dots if len(pairs) <= MOST_ROWS else _matrices
    about = [name for name in models if name not in untrained] or list(models)
    known = rows[(rows.kind == "corrected") & (rows.position == primary) & rows.told]
    known = known.value[known.model.isin(about)]
    title = _("How alike are two emotions?")
    if len(known):
        title = _("Two emotions in {models}: corrected cosines from {found}").format(
            models=listed(about), found=span(known.min(), known.max())
        )
    return draw(rows, emotions, models, positions, pairs, title, alpha)


def means(
    within: pd.DataFrame, emotions: Sequence[str], models: Sequence[str], alpha: float
) -> pd.DataFrame:
    """The rows drawn, with their `kind`, one of MEANS, and whether something is `told`.

    Corrected ones are raw where there is no probe to whiten by.
    """
    rows = within[within.depth.isna() & within.emotion_b.notna() & within.model.isin(list(models))]
    rows = rows[rows.emotion_a.isin(list(emotions))]
    whitened = rows.groupby("position").metric.transform(lambda one: one.eq("lda").any())
    corrected = rows[(rows.stat == "cos_u") & (rows.metric == np.where(whitened, "lda", "raw"))]
    study = rows[(rows.stat == "cos_naive") & (rows.metric == "raw")]
    return pd.concat(
        [
            corrected.assign(kind="corrected", told=corrected.gate_ok.eq(True).fillna(False)),
            study.assign(kind="study", told=study.p_adjusted < alpha),
        ]
    ).astype({"told": bool})


def _dots(
    rows: pd.DataFrame,
    emotions: Sequence[str],
    models: Sequence[str],
    positions: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    title: str,
    alpha: float,
) -> plt.Figure:
    """A row for each pair of emotions, a column for each kind, panels below for other positions."""
    height = (0.16 + 0.16 * len(models)) * len(pairs) + 1.1
    figure, axes = subplots(
        len(positions), len(MEANS), 10.5, height * len(positions) + 0.7, sharex=True, sharey=True
    )
    palette = model_colours(models)
    for i, position in enumerate(positions):
        for axis, (kind, name) in zip(axes[i], MEANS.items(), strict=True):
            here = rows[(rows.kind == kind) & (rows.position == position)]
            _panel(axis, here, pairs, palette)
            position_title(axis, position)
            axis.set_xlabel(_(name), fontsize=11)
            axis.tick_params(labelbottom=True)
    names = [f"{a} – {b}" for a, b in pairs]
    for axis in axes[:, 0]:
        axis.set_yticks(range(len(pairs)), names, fontsize=11)
    axes[0, 0].set_ylim(len(pairs) - 0.5, -0.5)
    low = np.nanmin([-0.1, *rows.ci_low[rows.told], *rows.null_low[rows.kind == "study"]])
    axes[0, 0].set_xlim(max(-1.1, low - 0.05), 1.1)
    keys = [
        *(key(model, palette[model], marker=marker) for model, marker in _shapes(models).items()),
        hollow_key(_("not reliable enough, or not beyond chance")),
        band_key(_("{share} with shuffled labels").format(share=percent(1 - alpha))),
    ]
    return titled(figure, title, keys, fontsize=10)


def _panel(
    axis: plt.Axes,
    rows: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    palette: Mapping[str, str],
) -> None:
    nulls = rows.null_low.iloc[0] if (rows.null_low == rows.null_high).any() else 0.0
    axis.axvline(nulls, color=NEUTRAL, lw=0.8, zorder=0)
    axis.axvline(1, color=NEUTRAL, lw=0.8, ls=":", zorder=0)
    for line in range(1, len(pairs)):
        axis.axhline(line - 0.5, color=BAND, lw=0.5, zorder=0)
    step, shapes = 0.8 / len(palette), _shapes(list(palette))
    for row in rows.itertuples():
        place = list(palette).index(row.model) + 0.5 - len(palette) / 2
        y = pairs.index((row.emotion_a, row.emotion_b)) + step * place
        if row.null_high > row.null_low:
            axis.barh(y, row.null_high - row.null_low, 0.9 * step, row.null_low, color=BAND,
                      alpha=0.6, lw=0, zorder=1)  # fmt: skip
        dot(axis, row, y, palette[row.model], filled=row.told, marker=shapes[row.model], size=6)


def _shapes(models: Sequence[str]) -> dict[str, str]:
    return {model: MARKERS[i % len(MARKERS)] for i, model in enumerate(models)}


def _matrices(
    rows: pd.DataFrame,
    emotions: Sequence[str],
    models: Sequence[str],
    positions: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    title: str,
    alpha: float,
) -> plt.Figure:
    """A matrix for each model and position: corrected below the diagonal, the study's above."""
    side = max(3.0, 0.3 * len(emotions) + 1.4)
    figure, axes = row_of_axes(len(models) * len(positions), side + 0.1, side + 0.2)
    low = np.floor(10 * rows.value.min()) / 10
    places = {name: place for place, name in enumerate(emotions)}
    panels = [(position, model) for position in positions for model in models]
    for axis, (position, model) in zip(axes, panels, strict=True):
        here = rows[(rows.position == position) & (rows.model == model)]
        grid = np.full((len(emotions), len(emotions)), np.nan)
        for row in here.itertuples():
            ends = sorted((places[row.emotion_a], places[row.emotion_b]))
            at = tuple(ends if row.kind == "study" else ends[::-1])
            grid[at] = row.value
            if not row.told:
                axis.plot(*at[::-1], "o", color=OKABE_ITO["black"], mfc="white", ms=4)
        image = axis.imshow(grid, vmin=low, vmax=1, cmap="viridis")
        axis.set_yticks(range(len(emotions)), emotions if leads(axis) else [], fontsize=9)
        axis.set_xticks(range(len(emotions)), emotions, rotation=90, fontsize=9)
        position_title(axis, position)
        axis.set_title(f"{model}\n{axis.get_title()}", fontsize=10)
    label = _("below the diagonal corrected cosines, above it the study's")
    figure.colorbar(image, ax=axes, label=label, shrink=0.8)
    keys = [hollow_key(_("not reliable enough, or not beyond chance"))]
    return titled(figure, title, keys, fontsize=10)
