"""The map of heads and MLPs: what each writes, what it reads, and where it writes most."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from emovec.components.shares import ROLES, directions
from emovec.explorer.panel import Choice, Column, Panel, drawing, finished, hover, told
from emovec.registry import titles
from emovec.statistics.arrays import ratio
from emovec.wording.language import _

KEYS = ["model", "emotion", "block", "head"]  # an MLP has no head


def parts_panel(
    components: Sequence[pd.DataFrame],
    attention: Sequence[pd.DataFrame],
    typical: Sequence[pd.DataFrame],
    alpha: float,
) -> Panel:
    """Shares in the whitened metric; a click on a part tells all of it."""
    table = directions(pd.concat(components, ignore_index=True))
    rows = table[(table.metric == "lda") & table.part.isin(["head", "mlp"])]
    looks = pd.concat(attention, ignore_index=True)
    for span in ("word", "first"):
        own = looks[looks.span == span].rename(columns={"attention": span})
        rows = rows.merge(own[[*KEYS, span]], on=KEYS, how="left")
    texts = pd.concat(typical, ignore_index=True).sort_values("rank", kind="stable")
    texts = texts.groupby(KEYS, dropna=False)["text"].agg(" / ".join).rename("sentences")
    rows = rows.join(texts, on=KEYS)
    shown = pd.DataFrame(
        {
            "model": rows.model, "emotion": rows.emotion,
            "part": rows["head"].map(str, na_action="ignore").fillna(_("MLP")),
            "block": rows.block.astype(int),
            **{k: rows[k] for k in ("value", "ci_low", "ci_high", "null_high")},
            "p": rows.p_adjusted,
            # models differ in how much their largest parts write
            "shade": ratio(rows.value, rows.value.abs().groupby(rows.model).transform("max")),
            "sure": (rows.gate_ok.fillna(False) & (rows.p_adjusted < alpha)).astype(int),
            "role": rows.role.map(told(titles(ROLES))).fillna(""),
            "word": rows.word, "first": rows["first"],
            "sentences": rows.sentences.fillna(""),
        }
    )  # fmt: skip
    columns = [
        Column("block", _("block")), Column("part", _("head or MLP")),
        Column("value", _("share"), 3), Column("ci_low", _("from"), 3),
        Column("ci_high", _("to"), 3), Column("p", _("p, corrected"), 4),
        Column("null_high", _("ordinary attributes, at most"), 3), Column("role", _("role")),
        Column("word", _("attention to the emotion's word"), 2),
        Column("first", _("attention to the first token"), 2),
        Column("sentences", _("sentences where it writes most")),
    ]  # fmt: skip
    return Panel(
        "parts",
        _("Heads and MLPs"),
        _(
            "How much of a direction each head and MLP writes, with the first block at the bottom: "
            "red along it, blue against it, the darker the nearer to the model's largest share. "
            "Outlined parts are beyond flipped signs. Click on a part to see its numbers, what it "
            "looks at and the sentences in which it writes most."
        ),
        shown,
        [Choice("model", _("Model")), Choice("emotion", _("Direction"))],
        columns,
        "chart",
        _map(columns[:-1]),
    )


def _map(columns: Sequence[Column]) -> alt.LayerChart:
    cells = drawing().mark_rect(strokeWidth=2).encode(
        x=alt.X("part:O", title=_("head"), sort=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("block:O", title=_("block"), sort="descending"),
        color=alt.Color(
            "shade:Q",
            legend=None,
            scale=alt.Scale(scheme="redblue", reverse=True, domain=[-1, 1]),
        ),
        stroke=alt.condition(
            "datum.sure", alt.value("currentColor"), alt.value("transparent")
        ),
        tooltip=hover(columns),
    )  # fmt: skip
    return finished(alt.layer(cells))
