"""One verdict for each emotion and pair of models, from their claims over all depths."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.between_models.claim_rows import FAMILIES, OWN
from emovec.between_models.thresholds import DEFAULTS, Thresholds
from emovec.between_models.transfer import adjust_transfer, decodes, is_control
from emovec.decoding.table import beside_untrained
from emovec.io.tables import typed
from emovec.registry import Kind, registry
from emovec.statistics.corrections import holm

VERDICTS = registry(
    Kind("shared", "shared"),
    Kind("common", "common part shared"),
    Kind("common_only", "common part only"),
    Kind("not_shared", "not shared"),
    Kind("inconclusive", "inconclusive"),
)
SHARING = ("shared", "common", "common_only")  # verdicts that say that something is shared


def adjust_claims(similarity: pd.DataFrame, untrained: Collection[str] = ()) -> pd.DataFrame:
    """Correct the claims of all pairs and emotions (Holm), each kind a family at each position.

    A claim that cannot be made, for want of a reliable direction, stays in the family with p = 1.
    A pair with a control, a copy or an untrained model, is a family of its own.
    """
    similarity = similarity.copy()
    tested = similarity[similarity["family"].isin(FAMILIES)]
    alone = [
        (a, b) if is_control(a, untrained) or is_control(b, untrained) else ("", "")
        for a, b in zip(tested["model_a"], tested["model_b"], strict=True)
    ]
    keys = [tested["family"], tested["position"], pd.Series(alone, tested.index, dtype=object)]
    for _, family in tested.groupby(keys, sort=False):
        p = family["p"].where(family["gate_ok"].fillna(False))
        similarity.loc[family.index, "p_adjusted"] = np.where(
            p.notna(), holm(p.fillna(1.0)), np.nan
        )
    return similarity


def judge_models(
    similarity: pd.DataFrame,
    decoding: pd.DataFrame,
    limits: Thresholds = DEFAULTS,
    untrained: Collection[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Correct what `compare_models` found for all pairs, in one table each, and judge it.

    Returns `similarity` and `decoding` with `p_adjusted`, the latter also with what it is beside
    untrained models, and the rows of `verdicts.csv`. `untrained` names models that are controls.
    """
    similarity = adjust_claims(similarity, untrained)
    decoding = adjust_transfer(beside_untrained(decoding, untrained, limits.alpha), untrained)
    return similarity, decoding, verdicts(similarity, decoding, limits)


@dataclass(frozen=True)
class Judged:
    """A claim as the verdict takes it."""

    low: float  # interval of the cosine
    high: float
    reliable: bool  # both directions, in both models
    p: float  # corrected; NaN where the claim cannot be made

    def within(self, bound: float) -> bool:
        """Whether the interval lies within ± bound."""
        return -bound < self.low and self.high < bound


def decide(
    common: Judged,
    specific: Judged | None,
    matched: float,
    limits: Thresholds,
    *,
    own_alone: bool = False,
) -> tuple[str, str]:
    """The verdict by the pre-registered rule, and why: a code of `wording.remarks.REASONS`.

    `shared` says that both claims hold, `common` that the first does, `common_only` that the own
    part of the emotion is shown to correspond little besides, `not_shared` that even the cosine
    with the common part is small. `specific` is None where there is one emotion alone, or, with
    `own_alone`, where no class is neutral and `common` is of what emotions have of their own.
    `matched` is the median cosine of ordinary attributes with themselves.
    """
    if not matched >= limits.matched:
        return "inconclusive", "no_ruler"
    if not common.reliable:
        return "inconclusive", "unreliable"
    if common.p < limits.alpha:
        if specific is None:
            return ("shared", "own_part") if own_alone else ("common", "one_emotion")
        if specific.p < limits.alpha:
            return "shared", "both_parts"
        if not specific.reliable:
            return "common", "own_unreliable"
        small = specific.within(limits.equivalence)
        return ("common_only", "own_small") if small else ("common", "own_open")
    if common.within(limits.equivalence):
        return "not_shared", "small"
    return "inconclusive", "not_shown"


def verdicts(
    similarity: pd.DataFrame, decoding: pd.DataFrame, limits: Thresholds = DEFAULTS
) -> pd.DataFrame:
    """One row for each pair and emotion, and one for all emotions together, as in `verdicts.csv`.

    `similarity` and `decoding` hold all pairs, after `adjust_claims` and `adjust_transfer`.
    """
    claims = similarity[similarity["family"].isin(FAMILIES)].fillna({"emotion_a": ""})
    rows = []
    for (a, b, position), claimed in claims.groupby(["model_a", "model_b", "position"], sort=False):
        here = similarity[similarity["position"] == position]
        one_way = (here["model_a"] == a) & (here["model_b"] == b)
        matched = here[one_way & (here["stat"] == "matched")].iloc[0]
        either_way = one_way | ((here["model_a"] == b) & (here["model_b"] == a))
        others = here[either_way & (here["family"] == "sensitivity")]
        of_pair = decoding[decoding["position"] == position]
        own = claimed[claimed["stat"] == OWN].set_index("emotion_a")
        for emotion, common in claimed[claimed["stat"] != OWN].set_index("emotion_a").iterrows():
            specific = own.loc[emotion] if emotion in own.index else None
            both = _judged(common), None if specific is None else _judged(specific)
            alone = common["family"].startswith("specific")
            verdict, reason = decide(*both, matched["value"], limits, own_alone=alone)
            rows.append(
                {"emotion": emotion, "model_a": a, "model_b": b, "position": position}
                | _columns(common, ("cosine", "ci_low", "ci_high", "p_common"))
                | _columns(specific, ("own_cosine", "own_low", "own_high", "p_specific"))
                | {name: common[name] for name in ("reliability_low_a", "reliability_low_b")}
                | {"matched": matched["value"], "matched_low": matched["ci_low"]}
                | {"least_cosine": limits.cosine_of_interest, "bound": limits.equivalence}
                | {"verdict": verdict, "reason": reason}
                | {"decodes": decodes(of_pair, a, b, emotion, limits)}
                | _agreement(common["value"], others, emotion)
            )
    return typed(rows, "verdicts")


def _judged(row: pd.Series) -> Judged:
    return Judged(row["ci_low"], row["ci_high"], bool(row["gate_ok"]), row["p_adjusted"])


def _columns(row: pd.Series | None, names: tuple[str, str, str, str]) -> dict:
    cells = ("value", "ci_low", "ci_high", "p_adjusted")
    return {} if row is None else dict(zip(names, row[list(cells)], strict=True))


def _agreement(value: float, others: pd.DataFrame, emotion: str) -> dict:
    """How many cosines by other methods, ways and depths have its sign and exclude 0."""
    rows = others[others["emotion_a"] == emotion] if emotion else others
    agree = np.where(value > 0, rows["ci_low"] > 0, rows["ci_high"] < 0)
    return {"agree": int(agree.sum()), "compared": len(rows)}
