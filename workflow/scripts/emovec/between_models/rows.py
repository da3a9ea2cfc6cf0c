"""What was measured between two models, as rows of the tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emovec.between_models.attributes import mismatched_cosines
from emovec.between_models.maps import Ridge
from emovec.between_models.pair import Common, Measured, Pair, Place, Plan, Transfer
from emovec.decoding.table import NOT_INFORMATIVE
from emovec.io.tables import SEPARATOR
from emovec.statistics.arrays import Floats
from emovec.statistics.resampling import jackknife_interval, p_value, single_step

ROGUE = 0.5  # share of the variance on one component


READ_OUTS = "wpc"
SCORED_IN = READ_OUTS  # the metric of transfers: whitened read-outs of the target
UNWHITENED_MAP, MISMATCHED = "ridge_unwhitened", "mismatched_attributes"


def pair_columns(source: Place, target: Place, plan: Plan) -> dict:
    """The columns that name two models and their depths."""
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
    """The maps each way, those that predict whitened read-outs with their null."""
    rows = []
    for fit in pair.maps:
        start = pair_columns(fit.source, fit.target, plan)
        shares = {"component_a": fit.source.rogue_share, "component_b": fit.target.rogue_share}
        flags = [side for side, share in shares.items() if share > ROGUE]
        if not np.isfinite(fit.ridge.r2_loo):
            flags.append("no_variance")
        null = {"p": fit.p, "flag": SEPARATOR.join(flags)} | shares
        if fit.null.size:
            null["r2_null_high"] = np.quantile(fit.null, 1.0 - plan.thresholds.alpha)
        rows.append(start | _ridge("ridge", fit.ridge) | null)
        rows.append(start | _ridge(UNWHITENED_MAP, fit.unwhitened) | {"flag": "for_comparison"})
    if (fit := pair.procrustes) is not None:
        rows += [
            pair_columns(source, target, plan)
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
        pair_columns(pair.a, pair.b, plan)
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
    start = pair_columns(pair.a, pair.b, plan) | {"n_map": geometry["n_map"]}
    cka = cka_row(pair.a, pair.b, geometry["cka_debiased"], plan)
    cka |= _against(geometry["cka_debiased"], pair.cka_null, "shuffled_sentences", plan)
    mknn = {
        "method": "mknn",
        "stat": "overlap",
        "value": geometry["mknn"],
        "null_high": geometry["mknn_chance"],
        "null": "chance",
    }
    return [start | cka, start | mknn]


def cka_row(a: Place, b: Place, value: float, plan: Plan) -> dict:
    """The likeness of two representations at a pair of depths."""
    return pair_columns(a, b, plan) | {"method": "cka_debiased", "stat": "cka", "value": value}


def band(null: Floats, name: str, plan: Plan) -> dict:
    """The columns of what chance, or a ruler, gives."""
    defined = null[np.isfinite(null)]
    if not defined.size:
        return {}
    tail = plan.thresholds.alpha / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return {"null_low": low, "null_high": high, "null": name, "n_null": defined.size}


def _against(value: float, null: Floats, name: str, plan: Plan) -> dict:
    """The columns that set a value against its null, larger being more extreme."""
    p = float(p_value(value, null[np.isfinite(null)]))
    return band(null, name, plan) | {"p": p}


def cosine_rows(cell: Measured, common: Common) -> list[dict]:
    """Cosines of every emotion with every emotion, beside those of mismatched attributes.

    Those of one emotion in two models are the sensitivity of a claim to method and depth. In a
    brief plan different emotions are told by one method alone.
    """
    plan, null = common.plan, mismatched_band(cell, common)
    every = not plan.brief or cell.method == READ_OUTS
    rows = []
    for i, j in np.ndindex(len(plan.emotions), len(plan.emotions)):
        if i == j or every:
            row = cosine_row(cell, i, j, plan) | null
            if i == j and cell.stat == "cos_u":
                row["family"] = "sensitivity"
            rows.append(row)
    return rows


def mismatched_band(cell: Measured, common: Common) -> dict:
    """The columns of what mismatched attributes give, for all cosines of one cell."""
    return band(mismatched_cosines(cell.controls, common.contrasts), MISMATCHED, common.plan)


def cosine_row(cell: Measured, i: int, j: int, plan: Plan) -> dict:
    """The cosine of emotion `i` of one model with `j` of the other, how reliable they are."""
    found = cell.cosines
    sides = {"reliability_a": found.reliability_a[i], "reliability_b": found.reliability_b[j]}
    flags = [] if np.isfinite(found.value[i, j]) else ["norm_not_positive"]
    least = plan.thresholds.reliability
    flags += [name for name, value in sides.items() if not value >= least]
    return pair_columns(cell.source, cell.target, plan) | sides | {
        "emotion_a": plan.emotions[i],
        "emotion_b": plan.emotions[j],
        "method": cell.method,
        "stat": cell.stat,
        "value": found.value[i, j],
        "ci_low": found.low[i, j],
        "ci_high": found.high[i, j],
        "map_r2": cell.map_r2,
        "n_map": cell.n_map,
        "gate_ok": bool(found.reliable(least)[i, j]),
        "flag": SEPARATOR.join(flags),
    }  # fmt: skip


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
            # more draws are defined over the depths than at one
            over_depths = single_step(transfer.mapped.auroc, nulls)
            row["p_adjusted"] = float(np.maximum(over_depths, row["p"]))
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
        "metric": SCORED_IN,
        "auroc": transfer.mapped.auroc,
        "ci_low": low,
        "ci_high": high,
        "n_test": len(plan.compared(0)) * len(transfer.mapped.left_out),
        "flag": "" if transfer.mapped.measured else NOT_INFORMATIVE,
    }


def efficiency_rows(transfers: Sequence[Transfer], plan: Plan) -> list[dict]:
    """How much of what the target's own direction separates the mapped one separates."""
    rows = []
    for transfer in transfers:
        row = pair_columns(transfer.source, transfer.target, plan)
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
