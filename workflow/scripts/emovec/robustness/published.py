"""The figures of the original study's report beside the same quantities of this run.

Published: means over depths 0 … 11 at the last token, of cosines between emotions in one model and
of raw cosines of one emotion between two models.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emovec.io.tables import typed

POSITION = "last"


FIGURES = Path(__file__).with_name("published.csv")  # report of 2024-11-14, sections 1 and 2


def compare_published(within: pd.DataFrame, cross: pd.DataFrame) -> pd.DataFrame:
    """Rows of published_comparison.csv; what this run lacks is empty, and `flag` says so."""
    rows = []
    for row in pd.read_csv(FIGURES).itertuples():
        known = {
            "kind": row.kind,
            "model_a": row.model_a,
            "model_b": row.model_b,
            "emotion_a": row.emotion_a,
            "emotion_b": row.emotion_b,
            "published": row.value,
        }
        found = _within(within, row) if row.kind == "within" else _between(cross, row)
        rows.append(known | (found or {"flag": "not_in_run"}))
    return typed(rows, "published")


def _within(table: pd.DataFrame, row) -> dict | None:
    own = table[
        (table.model == row.model_a)
        & (table.position == POSITION)
        & (table.metric == "raw")
        & table.depth.isna()
        & (table.emotion_a == row.emotion_a)
        & (table.emotion_b == row.emotion_b)
    ].set_index("stat")
    if not {"cos_naive", "cos_u"} <= set(own.index):
        return None
    naive, corrected = own.loc["cos_naive"], own.loc["cos_u"]
    return {
        "this_run": naive.value,
        "null_low": naive.null_low,
        "null_high": naive.null_high,
        "corrected": corrected.value,
        "ci_low": corrected.ci_low,
        "ci_high": corrected.ci_high,
        "method": "cos_u",
        "n_depths": corrected.n_depths,
        "flag": "" if corrected.gate_ok else "not_reliable",
    }


def _between(table: pd.DataFrame, row) -> dict | None:
    pair = table[
        (table.model_a == row.model_a)
        & (table.model_b == row.model_b)
        & (table.emotion_a == row.emotion_a)
        & (table.emotion_b == row.emotion_b)
    ]
    raw = pair[(pair.method == "raw") & (pair.position == POSITION)]
    if raw.empty:
        return None
    raw = raw[raw.depth_a < raw.depth_a.max()]  # the study never saw the last depth
    claim = pair[(pair.stat == "cos_s") & (pair.family == "common")]
    return {
        "this_run": raw.value.mean(),
        "null_low": raw.null_low.min(),
        "null_high": raw.null_high.max(),
        "corrected": claim.value.mean(),
        "ci_low": claim.ci_low.min(),
        "ci_high": claim.ci_high.max(),
        "method": "canonical",
        "flag": "" if raw.value.notna().any() else raw.flag.iloc[0],
    }
