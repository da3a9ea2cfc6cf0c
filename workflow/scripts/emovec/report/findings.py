"""What a run found: facts drawn from its tables, and the sentences that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pandas as pd

from emovec.between_models.verdict import VERDICTS
from emovec.wording.language import _, retell
from emovec.wording.numbers import clauses, interval, listed, number, percent


def describe(
    provenance: dict,
    audit: dict,
    tables: dict[str, pd.DataFrame],
    models: Sequence[str],
    untrained: Sequence[str],
) -> dict:
    """All that the report says, from the tables of one run.

    `tables` holds norms, within, cross, maps, decoding, verdicts, published and multiverse.
    """
    config = provenance["config"]
    emotions, primary = config["prompts"]["emotions"], config["statistics"]["position"]
    alpha = config["statistics"]["alpha"]
    within, norms, cross = tables["within"], tables["norms"], tables["cross"]
    positions = list(dict.fromkeys(norms.position))
    described = []
    for name in models:
        attributes = provenance["activations"][name]
        described.append(
            {
                "name": name,
                "untrained": name in untrained,
                **{k: attributes.get(k, "unknown") for k in ("architecture", "space", "license")},
                **{k: attributes[k] for k in ("n_layers", "d_model")},
                "within": {p: within_facts(within, name, p, emotions, alpha) for p in positions},
                "rogue": rogue_lines(within, name, positions),
                "peaks": {p: peaks(norms, name, p) for p in positions},
                "decoding": decoding_facts(tables["decoding"], name),
            }
        )
    several = len(models) > 1
    verdicts = verdict_facts(tables["verdicts"], models)
    trained = [name for name in models if name not in untrained]
    aligned = aligned_facts(cross, emotions, trained)
    return {
        "experiment": config["experiment"],
        "alpha": alpha,
        "level": percent(1 - alpha),
        "reach": NormalDist().inv_cdf(1 - alpha / 2),
        "emotions": emotions,
        "classes": [*emotions, config["prompts"]["neutral"]],
        "positions": positions,
        "primary": primary,
        "audit": audit,
        "models": described,
        "raw": {p: raw_facts(cross, p, emotions, models) for p in positions} if several else {},
        "aligned": aligned,
        "maps": map_facts(tables["maps"], models),
        "verdicts": verdicts,
        "controls": control_facts(cross, within, emotions, models, alpha),
        "published": published_facts(tables["published"]),
        "choices": choice_lines(tables["multiverse"]),
        "provenance": provenance,
        "glance": [
            *(within_line(model, primary) for model in described),
            *verdict_lines(verdicts, aligned, untrained, alpha),
            *(raw_lines(raw_facts(cross, primary, emotions, models)) if several else []),
        ],
    }


def within_line(model: dict, position: str) -> str:
    """Whether the emotions are distinct in one model, in one sentence."""
    facts = model["within"][position]
    reliable = [fact for fact in facts if fact["gate"]]
    told = {fact["contrast"]: fact for fact in model["decoding"]}
    name = f"**{model['name']}**"
    if model["untrained"]:
        name = _("{model} (untrained control)").format(model=name)
    if not reliable:
        return _("{model}: no two emotions have directions reliable enough to be compared.").format(
            model=name
        )
    distinct = [fact for fact in reliable if fact["ci_high"] < 1]
    return _(
        "{model}: {n} of {of} pairs of emotions are distinct directions, with a cosine below 1 by "
        "its whole interval ({cosines})."
    ).format(
        model=name,
        n=len(distinct),
        of=len(facts),
        cosines=clauses(_cosine(fact, told.get("-".join(fact["names"]))) for fact in reliable),
    )


def _cosine(fact: dict, told: dict | None) -> str:
    """The corrected cosine of a pair, and how well a read-out tells the two apart."""
    cosine = f"{fact['pair']} {interval(fact['corrected'], fact['ci_low'], fact['ci_high'])}"
    if told is None:
        return cosine
    return _("{cosine}, told apart with AUROC {auroc}").format(
        cosine=cosine, auroc=number(told["topic"])
    )


def verdict_lines(
    facts: list[dict], aligned: list[dict], untrained: Sequence[str], alpha: float
) -> list[str]:
    """What is shared between trained models, one sentence for each pair."""
    lines = []
    pairs = dict.fromkeys((fact["model_a"], fact["model_b"]) for fact in facts)
    for a, b in pairs:
        if {a, b} & set(untrained):
            continue
        own = [fact for fact in facts if (fact["model_a"], fact["model_b"]) == (a, b)]
        said = clauses(
            _("{emotion} {verdicts}").format(emotion=fact["emotion"], verdicts=fact["summary"])
            for fact in own
        )
        values = [fact for fact in aligned if fact["models"] == f"{a} × {b}"]
        lines.append(
            _("{pair}: {said}. {cosines}").format(
                pair=f"**{a} × {b}**", said=said, cosines=_aligned_range(values, alpha)
            )
        )
    return lines


def _aligned_range(facts: list[dict], alpha: float) -> str:
    """Where the aligned cosines of one pair lie, against what unrelated attributes give."""
    if not facts:
        return ""
    # without reliable directions a cosine of noise can be large, and its p says nothing
    facts = [fact for fact in facts if fact["gate"]]
    if not facts:
        return _("No aligned cosine passes its gate, so none is to be read.")
    low, high = min(f["value"] for f in facts), max(f["value"] for f in facts)
    null_low, null_high = min(f["null_low"] for f in facts), max(f["null_high"] for f in facts)
    above = sum(f["value"] > f["null_high"] for f in facts)
    return _(
        "Aligned cosines are {low} to {high}, where unrelated attributes give {null_low} to "
        "{null_high}; {above} of {of} lie above their band, {corrected} after correction for all "
        "tests."
    ).format(
        low=number(low),
        high=number(high),
        null_low=number(null_low),
        null_high=number(null_high),
        above=above,
        of=len(facts),
        corrected=sum(f["p"] < alpha for f in facts),
    )


def raw_lines(facts: list[dict]) -> list[str]:
    """What the study's comparison between models can say."""
    defined = [fact for fact in facts if fact["defined"]]
    if not defined:
        return [
            _(
                "**Raw cosines between models** are undefined here, because no two models have the "
                "same d_model."
            )
        ]
    inside = sum(fact["defined"] - fact["outside"] for fact in defined)
    total = sum(fact["defined"] for fact in defined)
    return [
        _(
            "**Raw cosines between models**: {inside} of {of} lie in the band of unrelated "
            "vectors. They say nothing about sharing: a model and its own rotated copy give the "
            "same."
        ).format(inside=inside, of=total)
    ]


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
                    "of the vector ({where}): raw cosines there speak of that dimension alone."
                ).format(position=position, where=where)
            )
    return lines


def within_facts(
    within: pd.DataFrame, model: str, position: str, emotions: Sequence[str], alpha: float
) -> list:
    """For each pair of emotions: the study's cosine and the corrected ones, means over depths.

    The corrected cosine that counts is the LDA-whitened one, raw where there is no probe.
    """
    rows = within[
        (within.model == model) & (within.position == position) & within.depth.isna()
    ].set_index(["metric", "stat"])
    metric = "lda" if "lda" in rows.index.get_level_values(0) else "raw"
    facts = []
    for a, b in combinations(emotions, 2):
        pair = rows[(rows.emotion_a == a) & (rows.emotion_b == b)]
        naive, raw, counts = (
            pair.loc[key] for key in (("raw", "cos_naive"), ("raw", "cos_u"), (metric, "cos_u"))
        )
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
            }
        )
    return facts


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


def raw_facts(
    cross: pd.DataFrame, position: str, emotions: Sequence[str], models: Sequence[str]
) -> list[dict]:
    """For each pair of models and emotion: mean raw cosine, and how many depths leave the band."""
    rows = between(cross, models)
    rows = rows[(rows.method == "raw") & (rows.position == position)]
    facts = []
    for (a, b), pair in rows.groupby(["model_a", "model_b"], sort=False):
        for emotion in emotions:
            line = pair[pair.emotion_a == emotion]
            defined = line[line.value.notna()]
            outside = (defined.value < defined.null_low) | (defined.value > defined.null_high)
            facts.append(
                {
                    "models": f"{a} × {b}",
                    "emotion": emotion,
                    "defined": len(defined),
                    "mean": defined.value.mean() if len(defined) else np.nan,
                    "outside": int(outside.sum()),
                    "band": defined.null_high.max() if len(defined) else np.nan,
                    "why": "" if len(defined) else line.flag.iloc[0],
                }
            )
    return facts


def between(table: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """The rows of a table that compare two of `models`, without their controls."""
    return table[table.model_a.isin(list(models)) & table.model_b.isin(list(models))]


def aligned_facts(
    cross: pd.DataFrame, emotions: Sequence[str], models: Sequence[str]
) -> list[dict]:
    """One emotion in two models by the aligned methods, at every pre-registered depth."""
    rows = between(cross, models)
    rows = rows[(rows.family == "alignment") & rows.emotion_a.isin(list(emotions))]
    facts = []
    for row in rows[rows.method == "wpc"].itertuples():
        place = {(row.model_a, row.depth_a), (row.model_b, row.depth_b)}
        same = rows[(rows.method == "ridge") & (rows.emotion_a == row.emotion_a)]
        ridge = [
            interval(r.value, r.ci_low, r.ci_high)
            for r in same.itertuples()
            if {(r.model_a, r.depth_a), (r.model_b, r.depth_b)} == place
        ]
        facts.append(
            {
                "models": f"{row.model_a} × {row.model_b}",
                "emotion": row.emotion_a,
                "depths": listed((row.depth_a, row.depth_b)),
                "value": row.value,
                "ci_low": row.ci_low,
                "ci_high": row.ci_high,
                "null_low": row.null_low,
                "null_high": row.null_high,
                "p": row.p_adjusted,
                "ridge": _(" and ").join(ridge),
                "gate": bool(row.gate_ok),
                "flag": "" if pd.isna(row.flag) else row.flag,
            }
        )
    return facts


def map_facts(maps: pd.DataFrame, models: Sequence[str]) -> list[dict]:
    """How good the linear maps between two models are, over the pre-registered depths."""
    rows = between(maps, models)
    facts = []
    for (a, b), own in rows[rows.method == "ridge"].groupby(["model_a", "model_b"], sort=False):
        facts.append(
            {
                "models": f"{a} → {b}",
                "lowest": own.r2_loo.min(),
                "highest": own.r2_loo.max(),
                "null": own.r2_null_high.max(),
                "passed": int(own.map_ok.sum()),
                "of": len(own),
                "cka_low": own.cka_debiased.min(),
                "cka_high": own.cka_debiased.max(),
            }
        )
    return facts


def verdict_facts(verdicts: pd.DataFrame, models: Sequence[str]) -> list[dict]:
    """The verdicts of one emotion and pair over its depths, and the reasons given."""
    rows = between(verdicts, models)
    facts = []
    for (a, b, emotion), own in rows.groupby(["model_a", "model_b", "emotion"], sort=False):
        counts = own.verdict.value_counts(sort=False)
        named = [
            _("{verdict} at {n} of {of} depths").format(
                verdict=_(VERDICTS[name].title), n=n, of=len(own)
            )
            for name, n in counts.items()
        ]
        facts.append(
            {
                "model_a": a,
                "model_b": b,
                "emotion": emotion,
                "summary": listed(named),
                "reasons": [
                    _("at {depths}: {reason}").format(
                        depths=listed(map(number, depths)), reason=retell(reason)
                    )
                    for reason, depths in own.groupby("reason", sort=False).relative_depth
                ],
            }
        )
    return facts


def decoding_facts(decoding: pd.DataFrame, model: str) -> list[dict]:
    """Held-out AUROC of each contrast in one model at its clearest pre-registered depth."""
    own = decoding[(decoding.test_model == model) & (decoding.train_model == model)]
    facts = []
    for contrast, rows in own.groupby("contrast", sort=False):
        topic = rows[(rows.split == "topic") & rows.direction.isin(["native", "untrained"])]
        if topic.empty:
            continue
        # the middle one of the pre-registered depths, not the best: the best would flatter
        row = topic.sort_values("depth_test").iloc[(len(topic) - 1) // 2]
        phrase = rows[(rows.split == "phrase") & (rows.depth_test == row.depth_test)]
        phrase = phrase[phrase.direction != "depth0"]
        zero = rows[(rows.direction == "depth0") & (rows.split == "topic")]
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
                "phrase": phrase.auroc.iloc[0] if len(phrase) else np.nan,
                "depth0": zero.auroc.iloc[0] if len(zero) else np.nan,
                "words": texts.get(("bag_of_words", "topic"), np.nan),
                "words_phrase": texts.get(("bag_of_words", "phrase"), np.nan),
                "form": texts.get(("nuisance", "topic"), np.nan),
            }
        )
    return facts


def control_facts(
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
        aligned = twin[(twin.family == "alignment") & twin.gate_ok].value
        shuffled = within[
            (within.model == f"{model}@shuffled") & (within.stat == "norm2_u")
            & within.emotion_a.isin(list(emotions))
        ]  # fmt: skip
        facts.append(
            {
                "model": model,
                "raw": raw.abs().mean(),
                "aligned": aligned.mean(),
                "aligned_low": aligned.min(),
                "count": len(aligned),
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
            _("of {of} aligned cosines {n} pass their gate").format(
                of=len(aligned), n=len(open_gate)
            )
        ]
        if len(open_gate):
            above = (open_gate.value > open_gate.null_high).sum()
            said.append(
                _(
                    "these run from {low} to {high}, and {above} lie above the band of unrelated "
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


def published_facts(published: pd.DataFrame) -> list[dict]:
    """The study's figures, with what this run found where it has the same models."""
    rows = published.astype(object).where(published.notna(), None)
    return rows.to_dict("records")
