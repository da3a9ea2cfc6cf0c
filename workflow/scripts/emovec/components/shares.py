"""The share of each part of a model in an emotion's direction, with its interval and its nulls.

The unbiased squared length of a mean difference is bilinear (Walther et al. 2016), and the stream
is the sum of its parts, so that U(D_part, D)/U(D, D) are shares that sum to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.components.products import Part, Products
from emovec.registry import Kind, registry
from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.clustered import clusters
from emovec.statistics.corrections import holm
from emovec.statistics.resampling import (
    jackknife_interval,
    max_t,
    p_value,
    sign_flips,
)

LEAST_ATTRIBUTES = 20  # of which a 95 % quantile can be told
RULER = 0.5  # least reliability of an attribute that is part of a null

ROLES = registry(
    Kind("own", "the emotion's own"),
    Kind("emotional", "emotional"),
    Kind("busy", "busy with everything"),
    Kind("against", "writes against it"),
)


def against(n_emotions: int, neutral: str | None) -> list[str]:
    """What emotions are taken against, a group of contrasts each; the first makes the directions.

    >>> against(3, "neutral"), against(3, None), against(1, "neutral")
    (['neutral', 'emotions'], ['emotions'], ['neutral'])
    """
    return ["neutral"] * (neutral is not None) + ["emotions"] * (n_emotions > 1)


def directions(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table with the column `against` that are on the directions themselves."""
    return table[table.against == ("neutral" if "neutral" in set(table.against) else "emotions")]


def contrast_weights(n_emotions: int, groups: Sequence[str] = ("neutral", "emotions")) -> Floats:
    """`[contrast, class]`, neutral last: emotions against neutral, then against the other emotions.

    >>> contrast_weights(2).tolist()
    [[1.0, 0.0, -1.0], [0.0, 1.0, -1.0], [1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]]
    """
    others = (1 - np.eye(n_emotions)) / max(n_emotions - 1, 1)
    weights = {
        "neutral": np.hstack([np.eye(n_emotions), -np.ones((n_emotions, 1))]),
        "emotions": np.hstack([np.eye(n_emotions) - others, np.zeros((n_emotions, 1))]),
    }
    return np.vstack([weights[group] for group in groups])


def contrast_near(near: Mask, groups: Sequence[str] = ("neutral", "emotions")) -> Mask:
    """Which topics are near in each contrast, from those of each emotion."""
    of = {"neutral": near, "emotions": np.broadcast_to(near.any(axis=0), near.shape)}
    return np.concatenate([of[group] for group in groups])


@dataclass(frozen=True)
class Shares:
    """Of one contrast, `[part]` each."""

    value: Floats
    low: Floats
    high: Floats
    p: Floats
    p_adjusted: Floats


def shares(
    products: Products, near: Mask, p_direction: Floats, alpha: float, draws: int,
    rng: np.random.Generator,
) -> list[Shares]:  # fmt: skip
    """The shares of all parts in each contrast.

    The null flips the signs of each topic's influence on the product, whole heads of words together
    (the wild bootstrap of a U statistic, Dehling & Mikosch 1994): noise of a part is noise of the
    stream too, which signs of the part's differences alone would miss. p is adjusted for all parts
    by max-T, and no smaller than that of the direction itself, `p_direction[contrast]`: only what
    exists has parts.
    """
    found = []
    for rows, columns, mask, direction in zip(
        products.rows, products.columns, near, p_direction, strict=True
    ):
        total = rows.sum(0)
        left = (total - rows - columns).T  # [part, topic], without each topic
        value = ratio(total, total.sum())
        low, high = jackknife_interval(value, ratio(left, left.sum(0)), alpha, near=mask)
        n_heads, head = clusters(mask)
        influence = rows + columns
        together = np.zeros((n_heads, rows.shape[1]))
        np.add.at(together, head, influence - influence.mean(0))
        null = sign_flips(n_heads, draws, rng) @ together
        p, adjusted = p_value(total, null, "two-sided"), max_t(total, null, "two-sided")
        found.append(
            Shares(value, low, high, np.maximum(p, direction), np.maximum(adjusted, direction))
        )
    return found


def share_rows(
    found: Sequence[Shares], attributes: Floats, reliable: Sequence[bool], parts: Sequence[Part],
    emotions: Sequence[str], groups: Sequence[str], alpha: float, held: bool,
) -> list[dict]:  # fmt: skip
    """Rows of the table components, of one metric.

    Parameters
    ----------
    attributes : shares `[attribute, part]` of ordinary attributes that are known well enough.
    reliable : of each contrast, whether its direction is.
    held : whether heads were split with a norm's scale held fixed.
    """
    enough = len(attributes) >= LEAST_ATTRIBUTES
    band = np.quantile(attributes, [alpha, 1 - alpha], axis=0) if enough else None
    corrected = []
    for start in range(0, len(found), len(emotions)):
        own = np.concatenate([one.p_adjusted for one in found[start : start + len(emotions)]])
        names = [emotion for emotion in emotions for _ in parts]
        corrected += np.split(holm(own, names), len(emotions))
    rows = []
    for number, (one, p_adjusted) in enumerate(zip(found, corrected, strict=True)):
        emotion = emotions[number % len(emotions)]
        group = groups[number // len(emotions)]
        for k, part in enumerate(parts):
            row = {
                "emotion": emotion, "against": group, "part": part.kind, "block": part.block,
                "head": part.head, "value": one.value[k], "ci_low": one.low[k],
                "ci_high": one.high[k], "p": one.p[k], "p_adjusted": p_adjusted[k],
                "null_low": band[0][k] if enough else np.nan,
                "null_high": band[1][k] if enough else np.nan,
                "n_null": len(attributes), "gate_ok": bool(reliable[number]),
                "role": "", "flag": _flag(one.value[k], held and part.kind == "head"),
            }  # fmt: skip
            rows.append(row)
    apart = {
        (row["emotion"], row["block"], row["head"], row["part"])
        for row in rows
        if row["against"] == "emotions" and shown(row, alpha) and row["value"] > 0
    }
    for row in rows:
        if row["against"] == groups[0] and shown(row, alpha):
            key = (row["emotion"], row["block"], row["head"], row["part"])
            row["role"] = _role(row, key in apart)
    return rows


def _flag(value: float, held: bool) -> str:
    if not np.isfinite(value):
        return "norm_not_positive"
    return "scale_held" if held else ""


def shown(row: dict, alpha: float) -> bool:
    """Whether a row of the table components is of a known direction and beyond flipped signs."""
    return row["gate_ok"] and row["p_adjusted"] < alpha


def _role(row: dict, apart: bool) -> str:
    if row["value"] < 0:
        return "against"
    ruled = not np.isnan(row["null_high"])
    if ruled and row["value"] <= row["null_high"]:
        return "busy"
    if apart:
        return "own"
    return "emotional" if ruled else ""  # or busy, which cannot be told without a ruler
