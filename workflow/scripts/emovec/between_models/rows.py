"""What was measured between two models, as rows of the tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emovec.between_models import maps
from emovec.between_models.attributes import mismatched_null, specificity, specificity_null
from emovec.between_models.maps import Ridge
from emovec.between_models.pair import AtDepth, Common, Measured, Place, Plan, Transfer
from emovec.between_models.thresholds import JOINT
from emovec.statistics import resampling, unbiased
from emovec.statistics.arrays import Array
from emovec.statistics.resampling import jackknife_interval, largest

ROGUE = 0.5  # share of the variance on one component


CONTROLS = "mismatched control attributes"


UNWHITENED_MAP = "ridge_unwhitened"


NO_NORM = "norm not positive"


SHUFFLED = "shuffled probe sentences"


def _pair(source: Place, target: Place, plan: Plan) -> dict:
    return {
        "model_a": source.model,
        "model_b": target.model,
        "position": plan.position,
        "depth_a": source.depth,
        "depth_b": target.depth,
        "relative_depth_a": source.relative,
        "relative_depth_b": target.relative,
    }


def ridge_row(source: AtDepth, target: AtDepth, ridge: Ridge, null: Array, common: Common) -> dict:
    """The map itself, with its gate: better than a floor and than shuffled sentences."""
    limits = common.plan.thresholds
    p = resampling.exceedance(ridge.r2_loo, null)
    flags = [
        f"one component carries {at.parts.rogue_share:.0%} of {at.place.model}"
        for at in (source, target)
        if at.parts.rogue_share > ROGUE
    ]
    if not np.isfinite(ridge.r2_loo):
        flags.append("no variance between sentences")
    return _pair(source.place, target.place, common.plan) | {
        "method": "ridge",
        "k_or_alpha": ridge.alpha,
        "r2_loo": ridge.r2_loo,
        "r2_null_high": np.quantile(null, 1.0 - limits.map_p) if null.size else np.nan,
        "p": p,
        "map_ok": bool(ridge.r2_loo >= limits.map_r2 and p < limits.map_p),
        "flag": "; ".join(flags),
    }


def plain_row(source: AtDepth, target: AtDepth, ridge: Ridge, plan: Plan) -> dict:
    """The map that predicts the raw stream, given to compare."""
    return _pair(source.place, target.place, plan) | {
        "method": UNWHITENED_MAP,
        "k_or_alpha": ridge.alpha,
        "r2_loo": ridge.r2_loo,
        "flag": "for comparison",
    }


def procrustes_rows(
    a: AtDepth, b: AtDepth, fit: maps.Procrustes, plan: Plan, geometry: dict
) -> list[dict]:
    """The rotation, each way."""
    return [
        _pair(source.place, target.place, plan)
        | {"method": "procrustes", "k_or_alpha": fit.k, "r2_loo": r2, "flag": "5-fold R²"}
        | geometry
        for source, target, r2 in ((a, b, fit.r2_ab), (b, a, fit.r2_ba))
    ]


def capture_rows(a: AtDepth, b: AtDepth, fit: maps.Procrustes, plan: Plan) -> list[dict]:
    """How much of each vector the rotated subspaces hold."""
    captured_a = unbiased.captured(a.differences, fit.basis_a)
    captured_b = unbiased.captured(b.differences, fit.basis_b)
    rows = _per_emotion(a, b, a, "procrustes", "captured_a", captured_a, plan)
    return rows + _per_emotion(a, b, b, "procrustes", "captured_b", captured_b, plan)


def readout_rows(a: AtDepth, b: AtDepth, plan: Plan) -> list[dict]:
    """The best any read-out of the other model could do, and what the read-outs hold."""
    rows = []
    for at, other, side in ((a, b, "a"), (b, a, "b")):
        fit = maps.fit_readouts(at.parts, other.parts)
        basis = at.parts.vt[: fit.whiten_a.shape[1]].T
        ceiling = fit.ceiling(at.differences)
        captured = unbiased.captured(at.differences, basis)
        rows += _per_emotion(a, b, at, "wpc", f"ceiling_{side}", ceiling, plan)
        rows += _per_emotion(a, b, at, "wpc", f"captured_{side}", captured, plan)
    return rows


def _per_emotion(
    a: AtDepth, b: AtDepth, of: AtDepth, method: str, stat: str, values: Array, plan: Plan
) -> list[dict]:
    """Rows about the vectors of one of the two models."""
    reliable = unbiased.reliability(of.whitened.differences) >= plan.thresholds.reliability
    return [
        _pair(a.place, b.place, plan)
        | {"emotion_a": emotion, "emotion_b": emotion, "method": method, "stat": stat}
        | {"value": value, "n_map": len(a.fit), "gate_ok": bool(ok)}
        | {"flag": "" if np.isfinite(value) else NO_NORM}
        for emotion, value, ok in zip(plan.emotions, values, reliable, strict=True)
    ]


def likeness_rows(a: AtDepth, b: AtDepth, geometry: dict, null: Array, plan: Plan) -> list[dict]:
    """CKA and mutual nearest neighbours, as context."""
    start = _pair(a.place, b.place, plan) | {"n_map": geometry["n_map"]}
    cka = {"method": "cka_debiased", "stat": "cka", "value": geometry["cka_debiased"]}
    cka |= _against(geometry["cka_debiased"], null, SHUFFLED, plan)
    mknn = {
        "method": "mknn",
        "stat": "overlap",
        "value": geometry["mknn"],
        "null_high": geometry["mknn_chance"],
        "null": "chance k/(n-1)",
    }
    return [start | cka, start | mknn]


def _against(value: float, null: Array, name: str, plan: Plan) -> dict:
    """The columns that set a value against its null, larger being more extreme."""
    defined = null[np.isfinite(null)]
    if not defined.size:
        return {"null": "", "p": np.nan}
    tail = plan.thresholds.alpha / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    p = resampling.exceedance(value, defined)
    return {"null_low": low, "null_high": high, "null": name, "p": p}


def alignment_rows(measured: Sequence[Measured], common: Common) -> list[dict]:
    """Cosines of all emotions, and of matched attributes, against mismatched attributes."""
    rows = []
    for cells in _by_direction(measured):
        nulls = np.stack([mismatched_null(cell.controls, common.contrasts) for cell in cells])
        extreme = largest(np.abs(nulls))
        for cell, null in zip(cells, nulls, strict=True):
            rows += _cosine_rows(cell, null, extreme, common)
            rows += _control_rows(cell, null, common)
    return rows


def _by_direction(measured: Sequence[Measured]) -> list[list[Measured]]:
    """The depths of each statistic and direction."""
    groups: dict[tuple[str, str, str], list[Measured]] = {}
    for cell in measured:
        groups.setdefault((cell.method, cell.stat, cell.source.model), []).append(cell)
    return list(groups.values())


def _tested(cell: Measured) -> bool:
    return cell.method in JOINT and cell.stat == "cos_u"


def _cosine_rows(cell: Measured, null: Array, extreme: Array, common: Common) -> list[dict]:
    plan = common.plan
    reliable = cell.cosines.reliable(plan.thresholds.reliability)
    rows = []
    for i, emotion_a in enumerate(plan.emotions):
        for j, emotion_b in enumerate(plan.emotions):
            value = cell.cosines.value[i, j]
            row = cell_row(cell, plan, emotion_a, emotion_b, cell.stat, value)
            row |= two_sided(value, null, plan)
            row |= {"ci_low": cell.cosines.low[i, j], "ci_high": cell.cosines.high[i, j]}
            row["flag"] = _flag(cell, i, j, null, plan)
            if i == j and _tested(cell):
                row["family"] = "alignment"
                row["p_adjusted"] = _over_depths(abs(value), extreme, row["p"])
            rows.append(gated(row, reliable[i, j] and cell.map_ok))
    return rows


def gated(row: dict, ok: bool) -> dict:
    """The row with its gate; p is given only where that is open.

    Where norms are those of noise a cosine can have any size, so that its p says nothing.
    """
    return row | {"gate_ok": bool(ok)} | ({} if ok else {"p": np.nan, "p_adjusted": np.nan})


def _control_rows(cell: Measured, null: Array, common: Common) -> list[dict]:
    """How well an ordinary attribute corresponds to itself: the positive control."""
    rows = []
    for name, value in zip(common.contrasts.names, np.diag(cell.controls), strict=True):
        row = cell_row(cell, common.plan, name, name, cell.stat, value)
        row |= two_sided(value, null, common.plan)
        flag = "" if np.isfinite(value) else "attribute not reliable enough"
        rows.append(gated(row | {"family": "control", "flag": flag}, cell.map_ok))
    return rows


def cell_row(
    cell: Measured, plan: Plan, emotion_a: str, emotion_b: str, stat: str, value: float
) -> dict:
    """The columns that name a method at a pair of depths, and its value."""
    return _pair(cell.source, cell.target, plan) | {
        "emotion_a": emotion_a,
        "emotion_b": emotion_b,
        "method": cell.method,
        "stat": stat,
        "value": value,
        "map_r2": cell.map_r2,
        "n_map": cell.n_map,
    }


def _over_depths(value: float, extreme: Array, p: float) -> float:
    """p against the largest null value over depths; more draws are defined there than at one."""
    return float(np.maximum(resampling.exceedance(value, extreme), p))


def two_sided(value: float, null: Array, plan: Plan) -> dict:
    """Band of the null and p by absolute value."""
    columns = _against(value, null, f"{CONTROLS}, {np.isfinite(null).sum()} pairs", plan)
    return columns | {"p": resampling.exceedance(abs(value), np.abs(null))}


def _flag(cell: Measured, i: int, j: int, null: Array, plan: Plan) -> str:
    reasons = []
    sides = ((cell.source, cell.cosines.reliability_a[i]),)
    sides += ((cell.target, cell.cosines.reliability_b[j]),)
    if not np.isfinite(cell.cosines.value[i, j]):
        reasons.append(NO_NORM)
    for place, reliability in sides:
        if not reliability >= plan.thresholds.reliability:
            reasons.append(f"reliability {reliability:.2f} in {place.model}")
    if not cell.map_ok:
        reasons.append("no map")
    if not np.isfinite(null).any():
        reasons.append("no control null")
    return "; ".join(reasons)


def specificity_rows(measured: Sequence[Measured], common: Common) -> list[dict]:
    """Same emotion against other emotions, with sets of mismatched attributes as the null."""
    plan = common.plan
    count = len(plan.emotions)
    rows = []
    if count < 2:
        return rows
    for cells in _by_direction([cell for cell in measured if _tested(cell)]):
        controls = np.stack([cell.controls for cell in cells])
        null_overall, null_each = specificity_null(
            controls, common.contrasts, count, plan.draws, common.rng
        )
        for depth, cell in enumerate(cells):
            overall, each = specificity(cell.cosines.value)
            reliable = cell.cosines.reliable(plan.thresholds.reliability).all() and cell.map_ok
            stats = [("", overall, null_overall)]
            stats += [(e, v, null_each) for e, v in zip(plan.emotions, each, strict=True)]
            for emotion, value, null in stats:
                row = cell_row(cell, plan, emotion, emotion, "specificity", value)
                row |= _against(value, null[depth], f"sets of {CONTROLS}", plan)
                row["p_adjusted"] = _over_depths(value, largest(null), row["p"])
                row["family"] = "specificity" if emotion else "specificity of all"
                rows.append(gated(row, reliable))
    return rows


def transfer_rows(transfers: Sequence[Transfer], plan: Plan) -> list[dict]:
    """Mapped directions against random ones, adjusted for the depths."""
    groups: dict[tuple[str, str], list[Transfer]] = {}
    for transfer in transfers:
        groups.setdefault((transfer.source.model, transfer.emotion), []).append(transfer)
    rows = []
    for group in groups.values():
        extreme = largest(np.stack([transfer.null for transfer in group]))
        for transfer in group:
            row = decoding_row(transfer, "mapped", plan)
            row["p_adjusted"] = _over_depths(transfer.mapped.auroc, extreme, row["p"])
            rows.append(row)
    return rows


def decoding_row(transfer: Transfer, direction: str, plan: Plan) -> dict:
    """One transfer against random directions."""
    columns = _against(transfer.mapped.auroc, transfer.null, "", plan)
    columns.pop("null")
    low, high = transfer.mapped.interval(plan.thresholds.alpha)
    return columns | {
        "train_model": transfer.source.model,
        "test_model": transfer.target.model,
        "direction": direction,
        "contrast": transfer.emotion,
        "position": plan.position,
        "depth_train": transfer.source.depth,
        "depth_test": transfer.target.depth,
        "split": "topic",
        "auroc": transfer.mapped.auroc,
        "ci_low": low,
        "ci_high": high,
        "n_test": 2 * len(transfer.mapped.deleted),
    }


def efficiency_rows(transfers: Sequence[Transfer], plan: Plan) -> list[dict]:
    """How much of what the target's own direction separates the mapped one separates."""
    rows = []
    for transfer in transfers:
        row = _pair(transfer.source, transfer.target, plan)
        row |= {"emotion_a": transfer.emotion, "emotion_b": transfer.emotion}
        row |= {"method": "ridge", "stat": "efficiency"}
        if transfer.native.interval(plan.thresholds.alpha)[0] > 0.5:
            value = (transfer.mapped.auroc - 0.5) / (transfer.native.auroc - 0.5)
            deleted = (transfer.mapped.deleted - 0.5) / (transfer.native.deleted - 0.5)
            low, high = jackknife_interval(value, deleted, plan.thresholds.alpha)
            row |= {"value": value, "ci_low": low, "ci_high": high}
        else:
            row["flag"] = f"the direction of {transfer.target.model} does not decode"
        rows.append(row)
    return rows
