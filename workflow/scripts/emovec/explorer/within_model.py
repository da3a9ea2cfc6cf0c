"""What readers look around in of one model alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations

import altair as alt
import pandas as pd

from emovec.explorer.panel import (
    SURE,
    Choice,
    Column,
    Panel,
    drawing,
    finished,
    hover,
    offered,
    told,
)
from emovec.figures.style import BAND, MOST_PAIRS, OKABE_ITO, PAIR_COLOURS
from emovec.prompts.positions import POSITIONS
from emovec.registry import titles
from emovec.statistics.metrics import METRICS
from emovec.wording.language import N_, _
from emovec.wording.numbers import number
from emovec.wording.remarks import FLAGS, told_each

# On a dark page black must turn: currentColor is the colour of the text around the drawing.
PAIRS = ["currentColor" if c == OKABE_ITO["black"] else c for c in PAIR_COLOURS]


SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"]


ESTIMATORS = {"cos_u": N_("corrected"), "cos_naive": N_("the study's")}


def within_panel(
    within: pd.DataFrame,
    models: Sequence[str],
    emotions: Sequence[str],
    level: str,
    position: str,
) -> Panel:
    """Cosines of two emotions in one model, by depth; the primary position is offered first."""
    rows = within[
        within.model.isin(list(models)) & within.depth.notna() & within.stat.isin(list(ESTIMATORS))
    ]  # fmt: skip
    pairs = [f"{a} – {b}" for a, b in combinations(emotions, 2)]
    unlike = rows.null_low[rows.null == "equidistant"].max()
    rows = rows.assign(pair=rows.emotion_a + " – " + rows.emotion_b)
    rows = rows[rows.pair.isin(pairs)]
    # as in the figures, the corrected cosine stands before the study's one with shuffled labels
    place = ["model", "position", "depth", "metric", "pair"]
    band = rows[rows.stat == "cos_naive"][[*place, "null_low", "null_high"]]
    rows = rows.drop(columns=["null_low", "null_high"]).merge(band, on=place, how="left")
    rows = offered(rows, position=[position], stat=list(ESTIMATORS), metric=list(METRICS)[::-1])
    shown = pd.DataFrame(
        {
            "model": rows.model,
            "position": rows.position.map(told(titles(POSITIONS))),
            "metric": rows.metric.map(told(titles(METRICS))),
            "estimator": rows.stat.map(told(ESTIMATORS)),
            "pair": rows.pair,
            "depth": rows.depth.astype(int),
            **{k: rows[k] for k in ("value", "ci_low", "ci_high", "null_low", "null_high")},
            "p": rows.p_adjusted,
            "gate": rows.gate_ok.map(told(SURE)),
            "flag": told_each(FLAGS, rows, "flag"),
        }
    )
    columns = [
        Column("pair", _("emotions")), Column("depth", _("depth")),
        Column("value", _("cosine"), 2), Column("ci_low", _("from"), 2),
        Column("ci_high", _("to"), 2), Column("null_low", _("chance from"), 2),
        Column("null_high", _("chance to"), 2), Column("p", _("p, corrected"), 4),
        Column("gate", _("reliable enough")), Column("flag", _("remark")),
    ]  # fmt: skip
    many = len(pairs) > MOST_PAIRS
    return Panel(
        "within",
        _("Inside a model"),
        _(
            "How alike two emotions are at every depth. Grey: where {level} of the study's cosines "
            "lie with shuffled labels. Hollow marks are not reliable enough to be read. Had two "
            "emotions been one direction, their line would run at 1; unrelated, at {unlike}."
        ).format(level=level, unlike=0 if pd.isna(unlike) else number(unlike)),
        shown,
        [
            Choice("model", _("Model")), Choice("position", _("Read at")),
            Choice("estimator", _("Cosine")), Choice("metric", _("Metric")),
            *([Choice("pair", _("emotions"))] if many else []),
        ],
        columns,
        "chart",
        _by_depth(pairs, columns, legend=not many),
    )  # fmt: skip


def _by_depth(pairs: Sequence[str], columns: Sequence[Column], *, legend: bool) -> alt.LayerChart:
    pair_colour = alt.Scale(domain=pairs, range=[PAIRS[i % len(PAIRS)] for i in range(len(pairs))])
    pair_shape = alt.Scale(domain=pairs, range=[SHAPES[i % len(SHAPES)] for i in range(len(pairs))])
    shown = alt.Legend(title=None, orient="top", columns=1) if legend else None
    colour = alt.Color("pair:N", scale=pair_colour, legend=shown)
    open_gate = f"datum.gate == {json.dumps(_(SURE[True]))}"
    base = drawing().encode(
        x=alt.X(
            "depth:Q",
            title=_("depth (0 = before the first block)"),
            axis=alt.Axis(tickMinStep=1, format="d"),
            scale=alt.Scale(nice=False, padding=12),  # so that no mark is cut in half
        )
    )

    def y(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", title=_("cosine"), scale=alt.Scale(domain=[-1, 1.2]))

    return finished(
        alt.layer(
            base.mark_area(color=BAND, opacity=0.4, clip=True).encode(
                y=y("min(null_low)"), y2="max(null_high):Q"
            ),
            # a filter could leave no row, and Vega complains of scales without any
            base.mark_rule(clip=True).encode(
                y=y("ci_low"),
                y2="ci_high:Q",
                color=colour,
                opacity=alt.condition(open_gate, alt.value(0.6), alt.value(0)),
            ),
            base.mark_line(strokeWidth=1.5, clip=True).encode(y=y("value"), color=colour),
            base.mark_point(size=70, clip=True).encode(
                y=y("value"),
                color=colour,
                shape=alt.Shape("pair:N", scale=pair_shape, legend=shown),
                fill=alt.condition(
                    open_gate,
                    alt.Fill("pair:N", scale=pair_colour, legend=shown),
                    alt.value("var(--paper)"),
                ),
                tooltip=hover(columns),
            ),
        )
    )
