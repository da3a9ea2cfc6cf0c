"""What asking did beside steering, as facts and sentences drawn from the table of effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from emovec.report.effects import beyond, measured
from emovec.steering.asking import INSTRUCT, WAYS
from emovec.steering.asking_effects import EXTRA, OVER_ADDED, OVER_CONTROL, PRICE
from emovec.steering.changes import READ_OUTS, TEXTS
from emovec.steering.families import OWN
from emovec.steering.judges import target_column
from emovec.wording.language import N_, _
from emovec.wording.numbers import clauses, interval, listed, number

COMPARED = (
    ("more", N_("larger than with the direction added for {said}")),
    ("less", N_("smaller than with the direction added for {said}")),
    ("open", N_("not shown to differ from that with the direction added for {said}")),
)


def asking_facts(
    own: pd.DataFrame,
    emotions: Sequence[str],
    targets: Mapping[str, str],
    steered: Sequence[dict],
    alpha: float,
) -> dict | None:
    """What the report says of asking one model; None if it was not asked.

    Parameters
    ----------
    own : the table `steering` of the model's own directions.
    steered : the facts of adding and subtracting the directions.
    """
    asked = own[own.operation.isin(list(WAYS)) & (own.sign == 1)]
    if asked.empty:
        return None
    facts = [
        _fact(own, way, emotion, targets)
        for emotion in emotions
        for way in WAYS
        if ((asked.operation == way) & (asked.direction == emotion)).any()
    ]
    ways = [way for way in WAYS if any(fact["way"] == way for fact in facts)]
    told = {fact["emotion"] for fact in facts if fact["way"] == INSTRUCT}
    added = [fact for fact in steered if fact["sign"] > 0]
    return {
        "facts": facts,
        "missing": [emotion for emotion in emotions if emotion not in told],
        "compared": [_compared(way, facts, len(emotions) > 1) for way in ways],
        "price": _price(ways, facts, added),
        "texts": _in_texts(ways, facts, added, alpha),
    }


def _fact(own: pd.DataFrame, way: str, emotion: str, targets: Mapping[str, str]) -> dict:
    rows = own[own.operation == way]
    asked, plain = rows[(rows.sign == 1) & (rows.direction == emotion)], rows[rows.sign == 0]
    words, judged = f"logp_{emotion}", target_column(emotion, targets)
    return {
        "emotion": emotion,
        "way": way,
        "title": WAYS[way].title,
        "words": measured(asked, words, READ_OUTS),
        "control": measured(plain, words, READ_OUTS),
        "over_control": measured(asked, words + OVER_CONTROL, READ_OUTS),
        "own": measured(asked, words + OWN, READ_OUTS),
        "over_added": measured(asked, words + OVER_ADDED, READ_OUTS),
        "judged": measured(asked, judged + OVER_CONTROL, TEXTS),
        "judged_own": measured(asked, judged + OWN, TEXTS),
        "cost": measured(asked, PRICE, TEXTS),
        "extra": measured(asked, EXTRA, READ_OUTS)["value"],
    }


def _compared(way: str, facts: Sequence[dict], several: bool) -> str:
    """Whether asking does more than adding, emotion by emotion, by the interval of the difference.

    Without `several` emotions the difference to the control counts, not that to the others.
    """
    said: dict[str, list[str]] = {}
    for fact in facts:
        found = fact["over_added"]
        if fact["way"] != way or np.isnan(found["value"]):
            continue
        side = "more" if found["ci_low"] > 0 else "less" if found["ci_high"] < 0 else "open"
        given = interval(*(found[key] for key in ("value", "ci_low", "ci_high")))
        said.setdefault(side, []).append(f"{fact['emotion']} ({given})")
    if not said:
        return ""
    reference = _("relative to the other emotions") if several else _("relative to the control")
    return _(
        "With {way}, the rise of the emotion's own words, {reference}, is {said} "
        "(difference in nats)."
    ).format(
        way=_(WAYS[way].title),
        reference=reference,
        said=clauses(_(text).format(said=listed(said[s])) for s, text in COMPARED if s in said),
    )


def _price(ways: Sequence[str], facts: Sequence[dict], added: Sequence[dict]) -> str:
    """What each costs in fluency and in tokens, averaged over emotions."""

    def mean(values: Sequence[float]) -> float:
        return float(np.mean([value for value in values if not np.isnan(value)] or [np.nan]))

    own = {way: [fact for fact in facts if fact["way"] == way] for way in ways}
    costs = [
        _("{cost} with {way}, which is {extra} more tokens to read for every text").format(
            cost=number(mean([fact["cost"]["value"] for fact in own[way]])),
            way=_(WAYS[way].title),
            extra=number(mean([fact["extra"] for fact in own[way]]), 0),
        )
        for way in ways
    ]
    costs.append(
        _("{cost} with the direction added, which is one vector").format(
            cost=number(mean([fact["cost"]["value"] for fact in added]))
        )
    )
    return _("The price in fluency (log-perplexity, mean over emotions): {costs}.").format(
        costs=clauses(costs)
    )


def _in_texts(
    ways: Sequence[str], facts: Sequence[dict], added: Sequence[dict], alpha: float
) -> str:
    """For which emotions the texts show what was asked for, or added."""

    def shown(fact: dict) -> bool:
        known = [fact[key] for key in ("judged", "judged_own") if not np.isnan(fact[key]["value"])]
        return bool(known) and all(beyond(one, alpha) for one in known)

    found = {
        _(WAYS[way].title): [f["emotion"] for f in facts if f["way"] == way and shown(f)]
        for way in ways
    }
    found[_("the direction added")] = [f["emotion"] for f in added if beyond(f["judged"], alpha)]
    said = clauses(
        _("{emotions} with {way}").format(emotions=listed(emotions) or _("none"), way=way)
        for way, emotions in found.items()
    )
    return _(
        "Emotions that a classifier detects in the texts, beyond the controls and, where a model "
        "is asked, beyond the other emotions: {said}."
    ).format(said=said)
