"""What steering did, as facts and sentences drawn from its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from emovec.report.asking import asking_facts
from emovec.report.effects import adding, beyond, effect, measured
from emovec.steering.changes import READ_OUTS, TEXTS
from emovec.steering.conditions import UNSTEERED
from emovec.steering.directions import EMOTION
from emovec.steering.effects import READ, searched
from emovec.steering.families import OWN
from emovec.steering.judges import target_column
from emovec.wording.language import _
from emovec.wording.numbers import clauses, interval, listed, p_value


def describe_steering(
    effects: pd.DataFrame,
    scores: pd.DataFrame,
    choice: dict,
    openings: pd.DataFrame,
    emotions: Sequence[str],
    targets: dict[str, str],
    alpha: float,
    classifiers: Mapping[str, dict] = MappingProxyType({}),
) -> dict:
    """All that the report says of steering one model.

    `classifiers` are those of the configuration, each with its `targets`, `{emotion: label}`.
    """
    model = str(effects.model.iloc[0])
    own = effects[effects.source == effects.model]
    carried = effects[effects.source != effects.model]
    facts = [
        _fact(own, choice, emotion, sign, targets, emotions)
        for emotion in emotions
        for sign in (1, -1)
    ]
    for fact in facts:
        fact["causal"] = beyond(fact["words"], alpha)
        fact["specific"] = fact["causal"] and beyond(fact["own"], alpha)
    return {
        "name": model,
        "choice": choice,
        "depth_scores": {
            depth: max(cell["score"] for cell in choice["cells"] if cell["depth"] == depth)
            for depth in dict.fromkeys(cell["depth"] for cell in choice["cells"])
        },
        "scope": str(effects["scope"].iloc[0]),
        "facts": facts,
        "classified": [
            _classified(own, choice, emotion, sign, name, settings["targets"][emotion])
            for name, settings in classifiers.items()
            for emotion in emotions
            if emotion in settings["targets"]
            for sign in (1, -1)
        ],
        "removal": [_removal(own, choice, emotion) for emotion in emotions],
        "slopes": [_slope(own, choice, emotion) for emotion in emotions],
        "carried": [
            _carried(carried, own, choice, source, emotion)
            for source in dict.fromkeys(carried.source)
            for emotion in emotions
        ],
        "texts": len(scores),
        "empty": int(scores.empty_text.sum()),
        "degenerate": int(scores.degenerate.sum()),
        "baseline_degenerate": float(scores.degenerate[scores.operation == "none"].mean()),
        "to_expect": _to_expect([fact for fact in facts if fact["sign"] > 0], alpha),
        "asking": asking_facts(own, emotions, targets, facts, alpha),
        "glance": glance(model, facts, choice, alpha),
    }  # fmt: skip


def _fact(
    own: pd.DataFrame, choice: dict, emotion: str, sign: int, targets: dict, emotions: Sequence[str]
) -> dict:
    rows = adding(own, choice, emotion, sign)
    target = target_column(emotion, targets) if emotion in targets else ""
    part = OWN if len(emotions) > 1 else ""  # one emotion alone has no others

    def anywhere(measure: str) -> dict:
        """The effect where it was chosen, with the p of all depths and strengths."""
        found = measured(rows, measure, READ_OUTS)
        return found | {"p": searched(own, emotion, measure, sign)}

    return {
        "emotion": emotion,
        "sign": sign,
        "words": anywhere(f"logp_{emotion}"),
        "own": anywhere(f"logp_{emotion}{part}"),
        "read": measured(rows, f"{READ}{emotion}", TEXTS),
        "read_own": measured(rows, f"{READ}{emotion}{part}", TEXTS),
        "kl": measured(rows, "kl", READ_OUTS),
        "target": targets.get(emotion, ""),
        "judged": measured(rows, target, TEXTS),
        "rate": measured(rows, f"words_{emotion}", TEXTS),
        "sampled": measured(rows, target, "sampled texts"),
        "vader": measured(rows, "vader", TEXTS),
        "polite": measured(rows, "words_politeness", TEXTS),
        "exclaims": measured(rows, "ends_exclamation", TEXTS),
        "cost": measured(rows, "log_perplexity", TEXTS),
    }


def _classified(
    own: pd.DataFrame, choice: dict, emotion: str, sign: int, classifier: str, label: str
) -> dict:
    rows, column = adding(own, choice, emotion, sign), f"{classifier}_{label}"
    return {
        "emotion": emotion,
        "sign": sign,
        "classifier": classifier,
        "label": label,
        "judged": measured(rows, column, TEXTS),
        "sampled": measured(rows, column, "sampled texts"),
    }


def _removal(own: pd.DataFrame, choice: dict, emotion: str) -> dict:
    rows = own[
        (own.operation == "remove")
        & (own.depth == choice["depth"])
        & (own.direction == emotion)
        & (own.measure == f"logp_{emotion}")
        & (own.reading == READ_OUTS)
    ]
    return {"emotion": emotion, **effect(rows)}


def _slope(own: pd.DataFrame, choice: dict, emotion: str) -> dict:
    rows = own[(own.depth == choice["depth"]) & (own.direction == emotion)]

    def of(name: str) -> dict:
        return effect(rows[rows.measure == f"{name}_logp_{emotion}"])

    return {
        "emotion": emotion,
        "slope": of("slope"),
        "linearity": of("linearity")["value"],
        "anti": of("anti_steerable"),
    }


def _carried(
    carried: pd.DataFrame, own: pd.DataFrame, choice: dict, source: str, emotion: str
) -> dict:
    measure = f"logp_{emotion}"
    there = measured(
        adding(carried[carried.source == source], choice, emotion, 1), measure, READ_OUTS
    )
    here = measured(adding(own, choice, emotion, 1), measure, READ_OUTS)
    share = there["value"] / here["value"] if here["value"] else np.nan
    return {"source": source, "emotion": emotion, **there, "share": share}


def examples(shown: pd.DataFrame, openings: pd.DataFrame) -> dict:
    """The openings of `shown` texts, and under each condition what the model went on to write."""
    texts = dict(zip(openings.id, openings.text, strict=True))
    names = list(dict.fromkeys(shown.opening))
    rows = [
        (_condition(*condition), found.set_index("opening").text.reindex(names).tolist())
        for condition, found in shown.groupby(["kind", "direction", "sign"], sort=False)
    ]
    return {"openings": [texts[name] for name in names], "texts": rows}


def _condition(kind: str, direction: str, sign: int) -> str:
    if kind == UNSTEERED.kind:
        return _("not steered")
    if kind != EMOTION:
        return _("a control direction")
    return f"{'+' if sign > 0 else '−'} {direction}"


def glance(model: str, facts: list[dict], choice: dict, alpha: float) -> str:
    """What steering says about causes, in one or two sentences."""
    added = [fact for fact in facts if fact["sign"] > 0]
    return _(
        "**Steering {model}** (at depth {depth}, {strength} times the stream's median length): "
        "{words} {texts}"
    ).format(
        model=model,
        depth=choice["depth"],
        strength=f"{choice['strength']:g}",
        words=_on_words(added),
        texts=_in_texts(added, alpha),
    )


def _on_words(added: list[dict]) -> str:
    specific = [fact for fact in added if fact["specific"]]
    general = [fact["emotion"] for fact in added if fact["causal"] and not fact["specific"]]
    rest = [fact["emotion"] for fact in added if not fact["causal"]]
    said = []
    if specific:
        said.append(
            _(
                "adding the direction makes the words of its own emotion more likely, by more than "
                "control directions of the same length and the other emotions' directions do: "
                "{said}"
            ).format(
                said=clauses(
                    _("{emotion} ×{times} relative to the other emotions, p = {p}").format(
                        emotion=fact["emotion"],
                        times=interval(
                            *(np.exp(fact["own"][key]) for key in ("value", "ci_low", "ci_high")),
                            digits=1,
                        ),
                        p=p_value(both(fact)),
                    )
                    for fact in specific
                )
            )
        )
    if general:
        said.append(
            _(
                "adding {emotions} makes the emotion's words more likely than control directions "
                "do, but is not shown to do so more than the other emotions' directions"
            ).format(emotions=listed(general))
        )
    if rest:
        said.append(
            _("no effect beyond that of control directions is shown for {rest}").format(
                rest=listed(rest)
            )
        )
    return clauses(said) + _(".")


def both(fact: dict) -> float:
    """p that an effect is no more than controls', or no more than the other emotions'."""
    return max(fact["words"]["p"], fact["own"]["p"])


def _in_texts(added: list[dict], alpha: float) -> str:
    def found(*keys: str) -> list[str]:
        return [fact["emotion"] for fact in added if all(beyond(fact[key], alpha) for key in keys)]

    own, whole = found("read", "read_own"), found("read")
    if own:
        read = _(
            "When it reads the texts it wrote, the model finds the direction of {emotions} again, "
            "more than in the texts of the other emotions."
        ).format(emotions=listed(own))
    elif whole:
        read = _(
            "When it reads the texts it wrote, the model finds the direction of {emotions} again, "
            "but is not shown to do so more than in the texts of the other emotions."
        ).format(emotions=listed(whole))
    else:
        read = _(
            "When it reads the texts it wrote, the model is not shown to find the directions again."
        )
    return f"{read} {_as_judged(added, alpha)}"


def _as_judged(added: list[dict], alpha: float) -> str:
    if seen := [fact["emotion"] for fact in added if beyond(fact["judged"], alpha)]:
        return _("A classifier detects the emotion in the texts for {emotions}.").format(
            emotions=listed(seen)
        )
    return _(
        "No classifier is shown to detect more of the emotion than in texts under control "
        "directions."
    )


def _to_expect(added: list[dict], alpha: float) -> str:
    """What a reader should know of judges before looking at examples."""
    added = [fact for fact in added if np.isfinite(fact["judged"]["value"])]
    said = [_as_judged(added, alpha)] if added else []
    if rest := [fact["emotion"] for fact in added if not beyond(fact["judged"], alpha)]:
        said.append(
            _("Do not expect to recognise {emotions} in these examples.").format(
                emotions=listed(rest)
            )
        )
    return " ".join(said)
