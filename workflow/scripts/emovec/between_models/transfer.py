"""Does a direction carried over to another model decode there? The grade beside a verdict."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from emovec.activations.copies import is_copy
from emovec.between_models.thresholds import Thresholds
from emovec.statistics.corrections import holm


def is_control(model: str, untrained: Collection[str]) -> bool:
    """Whether a model is no part of the question: a copy, or untrained."""
    return is_copy(model) or model in untrained


def adjust_transfer(decoding: pd.DataFrame, untrained: Collection[str] = ()) -> pd.DataFrame:
    """Correct the transfers of all pairs, adjusted so far for the depths of one pair.

    The claim is that both directions decode, so its p is the larger and stands in both rows; Holm
    over unordered pairs and emotions, a unit having a member for each depth. Positions are
    families of their own; pairs with a control keep what they have.
    """
    decoding = decoding.copy()
    claims: dict[str, dict[tuple, list]] = {}
    for index, row in decoding[decoding["direction"] == "mapped"].iterrows():
        ends = [(row["train_model"], row["depth_train"]), (row["test_model"], row["depth_test"])]
        if not any(is_control(model, untrained) for model, _ in ends):
            at_position = claims.setdefault(row["position"], {})
            at_position.setdefault((*sorted(ends), row["contrast"]), []).append(index)
    for at_position in claims.values():
        members = list(at_position.values())
        worst = [np.max(decoding.loc[rows, "p_adjusted"].to_numpy(float)) for rows in members]
        units = [(a, b, emotion) for (a, _), (b, _), emotion in at_position]
        for rows, p in zip(members, holm(worst, units), strict=True):
            decoding.loc[rows, "p_adjusted"] = p
    return decoding


def decodes(
    decoding: pd.DataFrame, a: str, b: str, emotion: str, limits: Thresholds
) -> bool | None:
    """Whether the emotion decodes both ways at one of the depths; None: not measured.

    Beyond random directions, and beyond the same transfer before the first block and what an
    untrained model gives along directions of its own, whitened as transfers are.
    """
    here = decoding[decoding["contrast"] == emotion]
    between = (here["train_model"] == a) & (here["test_model"] == b)
    between |= (here["train_model"] == b) & (here["test_model"] == a)
    mapped = here[between & (here["direction"] == "mapped")]
    baselines = here[
        (between & (here["direction"] == "depth0"))
        | (
            (here["direction"] == "untrained")
            & (here["metric"] == "lda")
            & here["test_model"].isin([a, b])
        )
    ]
    best = baselines.groupby("test_model")["auroc"].max()
    beyond = mapped["auroc"] > best.reindex(mapped["test_model"]).fillna(-np.inf).to_numpy()
    beyond &= mapped["p_adjusted"] < 1.0 - limits.transfer_quantile
    depth_of_a = mapped["depth_train"].where(mapped["train_model"] == a, mapped["depth_test"])
    ways = beyond.groupby(depth_of_a).agg(["all", "size"])
    both = ways[ways["size"] == 2]["all"]
    return bool(both.any()) if len(both) else None
