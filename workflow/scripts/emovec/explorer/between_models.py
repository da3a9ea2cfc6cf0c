"""What readers look around in of pairs of models."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from emovec.activations.copies import is_copy
from emovec.between_models.methods import METHODS
from emovec.between_models.verdict import VERDICTS
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
from emovec.figures.style import pair_title
from emovec.prompts.positions import POSITIONS
from emovec.registry import titles
from emovec.wording.language import _
from emovec.wording.numbers import part
from emovec.wording.remarks import FLAGS, REASONS, told_each


def depths_panel(cross: pd.DataFrame, emotions: Sequence[str], position: str) -> Panel:
    """One emotion in two models, every depth of one against every depth of the other."""
    same = cross.emotion_a.isin(list(emotions)) & (cross.emotion_a == cross.emotion_b)
    same |= cross.emotion_a.isna() & (cross.stat == "cka")
    stats = {method.column: method.stat for method in METHODS.values() if not method.method}
    same &= cross.depth_a.notna()  # claims are of all depths together
    rows = cross[same & (cross.stat == cross.method.map(stats)) & cross.value.notna()]
    families = {
        "exploratory": _("{method}, all depths (exploratory)"),
        "sensitivity": _("{method}, pre-registered depths"),
    }
    said = rows.family.map(families).fillna("{method}")
    order = sorted(stats, key=lambda method: stats[method] == "cos_naive")  # the study's last
    rows = rows.assign(copy=rows.model_b.map(is_copy), said=said)
    rows = offered(
        rows, method=order, said=list(families.values()), copy=[False], position=[position]
    )
    shown = pd.DataFrame(
        {
            "method": [
                said.format(method=_(METHODS[name].title))
                for name, said in zip(rows.method, rows.said, strict=True)
            ],
            "models": [pair_title(*pair) for pair in zip(rows.model_a, rows.model_b, strict=True)],
            "position": rows.position.map(told(titles(POSITIONS))),
            "emotion": rows.emotion_a,
            **{k: rows[k].astype(int) for k in ("depth_a", "depth_b")},
            **{k: rows[k] for k in ("value", "ci_low", "ci_high", "null_low", "null_high")},
            "gate": rows.gate_ok.map(told(SURE)),
            "flag": told_each(FLAGS, rows, "flag"),
        }
    )
    columns = [
        Column("emotion", _("emotion")), Column("depth_a", _("depth in the first")),
        Column("depth_b", _("in the second")), Column("value", _("similarity"), 2),
        Column("ci_low", _("from"), 2), Column("ci_high", _("to"), 2),
        Column("null_low", _("chance from"), 2), Column("null_high", _("chance to"), 2),
        Column("gate", _("gate passed")), Column("flag", _("remark")),
    ]  # fmt: skip
    return Panel(
        "depths",
        _("Between two models"),
        _(
            "One emotion of one model against the same emotion of another. A dot marks values "
            "outside the band of unrelated attributes or, for raw cosines, of independent vectors; "
            "it is not a test. With the rotated twin, where everything is shared, depths match "
            "themselves. Raw cosines compare axes that do not correspond, so a dot means nothing "
            "there."
        ),
        shown,
        [
            Choice("method", _("Method")), Choice("models", _("Models")),
            Choice("position", _("Read at")), Choice("emotion", _("Emotion")),
        ],
        columns,
        "chart",
        _depths_by_depths(columns),
    )  # fmt: skip


def _depths_by_depths(columns: Sequence[Column]) -> alt.LayerChart:
    base = drawing().encode(
        x=alt.X("depth_b:O", title=_("depth in the second model"), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("depth_a:O", title=_("depth in the first model"), sort="descending"),
    )
    return finished(
        alt.layer(
            base.mark_rect(stroke="var(--paper)").encode(
                color=alt.Color(
                    "value:Q",
                    title=_("similarity"),
                    scale=alt.Scale(domain=[-1, 1], scheme="redblue", reverse=True, clamp=True),
                    legend=alt.Legend(orient="top", gradientLength=160),
                ),
                tooltip=hover(columns),
            ),
            base.transform_filter("datum.value > datum.null_high || datum.value < datum.null_low")
            .mark_circle(size=26, opacity=1)
            .encode(
                color=alt.condition(
                    "abs(datum.value) > 0.6", alt.value("#ffffff"), alt.value("#222222")
                ),
                tooltip=hover(columns),
            ),
        ).resolve_scale(color="independent")
    )


def verdicts_panel(verdicts: pd.DataFrame, models: Sequence[str]) -> Panel:
    """All verdicts between the models, to be sorted."""
    rows = verdicts[verdicts.model_a.isin(list(models)) & verdicts.model_b.isin(list(models))]
    numbers = {
        "cosine": _("cosine"), "ci_low": _("from"), "ci_high": _("to"),
        "own_cosine": _("own part"), "own_low": _("from"), "own_high": _("to"),
    }  # fmt: skip
    shown = pd.DataFrame(
        {
            "models": rows.model_a + " × " + rows.model_b,
            "emotion": rows.emotion.replace("", None).fillna(_("all together")),
            "verdict": rows.verdict.map(told(titles(VERDICTS))),
            **{name: rows[name] for name in numbers},
            "decodes": rows.decodes.map(told(SURE)),
            "agree": [part(n, of) for n, of in zip(rows.agree, rows.compared, strict=True)],
            "reason": told_each(REASONS, rows, "reason"),
        }
    )
    return Panel(
        "verdicts",
        _("All verdicts"),
        _(
            "One row for each emotion and pair of models, over all pre-registered depths; click a "
            "heading to sort. The cosine is the one in common axes; the own part is the emotion "
            "minus the mean of all emotions. “Inconclusive” means that this design cannot tell."
        ),
        shown,
        [
            Choice("models", _("Models"), _("all")), Choice("emotion", _("Emotion"), _("all")),
            Choice("verdict", _("Verdict"), _("all")),
        ],
        [
            Column("models", _("models")), Column("emotion", _("emotion")),
            Column("verdict", _("verdict")),
            *(Column(name, label, 2) for name, label in numbers.items()),
            Column("decodes", _("decodes there")), Column("agree", _("other cosines agree")),
            Column("reason", _("why")),
        ],
    )  # fmt: skip
