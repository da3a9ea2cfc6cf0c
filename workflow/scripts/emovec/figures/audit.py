"""One picture of an audit: what gives the classes away, and how well lengths are matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emovec.audit.ledger import LIMITS, against, versus
from emovec.figures.style import FEW, colours, key, markers, subplots
from emovec.wording.language import N_, _

INK = "#333333"


ALLOWED = "#E6E6E6"


SEEN = (  # by a classifier, from least to most: check, statistic, marker, label
    ("nuisance", "auroc_topic", "o", N_("form only: length, commas, final mark, first word")),
    (
        "bag_of_words",
        "auroc_phrase",
        "s",
        N_("all words, tested on emotion words not seen in training"),
    ),
    ("bag_of_words", "auroc_topic", "D", N_("all words")),
)


LENGTHS = {"words": N_("words"), "characters": N_("characters")}


def draw_audit(
    table: pd.DataFrame, summary: Mapping[str, Any], emotions: Sequence[str], neutral: str | None
) -> plt.Figure:
    """The picture of an audit, from its `confounds` and its `summary`."""
    table = table.fillna({"model": ""})  # as empty cells are read
    contrasts = list(dict.fromkeys(table["scope"][table["check"] == "nuisance"]))
    contrasts.sort(key=lambda name: not name.endswith(f" vs {neutral}"))
    if len(emotions) > FEW:  # of two emotions those alone that their form tells apart best
        first = 0 if neutral is None else len(emotions)
        told = table[(table["check"] == "nuisance") & (table["statistic"] == "auroc_topic")]
        told = told.set_index("scope")["value"][contrasts[first:]]
        contrasts[first:] = told.nlargest(10).index
    lengths = table[table["check"] == "length"]
    units = lengths[lengths["statistic"].str.startswith("smd_")]
    units = list(dict.fromkeys(zip(units["statistic"], units["model"], strict=True)))

    height = 3.2 + 0.42 * max(len(contrasts), len(units))
    figure, [(left, right)] = subplots(1, 2, 12.5, height, width_ratios=[1.2, 1])
    _draw_aurocs(left, table, contrasts, emotions, neutral)
    _draw_lengths(right, lengths, units, emotions, neutral)
    figure.suptitle(_title(table, summary), x=0.01, ha="left", fontsize=15)
    return figure


def _title(table: pd.DataFrame, summary: Mapping[str, Any]) -> str:
    """The answer, and what it rests on."""
    judged = table[table["ok"].notna()]
    form = judged[judged["check"] == "nuisance"]
    limit = form["threshold"].max()
    if not form["ok"].all():
        answer = _("The form of a sentence gives its emotion away")
    elif limit > LIMITS["nuisance_auroc"]:
        answer = _("Too few topics to tell whether the form of a sentence gives its emotion away")
    else:
        answer = _("The form of a sentence does not give its emotion away")
    count = len(summary["findings"])
    findings = {0: _("no findings"), 1: _("1 finding")}.get(count, _("{count} findings"))
    if judged["ok"][judged["check"] == "length"].all():
        basis = _("Lengths are matched; {topics} topics in {classes} classes, {findings}")
    else:
        basis = _("Lengths are not matched; {topics} topics in {classes} classes, {findings}")
    answer = _("{answer} (AUROC up to {value:.2f}, limit {limit:.2f})").format(
        answer=answer, value=form["value"].max(), limit=limit
    )
    basis = basis.format(
        topics=summary["topics"],
        classes=len(summary["classes"]),
        findings=findings.format(count=count),
    )
    return f"{answer}\n{basis}"


def _draw_aurocs(
    axis: plt.Axes,
    table: pd.DataFrame,
    contrasts: list[str],
    emotions: Sequence[str],
    neutral: str | None,
) -> None:
    """A dot and its interval for each contrast and each thing a classifier may see."""
    values = table.set_index(["check", "scope", "statistic"])["value"]
    palette = colours(emotions)
    for up, (check, statistic, marker, _label) in zip((-0.2, 0.0, 0.2), SEEN, strict=True):
        for row, contrast in enumerate(contrasts):
            if (check, contrast, statistic) not in values.index:
                continue
            value = values[check, contrast, statistic]
            error = 1.96 * values[check, contrast, f"{statistic}_se"]
            a, b = contrast.split(" vs ")
            colour = palette[a] if b == neutral else INK
            face = "white" if check == "nuisance" else colour
            ends = [[min(error, value)], [min(error, 1 - value)]]
            axis.errorbar(value, row + up, xerr=ends, fmt=marker, color=colour, mfc=face, ms=7)
    form = table["check"].eq("nuisance") & table["statistic"].eq("auroc_topic")
    limit = table["threshold"][form].max()
    axis.axvline(0.5, color="black", lw=1)
    axis.axvline(limit, color="black", lw=1, ls="--")
    top = -0.7
    axis.text(0.5, top, _("chance") + " ", ha="right", va="bottom", fontsize=10)
    note = _("limit for form: {limit:.2f}").format(limit=limit)
    axis.text(limit, top, f" {note}", va="bottom", fontsize=10)
    axis.set_ylim(len(contrasts) - 0.4, top)
    axis.set_xlim(min(0.4, axis.get_xlim()[0]), 1.01)
    versus = [_("{a} vs {b}").format(a=a, b=b) for a, b in (c.split(" vs ") for c in contrasts)]
    axis.set_yticks(range(len(contrasts)), versus)
    axis.set_xlabel(_("AUROC on held-out topics, 95 % interval"))
    handles = [
        key(_(label), INK, marker=marker, mfc="white" if check == "nuisance" else INK, ls="", ms=7)
        for check, _statistic, marker, label in SEEN
    ]
    _legend(axis, handles, _("A linear classifier sees"), 1)


def _draw_lengths(
    axis: plt.Axes,
    lengths: pd.DataFrame,
    units: list[tuple[str, str]],
    emotions: Sequence[str],
    neutral: str | None,
) -> None:
    """Standardised differences of every kind of length from neutral, on the band allowed.

    Without a neutral class, of every two emotions.
    """
    palette = colours(emotions)
    shapes = markers(emotions)
    values = lengths.set_index(["statistic", "model", "scope"])
    compared = against(emotions, neutral)
    shift = np.linspace(-0.22, 0.22, len(compared)) if len(compared) > 1 else [0.0]
    limits = [
        max(values["threshold"][f"abs_{statistic}", model, versus(*pair)] for pair in compared)
        for statistic, model in units
    ]
    shown = values["value"][[s.startswith("smd_") for s, _, _ in values.index]]
    widest = 1.2 * max(*limits, shown[np.isfinite(shown)].abs().max())
    for row, (statistic, model) in enumerate(units):
        axis.barh(row, 2 * limits[row], left=-limits[row], height=0.8, color=ALLOWED, zorder=0)
        for (name, other), up in zip(compared, shift, strict=True):
            value = shown[statistic, model, versus(name, other)]
            value = np.clip(value, -widest, widest)  # infinite where lengths do not vary
            form, colour = ("o", INK) if neutral is None else (shapes[name], palette[name])
            axis.plot(value, row + up, form, color=colour, ms=7, clip_on=False)
    axis.axvline(0, color="black", lw=1)
    axis.set_xlim(-widest, widest)
    axis.set_ylim(len(units) - 0.4, -0.7)
    names = [
        _("tokens\n{model}").format(model=model)
        if model
        else _(LENGTHS[statistic.removeprefix("smd_")])
        for statistic, model in units
    ]
    axis.set_yticks(range(len(units)), names)
    if neutral is None:
        axis.set_xlabel(_("Difference in standard deviations"))
        handles = [key(_("two emotions"), INK, marker="o", ls="", ms=7)]
        title = _("Sentences of one emotion shorter or longer than those of another")
    else:
        label = _("Difference from {neutral} in standard deviations")
        axis.set_xlabel(label.format(neutral=neutral))
        handles = [key(name, palette[name], marker=shapes[name], ls="", ms=7) for name in emotions]
        title = _("Sentences shorter (left) or longer than {neutral}").format(neutral=neutral)
    handles.append(plt.Rectangle((0, 0), 1, 1, color=ALLOWED, label=_("allowed")))
    _legend(axis, handles, title, min(4, len(handles)))


def _legend(axis: plt.Axes, handles: list, title: str, columns: int) -> None:
    """Below the axis, where it covers no data."""
    axis.legend(
        handles=handles,
        title=title,
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(0, -0.9 / axis.figure.get_figheight()),
        ncols=columns,
        frameon=False,
        fontsize=10,
        columnspacing=1.2,
        handletextpad=0.4,
    )
