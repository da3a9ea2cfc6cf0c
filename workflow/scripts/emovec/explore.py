"""What readers look around in: tables of a run, what to choose in them, and how they are drawn.

A panel holds rows, the columns that a reader chooses by, and a Vega-Lite chart or none. An empty
cell in a column that one chooses by fits every choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import altair as alt
import pandas as pd

from emovec.figures import BAND, OKABE_ITO, PAIR_COLOURS, POSITION_TITLES
from emovec.figures_within import METRIC_TITLES

# On a dark page black must turn: currentColor is the colour of the text around the drawing.
PAIRS = ["currentColor" if c == OKABE_ITO["black"] else c for c in PAIR_COLOURS]
SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"]
ESTIMATORS = {"cos_u": "corrected", "cos_naive": "the study's"}
METHODS = {
    ("wpc", "exploratory"): "whitened read-outs, all depths (exploratory)",
    ("wpc", "alignment"): "whitened read-outs, depths fixed before",
    ("ridge", "alignment"): "through a linear map, depths fixed before",
    ("procrustes", ""): "through a rotation, depths fixed before",
    ("cka_debiased", ""): "CKA of neutral sentences",
    ("raw", ""): "raw cosine, as in the study",
}
SURE = {"True": "yes", "False": "no"}
CONTROLS = "control directions"


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    digits: int | None = None  # of a number; None: as it is


@dataclass(frozen=True)
class Choice:
    column: str
    label: str
    all: str = ""  # the label of "no choice", if that is one


@dataclass(frozen=True)
class Panel:
    """One part of the page to look around in: rows of a table, what chooses among them, a chart."""

    name: str
    title: str
    what: str  # what to see
    rows: pd.DataFrame
    choices: list[Choice]
    columns: list[Column]
    chart: alt.TopLevelMixin | None = None
    cards: bool = False

    def content(self) -> dict:
        """All that the page needs, as JSON."""
        return {
            "name": self.name,
            "rows": len(self.rows),
            "data": encode(self.rows),
            "choices": [vars(choice) for choice in self.choices],
            "columns": [vars(column) for column in self.columns],
            "chart": None if self.chart is None else self.chart.to_dict(),
            "cards": self.cards,
        }


def encode(rows: pd.DataFrame) -> dict[str, dict]:
    """Columns as lists: numbers to four significant digits, texts as places in a list."""
    found = {}
    for name, column in rows.items():
        if pd.api.types.is_numeric_dtype(column):
            values = [None if pd.isna(v) else float(f"{v:.4g}") for v in column]
            found[name] = {"values": values}
        else:
            places, texts = pd.factorize(column)
            found[name] = {"of": [str(text) for text in texts], "at": places.tolist()}
    return found


def panels(
    within: pd.DataFrame,
    cross: pd.DataFrame,
    verdicts: pd.DataFrame,
    texts: Sequence[pd.DataFrame],
    models: Sequence[str],
    emotions: Sequence[str],
    level: str,
) -> list[Panel]:
    """Every panel that the tables of a run have rows for; `texts` are from `steered_texts`.

    `level` is what intervals and bands cover, in words.
    """
    found = [
        within_panel(within, models, emotions, level),
        depths_panel(cross, emotions),
        verdicts_panel(verdicts, models),
        *([texts_panel(pd.concat(texts, ignore_index=True))] if texts else []),
    ]
    return [panel for panel in found if len(panel.rows)]


def within_panel(
    within: pd.DataFrame, models: Sequence[str], emotions: Sequence[str], level: str
) -> Panel:
    """Cosines of two emotions in one model, by depth."""
    rows = within[
        within.model.isin(list(models)) & within.depth.notna() & within.stat.isin(list(ESTIMATORS))
    ]  # fmt: skip
    pairs = [f"{a} – {b}" for a, b in combinations(emotions, 2)]
    rows = rows.assign(pair=rows.emotion_a + " – " + rows.emotion_b)
    rows = rows[rows.pair.isin(pairs)]
    # as in the figures, the corrected cosine stands before the study's one with shuffled labels
    place = ["model", "position", "depth", "metric", "pair"]
    band = rows[rows.stat == "cos_naive"].set_index(place)[["null_low", "null_high"]]
    rows = rows.drop(columns=["null_low", "null_high"]).join(band, on=place)
    shown = pd.DataFrame(
        {
            "model": rows.model,
            "position": rows.position.map(POSITION_TITLES),
            "metric": rows.metric.map(METRIC_TITLES),
            "estimator": rows.stat.map(ESTIMATORS),
            "pair": rows.pair,
            "depth": rows.depth.astype(int),
            **{k: rows[k] for k in ("value", "ci_low", "ci_high", "null_low", "null_high")},
            "p": rows.p_adjusted,
            "gate": rows.gate_ok.astype(str).map(SURE),
            "flag": rows.flag,
        }
    )
    # what counts is offered first
    order = {name: i for i, name in enumerate(["corrected", "LDA-whitened", "z-scored", "raw"])}
    shown = shown.sort_values(
        ["estimator", "metric"], key=lambda column: column.map(order).fillna(len(order)),
        kind="stable",
    )  # fmt: skip
    columns = [
        Column("pair", "emotions"), Column("depth", "depth"), Column("value", "cosine", 2),
        Column("ci_low", "from", 2), Column("ci_high", "to", 2),
        Column("null_low", "chance from", 2), Column("null_high", "chance to", 2),
        Column("p", "p, corrected", 4), Column("gate", "reliable enough"),
        Column("flag", "remark"),
    ]  # fmt: skip
    pair_colour = alt.Scale(domain=pairs, range=[PAIRS[i % len(PAIRS)] for i in range(len(pairs))])
    pair_shape = alt.Scale(domain=pairs, range=[SHAPES[i % len(SHAPES)] for i in range(len(pairs))])
    y = alt.Y("value:Q", title="cosine", scale=alt.Scale(domain=[-1, 1.2]))
    legend = alt.Legend(title=None, orient="top", columns=1)
    base = _chart().encode(
        x=alt.X(
            "depth:Q",
            title="depth (0 = before the first block)",
            axis=alt.Axis(tickMinStep=1, format="d"),
        )
    )
    colour = alt.Color("pair:N", scale=pair_colour, legend=legend)
    chart = alt.layer(
        base.mark_area(color=BAND, opacity=0.4, clip=True).encode(
            y=alt.Y("min(null_low):Q", title="cosine"), y2="max(null_high):Q"
        ),
        base.transform_filter("datum.gate == 'yes'")
        .mark_rule(opacity=0.6, clip=True)
        .encode(y=alt.Y("ci_low:Q", title="cosine"), y2="ci_high:Q", color=colour),
        base.mark_line(strokeWidth=1.5, clip=True).encode(y=y, color=colour),
        base.mark_point(size=70, clip=True).encode(
            y=y,
            color=colour,
            shape=alt.Shape("pair:N", scale=pair_shape, legend=legend),
            fill=alt.condition(
                "datum.gate == 'yes'",
                alt.Fill("pair:N", scale=pair_colour, legend=legend),
                alt.value("var(--paper)"),
            ),
            tooltip=_hover(columns),
        ),
    )
    return Panel(
        "within",
        "Inside a model",
        f"How alike two emotions are at every depth. Grey: where {level} of the study's cosines "
        "lie with shuffled labels. Hollow marks are not reliable enough to be read. Had two "
        "emotions been one direction, their line would run at 1; unrelated, at 0.",
        shown,
        [
            Choice("model", "Model"), Choice("position", "Read at"),
            Choice("estimator", "Cosine"), Choice("metric", "Metric"),
        ],
        columns,
        _finished(chart),
    )  # fmt: skip


def depths_panel(cross: pd.DataFrame, emotions: Sequence[str]) -> Panel:
    """One emotion in two models, every depth of one against every depth of the other."""
    family = cross.family.where(cross.family.isin(["exploratory", "alignment"]), "")
    method = pd.Series(list(zip(cross.method, family, strict=True)), cross.index, dtype=object)
    same = cross.emotion_a.isin(list(emotions)) & (cross.emotion_a == cross.emotion_b)
    same |= cross.emotion_a.isna() & (cross.method == "cka_debiased")
    rows = cross.assign(method=method.map(METHODS))[
        same & method.isin(list(METHODS)) & cross.stat.isin(["cos_u", "cos_naive", "cka"])
    ]
    rows = rows[rows.value.notna()]
    twin = rows.model_b == rows.model_a + "@twin"
    named = rows.model_b.where(~twin, "its rotated twin")
    shown = pd.DataFrame(
        {
            "method": rows.method,
            "models": rows.model_a + " × " + named,
            "position": rows.position.map(POSITION_TITLES),
            "emotion": rows.emotion_a,
            **{k: rows[k].astype(int) for k in ("depth_a", "depth_b")},
            **{k: rows[k] for k in ("value", "ci_low", "ci_high", "null_low", "null_high")},
            "p": rows.p_adjusted.fillna(rows.p),
            "gate": rows.gate_ok.astype(str).map(SURE),
            "flag": rows.flag,
        }
    ).assign(twin=twin)
    order = {name: i for i, name in enumerate(METHODS.values())}
    shown = shown.sort_values(
        ["method", "twin"], key=lambda c: c.map(order) if c.name == "method" else c, kind="stable"
    ).drop(columns="twin")
    columns = [
        Column("emotion", "emotion"), Column("depth_a", "depth in the first"),
        Column("depth_b", "in the second"), Column("value", "similarity", 2),
        Column("ci_low", "from", 2), Column("ci_high", "to", 2),
        Column("null_low", "chance from", 2), Column("null_high", "chance to", 2),
        Column("p", "p", 4), Column("gate", "gate passed"), Column("flag", "remark"),
    ]  # fmt: skip
    base = _chart().encode(
        x=alt.X("depth_b:O", title="depth in the second model", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("depth_a:O", title="depth in the first model", sort="descending"),
    )
    chart = alt.layer(
        base.mark_rect(stroke="var(--paper)").encode(
            color=alt.Color(
                "value:Q",
                title="similarity",
                scale=alt.Scale(domain=[-1, 1], scheme="redblue", reverse=True, clamp=True),
                legend=alt.Legend(orient="top", gradientLength=160),
            ),
            tooltip=_hover(columns),
        ),
        base.transform_filter("datum.value > datum.null_high || datum.value < datum.null_low")
        .mark_circle(size=26, opacity=1)
        .encode(
            color=alt.condition(
                "abs(datum.value) > 0.6", alt.value("#ffffff"), alt.value("#222222")
            ),
            tooltip=_hover(columns),
        ),
    ).resolve_scale(color="independent")
    return Panel(
        "depths",
        "Between two models",
        "One emotion of one model against the same emotion of another. A dot marks what lies "
        "outside its band of chance. Had nothing been shared, hardly any cell would have one; "
        "against the rotated twin, where all is shared, depths match themselves. "
        "Raw cosines compare axes that do not correspond: there a dot means nothing.",
        shown,
        [
            Choice("method", "Method"), Choice("models", "Models"),
            Choice("position", "Read at"), Choice("emotion", "Emotion"),
        ],
        columns,
        _finished(chart),
    )  # fmt: skip


def verdicts_panel(verdicts: pd.DataFrame, models: Sequence[str]) -> Panel:
    """All verdicts between the models, to be sorted."""
    rows = verdicts[verdicts.model_a.isin(list(models)) & verdicts.model_b.isin(list(models))]
    gates = {
        "signal_ok": "signal", "map_ok": "map", "confound_ok": "no confound",
        "aligned": "aligned", "specific": "specific", "transfers": "transfers",
    }  # fmt: skip
    shown = pd.DataFrame(
        {
            "models": rows.model_a + " × " + rows.model_b,
            "emotion": rows.emotion,
            "depth": rows.relative_depth,
            "verdict": rows.verdict.str.replace("_", " "),
            **{gate: rows[gate].astype(str).map(SURE) for gate in gates},
            "reason": rows.reason,
        }
    )
    return Panel(
        "verdicts",
        "All verdicts",
        "One row for each emotion, pair of models and relative depth; the headings sort. "
        "Where nothing is shared and everything could be measured, the verdict is “not shared”.",
        shown,
        [
            Choice("models", "Models", "all"), Choice("emotion", "Emotion", "all"),
            Choice("verdict", "Verdict", "all"),
        ],
        [
            Column("models", "models"), Column("emotion", "emotion"),
            Column("depth", "relative depth", 2), Column("verdict", "verdict"),
            *(Column(gate, label) for gate, label in gates.items()),
            Column("reason", "why"),
        ],
    )  # fmt: skip


def steered_texts(
    scores: pd.DataFrame, openings: pd.DataFrame, model: str, targets: dict[str, str]
) -> pd.DataFrame:
    """What one steered model wrote, with how it was judged; unsteered texts fit every choice."""
    added, removed = scores.operation == "add", scores.operation == "remove"
    emotion = scores.kind == "emotion"
    sign = scores.sign.map({1.0: "+", -1.0: "−"})
    said = pd.Series("not steered", scores.index)
    said = said.mask(removed, scores.direction + ", projected out")
    said = said.mask(added, sign + " " + scores.direction)
    judged = {f"nade_{target}": target for target in dict.fromkeys(targets.values())}
    return pd.DataFrame(
        {
            "model": model,
            "opening": scores.opening.map(dict(zip(openings.id, openings.text, strict=True))),
            "direction": scores.direction.where(emotion, CONTROLS).where(added | removed),
            "sign": sign.where(added),
            "strength": scores.strength.map("{:g}".format).where(added),
            "said": said,
            "depth": scores.depth.where(added | removed),
            "sample": scores["sample"],
            "text": scores.text.fillna(""),
            **{target: scores[column] for column, target in judged.items() if column in scores},
            "tone": scores.vader,
        }
    )


def texts_panel(texts: pd.DataFrame) -> Panel:
    """Steered texts side by side."""
    judged = [name for name in texts.columns if name not in TEXT_COLUMNS]
    return Panel(
        "texts",
        "What steering writes",
        "Continuations of one opening side by side; the grey one is the model left alone. "
        "Had a direction caused nothing, its texts would read like those of control directions.",
        texts,
        [
            Choice("model", "Model"), Choice("opening", "Opening"),
            Choice("direction", "Direction", "all"), Choice("sign", "Sign", "both"),
            Choice("strength", "Strength", "all"),
        ],
        [
            Column("strength", "strength"), Column("depth", "depth", 0),
            Column("sample", "sample", 0), *(Column(name, name, 2) for name in judged),
        ],
        cards=True,
    )  # fmt: skip


TEXT_COLUMNS = [
    "model", "opening", "direction", "sign", "strength", "said", "depth", "sample", "text",
]  # fmt: skip


def _chart() -> alt.Chart:
    return alt.Chart(alt.NamedData("rows"))


def _hover(columns: Sequence[Column]) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{c.name}:N" if c.digits is None and "depth" not in c.name else f"{c.name}:Q",
                    title=c.label, format="" if c.digits is None else f".{c.digits}f")
        for c in columns
    ]  # fmt: skip


def _finished(chart: alt.LayerChart) -> alt.LayerChart:
    """Size by the page, colours by its style sheet."""
    ink, faint = "currentColor", "var(--line)"
    axis = alt.AxisConfig(
        labelColor=ink, titleColor=ink, domainColor=faint, tickColor=faint, gridColor=faint,
        labelFontSize=12, titleFontSize=13, titleFontWeight="normal",
    )  # fmt: skip
    legend = alt.LegendConfig(labelColor=ink, titleColor=ink, labelFontSize=12, symbolSize=90)
    return chart.properties(width="container", height=340).configure(
        background="transparent", font="system-ui, sans-serif", axis=axis, legend=legend,
        view=alt.ViewConfig(stroke="transparent"),
    )  # fmt: skip
