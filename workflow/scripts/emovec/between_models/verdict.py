"""From gates and tests to one verdict for each emotion, pair of models and depth.

"Shared" means: a linear map learned on neutral text carries the direction of each model onto that
of the other. "Not shared" is claimed only where the cosines are shown to be small while the same
methods find ordinary attributes that correspond. Everything else is inconclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emovec.between_models.thresholds import DEFAULTS, Thresholds
from emovec.registry import Kind, registry

VERDICTS = registry(
    Kind("shared", "shared"),
    Kind("common_only", "common only"),
    Kind("not_shared", "not shared"),
    Kind("inconclusive", "inconclusive"),
)


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
    """The outcome, why (a code of `wording.remarks.REASONS`), and the tests it rests on."""

    verdict: str
    reason: str
    aligned: bool | None
    specific: bool | None
    transfers: bool | None


def decide(found: Evidence, limits: Thresholds = DEFAULTS) -> Verdict:
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
        return Verdict("inconclusive", "no_control_null", *tests)
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
    """The first gate that fails or was not measured; empty if all hold."""
    for value, failing, unmeasured in (
        (found.signal_ok, "no_signal", "signal_unmeasured"),
        (found.map_ok, "no_map", "map_unmeasured"),
        (found.confound_ok, "confound", "confound_unmeasured"),
    ):
        if value is None:
            return unmeasured
        if not value:
            return failing
    return "" if found.reliable else "unreliable"


def _when_small(
    found: Evidence, limits: Thresholds, aligned: bool, transfers: bool | None
) -> tuple[str, str]:
    if aligned or transfers:
        return "inconclusive", "aligned_but_small" if aligned else "transfers_but_small"
    share = found.positive_control
    if share is None or np.isnan(share):
        return "inconclusive", "no_positive_control"
    if share < limits.positive_control:
        return "inconclusive", "weak_positive_control"
    return "not_shared", "small"


def _when_shared(specific: bool | None) -> tuple[str, str]:
    if specific:
        return "shared", "specific"
    return "common_only", "specificity_unmeasured" if specific is None else "not_specific"


def _why_not(found: Evidence, limits: Thresholds, aligned: bool, transfers: bool | None) -> str:
    if found.cosines and all(cosine < -limits.equivalence for cosine in found.cosines):
        return "opposed"
    if not aligned and found.p_floor is not None and found.p_floor >= limits.alpha:
        return "null_too_coarse"
    if aligned:
        return "transfer_unmeasured" if transfers is None else "does_not_transfer"
    return "not_aligned" if transfers else "neither"
