"""What is found under every choice of analysis, and which choice moves it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emovec.between_models.methods import METHODS
from emovec.figures.style import (
    BAND,
    FEW,
    MARKERS,
    NEUTRAL,
    OKABE_ITO,
    PAIR_COLOURS,
    WIDE,
    band_key,
    colours,
    dot,
    hollow_key,
    key,
    leads,
    markers,
    no_pair,
    nothing,
    row_of_axes,
    titled,
)
from emovec.models.precisions import PRECISIONS
from emovec.prompts.positions import POSITIONS
from emovec.registry import titles
from emovec.robustness.moves import CHOICES, WITHIN, mover, moves
from emovec.statistics.metrics import METRICS
from emovec.wording.language import N_, _
from emovec.wording.numbers import number

STUDY_COLOUR = "#F0E442"
INK = OKABE_ITO["black"]


OPTIONS = {  # those that are no titles yet
    "position": titles(POSITIONS),
    "space": {"raw": N_("raw"), "centered": N_("centered")},
    "metric": titles(METRICS),
    "estimator": {"naive": N_("naive"), "unbiased": N_("unbiased")},
    "precision": titles(PRECISIONS),
    "depth": {"mean": N_("mean")},
}


REACH = (-1.15, 1.25)  # what is drawn of cosines, which have no bounds where norms are noise


SINGLE = {"primary": N_("the primary choice"), "study": N_("the study's own choice")}


class Line(NamedTuple):
    """A row of the figure: which rows of the table it sums up, and its name."""

    column: str
    option: object
    name: str


def choices_within(table: pd.DataFrame, position: str, untrained: Collection[str]) -> plt.Figure:
    """The mean cosine of two emotions by choice of analysis, a panel for each model.

    `position` is the primary one.
    """
    if (why := no_pair(table)) is not None:
        return why
    best = table.groupby("model").metric.transform(lambda m: "lda" if (m == "lda").any() else "raw")
    captured = ["space", "precision"]
    own = table.groupby("model")[captured].transform("first")  # as the model was read
    primary = (table.position == position) & (table.estimator == "unbiased")
    rows = table.assign(
        panel=table.model,
        about=table.emotion_a + " – " + table.emotion_b,
        control=table.model.isin(untrained),
        primary=primary & (table.metric == best) & (table[captured] == own).all(axis=1),
    )
    by_model = rows.groupby("model")
    varied = [choice for choice in WITHIN if by_model[choice].nunique().gt(1).any()]
    rows = _together(rows, _("{n} models"), _("{n} untrained models"))
    order = {choice: list(dict.fromkeys(rows[choice])) for choice in varied}
    trained = list(dict.fromkeys(rows.panel[~rows.control]))
    names = list(dict.fromkeys(rows.about))
    looks = {
        name: (PAIR_COLOURS[i % len(PAIR_COLOURS)], MARKERS[i % len(MARKERS)])
        for i, name in enumerate(names)
    }
    told = _("Within models, the {choice} moves the cosine of two emotions most:\nby {by} on "
             "average, with all other choices equal")  # fmt: skip
    question = _("Which choice moves the cosine of two emotions?")
    return _draw(rows, order, looks, trained, told, question, _("mean cosine of two emotions"))


def choices_between(
    table: pd.DataFrame,
    emotions: Sequence[str],
    models: Sequence[str],
    untrained: Collection[str],
) -> plt.Figure:
    """The cosine of one emotion in two models by choice of analysis, over what chance gives.

    A panel for each pair of `models`, first those of trained ones; `table` holds the rows of pairs.
    """
    if table.empty:
        return nothing(_("Only one model: there is no pair to compare."))
    place = list(models).index
    pairs = [
        tuple(sorted(pair, key=place)) for pair in zip(table.model, table.model_b, strict=True)
    ]
    first = [pair[0] == model for pair, model in zip(pairs, table.model, strict=True)]
    depth = table.relative_depth.map(lambda at: "mean" if pd.isna(at) else f"{at:g}")
    rows = table.assign(
        panel=[" × ".join(pair) for pair in pairs],
        control=[bool(set(pair) & set(untrained)) for pair in pairs],
        about=table.emotion_a,
        depth=depth,
        method=[_way(*key) for key in zip(table.metric, first, strict=True)],
        primary=(table.metric == "canonical") & (depth == "mean"),
    ).sort_values("control", kind="stable")
    rows = _together(rows, _("{n} pairs of models"), _("{n} pairs with an untrained model"))
    ways = [_way(name, forwards) for name in METHODS for forwards in (True, False)]
    order = {
        "position": list(dict.fromkeys(table.position)),
        "depth": [*sorted(set(rows.depth) - {"mean"}, key=float), "mean"],
        "method": [way for way in dict.fromkeys(ways) if way in set(rows.method)],
    }
    trained = list(dict.fromkeys(rows.panel[~rows.control]))
    palette, shapes = colours(emotions), markers(emotions)
    looks = {
        name: (palette[emotion], shapes[emotion])
        for name, emotion in zip(rows.about, rows.emotion_a, strict=True)
    }
    told = _("Between models, the {choice} moves the cosine of an emotion most:\nby {by} on "
             "average, with all other choices equal")  # fmt: skip
    question = _("Which choice moves the cosine of an emotion between models?")
    return _draw(rows, order, looks, trained, told, question, _("cosine of one emotion"))


def _together(rows: pd.DataFrame, trained: str, controls: str) -> pd.DataFrame:
    """Panels joined where there are too many to look at: trained ones, and controls."""
    if rows.panel.nunique() <= FEW:
        return rows
    n = rows.groupby("control").panel.transform("nunique")
    names = [
        (controls if control else trained).format(n=number)
        for control, number in zip(rows.control, n, strict=True)
    ]
    return rows.assign(about=rows.about + " · " + rows.panel, panel=names)


def _way(method: str, forwards: bool) -> str:
    """A method, and which model it maps onto which where that makes a difference."""
    title = _(METHODS[method].title)
    if not METHODS[method].directed:
        return title
    way = _("{method}, 1st → 2nd") if forwards else _("{method}, 2nd → 1st")
    return way.format(method=title)


def _draw(
    rows: pd.DataFrame,
    order: Mapping[str, Sequence[str]],
    looks: Mapping[str, tuple[str, str]],
    trained: Sequence[str],
    told: str,
    question: str,
    label: str,
) -> plt.Figure:
    """A panel for each `panel`, a row for each option, a mark for each thing `about`."""
    panels = list(dict.fromkeys(rows.panel))
    lines = [Line(name, True, _(title)) for name, title in SINGLE.items()]
    order = {choice: options for choice, options in order.items() if len(options) > 1}
    for choice, options in order.items():
        lines.append(Line(choice, None, _(CHOICES[choice])))
        named = OPTIONS.get(choice, {})
        lines += [Line(choice, option, _(named.get(option, option))) for option in options]
    few = len(looks) <= FEW
    height = (0.13 + 0.09 * len(looks) if few else 0.26) * len(lines) + 1.0
    width = min(6.4, WIDE / min(3, len(panels)))
    figure, axes = row_of_axes(len(panels), width, height, sharex=True, sharey=True)
    shut = rows.gate_ok.eq(False).to_numpy(bool, na_value=False)
    rows = rows.assign(open=~shut)
    moved = {}
    for axis, panel in zip(axes, panels, strict=True):
        own = rows[rows.panel == panel]
        moved[panel] = moves(own[own.open], list(order), ["about"])
        _panel(axis, own, lines, looks, moved[panel])
        axis.set_title(panel, fontsize=11)
        axis.set_xlabel(label, fontsize=11)
        axis.tick_params(labelbottom=True)
        if leads(axis):
            axis.set_yticks(range(len(lines)), [line.name for line in lines], fontsize=10)
            for line, tick in zip(lines, axis.get_yticklabels(), strict=True):
                tick.set_color(NEUTRAL if line.column in order and line.option else INK)
    lows, highs = zip(*(axis.dataLim.intervalx for axis in axes), strict=True)
    axes[0].set_xlim(min(-0.1, min(lows) - 0.05), max(1.08, max(highs) + 0.05))
    axes[0].set_ylim(len(lines) - 0.5, -0.5)
    asked = trained or panels
    most = mover([moved[panel] for panel in asked])
    title = question
    if most:
        by = moves(rows[rows.open & rows.panel.isin(asked)], list(order), ["about", "panel"])[most]
        title = told.format(choice=_(CHOICES[most]), by=number(by))
    return titled(figure, title, _keys(rows, looks, few), fontsize=10)


def _keys(rows: pd.DataFrame, looks: Mapping[str, tuple[str, str]], few: bool) -> list:
    if few:
        keys = [key(name, colour, marker=shape, ms=6) for name, (colour, shape) in looks.items()]
        line = _("line: lowest to highest, but the interval of a single choice")
        keys.append(key(line, NEUTRAL, lw=2))
    else:
        keys = [
            key(_("median, lowest and highest"), INK, marker="o", ms=6),
            key(_("one emotion or pair"), NEUTRAL, marker="|", ls="", ms=7),
        ]
    keys.append(key(_("the primary choice"), NEUTRAL, ls="--"))
    if not rows.open.all():
        keys.append(hollow_key(_("gate never passed")))
    if rows.null_low.notna().any():
        keys.append(band_key(_("null band (median)")))
    return [*keys, band_key(_("the study's own choice"), STUDY_COLOUR, alpha=0.3)]


def _panel(
    axis: plt.Axes,
    own: pd.DataFrame,
    lines: Sequence[Line],
    looks: Mapping[str, tuple[str, str]],
    moved: Mapping[str, float],
) -> None:
    for at in (0, 1):
        axis.axvline(at, color=NEUTRAL, lw=0.8, ls=":" if at else "-", zorder=0)
    study = own[own.study]
    for y, line in enumerate(lines):
        if line.option is None:
            by = moved[line.column]
            note = "" if np.isnan(by) else _("moves it by {by}").format(by=number(by))
            axis.axhline(y - 0.5, color=BAND, lw=0.8, zorder=0)
            _note(axis, y, note, INK)
            continue
        here = own[(own[line.column] == line.option) & own.value.notna()]
        if line.column == "study" or line.option in set(study.get(line.column, [])):
            axis.axhspan(y - 0.5, y + 0.5, color=STUDY_COLOUR, alpha=0.3, lw=0, zorder=-1)
        if here.empty:
            why = _("not run") if line.column == "precision" else _("undefined")
            _note(axis, y, why, NEUTRAL)
            continue
        low, high = np.clip([here.null_low.median(), here.null_high.median()], *REACH)
        if low < high:
            axis.barh(y, high - low, 0.86, low, color=BAND, alpha=0.6, lw=0, zorder=1)
        few = len(looks) <= FEW
        marks = _marks(
            here, ("ci_low", "ci_high") if few and line.column in SINGLE else ("value",) * 2
        )
        (_few if few else _many)(axis, marks, y, looks, line.column == "primary")


def _note(axis: plt.Axes, y: int, text: str, colour: str) -> None:
    """A word at the right end of a row."""
    axis.text(
        0.99, y, text, transform=axis.get_yaxis_transform(), ha="right", va="center", fontsize=10,
        color=colour, bbox={"fc": "white", "ec": "none", "pad": 1},
    )  # fmt: skip


def _marks(rows: pd.DataFrame, ends: tuple[str, str]) -> pd.DataFrame:
    """For each thing, its median over all analyses that pass their gate, and the farthest `ends`.

    If none passes, over those that do not; `open` is then false.
    """
    best = rows[rows.open | ~rows.groupby("about").open.transform("any")]
    return best.groupby("about", sort=False).agg(
        value=("value", "median"), ci_low=(ends[0], "min"), ci_high=(ends[1], "max"),
        open=("open", "any"),
    )  # fmt: skip


def _few(
    axis: plt.Axes,
    marks: pd.DataFrame,
    y: int,
    looks: Mapping[str, tuple[str, str]],
    primary: bool,
) -> None:
    """A mark with its line for each thing, in its colour."""
    for k, (name, (colour, shape)) in enumerate(looks.items()):
        if name in marks.index:
            row = marks.loc[name, ["value", "ci_low", "ci_high"]].astype(float).clip(*REACH)
            at = y + 0.8 * ((k + 0.5) / len(looks) - 0.5)
            dot(axis, row, at, colour, filled=bool(marks.open[name]), marker=shape, size=5.5)
            if primary:
                axis.axvline(row.value, color=colour, lw=0.9, ls="--", zorder=0.5)


def _many(
    axis: plt.Axes,
    marks: pd.DataFrame,
    y: int,
    looks: Mapping[str, tuple[str, str]],
    primary: bool,
) -> None:
    """One mark for all, and a tick for each."""
    told = marks[marks.open] if marks.open.any() else marks
    told = told.assign(value=told.value.clip(*REACH))
    axis.plot(told.value, np.full(len(told), y), "|", color=NEUTRAL, ms=8, zorder=2)
    low, high = np.clip([told.ci_low.min(), told.ci_high.max()], *REACH)
    row = pd.Series({"value": told.value.median(), "ci_low": low, "ci_high": high})
    dot(axis, row, y, INK, filled=bool(marks.open.any()), size=5.5)
    if primary:
        axis.axvline(row.value, color=NEUTRAL, lw=0.9, ls="--", zorder=0.5)
