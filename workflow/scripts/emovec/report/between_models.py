"""Whether two models share their directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.between_models.verdict import VERDICTS
from emovec.wording.language import _
from emovec.wording.numbers import clauses, interval, listed, number
from emovec.wording.remarks import FLAGS, REASONS, told, told_each


def verdict_lines(
    facts: list[dict], aligned: list[dict], untrained: Sequence[str], alpha: float
) -> list[str]:
    """What is shared between trained models, one sentence for each pair."""
    lines = []
    pairs = dict.fromkeys((fact["model_a"], fact["model_b"]) for fact in facts)
    for a, b in pairs:
        if {a, b} & set(untrained):
            continue
        own = [fact for fact in facts if (fact["model_a"], fact["model_b"]) == (a, b)]
        said = clauses(
            _("{emotion} {verdicts}").format(emotion=fact["emotion"], verdicts=fact["summary"])
            for fact in own
        )
        values = [fact for fact in aligned if fact["models"] == f"{a} × {b}"]
        lines.append(
            _("{pair}: {said}. {cosines}").format(
                pair=f"**{a} × {b}**", said=said, cosines=_aligned_range(values, alpha)
            )
        )
    return lines


def _aligned_range(facts: list[dict], alpha: float) -> str:
    """Where the aligned cosines of one pair lie, against what unrelated attributes give."""
    if not facts:
        return ""
    # without reliable directions a cosine of noise can be large, and its p says nothing
    facts = [fact for fact in facts if fact["gate"]]
    if not facts:
        return _("No aligned cosine passes its gate, so none is to be read.")
    low, high = min(f["value"] for f in facts), max(f["value"] for f in facts)
    null_low, null_high = min(f["null_low"] for f in facts), max(f["null_high"] for f in facts)
    above = sum(f["value"] > f["null_high"] for f in facts)
    return _(
        "Aligned cosines are {low} to {high}, where unrelated attributes give {null_low} to "
        "{null_high}; {above} of {of} lie above their band, {corrected} after correction for all "
        "tests."
    ).format(
        low=number(low),
        high=number(high),
        null_low=number(null_low),
        null_high=number(null_high),
        above=above,
        of=len(facts),
        corrected=sum(f["p"] < alpha for f in facts),
    )


def raw_lines(facts: list[dict]) -> list[str]:
    """What the study's comparison between models can say."""
    defined = [fact for fact in facts if fact["defined"]]
    if not defined:
        return [
            _(
                "**Raw cosines between models** are undefined here, because no two models have the "
                "same d_model."
            )
        ]
    inside = sum(fact["defined"] - fact["outside"] for fact in defined)
    total = sum(fact["defined"] for fact in defined)
    return [
        _(
            "**Raw cosines between models**: {inside} of {of} lie in the band of unrelated "
            "vectors. They say nothing about sharing: a model and its own rotated copy give the "
            "same."
        ).format(inside=inside, of=total)
    ]


def raw_facts(
    cross: pd.DataFrame, position: str, emotions: Sequence[str], models: Sequence[str]
) -> list[dict]:
    """For each pair of models and emotion: mean raw cosine, and how many depths leave the band."""
    rows = between(cross, models)
    rows = rows[(rows.method == "raw") & (rows.position == position)]
    facts = []
    for (a, b), pair in rows.groupby(["model_a", "model_b"], sort=False):
        for emotion in emotions:
            line = pair[pair.emotion_a == emotion]
            defined = line[line.value.notna()]
            outside = (defined.value < defined.null_low) | (defined.value > defined.null_high)
            facts.append(
                {
                    "models": f"{a} × {b}",
                    "emotion": emotion,
                    "defined": len(defined),
                    "mean": defined.value.mean() if len(defined) else np.nan,
                    "outside": int(outside.sum()),
                    "band": defined.null_high.max() if len(defined) else np.nan,
                    "why": "" if len(defined) else told(FLAGS, line.flag.iloc[0], line.iloc[0]),
                }
            )
    return facts


def between(table: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """The rows of a table that compare two of `models`, without their controls."""
    return table[table.model_a.isin(list(models)) & table.model_b.isin(list(models))]


def aligned_facts(
    cross: pd.DataFrame, emotions: Sequence[str], models: Sequence[str]
) -> list[dict]:
    """One emotion in two models by the aligned methods, at every pre-registered depth."""
    rows = between(cross, models)
    rows = rows[(rows.family == "alignment") & rows.emotion_a.isin(list(emotions))]
    facts = []
    for row in rows[rows.method == "wpc"].itertuples():
        place = {(row.model_a, row.depth_a), (row.model_b, row.depth_b)}
        same = rows[(rows.method == "ridge") & (rows.emotion_a == row.emotion_a)]
        ridge = [
            interval(r.value, r.ci_low, r.ci_high)
            for r in same.itertuples()
            if {(r.model_a, r.depth_a), (r.model_b, r.depth_b)} == place
        ]
        facts.append(
            {
                "models": f"{row.model_a} × {row.model_b}",
                "emotion": row.emotion_a,
                "depths": listed((row.depth_a, row.depth_b)),
                "value": row.value,
                "ci_low": row.ci_low,
                "ci_high": row.ci_high,
                "null_low": row.null_low,
                "null_high": row.null_high,
                "p": row.p_adjusted,
                "ridge": _(" and ").join(ridge),
                "gate": bool(row.gate_ok),
                "flag": told(FLAGS, row.flag, row._asdict()),
            }
        )
    return facts


def map_facts(maps: pd.DataFrame, models: Sequence[str]) -> list[dict]:
    """How good the linear maps between two models are, over the pre-registered depths."""
    rows = between(maps, models)
    facts = []
    for (a, b), own in rows[rows.method == "ridge"].groupby(["model_a", "model_b"], sort=False):
        facts.append(
            {
                "models": f"{a} → {b}",
                "lowest": own.r2_loo.min(),
                "highest": own.r2_loo.max(),
                "null": own.r2_null_high.max(),
                "passed": int(own.map_ok.sum()),
                "of": len(own),
                "cka_low": own.cka_debiased.min(),
                "cka_high": own.cka_debiased.max(),
            }
        )
    return facts


def verdict_facts(verdicts: pd.DataFrame, models: Sequence[str]) -> list[dict]:
    """The verdicts of one emotion and pair over its depths, and the reasons given."""
    rows = between(verdicts, models)
    facts = []
    for (a, b, emotion), own in rows.groupby(["model_a", "model_b", "emotion"], sort=False):
        counts = own.verdict.value_counts(sort=False)
        named = [
            _("{verdict} at {n} of {of} depths").format(
                verdict=_(VERDICTS[name].title), n=n, of=len(own)
            )
            for name, n in counts.items()
        ]
        facts.append(
            {
                "model_a": a,
                "model_b": b,
                "emotion": emotion,
                "summary": listed(named),
                "reasons": [
                    _("at {depths}: {reason}").format(
                        depths=listed(map(number, depths)), reason=reason
                    )
                    for reason, depths in own.relative_depth.groupby(
                        told_each(REASONS, own, "reason"), sort=False
                    )
                ],
            }
        )
    return facts
