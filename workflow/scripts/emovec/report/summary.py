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
        facts = model["within"][context["primary"]]
        reliable = [fact for fact in facts if fact["gate"]]
        distinct = [fact for fact in reliable if fact["ci_high"] < 1]
        if not reliable:
            said.append(_("{model}: none reliable enough").format(model=model["name"]))
            continue
        low, high = (f(x["corrected"] for x in reliable) for f in (min, max))
        said.append(
            _("{model}: {n} of {of} (cosines {low} to {high})").format(
                model=model["name"],
                n=len(distinct),
                of=len(facts),
                low=number(low),
                high=number(high),
            )
        )
    return _("Pairs of emotions that are distinct directions: {said}.").format(said=clauses(said))


def _shared(models: list[dict], verdicts: pd.DataFrame) -> str:
    trained = [model["name"] for model in models if not model["untrained"]]
    rows = verdicts[verdicts.model_a.isin(trained) & verdicts.model_b.isin(trained)]
    if rows.empty:
        return _("Shared between models: no two trained models to compare.")
    counts = Counter(rows.verdict)
    said = listed(
        _("{n} {verdict}").format(n=n, verdict=_(VERDICTS[name].title))
        for name, n in counts.most_common()
    )
    return _("Verdicts on sharing between trained models: {said}.").format(said=said)


def _plain(line: str) -> str:
    return line.replace("**", "")
