"""Whether what is found stands: known answers, other choices, the study's own figures."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from emovec.robustness.way_findings import count_findings, trained
from emovec.robustness.ways import WAYS
from emovec.wording.language import _
from emovec.wording.numbers import clauses, number, span


def control_facts(
    verdicts: pd.DataFrame,
    cross: pd.DataFrame,
    within: pd.DataFrame,
    emotions: Sequence[str],
    models: Sequence[str],
    alpha: float,
) -> list[dict]:
    """The rotated twin and the label-shuffled copy of each model: known answers, and what came."""
    facts = []
    for model in models:
        twin = cross[(cross.model_a == model) & (cross.model_b == f"{model}@twin")]
        raw = twin[(twin.method == "raw")].value
        judged = verdicts[(verdicts.model_a == model) & (verdicts.model_b == f"{model}@twin")]
        judged = judged[judged.emotion.isin(list(emotions))]
        shuffled = within[
            (within.model == f"{model}@shuffled") & (within.stat == "norm2_u")
            & within.emotion_a.isin(list(emotions))
        ]  # fmt: skip
        facts.append(
            {
                "model": model,
                "raw": raw.abs().mean(),
                "cosine": judged.cosine.mean(),
                "lowest": judged.cosine.min(),
                "shared": int((judged.verdict == "shared").sum()),
                "emotions": len(judged),
                "found": int((shuffled.p_adjusted < alpha).sum()),
                "tests": int(shuffled.p_adjusted.notna().sum()),
            }
        )
    return facts


def choice_lines(multiverse: pd.DataFrame) -> list[str]:
    """How far the choices of analysis move what is said of two models, a sentence for each pair."""
    rows = multiverse[multiverse.model_b.notna() & multiverse.value.notna()]
    rows = rows.assign(pair=[frozenset(one) for one in zip(rows.model, rows.model_b, strict=True)])
    lines = []
    for _pair, own in rows.groupby("pair", sort=False):
        aligned = own[own.metric != "raw"]
        open_gate = aligned[aligned.gate_ok]
        name = f"**{own.model.iloc[0]} × {own.model_b.iloc[0]}**"
        said = [
            _("{n} of {of} aligned cosines pass their gate").format(
                of=len(aligned), n=len(open_gate)
            )
        ]
        if len(open_gate):
            above = (open_gate.value > open_gate.null_high).sum()
            said.append(
                _(
                    "these range from {low} to {high}, and {above} lie above the band of unrelated "
                    "attributes"
                ).format(
                    low=number(open_gate.value.min()),
                    high=number(open_gate.value.max()),
                    above=above,
                )
            )
        raw = own[own.metric == "raw"]
        if len(raw):
            inside = raw.value.between(raw.null_low, raw.null_high).sum()
            said.append(
                _("{n} of {of} raw cosines lie in the band of unrelated vectors").format(
                    n=inside, of=len(raw)
                )
            )
        lines.append(_("{pair}: {said}.").format(pair=name, said=clauses(said)))
    return lines


def way_lines(
    ways: pd.DataFrame, models: Sequence[str], untrained: Sequence[str], margin: float
) -> list[str]:
    """What holds of the models whichever way directions are found, a sentence for each number."""
    about = trained(models, untrained)
    said = {
        "auroc": _("{n} of {of} emotions are told apart on held-out topics"),
        "cosine": _("{n} of {of} pairs of emotions have different directions"),
        "between": _("{n} of {of} emotions correspond between two models"),
    }
    found = []
    for stat, one in count_findings(ways, about, margin).items():
        told = [said[stat].format(n=one.study, of=one.of)]
        if one.study:
            told.append(_("in every other way too: {n}").format(n=one.every))
        if one.most > one.study:
            told.append(_("the most: {n} ({way})").format(way=_(WAYS[one.best].title), n=one.most))
        found.append(_("By the difference of means, {said}.").format(said=clauses(told)))
    rows = ways[(ways.stat == "with_mean") & ways.model.isin(about) & ways.emotion_a.notna()]
    if rows.value.notna().any():
        found.append(
            _("Cosines of other directions with the difference of means: {span}.").format(
                span=span(rows.value.min(), rows.value.max())
            )
        )
    return found


def published_facts(published: pd.DataFrame) -> list[dict]:
    """The study's figures, with what this run found where it has the same models."""
    rows = published.astype(object).where(published.notna(), None)
    return rows.to_dict("records")
