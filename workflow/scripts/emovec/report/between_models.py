"""Whether two models share their directions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from emovec.between_models.claim_rows import OWN
from emovec.between_models.verdict import VERDICTS
from emovec.wording.language import N_, _
from emovec.wording.numbers import clauses, interval, listed, part
from emovec.wording.remarks import FLAGS, REASONS, told


def verdict_lines(facts: list[dict]) -> list[str]:
    """What is shared between trained models, one sentence for each pair."""
    lines = []
    pairs = dict.fromkeys(fact["pair"] for fact in facts if not fact["control"])
    for pair in pairs:
        said = clauses(
            _("{emotion} {verdict}, cosine {cosine}").format(**fact)
            for fact in facts
            if fact["pair"] == pair and fact["alone"]
        )
        lines.append(_("{pair}: {said}.").format(pair=f"**{' × '.join(pair)}**", said=said))
    return lines


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


def depth_facts(cross: pd.DataFrame, emotions: Sequence[str], models: Sequence[str]) -> list[dict]:
    """One emotion in two models by every method, at each of the pre-registered depths."""
    rows = between(cross, models)
    rows = rows[rows.emotion_a.isin(list(emotions)) & (rows.emotion_a == rows.emotion_b)]
    maps = rows[(rows.method == "ridge") & (rows.family == "sensitivity")]
    facts = []
    for row in rows[(rows.method == "wpc") & (rows.family == "sensitivity")].itertuples():
        place = {(row.model_a, row.depth_a), (row.model_b, row.depth_b)}
        here = rows[
            (rows.model_a == row.model_a) & (rows.model_b == row.model_b)
            & (rows.depth_a == row.depth_a) & (rows.depth_b == row.depth_b)
            & (rows.emotion_a == row.emotion_a) & (rows.method == "canonical")
        ].set_index("stat")  # fmt: skip
        facts.append(
            {
                "models": f"{row.model_a} × {row.model_b}",
                "emotion": row.emotion_a,
                "depths": listed((row.depth_a, row.depth_b)),
                "common": _intervals(here.loc[here.index == "cos_s"]),
                "own": _intervals(here.loc[here.index == OWN]),
                "read_outs": interval(row.value, row.ci_low, row.ci_high),
                "ridge": _intervals(
                    r
                    for r in maps[maps.emotion_a == row.emotion_a].itertuples()
                    if {(r.model_a, r.depth_a), (r.model_b, r.depth_b)} == place
                ),
                "null_low": row.null_low,
                "null_high": row.null_high,
                "flag": told(FLAGS, row.flag, row._asdict()),
            }
        )
    return facts


def _intervals(rows: pd.DataFrame | Iterable) -> str:
    found = rows.itertuples() if isinstance(rows, pd.DataFrame) else rows
    return _(" and ").join(interval(row.value, row.ci_low, row.ci_high) for row in found)


def map_facts(maps: pd.DataFrame, models: Sequence[str], alpha: float) -> list[dict]:
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
                "passed": int((own.p < alpha).sum()),
                "of": len(own),
                "cka_low": own.cka_debiased.min(),
                "cka_high": own.cka_debiased.max(),
            }
        )
    return facts


def _own(row: dict) -> str:
    """Nothing where the own part is no claim of its own."""
    own = [row[name] for name in ("own_cosine", "own_low", "own_high")]
    return interval(*own) if pd.notna(row["own_cosine"]) else ""


def verdict_facts(
    verdicts: pd.DataFrame, models: Sequence[str], untrained: Sequence[str]
) -> list[dict]:
    """The verdict on each emotion and pair, and on all emotions of a pair together."""
    rows = between(verdicts, models)
    grades = {True: N_("yes"), False: N_("not shown")}
    facts = []
    for row in rows.to_dict("records"):
        alone = bool(row["emotion"]) and pd.notna(row["emotion"])
        facts.append(
            {
                "pair": (row["model_a"], row["model_b"]),
                "control": bool({row["model_a"], row["model_b"]} & set(untrained)),
                "alone": alone,
                "emotion": row["emotion"] if alone else _("all together"),
                "verdict": _(VERDICTS[row["verdict"]].title),
                "cosine": interval(row["cosine"], row["ci_low"], row["ci_high"]),
                "own": _own(row),
                "decodes": "" if pd.isna(row["decodes"]) else _(grades[bool(row["decodes"])]),
                "agree": part(row["agree"], row["compared"]),
                "reason": told(REASONS, row["reason"], row),
            }
        )
    return facts
