"""How much of an emotion goes when heads and MLPs are taken out: the table ablations.

Parts are chosen and the direction is fitted on one half of the topics; what is lost of the
projection, and of the emotion's words as the next token, is measured on the other half, against
parts of like output size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from emovec.activations.store import Block
from emovec.activations.streams import Streams
from emovec.components.choice import (
    CONTROLS,
    Halves,
    control_sets,
    controls,
    half_blocks,
    halves,
    largest,
    output_norms,
    shares_of,
)
from emovec.components.products import Part, square
from emovec.components.shares import against, contrast_weights
from emovec.io.tables import typed
from emovec.prompts.design import cell_places
from emovec.prompts.splits import near_by_head
from emovec.statistics import metrics
from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.clustered import reliability
from emovec.statistics.corrections import holm
from emovec.statistics.resampling import jackknife_interval, jackknife_p, max_t, p_value
from emovec.statistics.unbiased import differences

METRIC = "lda"
SINK = 0.5  # of its attention on the first token: more than on all others together
METHODS = ("mean", "resample")  # what a part puts out instead; the first is primary
PROJECTION, WORDS = "projection", "words"  # of which something is lost


@dataclass(frozen=True)
class Plan:
    """What is taken out of a model, and the read-outs that tell what is lost.

    Emotions are those whose direction is reliable: of the others there is nothing to lose.
    """

    halves: Halves
    emotions: list[str]
    unknown: list[str]
    near: Mask  # [emotion, topic, topic], of the topics that judge
    readouts: Floats  # [emotion, d_model]
    shares: Floats  # [emotion, part]
    chosen: list[list[int]]  # of each emotion
    controls: list[int]
    sets: list[list[int]]  # of controls

    @property
    def singles(self) -> list[int]:
        """The parts that are taken out alone, controls last."""
        return [*dict.fromkeys(i for own in self.chosen for i in own), *self.controls]

    @property
    def cuts(self) -> list[list[int]]:
        """Nothing, each part alone, the largest of each emotion, and sets of controls."""
        return [[], *([i] for i in self.singles), *self.chosen, *self.sets]

    @property
    def to_the_end(self) -> list[int]:
        """The numbers of the cuts with which words are read: nothing, and several parts at once."""
        return [0, *range(1 + len(self.singles), len(self.cuts))]


@dataclass(frozen=True)
class Taken:
    """What is read with each cut of a plan taken out, on topics that judge.

    Classes are the emotions of the plan, then neutral.
    """

    streams: dict[str, Floats]  # of each method, [cut, class, topic, d_model]
    logp: Floats  # by the primary one, [cut, class, topic, set], NaN of cuts not run to the end
    words: list[str]  # whose words the sets are
    first: dict[Part, float]  # attention of heads to the first token


def plan_cuts(
    blocks: Sequence[Block], streams: Streams, prompts: pd.DataFrame, emotions: Sequence[str],
    neutral: str | None, parts: Sequence[Part], *, depth: int, ablated: int, statistics: dict,
    rng: np.random.Generator,
) -> Plan:  # fmt: skip
    """Choose on half of the topics which parts are taken out; `ablated` for each emotion."""
    x = np.asarray(streams.residual)[:, :, depth].astype(float)
    n_classes, n_topics = x.shape[:2]
    half = halves(n_topics, n_classes, rng)
    near = near_by_head(prompts, emotions, neutral=neutral)
    own = near[:, half.choose][:, :, half.choose]
    weights = contrast_weights(len(emotions), against(len(emotions), neutral)[:1])
    metric = metrics.fit(METRIC, np.asarray(streams.probe)[:, depth])
    d = differences(x[:, half.choose], weights)
    least = statistics["thresholds"]["reliability"]
    known = reliability(metric.apply(d), own, statistics["alpha"])[0] >= least
    seen, cells = half_blocks(blocks, cell_places(prompts, emotions), half.choose)
    shares = shares_of(seen, cells, x[:, half.choose], weights, own, metric, len(parts))[known]
    chosen = largest(shares, parts, ablated)
    every = list(dict.fromkeys(i for one in chosen for i in one))
    found = controls(every, output_norms(seen, len(parts)), parts) if every else []
    return Plan(
        half,
        [emotion for emotion, one in zip(emotions, known, strict=True) if one],
        [emotion for emotion, one in zip(emotions, known, strict=True) if not one],
        near[known][:, half.judge][:, :, half.judge],
        d.mean(1)[known] @ square(metric, x.shape[-1]),
        shares,
        chosen,
        found,
        control_sets(found, min(ablated, len(found)), rng),
    )


def projections(x: Floats, readouts: Floats) -> Floats:
    """`[cut, emotion, topic]` of `x[cut, class, topic, d_model]`, against the last class."""
    return np.einsum("cetd,ed->cet", x[:, :-1] - x[:, -1:], readouts)


def gains(plan: Plan, logp: Floats, words: Sequence[str]) -> Floats:
    """`[cut, emotion, topic]`: log p of an emotion's words in its sentences less that in neutral.

    `logp[cut, class, topic, set]`; NaN of emotions whose words are none of the sets.
    """
    found = np.full((len(logp), len(plan.emotions), logp.shape[2]), np.nan)
    for number, emotion in enumerate(words):
        e = plan.emotions.index(emotion)
        found[:, e] = logp[:, e, :, number] - logp[:, -1, :, number]
    return found


def losses(along: Floats) -> tuple[Floats, Floats]:
    """The share of the projection lost `[cut, emotion]`, and without each topic; cut 0 is none."""
    total = along.sum(-1)
    left = total[..., None] - along
    return 1 - ratio(total, total[0]), 1 - ratio(left, left[0])


def falls(gained: Floats) -> tuple[Floats, Floats]:
    """By how much a mean over topics is smaller than with cut 0, whole and without each topic."""
    less = gained[0] - gained
    n, total = less.shape[-1], less.sum(-1)
    return total / n, ratio(total[..., None] - less, n - 1)


@dataclass(frozen=True)
class Losses:
    """Of each cut and emotion; `left` has one more axis, the topic left out."""

    value: Floats
    left: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, value: Floats, left: Floats, plan: Plan, alpha: float) -> Losses:
        return cls(value, left, *jackknife_interval(value, left, alpha, near=plan.near[None]))


def ablations(
    plan: Plan, taken: Taken, parts: Sequence[Part], *, alpha: float, draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """The table `ablations` without model, position and depth."""
    rows = [
        {"direction": emotion, "kind": "together", "emotion": emotion, "method": METHODS[0],
         "outcome": PROJECTION, "gate_ok": False}
        for emotion in plan.unknown
    ]  # fmt: skip
    for method, x in taken.streams.items():
        lost = Losses.of(*losses(projections(x, plan.readouts)), plan, alpha)
        found = [
            *_alone(plan, lost, taken.first, parts, alpha),
            *_together(plan, lost, alpha),
            *_corrected(_specific(plan, lost, alpha)),
            *_corrected(_agreement(plan, lost, alpha, draws, rng)),
        ]
        rows += [row | {"method": method, "outcome": PROJECTION, "gate_ok": True} for row in found]
    if taken.words:
        less = Losses.of(*falls(gains(plan, taken.logp, taken.words)), plan, alpha)
        rows += [
            row | {"method": METHODS[0], "outcome": WORDS, "gate_ok": True}
            for row in _together(plan, less, alpha)
            if row["direction"] in taken.words
        ]
    return typed([row | {"n_topics": len(plan.halves.judge)} for row in rows], "ablations")


def _alone(
    plan: Plan, lost: Losses, first: dict[Part, float], parts: Sequence[Part], alpha: float
) -> list[dict]:
    """A row for each part taken out alone and each direction."""
    end = 1 + len(plan.singles)
    null = lost.value[end - len(plan.controls) : end]
    tests = [(e, i) for e, own in enumerate(plan.chosen) for i in own]
    seen = [lost.value[1 + plan.singles.index(i), e] for e, i in tests]
    p = dict(zip(tests, _against(seen, [null[:, e] for e, _ in tests]), strict=True))
    rows = []
    for e, direction in enumerate(plan.emotions):
        for cut, i in enumerate(plan.singles, start=1):
            part = parts[i]
            looks = first.get(part, np.nan)
            kind = "chosen" if i in plan.chosen[e] else "other"
            rows.append(
                {"direction": direction, "kind": "control" if i in plan.controls else kind,
                 "part": part.kind, "block": part.block, "head": part.head,
                 "share": plan.shares[e, i], "first_token": looks,
                 "flag": "attention_sink" if looks > SINK else ""}
                | _numbers(lost, cut, e) | _band(null[:, e], alpha) | p.get((e, i), {})
            )  # fmt: skip
    return rows


def _together(plan: Plan, lost: Losses, alpha: float) -> list[dict]:
    """A row for the largest parts of each emotion, taken out together, and each direction."""
    start = 1 + len(plan.singles)
    null = lost.value[start + len(plan.emotions) :]
    own = [lost.value[start + e, e] for e in range(len(plan.emotions))]
    p = _against(own, list(null.T))
    return [
        {"direction": direction, "kind": "together", "emotion": emotion,
         "share": plan.shares[e, plan.chosen[other]].sum()}
        | _numbers(lost, start + other, e) | _band(null[:, e], alpha) | (p[e] if other == e else {})
        for e, direction in enumerate(plan.emotions)
        for other, emotion in enumerate(plan.emotions)
    ]  # fmt: skip


def _specific(plan: Plan, lost: Losses, alpha: float) -> list[dict]:
    """How much more an emotion loses than the others do, without its own largest parts."""
    if len(plan.emotions) < 2:
        return []
    rows, near = [], plan.near.any(0)
    for e, emotion in enumerate(plan.emotions):
        cut, rest = 1 + len(plan.singles) + e, np.arange(len(plan.emotions)) != e
        value = lost.value[cut, e] - lost.value[cut, rest].mean()
        left = lost.left[cut, e] - lost.left[cut, rest].mean(0)
        low, high = jackknife_interval(value, left, alpha, near=near)
        rows.append({"direction": emotion, "kind": "specific", "emotion": emotion, "value": value,
                     "ci_low": low, "ci_high": high,
                     "p": jackknife_p(value, left, near)})  # fmt: skip
    return rows


def _agreement(
    plan: Plan, lost: Losses, alpha: float, draws: int, rng: np.random.Generator
) -> list[dict]:
    """Spearman's correlation of shares and losses over the parts taken out alone.

    Its interval is a jackknife over topics, its null permutes the parts.
    """
    rows, alone = [], slice(1, 1 + len(plan.singles))
    for e, emotion in enumerate(plan.emotions):
        row = {"direction": emotion, "kind": "agreement", "p": np.nan}
        shares, value = plan.shares[e, plan.singles], lost.value[alone, e]
        if np.isfinite([shares, value]).all():
            a, b = _ranks(shares), _ranks(value)
            low, high = jackknife_interval(
                a @ b, a @ _ranks(lost.left[alone, e]), alpha, near=plan.near[e]
            )
            null = rng.permuted(np.tile(a, (draws, 1)), axis=1) @ b
            row |= {"value": a @ b, "ci_low": low, "ci_high": high, "p": p_value(a @ b, null)}
            row |= _band(null, alpha)
        rows.append(row)
    return rows


def _ranks(values: Floats) -> Floats:
    """Ranks along the first axis, centred and of unit length."""
    centred = rankdata(values, axis=0) - (len(values) + 1) / 2
    return ratio(centred, np.sqrt((centred**2).sum(0)))


def _numbers(lost: Losses, cut: int, e: int) -> dict:
    return {"value": lost.value[cut, e], "ci_low": lost.low[cut, e], "ci_high": lost.high[cut, e]}


def _band(null: Floats, alpha: float) -> dict:
    if len(null) < CONTROLS:
        return {"n_null": len(null)}
    low, high = np.quantile(null, [alpha, 1 - alpha])
    return {"null_low": low, "null_high": high, "n_null": len(null)}


def _against(observed: Sequence[float], nulls: Sequence[Floats]) -> list[dict]:
    """p of each loss against its controls, and adjusted for all of them by max-T.

    Each test is of other parts, so each draw gives it other controls.
    """
    null = np.column_stack([np.roll(one, test) for test, one in enumerate(nulls)])
    if len(null) < CONTROLS:
        return [{} for _ in observed]
    p, adjusted = p_value(observed, null), max_t(observed, null)
    return [{"p": a, "p_adjusted": b} for a, b in zip(p, adjusted, strict=True)]


def _corrected(rows: list[dict]) -> list[dict]:
    """Holm over emotions."""
    adjusted = holm([row["p"] for row in rows]) if rows else []
    return [row | {"p_adjusted": p} for row, p in zip(rows, adjusted, strict=True)]
