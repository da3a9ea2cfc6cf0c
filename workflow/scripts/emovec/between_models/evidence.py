"""The evidence of each verdict, gathered from the tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from emovec.activations.copies import split_name
from emovec.between_models.families import is_control, unordered
from emovec.between_models.thresholds import DEFAULTS, JOINT, Thresholds
from emovec.between_models.verdict import Evidence, decide
from emovec.io.tables import typed


def verdicts(
    similarity: pd.DataFrame,
    maps: pd.DataFrame,
    decoding: pd.DataFrame,
    within: pd.DataFrame,
    relative_depths: Sequence[float],
    limits: Thresholds = DEFAULTS,
    *,
    metric: str = "lda",
) -> pd.DataFrame:
    """One row for each emotion, unordered pair and primary depth, as in `verdicts.csv`.

    Parameters
    ----------
    similarity, decoding
        All pairs, after `adjust_families`; `decoding` with the rows `depth0` of each model alone.
    maps, within
        The tables maps and within_model_similarity.
    relative_depths
        The pre-registered ones; each row names the nearest.
    metric
        The metric of `within` in which the signal is tested: that of the comparison.
    """
    tested = similarity[similarity["family"] == "alignment"]
    rows = []
    places = ("model_a", "model_b", "depth_a", "depth_b")
    key = [unordered(row, places) for _, row in tested.iterrows()]
    groups = tested.groupby([pd.Series(key, tested.index), "emotion_a", "position"], sort=False)
    for (place, emotion, position), claim in groups:
        tables = [
            table[(table["position"] == position)] for table in (similarity, maps, decoding, within)
        ]
        found = _evidence(place, emotion, claim, *tables, limits, metric)
        verdict = decide(found, limits)
        first = claim.iloc[0]
        distances = np.abs(np.asarray(relative_depths) - first["relative_depth_a"])
        rows.append(
            {
                "emotion": emotion,
                "model_a": first["model_a"],
                "model_b": first["model_b"],
                "position": position,
                "relative_depth": relative_depths[int(distances.argmin())],
                "signal_ok": found.signal_ok,
                "map_ok": found.map_ok,
                "confound_ok": found.confound_ok,
                "aligned": verdict.aligned,
                "specific": verdict.specific,
                "transfers": verdict.transfers,
                "verdict": verdict.verdict,
                "reason": verdict.reason,
                "bound": limits.equivalence,
                "control_share": found.positive_control,
                "p_floor": found.p_floor,
            }
        )
    return typed(rows, "verdicts")


def _evidence(
    place: tuple,
    emotion: str,
    claim: pd.DataFrame,
    similarity: pd.DataFrame,
    maps: pd.DataFrame,
    decoding: pd.DataFrame,
    within: pd.DataFrame,
    limits: Thresholds,
    metric: str,
) -> Evidence:
    here = similarity[_between(similarity, place, ("model_a", "model_b", "depth_a", "depth_b"))]
    specific = here[(here["family"] == "specificity") & (here["emotion_a"] == emotion)]
    ridge = maps[
        _between(maps, place, ("model_a", "model_b", "depth_a", "depth_b"))
        & (maps["method"] == "ridge")
    ]
    places = ("train_model", "test_model", "depth_train", "depth_test")
    mapped = decoding[
        _between(decoding, place, places)
        & (decoding["direction"] == "mapped")
        & (decoding["contrast"] == emotion)
    ]
    units = similarity[similarity["family"] == "alignment"]
    return Evidence(
        signal_ok=_every(
            _signal(within, model, depth, emotion, metric, limits) for model, depth in place
        ),
        map_ok=_every(bool(ok) for ok in ridge["map_ok"]) if len(ridge) == 2 else None,
        confound_ok=_every(_confound(decoding, model, emotion) for model, _ in place),
        # The gate of a row is its map and its reliability; the map has a gate of its own here.
        reliable=all(bool(ok) for ok in claim["gate_ok"]) or not _every(ridge["map_ok"]),
        p_aligned=_worst(claim["p_adjusted"]) if _complete(claim) else None,
        cosines=tuple(claim["value"]),
        intervals=tuple(zip(claim["ci_low"], claim["ci_high"], strict=True)),
        p_floor=_floor(claim, units),
        p_specific=_worst(specific["p_adjusted"]),
        p_transfer=_worst(mapped["p_adjusted"]) if len(mapped) == 2 else None,
        transfer_margin=_margin(mapped, decoding),
        positive_control=_positive_control(here[here["family"] == "control"], limits.alpha),
    )


def _between(table: pd.DataFrame, place: tuple, columns: tuple[str, str, str, str]) -> pd.Series:
    """Rows between the two places, in either direction."""
    found = pd.Series(False, index=table.index)
    for (model_a, depth_a), (model_b, depth_b) in (place, place[::-1]):
        found |= (
            (table[columns[0]] == model_a)
            & (table[columns[1]] == model_b)
            & (table[columns[2]] == depth_a)
            & (table[columns[3]] == depth_b)
        )
    return found


def _every(values: Iterable[bool | None]) -> bool | None:
    """False if one is, None if one was not measured or there is none, else True."""
    listed = list(values)
    if any(value is not None and not value for value in listed):
        return False
    return True if listed and None not in listed else None


def _worst(p: pd.Series) -> float | None:
    values = p.to_numpy(float)
    return float(np.max(values)) if len(values) else None


def _complete(claim: pd.DataFrame) -> bool:
    """Whether every method and both directions of the joint claim are there."""
    return set(claim["method"]) == set(JOINT) and (claim["method"] == "ridge").sum() == 2


def _original(model: str) -> str:
    """The model itself, of a rotated twin: its own geometry does not change with the basis."""
    return split_name(model)[0]


def _signal(
    within: pd.DataFrame, model: str, depth: int, emotion: str, metric: str, limits: Thresholds
) -> bool | None:
    rows = within[
        (within["model"] == _original(model))
        & (within["depth"] == depth)
        & (within["metric"] == metric)
        & (within["emotion_a"] == emotion)
        & within["emotion_b"].fillna("").isin(["", emotion])
    ]
    p = rows.loc[rows["stat"] == "norm2_u", "p_adjusted"]
    reliability = rows.loc[rows["stat"] == "reliability", "value"]
    if not (len(p) and len(reliability)):
        return None
    return bool(p.iloc[0] < limits.alpha and reliability.iloc[0] >= limits.reliability)


def _confound(decoding: pd.DataFrame, model: str, emotion: str) -> bool | None:
    """Whether the model before its first block decodes the emotion no better than its null."""
    rows = decoding[
        (decoding["direction"] == "depth0")
        & (decoding["train_model"] == _original(model))
        & (decoding["test_model"] == _original(model))
        & (decoding["contrast"] == emotion)
        & (decoding["split"] == "topic")
    ]
    if not len(rows) or rows["null_high"].isna().all():
        return None
    return bool((rows["auroc"] <= rows["null_high"]).all())


def _margin(mapped: pd.DataFrame, decoding: pd.DataFrame) -> float | None:
    """AUROC above the same transfer at depth 0 and above untrained models, smaller direction."""
    margins = []
    for _, row in mapped.iterrows():
        same = decoding["contrast"] == row["contrast"]
        same &= decoding["test_model"] == row["test_model"]
        start = same & (decoding["train_model"] == row["train_model"])
        start &= decoding["direction"] == "depth0"
        baselines = decoding.loc[start | (same & (decoding["direction"] == "untrained")), "auroc"]
        if len(baselines):
            margins.append(row["auroc"] - baselines.max())
    return min(margins) if margins else None


def _positive_control(controls: pd.DataFrame, alpha: float) -> float | None:
    """Share of attributes that every method finds to correspond with themselves."""
    tested = controls[controls["method"].isin(JOINT) & (controls["stat"] == "cos_u")]
    if not len(tested):
        return None
    # An attribute that is not reliable in one model was not found there.
    passed = (tested["p"] < alpha) & (tested["value"] > 0.0)
    return float(passed.groupby(tested["emotion_a"]).all().mean())


def _floor(claim: pd.DataFrame, tested: pd.DataFrame) -> float | None:
    """The smallest corrected p that the control null of this claim can give."""
    counted = {
        (frozenset((row.model_a, row.model_b)), row.emotion_a)
        for row in tested.itertuples()
        if not (is_control(row.model_a, ()) or is_control(row.model_b, ()))
    }
    fewest = claim["n_null"][claim["n_null"] > 0].min()
    return None if pd.isna(fewest) else max(len(counted), 1) / (1 + int(fewest))
