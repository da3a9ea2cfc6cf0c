"""The four questions of the first screen, each with its answer and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.between_models.verdict import SHARING
from emovec.geometry.between import VERDICTS
from emovec.registry import Kind, registry, titles
from emovec.report.between_models import between
from emovec.report.steering import both
from emovec.wording.language import N_, _
from emovec.wording.numbers import listed, part

CLEAR = 0.001  # corrected p below which an answer is sure
ALIKE = ("beyond_text", "with_text", "shared")  # verdicts that places of emotions are shared


# How sure an answer is, from the largest corrected p of what it asserts.
GRADES = registry(
    Kind("sure", "sure"),
    Kind("likely", "fairly sure"),
    Kind("hint", "a hint"),
    Kind("open", "open"),
)


@dataclass(frozen=True)
class Answer:
    """One question of the first screen."""

    name: str  # of its picture
    question: str
    text: str
    grade: str  # of GRADES
    evidence: str  # the heading of its section


def grade(p: Iterable[float], alpha: float, *, hint: bool = False) -> str:
    """How sure an answer is whose assertions have these corrected p; none, and it is open.

    `hint` says that some assertion would hold before correction.

    >>> grade([0.0004, 0.02], 0.05), grade([], 0.05, hint=True)
    ('likely', 'hint')
    """
    worst = np.max([*p], initial=-np.inf)
    if np.isfinite(worst) and worst < alpha:
        return "sure" if worst < CLEAR else "likely"
    return "hint" if hint else "open"


def first_screen(
    context: dict,
    verdicts: pd.DataFrame,
    steering: Sequence[dict],
    places: Sequence[dict] = (),
    losses: Sequence[dict] = (),
) -> dict:
    """Title and answers of a run, as the report takes them.

    `context` is what `describe` gives, `steering` what `describe_steering` does for each model,
    `places` what `place_facts` does of many emotions, and `losses` what `loss_facts` does of parts;
    untrained models are asked nothing.
    """
    trained = [model for model in context["models"] if not model["untrained"]]
    names, alpha = [model["name"] for model in trained], context["alpha"]
    found = [
        _apart(trained, context["primary"], alpha, one_direction=context["one_direction"]),
        _alike(places, names, alpha)
        or _shared(verdicts, names, alpha, own_alone=context["neutral"] is None),
        _act(steering, alpha),
        _where(trained, [fact for fact in losses if fact["model"] in names], alpha),
    ]
    return {
        "answers": found,
        "grades": titles(GRADES),
        "clear": CLEAR,
        "headline": _headline(
            verdicts, places, names or [model["name"] for model in context["models"]]
        ),
    }


def lines(found: Iterable[Answer]) -> list[str]:
    """Question, answer and grade without marks, for a terminal."""
    return [
        _("{question} {answer} ({grade})").format(
            question=one.question, answer=one.text, grade=_(GRADES[one.grade].title)
        )
        for one in found
    ]


def _headline(verdicts: pd.DataFrame, places: Sequence[dict], models: Sequence[str]) -> str:
    """What was found and on what, as the title of the report."""
    found, facts = _of_emotions(verdicts, models).verdict, _among(places, models)
    codes = {fact["code"] for fact in facts}
    if found.empty:
        says = N_("Emotion directions in {models}")
    elif (found == "shared").all():
        says = N_("{models} share emotion directions")
    elif found.isin(SHARING).all():
        says = N_("{models} share emotion directions at least in part")
    elif codes and codes <= {*ALIKE}:
        says = N_("{models} place {n} emotions alike")
    elif found.isin(SHARING).any():
        says = N_("{models} share some emotion directions")
    elif (found == "not_shared").all():
        says = N_("{models} do not share emotion directions")
    elif codes == {"not_shared"}:
        says = N_("{models} do not place {n} emotions alike")
    else:
        says = N_("Emotion directions in {models}: whether they are shared is open")
    return _(says).format(models=_together(models), n=facts[0]["emotions"] if facts else 0)


def _among(places: Sequence[dict], models: Sequence[str]) -> list[dict]:
    """What is known of pairs of these models alone."""
    return [fact for fact in places if set(fact["pair"]) <= set(models)]


def _together(items: Iterable[str]) -> str:
    items = [*items]
    return _(" and ").join(items) if len(items) == 2 else listed(items)


def _of_emotions(verdicts: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    rows = between(verdicts, models)
    return rows[rows.emotion.notna() & (rows.emotion != "")]


def _apart(trained: Sequence[dict], primary: str, alpha: float, *, one_direction: bool) -> Answer:
    facts = [fact for model in trained for fact in model["within"][primary]]
    apart = [fact for fact in facts if fact["distinct"]]
    below = any(fact["known"] and fact["cosine_high"] < fact["margin"] for fact in facts)
    if not trained:
        text = _("No trained model in this run.")
    elif not facts:
        text = _("Only one emotion: there is nothing to keep apart.")
    elif one_direction:
        text = _("Without a neutral class, two emotions are the two ends of one direction.")
    elif len(apart) == len(facts):
        text = _("Yes: all {n} pairs point in different directions.").format(n=len(facts))
    elif apart:
        text = _("In part: {n} of {of} pairs are shown to differ.").format(
            n=len(apart), of=len(facts)
        )
    else:
        text = _("Not shown for any pair.")
    sure = grade((fact["distinct_p"] for fact in apart), alpha, hint=below)
    return Answer(
        "apart",
        _("Does each model keep the emotions apart?"),
        text,
        sure,
        _("Similarity within models"),
    )


def _shared(
    verdicts: pd.DataFrame, trained: Sequence[str], alpha: float, *, own_alone: bool = False
) -> Answer:
    rows = _of_emotions(verdicts, trained)
    sharing = rows[rows.verdict.isin(SHARING)]
    own, absent = (rows.verdict == "shared").sum(), (rows.verdict == "not_shared").sum()
    if rows.empty:
        text = _("Needs two trained models.")
    elif own == len(rows) and own_alone:
        text = _("Yes: all {n} emotions, in each one's own part.").format(n=len(rows))
    elif own == len(rows):
        text = _("Yes: all {n} emotions, including each one's own part.").format(n=len(rows))
    elif len(sharing) == len(rows):
        text = _("At least in part: all {n}; each emotion's own part is open.").format(n=len(rows))
    elif len(sharing):
        text = _("In part: {n} of {of} are shown to be shared.").format(
            n=len(sharing), of=len(rows)
        )
    elif absent == len(rows):
        text = _("No: the directions are shown to be nearly unrelated.")
    else:
        text = _("This run cannot tell.")
    p = sharing.p_specific.where(sharing.verdict == "shared", sharing.p_common)
    p = p.fillna(sharing.p_common)  # of the one claim there is, where no class is neutral
    sure = grade(p, alpha, hint=bool((rows.ci_low > rows.least_cosine).any()))
    if len(rows) and absent == len(rows):
        sure = "likely"  # each interval within the bound is a test at level alpha
    evidence = _("Similarity between models")
    return Answer("shared", _("Do the models share them?"), text, sure, evidence)


def _alike(places: Sequence[dict], trained: Sequence[str], alpha: float) -> Answer | None:
    """Of many emotions, whether models place them alike; None where that was not asked."""
    if not (facts := _among(places, trained)):
        return None
    count = {code: sum(fact["code"] == code for fact in facts) for code in VERDICTS}
    sharing = sum(count[code] for code in ALIKE)
    p = [fact["own"]["p"] for fact in facts]
    if count["beyond_text"] == len(facts):
        text = _("Yes: they place {n} emotions alike, beyond what words explain.")
        p = [max(fact["own"]["p"], fact["beyond_text"]["p"]) for fact in facts]
    elif count["with_text"] == len(facts):
        text = _("As far as words go: they place {n} emotions alike.")
    elif sharing == len(facts):
        text = _("They place {n} emotions alike; beyond words, not shown for all.")
    elif sharing:
        text = _("In part: {pairs} pairs of models place {n} emotions alike.")
        p = [fact["own"]["p"] for fact in facts if fact["code"] in ALIKE]
    elif count["not_shared"] == len(facts):
        text, p = _("No: the places of {n} emotions are nearly unrelated."), [CLEAR]
    else:
        text, p = _("This run cannot tell."), []
    text = text.format(n=facts[0]["emotions"], pairs=part(sharing, len(facts)))
    evidence = _("Where the emotions lie to one another")
    return Answer(
        "shared", _("Do the models share them?"), text, grade(p, alpha, hint=sharing > 0), evidence
    )


def _act(steering: Sequence[dict], alpha: float) -> Answer:
    facts = [fact for model in steering for fact in model["facts"] if fact["sign"] > 0]
    acting = [fact for fact in facts if fact["specific"]]
    general = [fact for fact in facts if fact["causal"]]
    if not facts:
        text = _("Not tried in this run.")
    elif len(acting) == len(facts):
        text = _("Yes: each makes its emotion's words more likely.")
    elif acting:
        text = _("In part: {n} of {of} make their emotion's words more likely.").format(
            n=len(acting), of=len(facts)
        )
    elif general:
        text = _("{n} of {of} raise their words; not shown beyond other emotions.").format(
            n=len(general), of=len(facts)
        )
    else:
        text = _("Not shown beyond the effect of control directions.")
    hint = any(
        fact[key]["value"] > fact[key]["null_high"] for fact in facts for key in ("words", "own")
    )
    asserted = [both(fact) for fact in acting] or [fact["words"]["p"] for fact in general]
    sure = grade(asserted, alpha, hint=hint)
    evidence = _("Steering: do the directions cause anything?") if facts else ""
    return Answer("act", _("Do the directions act?"), text, sure, evidence)


def _where(trained: Sequence[dict], losses: Sequence[dict], alpha: float) -> Answer:
    question = _("Where in the model?")
    if lost := [fact for fact in losses if fact["lost"]]:
        ends: dict[str, list[int]] = {}
        for fact in lost:
            ends.setdefault(fact["model"], []).extend(fact["blocks"])
        text = _("Blocks {blocks}; {n} of {of} fade without their largest writers.").format(
            blocks=_together(f"{min(own)}–{max(own)}" for own in ends.values()),
            n=len(lost),
            of=len(losses),
        )
        sure = grade((fact["together"]["p_adjusted"] for fact in lost), alpha)
        return Answer("where", question, text, sure, _("Where it comes from"))
    found = [model["readable"] for model in trained if model["readable"]["n"]]
    if found:
        text = _("Readable at {counts} depths.").format(
            counts=_together(part(one["n"], one["of"]) for one in found)
        )
    else:
        text = _("Nowhere reliable.") if trained else _("No trained model in this run.")
    sure = grade((one["p"] for one in found), alpha)
    return Answer("where", question, text, sure, _("Strength by depth"))
