"""From gates and tests to one verdict for each emotion, pair of models and depth.

"Shared" means: a linear map learned on neutral text carries the direction of each model onto that
of the other. "Not shared" is claimed only where the cosines are shown to be small while the same
methods find ordinary attributes that correspond. Everything else is inconclusive.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from emovec import tables
from emovec.errors import InputError

COLUMNS = tables.COLUMNS["verdicts"]

JOINT = ("ridge", "wpc")  # alignment is claimed only where all of these find it


@dataclass(frozen=True)
class Thresholds:
    """The pre-registered limits of every gate and test."""

    alpha: float = 0.05
    reliability: float = 0.7  # of both directions, in the space they are compared in
    control_reliability: float = 0.5  # of an attribute that enters the control null
    map_r2: float = 0.1
    map_p: float = 0.01
    equivalence: float = 0.2  # smallest cosine of interest
    positive_control: float = 0.5  # share of matched attributes that must beat the null
    transfer_quantile: float = 0.975  # of random directions

    @classmethod
    def of(cls, limits: Mapping[str, float]) -> Thresholds:
        """Thresholds with some limits replaced.

        Raises
        ------
        InputError
            If a name is not known.
        """
        known = [item.name for item in fields(cls)]
        if unknown := sorted(set(limits) - set(known)):
            raise InputError(f"There is no threshold {unknown[0]!r}: known are {', '.join(known)}.")
        return cls(**limits)


DEFAULTS = Thresholds()


@dataclass(frozen=True)
class Evidence:
    """What was found for one emotion, unordered pair of models and depth; None: not measured."""

    signal_ok: bool | None = None
    map_ok: bool | None = None
    confound_ok: bool | None = None
    reliable: bool = True  # the vectors, in the space they are compared in
    p_aligned: float | None = None  # of the joint claim, corrected
    cosines: Sequence[float] = ()  # one for each method and direction
    intervals: Sequence[tuple[float, float]] = ()
    p_floor: float | None = None  # the smallest p_aligned that the control null can give
    p_specific: float | None = None  # corrected
    p_transfer: float | None = None  # of both directions, corrected
    transfer_margin: float | None = None  # AUROC above the best baseline; the smaller direction
    positive_control: float | None = None  # share of matched attributes that beat the null


@dataclass(frozen=True)
class Verdict:
    """The outcome, the tests it rests on, and why, in a sentence."""

    verdict: str
    reason: str
    aligned: bool | None
    specific: bool | None
    transfers: bool | None


def decide(found: Evidence, limits: Thresholds = Thresholds()) -> Verdict:
    """Apply the pre-registered rule.

    `shared` needs every gate, alignment and transfer in both directions, and specificity; without
    specificity it is `common_only`: emotional against neutral may be all that is shared.
    `not_shared` needs every gate, each interval of a cosine within ± the equivalence bound, and a
    positive control that the same methods find.
    """
    positive = bool(found.cosines) and all(cosine > 0.0 for cosine in found.cosines)
    aligned = _below(found.p_aligned, limits.alpha)
    aligned = aligned if aligned is None else aligned and positive and found.reliable
    specific = _below(found.p_specific, limits.alpha)
    transfers = _below(found.p_transfer, 1.0 - limits.transfer_quantile)
    if transfers and found.transfer_margin is not None:
        transfers = found.transfer_margin > 0.0
    tests = (aligned, specific, transfers)
    if gate := _failing_gate(found):
        return Verdict("inconclusive", gate, *tests)
    if aligned is None:
        return Verdict("inconclusive", "There is no control null to compare with.", *tests)
    small = bool(found.intervals) and all(
        -limits.equivalence < low and high < limits.equivalence for low, high in found.intervals
    )
    if small:
        return Verdict(*_when_small(found, limits, aligned, transfers), *tests)
    if aligned and transfers:
        return Verdict(*_when_shared(specific), *tests)
    return Verdict("inconclusive", _why_not(found, limits, aligned, transfers), *tests)


def _below(p: float | None, alpha: float) -> bool | None:
    return None if p is None or np.isnan(p) else bool(p < alpha)


def _failing_gate(found: Evidence) -> str:
    """The first gate that fails or was not measured, as a sentence; empty if all hold."""
    gates = (
        (found.signal_ok, "a signal of the emotion in both models", "There is no reliable signal"),
        (found.map_ok, "a map between the models", "No map holds between the models"),
        (
            found.confound_ok,
            "the stream before the first block",
            "Tokens alone give the emotion away",
        ),
    )
    for value, what, sentence in gates:
        if value is None:
            return f"The gate for {what} was not measured."
        if not value:
            return f"{sentence}, so nothing follows about sharing."
    if not found.reliable:
        return "The vectors are not reliable in the space in which they are compared."
    return ""


def _when_small(
    found: Evidence, limits: Thresholds, aligned: bool, transfers: bool | None
) -> tuple[str, str]:
    if aligned or transfers:
        which = "alignment" if aligned else "transfer"
        return "inconclusive", f"The {which} beats chance, but every cosine is below the bound."
    share = found.positive_control
    if share is None or np.isnan(share):
        return "inconclusive", "The cosines are small, but there is no positive control."
    if share < limits.positive_control:
        return "inconclusive", (
            f"The cosines are small, but only {share:.0%} of ordinary attributes are found to "
            "correspond, so the method would miss a shared direction too."
        )
    return "not_shared", (
        f"All cosines lie within ±{limits.equivalence:g} while {share:.0%} of ordinary attributes "
        "are found to correspond."
    )


def _when_shared(specific: bool | None) -> tuple[str, str]:
    found = "The direction aligns and transfers both ways"
    if specific:
        return "shared", f"{found}, more than the directions of other emotions do."
    if specific is None:
        return "common_only", f"{found}; whether it is this emotion's was not measured."
    return "common_only", f"{found}, but no more than the directions of other emotions do."


def _why_not(found: Evidence, limits: Thresholds, aligned: bool, transfers: bool | None) -> str:
    if found.cosines and all(cosine < -limits.equivalence for cosine in found.cosines):
        return "The directions are opposed, which is neither sharing nor its absence."
    if not aligned and found.p_floor is not None and found.p_floor >= limits.alpha:
        return (
            f"The control null cannot give a corrected p below {found.p_floor:.2g}: more "
            "attributes or fewer models are needed."
        )
    if aligned and transfers is None:
        return "The direction aligns, but transfer was not measured."
    if aligned:
        return "The direction aligns, but does not decode beyond chance and baselines both ways."
    also = "transfers" if transfers else "does not transfer"
    return (
        f"The direction {also}, its alignment does not beat mismatched attributes, and cosines "
        f"of ±{limits.equivalence:g} are not excluded."
    )


# Correction over pairs, emotions and depths -------------------------------------------------------


def holm_by_unit(p: ArrayLike, units: Sequence[Hashable]) -> NDArray[np.float64]:
    """Holm's correction over units whose members are already adjusted among themselves.

    A unit (one emotion in one pair of models) has a member for each depth, with p-values that hold
    for all of its depths at once. The step-down multiplies by the number of units that are not
    wholly rejected yet (sequential rejection, Goeman & Solari 2010), so that units with one member
    give Holm (1979), and one unit changes nothing. NaN stays and its unit counts as one.

    >>> holm_by_unit([0.01, 0.04, 0.03, 0.005], "abcd").tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    values = np.asarray(p, dtype=float)
    names = list(dict.fromkeys(units))
    members = {name: [i for i, unit in enumerate(units) if unit == name] for name in names}
    # A unit is wholly rejected when its largest p is; one with an undefined member never is.
    worst = {name: float(np.max(values[members[name]])) for name in names}
    order = sorted(names, key=lambda name: (np.isnan(worst[name]), worst[name]))
    adjusted = np.full(len(values), np.nan)
    removed = 0.0  # level at which all earlier units are wholly rejected
    best = np.full(len(values), np.inf)
    for rank, name in enumerate(order):
        left = len(order) - rank
        for later in order[rank:]:
            best[members[later]] = np.minimum(
                best[members[later]], np.maximum(removed, values[members[later]] * left)
            )
        adjusted[members[name]] = best[members[name]]
        removed = max(removed, worst[name] * left)
    return np.where(np.isnan(values), np.nan, np.minimum(adjusted, 1.0))


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
        if not any(_is_control(row[column], left_out) for column in places[:2]):
            at_position = claims.setdefault(row["position"], {})
            at_position.setdefault((_unordered(row, places), row[what]), []).append(index)
    for at_position in claims.values():
        members = list(at_position.values())
        worst = [np.max(table.loc[rows, "p_adjusted"].to_numpy(float)) for rows in members]
        units = [(tuple(model for model, _ in place), name) for place, name in at_position]
        for rows, p in zip(members, holm_by_unit(worst, units), strict=True):
            table.loc[rows, "p_adjusted"] = p


def _is_control(model: str, left_out: Collection[str]) -> bool:
    return "@" in model or model in left_out


def _unordered(row: pd.Series, places: tuple[str, str, str, str]) -> tuple:
    """Both models with their depths, in the same order whichever was mapped."""
    return tuple(sorted(zip(row[list(places[:2])], row[list(places[2:])].astype(int), strict=True)))


# Evidence from the tables -------------------------------------------------------------------------


def verdicts(
    similarity: pd.DataFrame,
    maps: pd.DataFrame,
    decoding: pd.DataFrame,
    within: pd.DataFrame,
    relative_depths: Sequence[float],
    limits: Thresholds = Thresholds(),
    *,
    metric: str = "lda",
) -> pd.DataFrame:
    """One row for each emotion, unordered pair and primary depth, with the columns `COLUMNS`.

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
    key = [_unordered(row, places) for _, row in tested.iterrows()]
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
            }
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    flags = [column for column in COLUMNS if column.endswith("_ok")]
    flags += ["aligned", "specific", "transfers"]
    return table.astype(dict.fromkeys(flags, "boolean"))


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
    """The model whose rotated twin this is: its own geometry does not change with the basis."""
    return model.removesuffix("@twin")


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
    pairs = [int(m[1]) for text in claim["null"] if (m := re.search(r"(\d+) pairs", str(text)))]
    counted = {
        (frozenset((row.model_a, row.model_b)), row.emotion_a)
        for row in tested.itertuples()
        if not (_is_control(row.model_a, ()) or _is_control(row.model_b, ()))
    }
    return max(len(counted), 1) / (1 + min(pairs)) if pairs else None
