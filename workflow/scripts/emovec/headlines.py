"""The three main findings of a run, in three lines without marks."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from emovec.words import number


def headlines(context: dict, verdicts: pd.DataFrame, steering: list[dict]) -> list[str]:
    """Distinct inside models? Shared between them? Do they cause anything?"""
    return [
        _distinct(context),
        _shared(context["models"], verdicts),
        *([_plain(model["glance"]) for model in steering[:1]] or ["Steering was not run."]),
    ]


def _distinct(context: dict) -> str:
    said = []
    for model in context["models"]:
        facts = model["within"][context["primary"]]
        reliable = [fact for fact in facts if fact["gate"]]
        distinct = [fact for fact in reliable if fact["ci_high"] < 1]
        if not reliable:
            said.append(f"{model['name']}: none reliable enough")
            continue
        low, high = (f(x["corrected"] for x in reliable) for f in (min, max))
        said.append(
            f"{model['name']}: {len(distinct)} of {len(facts)} "
            f"(cosines {number(low)} to {number(high)})"
        )
    return f"Pairs of emotions that are distinct directions: {'; '.join(said)}."


def _shared(models: list[dict], verdicts: pd.DataFrame) -> str:
    trained = [model["name"] for model in models if not model["untrained"]]
    rows = verdicts[verdicts.model_a.isin(trained) & verdicts.model_b.isin(trained)]
    if rows.empty:
        return "Shared between models: no two trained models to compare."
    counts = Counter(rows.verdict)
    said = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.most_common())
    return f"Verdicts on sharing between trained models: {said}."


def _plain(line: str) -> str:
    return line.replace("**", "")
