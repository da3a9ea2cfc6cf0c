"""The claims about one pair of models, and the ruler they are read by, as rows of the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emovec.between_models.attributes import mismatched_cosines
from emovec.between_models.claims import (
    Claim,
    Claims,
    Ruler,
    claims,
    ruler,
)
from emovec.between_models.pair import Aligned, Common, Pair
from emovec.between_models.rows import MISMATCHED, band, pair_columns
from emovec.io.tables import SEPARATOR

FAMILIES = ("common", "specific", "common_of_all", "specific_of_all")
OWN = "cos_s_own"  # of what an emotion has besides the mean of all


def claim_rows(pairs: Sequence[Pair], common: Common) -> list[dict]:
    """Both claims over the pre-registered depths together, each depth under them, and the ruler."""
    first, plan = pairs[0], common.plan
    columns = ("model_a", "model_b", "position")
    where = {name: pair_columns(first.a, first.b, plan)[name] for name in columns}
    where |= {"method": "canonical", "n_map": first.geometry["n_map"]}
    depths = [(pair, pair.aligned) for pair in pairs if pair.aligned is not None]
    together = _together([aligned for _, aligned in depths], common)
    x, y = together.emotions
    alone = {"own_alone": plan.neutral is None}
    rows = _rows(claims(x, y, common.near, plan.thresholds, **alone), common)
    rows += _ruler_rows(together, common)
    for pair, aligned in depths:
        by_depth = pair_columns(pair.a, pair.b, plan) | {"family": "", "p": np.nan}
        unrelated = _unrelated(ruler(*aligned.control, common.contrasts, plan.thresholds), common)
        found = claims(*aligned.emotions, common.near, plan.thresholds, **alone)
        for row in _rows(found, common):
            row["flag"] = SEPARATOR.join(filter(None, ["by_depth", row["flag"]]))
            rows.append(row | by_depth | (unrelated if row["stat"] == "cos_s" else {}))
    return [where | row for row in rows]


def _rows(found: Claims, common: Common) -> list[dict]:
    """Of each emotion and, without a name, of all; p of a claim about own parts is of both."""
    emotions = [*common.plan.emotions, ""]
    of_emotions = [*found.common, found.common_of_all]
    rows = [_row(one, None, e, common) for one, e in zip(of_emotions, emotions, strict=True)]
    if found.specific_of_all is not None:
        own = [*found.specific, found.specific_of_all]
        rows += [_row(*pair, common) for pair in zip(of_emotions, own, emotions, strict=True)]
    return rows


def _row(claimed: Claim, own: Claim | None, emotion: str, common: Common) -> dict:
    limits = common.plan.thresholds
    one = claimed if own is None else own
    p = one.p if own is None else float(np.maximum(claimed.p, own.p))
    reliable = one.reliable(limits) and claimed.reliable(limits)
    lows = dict(zip(("reliability_low_a", "reliability_low_b"), one.reliability_low, strict=True))
    flags = [] if np.isfinite(one.cosine) else ["norm_not_positive"]
    flags += [name for name, low in lows.items() if not low >= limits.reliability]
    family = "common" if own is None and common.plan.neutral is not None else "specific"
    return lows | {
        "emotion_a": emotion,
        "emotion_b": emotion,
        "stat": "cos_s" if own is None else OWN,
        "value": one.cosine,
        "ci_low": one.low,
        "ci_high": one.high,
        "p": p if reliable else np.nan,
        "family": family + ("" if emotion else "_of_all"),
        "reliability_a": one.reliability[0],
        "reliability_b": one.reliability[1],
        "gate_ok": reliable,
        "flag": SEPARATOR.join(flags),
    }


def _ruler_rows(together: Aligned, common: Common) -> list[dict]:
    """What ordinary attributes give: each with itself, their median, and unrelated ones."""
    plan = common.plan
    found = ruler(*together.control, common.contrasts, plan.thresholds)
    median = {"value": found.median, "ci_low": found.low, "ci_high": found.high}
    ok = bool(found.median >= plan.thresholds.matched)
    rows = [{"stat": "matched", "gate_ok": ok} | median | _unrelated(found, common)]
    for name, value in zip(common.contrasts.names, np.diag(found.cosines), strict=True):
        flag = "" if np.isfinite(value) else "attribute_unreliable"
        columns = {"stat": "cos_s", "value": value, "family": "control", "flag": flag}
        rows.append(columns | {"emotion_a": name, "emotion_b": name})
    return rows


def _unrelated(found: Ruler, common: Common) -> dict:
    return band(mismatched_cosines(found.cosines, common.contrasts), MISMATCHED, common.plan)


def _together(depths: Sequence[Aligned], common: Common) -> Aligned:
    """All depths side by side; nothing but zeros, whose cosines are undefined, if there is none."""
    if not depths:
        emotions, topics, _ = common.near.shape
        none = np.zeros((3, emotions, topics, 1))
        control = np.zeros((common.contrasts.positive.shape[1], 1))
        return Aligned((none, none), (control, control))
    sides = ([depth.emotions for depth in depths], [depth.control for depth in depths])
    emotions, control = (
        tuple(np.concatenate(side, axis=-1) for side in zip(*one, strict=True)) for one in sides
    )
    return Aligned(emotions, control)
