"""The three main findings of a run, in three lines without marks."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from emovec.between_models.verdict import VERDICTS
from emovec.wording.language import _
from emovec.wording.numbers import clauses, listed, number


def three_lines(context: dict, verdicts: pd.DataFrame, steering: list[dict]) -> list[str]:
    """Distinct inside models? Shared between them? Do they cause anything?"""
    return [
        _distinct(context),
        _shared(context["models"], verdicts),
        *([_plain(model["glance"]) for model in steering[:1]] or [_("Steering was not run.")]),
    ]


def _distinct(context: dict) -> str:
    said = []
    for model in context["models"]:
        if model["untrained"]:
            continue
        facts = model["within"][context["primary"]]
        reliable = [fact["cosine"] for fact in facts if fact["known"]]
        if not reliable:
            said.append(_("{model}: none reliable enough").format(model=model["name"]))
            continue
        said.append(
            _("{model}: {n} of {of} (cosines {low} to {high})").format(
                model=model["name"],
                n=sum(fact["distinct"] for fact in facts),
                of=len(facts),
                low=number(min(reliable)),
                high=number(max(reliable)),
            )
        )
    if not said:
        return _("Distinct directions: no trained model in this run.")
    return _("Pairs of emotions shown to be distinct directions: {said}.").format(
        said=clauses(said)
    )


def _shared(models: list[dict], verdicts: pd.DataFrame) -> str:
    trained = [model["name"] for model in models if not model["untrained"]]
    rows = verdicts[verdicts.model_a.isin(trained) & verdicts.model_b.isin(trained)]
    rows = rows[rows.emotion.notna() & (rows.emotion != "")]
    if rows.empty:
        return _("Shared between models: no two trained models to compare.")
    said = []
    for (a, b), own in rows.groupby(["model_a", "model_b"], sort=False):
        counts = listed(
            _("{n} {verdict}").format(n=n, verdict=_(VERDICTS[name].title))
            for name, n in Counter(own.verdict).most_common()
        )
        said.append(
            _("{pair}: {counts} (cosines {low} to {high})").format(
                pair=f"{a} × {b}",
                counts=counts,
                low=number(own.cosine.min()),
                high=number(own.cosine.max()),
            )
        )
    return _("Verdicts on sharing between trained models: {said}.").format(said=clauses(said))


def _plain(line: str) -> str:
    return line.replace("**", "")
