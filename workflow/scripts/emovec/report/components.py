"""Which heads and MLPs write an emotion's direction, and whether they write everything else too."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from emovec.components.ablation import METHODS, PROJECTION, WORDS
from emovec.components.shares import ROLES, directions
from emovec.wording.language import _

SHOWN = 3  # parts of each emotion that the report names


def component_facts(tables: Sequence[pd.DataFrame], alpha: float) -> list[dict]:
    """For each model and emotion: the largest writers, and how many there are of each role.

    In the whitened metric; where no part beats sign flips, none is named.
    """
    facts = []
    for table in tables:
        rows = directions(table[table.metric == "lda"])
        for emotion, own in rows.groupby("emotion", sort=False):
            beyond = own[own.gate_ok & (own.p_adjusted < alpha)]
            shown = beyond[beyond.value > 0]
            facts.append(
                {
                    "model": own.model.iloc[0],
                    "depth": int(own.depth.iloc[0]),
                    "emotion": emotion,
                    "known": bool(own.gate_ok.iloc[0]),
                    "beyond": len(beyond),
                    "ruled": bool(own.null_high.notna().any()),
                    "counts": {name: int((own.role == name).sum()) for name in ROLES},
                    "of": len(own),
                    "writers": [
                        row | {"name": _name(row), "says": _says(row["role"])}
                        for row in shown.nlargest(SHOWN, "value").to_dict("records")
                    ],
                }
            )
    return facts


def look_facts(
    components: Sequence[pd.DataFrame], attention: Sequence[pd.DataFrame], alpha: float
) -> list[dict]:
    """What the heads that write most of each emotion look at, where the direction is read."""
    facts = []
    for table, looks in zip(components, attention, strict=True):
        rows = table[(table.metric == "lda") & (table.against == "neutral")]
        for emotion, own in rows[rows.part == "head"].groupby("emotion", sort=False):
            beyond = own[own.gate_ok & (own.p_adjusted < alpha) & (own.value > 0)]
            for row in beyond.nlargest(SHOWN, "value").to_dict("records"):
                at = looks[
                    (looks.emotion == emotion)
                    & (looks.block == row["block"])
                    & (looks["head"] == row["head"])
                ].set_index("span")
                facts.append(
                    {
                        "model": row["model"], "emotion": emotion, "name": _name(row),
                        "spans": [
                            at.loc[span].to_dict() | {"sure": at.p_adjusted[span] < alpha}
                            for span in ("word", "punctuation", "first")
                        ],
                    }
                )  # fmt: skip
    return facts


def loss_facts(tables: Sequence[pd.DataFrame], alpha: float) -> list[dict]:
    """For each model and emotion: its largest parts, and what is lost without them.

    `lost` says that putting their means in their place removes some of the direction, and more of
    it than with other parts of like size. `resampled` is what the other method gives, `agrees`
    whether it says the same, and `words` what the emotion's words lose; None where there is none.
    """
    facts = []
    for table in tables:
        for emotion, rows in table.groupby("direction", sort=False):
            own = rows[(rows.method == METHODS[0]) & (rows.outcome == PROJECTION)]
            chosen = own[own.kind == "chosen"]
            together = _together(rows, METHODS[0], PROJECTION)
            resampled = _together(rows, METHODS[1], PROJECTION)
            lost = _lost(together, alpha)
            facts.append(
                {
                    "model": own.model.iloc[0],
                    "emotion": emotion,
                    "known": bool(together["gate_ok"]),
                    "parts": [
                        row | {"name": _name(row), "sink": "attention_sink" in str(row["flag"])}
                        for row in chosen.sort_values("share", ascending=False).to_dict("records")
                    ],
                    "blocks": (chosen.block.min(), chosen.block.max()),
                    "together": together,
                    "lost": lost,
                    "resampled": resampled,
                    "agrees": resampled is not None and _lost(resampled, alpha) == lost,
                    "words": _together(rows, METHODS[0], WORDS),
                    "n_topics": together["n_topics"],
                    **{
                        kind: next(iter(own[own.kind == kind].to_dict("records")), None)
                        for kind in ("specific", "agreement")
                    },
                }
            )
    return facts


def _together(rows: pd.DataFrame, method: str, outcome: str) -> dict | None:
    """The row of what a direction loses without its own largest parts."""
    kind = (rows.kind == "together") & (rows.emotion == rows.direction)
    found = rows[kind & (rows.method == method) & (rows.outcome == outcome)]
    return next(iter(found.to_dict("records")), None)


def _lost(row: dict, alpha: float) -> bool:
    return bool(row["gate_ok"] and row["p_adjusted"] < alpha and row["ci_low"] > 0)


def _name(row: dict) -> str:
    names = {
        "embedding": _("the embedding"),
        "bias": _("biases"),
        "head": _("head {block}.{head}"),
        "mlp": _("MLP {block}"),
    }
    return names[row["part"]].format(block=row["block"], head=row["head"])


def _says(role: str) -> str:
    return _(ROLES[role].title) if role in ROLES else ""
