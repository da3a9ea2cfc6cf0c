"""Correction of the tests of all pairs of models, emotions and depths."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from emovec.activations.copies import is_copy
from emovec.statistics.corrections import holm


def adjust_families(
    similarity: pd.DataFrame, decoding: pd.DataFrame, controls: Collection[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Correct the tests of all pairs, given the joined tables as `cross.compare` makes them.

    `compare` leaves in `p_adjusted` what is adjusted for the depths of one pair. Here each family
    (alignment, specificity, transfer) is corrected over unordered pairs and emotions too. The
    claim is that all methods and both directions agree, so its p is the largest of theirs and is
    written into each of their rows; the control null, whose p is never below 1/(1 + m(m − 1)) with
    m attributes, is thus spent once on a pair and emotion and not on every depth. Positions are
    families of their own.

    `controls` are models that are no part of the question (untrained ones); those with `@` in
    their name never are. Their rows keep the p of their pair.
    """
    similarity, decoding = similarity.copy(), decoding.copy()
    left_out = set(controls)
    pair = ("model_a", "model_b", "depth_a", "depth_b")
    for family in ("alignment", "specificity"):
        _adjust(similarity, similarity["family"] == family, pair, "emotion_a", left_out)
    pair = ("train_model", "test_model", "depth_train", "depth_test")
    _adjust(decoding, decoding["direction"] == "mapped", pair, "contrast", left_out)
    return similarity, decoding


def _adjust(
    table: pd.DataFrame,
    family: pd.Series,
    places: tuple[str, str, str, str],
    what: str,
    left_out: Collection[str],
) -> None:
    """Correct the rows of one family in place, each position by itself."""
    claims: dict[str, dict[tuple, list]] = {}
    for index, row in table[family].iterrows():
        if not any(is_control(row[column], left_out) for column in places[:2]):
            at_position = claims.setdefault(row["position"], {})
            at_position.setdefault((unordered(row, places), row[what]), []).append(index)
    for at_position in claims.values():
        members = list(at_position.values())
        worst = [np.max(table.loc[rows, "p_adjusted"].to_numpy(float)) for rows in members]
        units = [(tuple(model for model, _ in place), name) for place, name in at_position]
        for rows, p in zip(members, holm(worst, units), strict=True):
            table.loc[rows, "p_adjusted"] = p


def is_control(model: str, left_out: Collection[str]) -> bool:
    return is_copy(model) or model in left_out


def unordered(row: pd.Series, places: tuple[str, str, str, str]) -> tuple:
    """Both models with their depths, in the same order whichever was mapped."""
    return tuple(sorted(zip(row[list(places[:2])], row[list(places[2:])].astype(int), strict=True)))
