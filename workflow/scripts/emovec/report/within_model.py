"""Whether the emotions are distinct directions in one model, and what decodes them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from emovec.decoding.table import NOT_INFORMATIVE
from emovec.figures.style import MOST_PAIRS
from emovec.wording.language import _
from emovec.wording.numbers import clauses, interval, listed, number


def within_line(model: dict, position: str, margin: float) -> str:
    """Whether the emotions are distinct in one model, in one sentence."""
    facts = model["within"][position]
    reliable = [fact for fact in facts if fact["known"]]
    told = {fact["contrast"]: fact for fact in model["decoding"]}
    name = f"**{model['name']}**"
    if model["untrained"]:
        name = _("{model} (untrained control)").format(model=name)
    if not reliable:
        return _("{model}: no two emotions have directions reliable enough to be compared.").format(
            model=name
        )
    shown = reliable
    if len(reliable) > MOST_PAIRS:
        shown = sorted(reliable, key=lambda fact: fact["cosine"])
        shown = [*shown[:3], *shown[-3:]]
    cosines = clauses(_cosine(fact, told.get("-".join(fact["names"]))) for fact in shown)
    if len(shown) < len(reliable):
        cosines = _("least and most alike: {cosines}").format(cosines=cosines)
    return _(
        "{model}: {n} of {of} pairs of emotions are shown to be distinct directions, with a cosine "
        "below {margin:g} ({cosines})."
    ).format(
        model=name,
        n=sum(fact["distinct"] for fact in facts),
        of=len(facts),
        margin=margin,
        cosines=cosines,
    )


def _cosine(fact: dict, told: dict | None) -> str:
    """The corrected cosine of a pair, and how well a read-out tells the two apart."""
    cosine = f"{fact['pair']} {interval(fact['cosine'], fact['cosine_low'], fact['cosine_high'])}"
    if told is None:
        return cosine
    return _("{cosine}, told apart with AUROC {auroc}").format(
        cosine=cosine, auroc=number(told["topic"])
    )


def rogue_lines(within: pd.DataFrame, model: str, positions: Sequence[str]) -> list[str]:
    """A sentence wherever single dimensions decide the raw cosines."""
    lines = []
    for position in positions:
        found = [fact for fact in dominated(within, model, position) if fact["depths"]]
        if found:
            where = listed(
                _("{emotion} at {n} of {of} depths").format(
                    emotion=f["emotion"], n=f["depths"], of=f["of"]
                )
                for f in found
            )
            lines.append(
                _(
                    "Read at {position}, one dimension holds more than half of the squared length "
                    "of the vector ({where}): raw cosines there describe that dimension alone."
                ).format(position=position, where=where)
            )
    return lines


def within_facts(
    within: pd.DataFrame, model: str, position: str, emotions: Sequence[str], alpha: float
) -> list:
    """For each pair of emotions: the study's cosine and the corrected ones, means over depths.

    Whether two directions are distinct is told over the pre-registered depths.

    The corrected cosine that counts is the LDA-whitened one, raw where there is no probe.
    """
    rows = within[
        (within.model == model) & (within.position == position) & within.depth.isna()
    ].set_index(["metric", "stat"])
    metric = "lda" if "lda" in rows.index.get_level_values(0) else "raw"
    facts = []
    for a, b in combinations(emotions, 2):
        pair = rows[(rows.emotion_a == a) & (rows.emotion_b == b)]
        wanted = (("raw", "cos_naive"), ("raw", "cos_u"), (metric, "cos_u"), (metric, "distinct"))
        naive, raw, counts, distinct = (pair.loc[key] for key in wanted)
        facts.append(
            {
                "names": (a, b),
                "pair": f"{a} – {b}",
                "naive": naive.value,
                "naive_low": naive.ci_low,
                "naive_high": naive.ci_high,
                "null_low": naive.null_low,
                "null_high": naive.null_high,
                "p": naive.p_adjusted,
                "told": bool(naive.p_adjusted < alpha),
                "raw": raw.value,
                "raw_low": raw.ci_low,
                "raw_high": raw.ci_high,
                "corrected": counts.value,
                "ci_low": counts.ci_low,
                "ci_high": counts.ci_high,
                "gate": bool(counts.gate_ok),
                "cosine": distinct.value,
                "cosine_low": distinct.ci_low,
                "cosine_high": distinct.ci_high,
                "known": bool(distinct.gate_ok),
                "distinct": bool(distinct.gate_ok and distinct.p_adjusted < alpha),
                "distinct_p": distinct.p_adjusted,
                "margin": distinct.null_high,
            }
        )
    return facts


def readable(within: pd.DataFrame, model: str, position: str, emotions: Sequence[str]) -> dict:
    """At how many depths the vectors of all emotions are reliable.

    p is the largest of their sign-flip tests there, corrected for depths and emotions.
    """
    rows = within[
        (within.model == model) & (within.position == position) & (within.stat == "reliability")
        & within.emotion_a.isin(list(emotions)) & within.emotion_b.isna() & within.depth.notna()
    ]  # fmt: skip
    rows = rows[rows.metric == ("lda" if (rows.metric == "lda").any() else "raw")]
    reliable = rows.groupby("depth").gate_ok.transform("all").astype(bool)
    p = rows.p_adjusted[reliable].max()
    return {"n": rows.depth[reliable].nunique(), "of": rows.depth.nunique(), "p": float(p)}


def dominated(within: pd.DataFrame, model: str, position: str) -> list[dict]:
    """Emotions whose vector lies mostly in one dimension, over the depths where that is so."""
    rows = within[
        (within.model == model) & (within.position == position) & (within.metric == "raw")
        & (within.stat == "rogue_share1")
    ]  # fmt: skip
    return [
        {
            "emotion": emotion,
            "depths": int((group.value > 0.5).sum()),
            "of": int(group.value.notna().sum()),
            "largest": group.value.max(),
        }
        for emotion, group in rows.groupby("emotion_a", sort=False)
    ]


def peaks(norms: pd.DataFrame, model: str, position: str) -> list[dict]:
    """Where each emotion vector is longest, and longest against what noise would give."""
    rows = norms[(norms.model == model) & (norms.position == position) & (norms.norm == "l2")]
    found = []
    for emotion, group in rows.groupby("emotion", sort=False):
        ratio = group.value / group.chance
        longest = group.loc[group.value.idxmax()]
        clearest = group.loc[ratio.idxmax()] if ratio.notna().any() else longest
        found.append(
            {
                "emotion": emotion,
                "longest": int(longest.depth),
                "norm": longest.value,
                "clearest": int(clearest.depth),
                "ratio": ratio.max(),
                "last": int(group.depth.max()),
            }
        )
    return found


def decoding_facts(decoding: pd.DataFrame, model: str) -> list[dict]:
    """Held-out AUROC of each contrast in one model, and how it stands beside words and controls.

    In the whitened metric, raw where there is no probe, at the middle one of the pre-registered
    depths: the best would flatter.
    """
    own = decoding[(decoding.test_model == model) & (decoding.train_model == model)]
    headline = "lda" if (own.metric == "lda").any() else "raw"
    tested = own[own.direction.isin(["native", "untrained"])].sort_values("depth_test")
    facts = []
    for contrast in dict.fromkeys(tested.contrast[tested.split == "topic"]):
        here = tested[tested.contrast == contrast]
        topic = here[(here.split == "topic") & (here.metric == headline)]
        row = topic.iloc[(len(topic) - 1) // 2]
        there = here[here.depth_test == row.depth_test].set_index(["split", "metric"]).auroc
        zero = own[(own.contrast == contrast) & (own.direction == "depth0")]
        zero = zero[(zero.split == "topic") & (zero.metric == headline)]
        texts = decoding[decoding.test_model.isna() & (decoding.contrast == contrast)]
        texts = texts.set_index(["direction", "split"]).auroc
        facts.append(
            {
                "contrast": contrast,
                "depth": int(row.depth_test),
                "topic": row.auroc,
                "ci_low": row.ci_low,
                "ci_high": row.ci_high,
                "null_high": row.null_high,
                "p": row.p_adjusted,
                "raw": there["topic", "raw"],
                "phrase": there.get(("phrase", headline), np.nan),
                "depths": topic.auroc.tolist(),
                "depth0": zero.auroc.iloc[0] if len(zero) else np.nan,
                "informative": not (zero.flag == NOT_INFORMATIVE).any(),
                "over": {
                    name: [row[f"over_{name}{part}"] for part in ("", "_low", "_high", "_p")]
                    for name in ("words", "depth0", "untrained")
                },
                "words": row.auroc - row.over_words,  # in the same folds
                "words_phrase": texts.get(("bag_of_words", "phrase"), np.nan),
                "form": texts.get(("nuisance", "topic"), np.nan),
            }
        )
    return facts
