"""Comparisons between models: the ruler, the matrices, transfer, and the maps they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from emovec.activations.copies import is_copy
from emovec.between_models.claim_rows import OWN
from emovec.figures.style import (
    ABREAST,
    BAND,
    FEW,
    MARKERS,
    NEUTRAL,
    PAIR_COLOURS,
    band_key,
    colours,
    hollow_key,
    key,
    nothing,
    pair_title,
    row_of_axes,
    subplots,
    titled,
)
from emovec.wording.language import N_, _
from emovec.wording.numbers import number, percent
from emovec.wording.remarks import FLAGS, told


def _pairs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Unordered pairs in the order of the table, rotated twins first: they are the ruler."""
    found: dict[frozenset, tuple[str, str]] = {}
    for a, b in zip(rows.model_a, rows.model_b, strict=True):
        found.setdefault(frozenset((a, b)), (a, b))
    return sorted(found.values(), key=lambda pair: not is_copy(pair[1]))


def _of(rows: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    return rows[(rows.model_a == a) & (rows.model_b == b)]


def ruler(
    cross: pd.DataFrame, emotions: Sequence[str], alpha: float, limits: Mapping[str, float]
) -> plt.Figure:
    """One emotion in two models: the claims with their limits, beside the study's raw cosine.

    Rows are pairs of models, each with its emotions, all of them together and, as the ruler,
    ordinary attributes. Small marks are single depths, early to late.
    """
    own = cross[cross.emotion_a.isna() | (cross.emotion_a == cross.emotion_b)]
    claims = own[own.method == "canonical"]
    pairs = _pairs(claims)
    palette = colours(emotions) | {"": "#000000"}
    names, step = [*emotions, ""], len(emotions) + 3
    many = len(emotions) > FEW  # more than colours alone tell apart: each row has its name
    height = (0.16 if many else 0.27) * step * len(pairs) + 2.4
    own_alone = (claims.family[claims.stat == "cos_s"] == "specific").any()
    stats = ("cos_s",) if own_alone else ("cos_s", OWN)
    figure, [axes] = subplots(1, 1 + len(stats), 5 + 5 * len(stats), height, sharey=True)
    for i, (a, b) in enumerate(pairs):
        here = _of(claims, a, b)
        depths = here[here.depth_a.notna()]
        raw = _of(own[own.method == "raw"], a, b)
        raw = raw[raw.position.isin(here.position) & raw.depth_a.isin(depths.depth_a)]
        if len(raw) and raw.value.isna().all():
            why = told(FLAGS, raw.flag.iloc[0], raw.iloc[0])
            axes[0].text(0.04, i * step + 1, why, fontsize=9, color=NEUTRAL, va="center")
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
        axis.set_title(title, fontsize=11)
        axis.set_xlabel(_("cosine (0 unrelated, 1 the same)"))
    middles = [i * step + (len(names) - 1) / 2 for i in range(len(pairs))]
    axes[0].set_yticks(middles, [pair_title(a, b).replace(" × ", "\n× ") for a, b in pairs])
    axes[0].invert_yaxis()
    if many:
        places = [i * step + j for i in range(len(pairs)) for j in range(len(emotions))]
        axes[0].set_yticks(places, [*emotions] * len(pairs), minor=True, fontsize=7)
        axes[0].tick_params(axis="y", which="major", pad=85, length=0)
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
    return titled(figure, title, handles, columns=5, fontsize=9)


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
    pairs = _pairs(rows)
    pairs = [pair for pair in pairs if not is_copy(pair[1])] or pairs  # twins all look alike
    if not pairs:
        return nothing(_("There is no map between models, and so nothing to compare."))
    columns = max(len(_of(rows, a, b)[["depth_a", "depth_b"]].drop_duplicates()) for a, b in pairs)
    side = np.clip(0.3 * len(emotions), 2.75, 6)  # of one panel; its letters shrink with its cells
    size = int(min(9, 22 * side / len(emotions)))
    width, height = (side + 0.15) * columns + 1.5, side * len(pairs) + 0.6
    figure, axes = subplots(len(pairs), columns, width, height)
    for i, (a, b) in enumerate(pairs):
        own = _of(rows, a, b)
        places = own[["depth_a", "depth_b"]].drop_duplicates().sort_values("depth_a")
        for j in range(columns):
            axis = axes[i, j]
            if j >= len(places):
                axis.axis("off")
                continue
            place = places.iloc[j]
            here = own[(own.depth_a == place.depth_a) & (own.depth_b == place.depth_b)]
            table = here.pivot(index="emotion_a", columns="emotion_b", values="value")
            _matrix(axis, table.reindex(index=emotions, columns=emotions).to_numpy(float), size)
            axis.set_xticks(range(len(emotions)), emotions if i == len(pairs) - 1 else [])
            axis.set_yticks(range(len(emotions)), emotions if j == 0 else [])
            delta = _of(overall, a, b)
            delta = delta[(delta.depth_a == place.depth_a) & (delta.depth_b == place.depth_b)]
            title = _("depths {a:.0f} and {b:.0f}").format(a=place.depth_a, b=place.depth_b)
            axis.set_title(f"{title}\n{_own_note(delta)}", fontsize=9)
            axis.set_ylabel(pair_title(a, b).replace(" × ", "\n× ") if j == 0 else "", fontsize=9)
            axis.tick_params(axis="y", rotation=0)
            axis.tick_params(axis="x", rotation=40 if len(emotions) <= FEW else 90)
            if len(emotions) > FEW:
                axis.tick_params(labelsize=7)
    title = _("Is it the same emotion? (a red diagonal on a pale ground: each matches only itself)")
    return titled(figure, title, size=12)


def _matrix(axis: plt.Axes, values: np.ndarray, size: int) -> None:
    """Cosines as colours, written into their cells where letters of that size can be read."""
    axis.imshow(np.ma.masked_invalid(values), vmin=-1, vmax=1, cmap="RdBu_r")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value) and size > 4:
            ink = "white" if abs(value) > 0.6 else "black"
            axis.text(column, row, number(value), ha="center", va="center", color=ink,
                      fontsize=size)  # fmt: skip


def _own_note(own: pd.DataFrame) -> str:
    value = own.value.iloc[0] if len(own) else np.nan
    return _("own parts {value}").format(value=number(value))


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
    figure, axes = row_of_axes(len(pairs), width=4.2, height=3.2, large=True)
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


# in the order of what is read; one depth of a small model may be nearest to two of another
DEPTHS = ["depth_test", "depth_train"]
TRANSFER = N_("Does a direction found in one model decode the emotion in another?")


def _transfer_maps(
    real: pd.DataFrame, pairs: Sequence[tuple[str, str]], emotions: Sequence[str]
) -> plt.Figure:
    """The same for many emotions: colours, and a dot beyond the band of random directions."""
    figure, axes = row_of_axes(len(pairs), width=3.4, height=0.2 * len(emotions) + 1.6)
    for k, (axis, (a, b)) in enumerate(zip(axes, pairs, strict=True)):
        own = real[(real.train_model == a) & (real.test_model == b)]
        values, low, high = (
            own.pivot(index="contrast", columns=DEPTHS, values=name).reindex(emotions)
            for name in ("auroc", "null_low", "null_high")
        )
        image = axis.imshow(values, vmin=0, vmax=1, cmap="RdBu_r", aspect="auto")
        beyond = np.nonzero(((values < low) | (values > high)).to_numpy())
        axis.plot(*beyond[::-1], ls="", marker=".", ms=4, color="black")
        axis.set_xticks(range(values.shape[1]), [f"{depth:.0f}" for depth, _from in values.columns])
        axis.set_yticks(range(len(emotions)), emotions if k % ABREAST == 0 else [], fontsize=8)
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
    pairs = [pair for pair in _pairs(grid) if not is_copy(pair[1])]
    figure, axes = row_of_axes(1 + len(pairs), width=5.6, height=4.2, large=True)
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
    axes[0].set_ylim(min(-0.05, ends.min() - 0.02), min(1, ends.max() + 0.2))
    axes[0].legend(frameon=False, fontsize=8)
    axes[0].set_title(
        _("how well a map predicts\none model's stream from the other's"), fontsize=11
    )
    grids = [_of(grid, *pair).groupby(["depth_a", "depth_b"]).value.mean() for pair in pairs]
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
