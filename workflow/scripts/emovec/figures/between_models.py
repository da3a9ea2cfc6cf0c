"""Comparisons between models: the ruler, the matrices, transfer, and the maps they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.image import AxesImage

from emovec.activations.copies import is_copy
from emovec.between_models.claim_rows import OWN
from emovec.figures.style import (
    BAND,
    FEW,
    NEUTRAL,
    band_key,
    colours,
    hollow_key,
    key,
    model_pairs,
    nothing,
    of_pair,
    pair_title,
    subplots,
    titled,
)
from emovec.wording.language import _
from emovec.wording.numbers import number
from emovec.wording.remarks import FLAGS, told


def ruler(
    cross: pd.DataFrame, emotions: Sequence[str], alpha: float, limits: Mapping[str, float]
) -> plt.Figure:
    """One emotion in two models: the claims with their limits, beside the study's raw cosine.

    Rows are pairs of models, each with its emotions, all of them together and, as the ruler,
    ordinary attributes. Small marks are single depths, early to late.
    """
    own = cross[cross.emotion_a.isna() | (cross.emotion_a == cross.emotion_b)]
    claims = own[own.method == "canonical"]
    pairs = model_pairs(claims)
    palette = colours(emotions) | {"": "#000000"}
    names, step = [*emotions, ""], len(emotions) + 3
    many = len(emotions) > FEW  # more than colours alone tell apart: each row has its name
    height = (0.16 if many else 0.22) * step * len(pairs) + 2.4
    own_alone = (claims.family[claims.stat == "cos_s"] == "specific").any()
    stats = ("cos_s",) if own_alone else ("cos_s", OWN)
    figure, [axes] = subplots(
        1, 1 + len(stats), 4.2 + 3.8 * len(stats), height, sharey=True,
        width_ratios=[0.8, *[1] * len(stats)],
    )  # fmt: skip
    for i, (a, b) in enumerate(pairs):
        here = of_pair(claims, a, b)
        depths = here[here.depth_a.notna()]
        raw = of_pair(own[own.method == "raw"], a, b)
        raw = raw[raw.position.isin(here.position) & raw.depth_a.isin(depths.depth_a)]
        if len(raw) and raw.value.isna().all():
            why = told(FLAGS, raw.flag.iloc[0], raw.iloc[0])
            axes[0].text(
                0.5, i * step + (len(names) - 1) / 2, why, fontsize=10, color=NEUTRAL, ha="center",
                va="center", transform=axes[0].get_yaxis_transform(),
                bbox={"fc": "white", "ec": "none", "pad": 1},
            )  # fmt: skip
        for j, name in enumerate(names):
            y = i * step + j
            _depth_marks(axes[0], raw[raw.emotion_a.fillna("") == name], y, palette[name])
            for axis, stat in zip(axes[1:], stats, strict=True):
                rows = here[(here.stat == stat) & (here.emotion_a.fillna("") == name)]
                rows = rows[rows.family != "control"]
                _depth_marks(axis, rows[rows.depth_a.notna()], y, palette[name])
                _claim(axis, rows[rows.depth_a.isna()], y, palette[name], alpha)
        _attributes(axes[1], here, i * step + len(names))
    bound, least = limits["equivalence"], limits["cosine_of_interest"]
    for axis in axes[1:]:
        axis.axvspan(-bound, bound, color=BAND, alpha=0.35, lw=0, zorder=0)
        axis.axvline(least, color="#777777", lw=1, ls="--", zorder=0)
    own = _("cosine of the own part\n(emotion minus the mean of all)")
    common = _("cosine in common axes\n(emotion minus neutral)")
    titles = (_("raw cosine\n(the study's)"), *((own,) if own_alone else (common, own)))
    for axis, title in zip(axes, titles, strict=True):
        axis.axvline(0, color="#777777", lw=0.8)
        axis.axvline(1, color="#777777", lw=0.8, ls=":")
        axis.set_xlim(-0.6, 1.15)
        axis.set_xticks([-0.5, 0, 0.5, 1])
        axis.set_title(title, fontsize=11)
        axis.set_xlabel(_("cosine (0 unrelated, 1 the same)"), fontsize=10)
    middles = [i * step + (len(names) - 1) / 2 for i in range(len(pairs))]
    axes[0].set_yticks(middles, [pair_title(a, b).replace(" × ", "\n× ") for a, b in pairs])
    axes[0].invert_yaxis()
    if many:
        places = [i * step + j for i in range(len(pairs)) for j in range(len(emotions))]
        axes[0].set_yticks(places, [*emotions] * len(pairs), minor=True)
        axes[0].tick_params(axis="y", which="major", pad=85, length=0)
        axes[0].tick_params(axis="y", which="minor", labelsize=8.5)
        axes[0].yaxis.remove_overlapping_locs = False  # a pair's name stands beside one of them
        axes[0].set_ylim(step * len(pairs) - 0.5, -1)
    shown = [""] if many else names
    handles = [key(e or _("all together"), palette[e], marker="o") for e in shown]
    handles += [
        hollow_key(_("not shown to exceed {least:g}").format(least=least)),
        key(_("smallest cosine of interest"), "#777777", ls="--"),
        band_key(_("small: within ±{bound:g}").format(bound=bound)),
        key(_("ordinary attributes"), NEUTRAL, marker="|", ls=""),
        band_key(_("unrelated attributes"), NEUTRAL),
    ]
    title = _("How far does the direction of an emotion correspond between two models?")
    return titled(figure, title, handles, fontsize=10)


def _depth_marks(axis: plt.Axes, line: pd.DataFrame, y: float, colour: str) -> None:
    """Single depths, one below the other in a narrow row."""
    line = line[line.value.notna()].sort_values("depth_a")
    at = y + 0.6 * (np.arange(len(line)) + 0.5 - len(line) / 2) / max(len(line), 1)
    axis.plot(line.value, at, color=colour, marker=".", ms=3, ls="", alpha=0.6, zorder=2)


def _claim(axis: plt.Axes, rows: pd.DataFrame, y: float, colour: str, alpha: float) -> None:
    """The cosine over all depths with its interval, filled where the claim is shown."""
    for row in rows[rows.value.notna()].itertuples():
        axis.plot([row.ci_low, row.ci_high], [y, y], color=colour, lw=1.6, zorder=3)
        shown = pd.notna(row.p_adjusted) and row.p_adjusted < alpha
        axis.plot(row.value, y, color=colour, marker="o", ms=6,
                  mfc=colour if shown else "white", zorder=4)  # fmt: skip


def _attributes(axis: plt.Axes, rows: pd.DataFrame, y: float) -> None:
    """The ruler: each attribute with itself, and where unrelated ones lie."""
    own = rows[rows.family == "control"].value.dropna()
    axis.plot(own, np.full(len(own), y), color=NEUTRAL, marker="|", ms=7, ls="", zorder=3)
    for row in rows[rows.stat == "matched"].itertuples():
        band = [row.null_low, row.null_high]
        axis.plot(band, [y, y], color=NEUTRAL, lw=5, alpha=0.35, solid_capstyle="butt", zorder=1)


def matrices(cross: pd.DataFrame, emotions: Sequence[str]) -> plt.Figure:
    """Every emotion of one model against every emotion of the other, at each depth."""
    rows = cross[
        (cross.method == "wpc") & (cross.stat == "cos_u") & cross.emotion_a.isin(list(emotions))
        & cross.emotion_b.isin(list(emotions)) & (cross.family != "exploratory")
    ]  # fmt: skip
    overall = cross[(cross.stat == OWN) & cross.emotion_a.isna()]
    pairs = model_pairs(rows)
    pairs = [pair for pair in pairs if not is_copy(pair[1])] or pairs  # twins all look alike
    if not pairs:
        return nothing(_("There is no map between models, and so nothing to compare."))
    shown = {pair: of_pair(rows, *pair) for pair in pairs}
    columns = max(len(own[["depth_a", "depth_b"]].drop_duplicates()) for own in shown.values())
    side = np.clip(0.3 * len(emotions), 2.75, 6)  # of one panel
    written = 22 * side / len(emotions) > 9  # a cosine in each cell can be read
    width, height = (side + 0.15) * columns + 1.5, side * len(pairs) + 0.6
    figure, axes = subplots(len(pairs), columns, width, height)
    reach = max(0.5, *(np.ceil(10 * own.value.abs().max()) / 10 for own in shown.values()))
    for i, ((a, b), own) in enumerate(shown.items()):
        places = own[["depth_a", "depth_b"]].drop_duplicates().sort_values("depth_a")
        for j in range(columns):
            axis = axes[i, j]
            if j >= len(places):
                axis.axis("off")
                continue
            place = places.iloc[j]
            here = own[(own.depth_a == place.depth_a) & (own.depth_b == place.depth_b)]
            table = here.pivot(index="emotion_a", columns="emotion_b", values="value")
            values = table.reindex(index=emotions, columns=emotions).to_numpy(float)
            image = _matrix(axis, values, reach, written=written)
            axis.set_xticks(range(len(emotions)), emotions if i == len(pairs) - 1 else [])
            axis.set_yticks(range(len(emotions)), emotions if j == 0 else [])
            delta = of_pair(overall, a, b)
            delta = delta[(delta.depth_a == place.depth_a) & (delta.depth_b == place.depth_b)]
            title = _("depths {a:.0f} and {b:.0f}").format(a=place.depth_a, b=place.depth_b)
            axis.set_title(f"{title}\n{_own_note(delta)}", fontsize=9)
            axis.set_ylabel(pair_title(a, b).replace(" × ", "\n× ") if j == 0 else "", fontsize=9)
            axis.tick_params(axis="y", rotation=0)
            axis.tick_params(axis="x", rotation=40 if len(emotions) <= FEW else 90)
            if len(emotions) > FEW:
                axis.tick_params(labelsize=9)
    if not written:
        figure.colorbar(image, ax=axes, label=_("whitened read-out cosine"), shrink=0.6)
    title = _("Is it the same emotion? (a red diagonal on a pale ground: each matches only itself)")
    return titled(figure, title, size=12)


def _matrix(axis: plt.Axes, values: np.ndarray, reach: float, *, written: bool) -> AxesImage:
    """Cosines as colours and, if there is room, as numbers."""
    image = axis.imshow(np.ma.masked_invalid(values), vmin=-reach, vmax=reach, cmap="RdBu_r")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value) and written:
            ink = "white" if abs(value) > 0.6 * reach else "black"
            axis.text(column, row, number(value), ha="center", va="center", color=ink,
                      fontsize=9)  # fmt: skip
    return image


def _own_note(own: pd.DataFrame) -> str:
    value = own.value.iloc[0] if len(own) else np.nan
    return _("own parts {value}").format(value=number(value))
