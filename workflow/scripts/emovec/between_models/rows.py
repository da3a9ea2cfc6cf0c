"""What was measured between two models, as rows of the tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emovec.between_models.attributes import mismatched_null, specificity, specificity_null
from emovec.between_models.maps import Ridge
from emovec.between_models.pair import Common, Measured, Pair, Place, Plan, Transfer
from emovec.between_models.thresholds import JOINT
from emovec.io.tables import SEPARATOR
from emovec.statistics.arrays import Floats
from emovec.statistics.resampling import jackknife_interval, p_value, single_step

ROGUE = 0.5  # share of the variance on one component


UNWHITENED_MAP = "ridge_unwhitened"


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


def map_rows(pair: Pair, plan: Plan) -> list[dict]:
    """The maps each way, those that predict whitened read-outs with their gate."""
    rows = []
    for fit in pair.maps:
        start = _pair(fit.source, fit.target, plan)
        shares = {"component_a": fit.source.rogue_share, "component_b": fit.target.rogue_share}
        flags = [side for side, share in shares.items() if share > ROGUE]
        if not np.isfinite(fit.ridge.r2_loo):
            flags.append("no_variance")
        gate = {"p": fit.p, "map_ok": fit.ok, "flag": SEPARATOR.join(flags)} | shares
        if fit.null.size:
            gate["r2_null_high"] = np.quantile(fit.null, 1.0 - plan.thresholds.map_p)
        rows.append(start | _ridge("ridge", fit.ridge) | gate)
        rows.append(start | _ridge(UNWHITENED_MAP, fit.unwhitened) | {"flag": "for_comparison"})
    if (fit := pair.procrustes) is not None:
        rows += [
            _pair(source, target, plan)
            | {"method": "procrustes", "k_or_alpha": fit.k, "r2_loo": r2, "flag": "five_fold"}
            for source, target, r2 in (
                (pair.a, pair.b, fit.r2_ab),
                (pair.b, pair.a, fit.r2_ba),
            )
        ]
    return [row | pair.geometry for row in rows]


def _ridge(method: str, ridge: Ridge) -> dict:
    return {"method": method, "k_or_alpha": ridge.alpha, "r2_loo": ridge.r2_loo}


def vector_rows(pair: Pair, plan: Plan) -> list[dict]:
    """What each method holds of the vectors of both models, and how alike the models are."""
    rows = [
        _pair(pair.a, pair.b, plan)
        | {"emotion_a": emotion, "emotion_b": emotion, "method": of.method, "stat": of.stat}
        | {"value": value, "n_map": pair.geometry["n_map"], "gate_ok": bool(ok)}
        | {"flag": "" if np.isfinite(value) else "norm_not_positive"}
        for of in pair.vectors
        for emotion, value, ok in zip(plan.emotions, of.values, of.reliable, strict=True)
    ]
    return rows + likeness_rows(pair, plan)


def likeness_rows(pair: Pair, plan: Plan) -> list[dict]:
    """CKA and mutual nearest neighbours, as context."""
    geometry = pair.geometry
    start = _pair(pair.a, pair.b, plan) | {"n_map": geometry["n_map"]}
    cka = {"method": "cka_debiased", "stat": "cka", "value": geometry["cka_debiased"]}
    cka |= _against(geometry["cka_debiased"], pair.cka_null, "shuffled_sentences", plan)
    mknn = {
        "method": "mknn",
        "stat": "overlap",
        "value": geometry["mknn"],
        "null_high": geometry["mknn_chance"],
        "null": "chance",
    }
    return [start | cka, start | mknn]


def _against(value: float, null: Floats, name: str, plan: Plan) -> dict:
    """The columns that set a value against its null, larger being more extreme."""
    defined = null[np.isfinite(null)]
    if not defined.size:
        return {"p": np.nan}
    tail = plan.thresholds.alpha / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    columns = {"null_low": low, "null_high": high, "null": name, "n_null": defined.size}
    return columns | {"p": float(p_value(value, defined))}


def alignment_rows(measured: Sequence[Measured], common: Common) -> list[dict]:
    """Cosines of all emotions, and of matched attributes, against mismatched attributes."""
    rows = []
    for cells in _by_direction(measured):
        nulls = np.stack([mismatched_null(cell.controls, common.contrasts) for cell in cells])
        for cell, null in zip(cells, nulls, strict=True):
            rows += _cosine_rows(cell, null, nulls, common)
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


def _cosine_rows(cell: Measured, null: Floats, nulls: Floats, common: Common) -> list[dict]:
    plan = common.plan
    reliable = cell.cosines.reliable(plan.thresholds.reliability)
    rows = []
    for i, emotion_a in enumerate(plan.emotions):
        for j, emotion_b in enumerate(plan.emotions):
            value = cell.cosines.value[i, j]
            row = cell_row(cell, plan, emotion_a, emotion_b, cell.stat, value)
            row |= two_sided(value, null, plan)
            row |= {"ci_low": cell.cosines.low[i, j], "ci_high": cell.cosines.high[i, j]}
            row |= _remarks(cell, i, j, null, plan)
            if i == j and _tested(cell):
                row["family"] = "alignment"
                row["p_adjusted"] = _over_depths(abs(value), np.abs(nulls), row["p"])
            rows.append(gated(row, reliable[i, j] and cell.map_ok))
    return rows


def gated(row: dict, ok: bool) -> dict:
    """The row with its gate; p is given only where that is open.

    Where norms are those of noise a cosine can have any size, so that its p says nothing.
    """
    return row | {"gate_ok": bool(ok)} | ({} if ok else {"p": np.nan, "p_adjusted": np.nan})


def _control_rows(cell: Measured, null: Floats, common: Common) -> list[dict]:
    """How well an ordinary attribute corresponds to itself: the positive control."""
    rows = []
    for name, value in zip(common.contrasts.names, np.diag(cell.controls), strict=True):
        row = cell_row(cell, common.plan, name, name, cell.stat, value)
        row |= two_sided(value, null, common.plan)
        flag = "" if np.isfinite(value) else "attribute_unreliable"
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


def _over_depths(value: float, nulls: Floats, p: float) -> float:
    """p adjusted for the depths; more draws are defined there than at one."""
    return float(np.maximum(single_step(value, nulls), p))


def two_sided(value: float, null: Floats, plan: Plan) -> dict:
    """Band of the null and p by absolute value."""
    defined = null[np.isfinite(null)]
    columns = _against(value, null, "mismatched_attributes", plan)
    return columns | {"p": float(p_value(abs(value), np.abs(defined)))}


def _remarks(cell: Measured, i: int, j: int, null: Floats, plan: Plan) -> dict:
    """How reliable both vectors are as compared, and what is wrong with their cosine."""
    sides = {
        "reliability_a": cell.cosines.reliability_a[i],
        "reliability_b": cell.cosines.reliability_b[j],
    }
    flags = [] if np.isfinite(cell.cosines.value[i, j]) else ["norm_not_positive"]
    flags += [name for name, value in sides.items() if not value >= plan.thresholds.reliability]
    if not cell.map_ok:
        flags.append("no_map")
    if not np.isfinite(null).any():
        flags.append("no_control_null")
    return sides | {"flag": SEPARATOR.join(flags)}


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
                row |= _against(value, null[depth], "mismatched_sets", plan)
                row["p_adjusted"] = _over_depths(value, null, row["p"])
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
        nulls = np.stack([transfer.null for transfer in group])
        for transfer in group:
            row = decoding_row(transfer, "mapped", plan)
            row["p_adjusted"] = _over_depths(transfer.mapped.auroc, nulls, row["p"])
            rows.append(row)
    return rows


def decoding_row(transfer: Transfer, direction: str, plan: Plan) -> dict:
    """One transfer against random directions."""
    columns = _against(transfer.mapped.auroc, transfer.null, "", plan)
    columns = {name: cell for name, cell in columns.items() if "null" != name != "n_null"}
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
        "n_test": 2 * len(transfer.mapped.left_out),
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
            deleted = (transfer.mapped.left_out - 0.5) / (transfer.native.left_out - 0.5)
            low, high = jackknife_interval(value, deleted, plan.thresholds.alpha)
            row |= {"value": value, "ci_low": low, "ci_high": high}
        else:
            row["flag"] = "does_not_decode"
        rows.append(row)
    return rows
