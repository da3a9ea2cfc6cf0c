"""Where many emotions lie to one another, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.geometry.between import VERDICTS
from emovec.prompts.ratings import RATINGS
from emovec.report.between_models import between
from emovec.wording.language import N_, _
from emovec.wording.numbers import clauses, interval, p_value, span

STATS = ("own", "beyond_ratings", "beyond_text", "share_beyond_text")
TITLES = {"valence": N_("valence"), "arousal": N_("arousal"), "dominance": N_("dominance")}


def rating_facts(table: pd.DataFrame, models: Sequence[str]) -> list[dict]:
    """For each model: emotions known at its best depth, and each rating there beside the words."""
    facts = []
    for model in models:
        own = table[table.model == model]
        known = own[own.stat == "reliable"].sort_values("value", kind="stable").iloc[-1]
        for rating in (name for name in RATINGS if (own.stat == name).any()):
            rows = own[own.stat == rating]
            inside = rows[rows.source == "model"]
            best = inside.loc[inside.p_adjusted.fillna(2).idxmin()]
            aside = rows.set_index("source")
            trimmed = rows[(rows.source == "trimmed") & (rows.depth == best.depth)]
            facts.append(
                {
                    "model": model,
                    "known": int(known.value),
                    "of": int(known.n_emotions),
                    "rating": _(TITLES[rating]),
                    "depth": int(best.depth),
                    "r": interval(best.value, best.ci_low, best.ci_high),
                    "p": float(best.p_adjusted),
                    "trimmed": _r(trimmed.set_index("source"), "trimmed"),
                    "words": _r(aside, "words"),
                    "start": _r(aside, "start"),
                    "over_words_p": float(best.over_words_p),
                }
            )
    return facts


def _r(rows: pd.DataFrame, source: str) -> str:
    if source not in rows.index:
        return ""
    row = rows.loc[source]
    return interval(row.value, row.ci_low, row.ci_high)


def plane_facts(table: pd.DataFrame, models: Sequence[str]) -> list[dict]:
    """For each model: what two axes hold of its emotions, at the depth of the picture."""
    facts = []
    for model in models:
        own = table[table.model == model]
        depth = own.depth[own.stat == "first"].iloc[0]
        [row] = own[(own.stat == "plane") & (own.depth == depth)].itertuples()
        facts.append(
            {
                "model": model,
                "depth": int(depth),
                "value": interval(row.value, row.ci_low, row.ci_high),
                "chance": span(row.null_low, row.null_high),
                "p": row.p,
            }
        )
    return facts


def place_facts(table: pd.DataFrame, models: Sequence[str]) -> list[dict]:
    """For each pair of models: the verdict, and what is shared without ratings or the text."""
    facts = []
    for pair, own in between(table, models).groupby(["model_a", "model_b"], sort=False):
        rows = own[own.emotion.isna()].set_index("stat")
        code = rows.verdict["own"]
        verdict = VERDICTS[code].title
        facts.append(
            {
                "pair": pair,
                "code": code,
                "verdict": _(verdict),
                "emotions": int(rows.n_emotions["own"]),
                **{stat: _cells(rows, stat) for stat in STATS},
            }
        )
    return facts


def _cells(rows: pd.DataFrame, stat: str) -> dict:
    """Empty where that was not estimated."""
    if stat not in rows.index:
        return {}
    row = rows.loc[stat]
    return {"value": interval(row.value, row.ci_low, row.ci_high), "p": row.p_adjusted}


def distance_facts(table: pd.DataFrame, models: Sequence[str]) -> list[dict]:
    """For each pair of models: how far distances agree, and the most that they could."""
    rows = between(table, models)
    facts = []
    for row in rows[rows.stat == "distances"].itertuples():
        pair = row.model_a, row.model_b
        [most] = rows[
            (rows.model_a == pair[0]) & (rows.model_b == pair[1])
            & (rows.stat == "distances_ceiling")
        ].itertuples()  # fmt: skip
        facts.append(
            {
                "pair": pair,
                "value": interval(row.value, row.ci_low, row.ci_high),
                "p": row.p_adjusted,
                "ceiling": interval(most.value, most.ci_low, most.ci_high),
            }
        )
    return facts


def place_lines(facts: Sequence[dict], untrained: Sequence[str]) -> list[str]:
    """What trained models share, one sentence for each pair."""
    lines = []
    for fact in facts:
        if set(fact["pair"]) & set(untrained):
            continue
        line = _("**{pair}**, the places of the emotions: {verdict} (cosine {cosine}, p = {p}).")
        if fact["beyond_text"]:
            line = _(
                "**{pair}**, the places of the emotions: {verdict} (cosine {cosine}, p = {p}; "
                "beyond the text {beyond}, p = {beyond_p}, which is {share} of what is shared)."
            )
        beyond = fact["beyond_text"] or {"value": "", "p": np.nan}
        lines.append(
            line.format(
                pair=" × ".join(fact["pair"]),
                verdict=fact["verdict"],
                cosine=fact["own"]["value"],
                p=p_value(fact["own"]["p"]),
                beyond=beyond["value"],
                beyond_p=p_value(beyond["p"]),
                share=fact["share_beyond_text"].get("value", ""),
            )
        )
    return lines


def rating_lines(facts: Sequence[dict], untrained: Sequence[str]) -> list[str]:
    """How many emotions each trained model knows and how well ratings are predicted."""
    lines = []
    for model in dict.fromkeys(fact["model"] for fact in facts):
        own = [fact for fact in facts if fact["model"] == model]
        if model in untrained:
            continue
        predicted = clauses(
            _("{rating} r = {r}, p = {p}").format(
                rating=fact["rating"], r=fact["r"], p=p_value(fact["p"])
            )
            for fact in own
        )
        lines.append(
            _(
                "**{model}**: {known} of {of} emotions have a part of their own that is known; "
                "people's ratings of an emotion left out are predicted as follows: {predicted}."
            ).format(model=model, known=own[0]["known"], of=own[0]["of"], predicted=predicted)
        )
    return lines
