"""All comparisons of one pair of models, as rows of the tables.

At the pre-registered depths everything is measured with its null; on a grid of depths only what
is cheap, marked exploratory. p-values of a family are adjusted here for the depths of this pair
(the largest null value over depths, Westfall & Young 1993); over pairs and emotions they are
adjusted by `verdicts.adjust_families` once all pairs are in one table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from emovec import alignment
from emovec.alignment import Array, Cosines, Decomposition, Ridge, Views
from emovec.control_null import (
    Contrasts,
    balanced_contrasts,
    control_cosines,
    largest,
    mismatched_null,
    specificity,
    specificity_null,
)
from emovec.depths import nearest_depth
from emovec.errors import InputError
from emovec.inference import benjamini_hochberg, jackknife_interval
from emovec.tables import COLUMNS
from emovec.transfer import (
    HeldOut,
    held_out_auroc,
    random_aurocs,
    spectral_directions,
    topic_folds,
)
from emovec.verdicts import JOINT, Thresholds

SIMILARITY, MAPS, DECODING = (
    COLUMNS[kind] for kind in ("cross_model_similarity", "maps", "decoding")
)

SMALLEST_MAP = 30

ROGUE = 0.5  # share of the variance on one component
CONTROLS = "mismatched control attributes"
UNWHITENED = "cos_u_unwhitened"
UNWHITENED_MAP = "ridge_unwhitened"
NO_NORM = "norm not positive"
SHUFFLED = "shuffled probe sentences"


@dataclass(frozen=True)
class Streams:
    """Residual streams of one model at one position. Arrays may be on disk (h5py datasets)."""

    name: str
    residual: ArrayLike  # [class, topic, depth, d_model]; emotions in order, neutral last
    probe: ArrayLike  # [sentence, depth, d_model]
    n_layers: int

    @property
    def width(self) -> int:
        """d_model."""
        return int(np.shape(self.residual)[-1])


@dataclass(frozen=True)
class Plan:
    """What to compute; the defaults are the pre-registered choices."""

    emotions: Sequence[str]
    neutral: str
    position: str
    relative_depths: Sequence[float] = (0.25, 0.5, 0.75, 0.92)
    thresholds: Thresholds = field(default_factory=Thresholds)
    shuffles: int = 499  # of the probe sentences, for the gate of the map
    draws: int = 1999  # random directions and random sets of attributes
    folds: int = 5
    grid: int = 10  # exploratory depths of each model; 0 for none


def compare(
    a: Streams, b: Streams, probe: pd.DataFrame, plan: Plan, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Compare the emotion directions of two models.

    Parameters
    ----------
    a, b
        The two models. Their topics and probe sentences are the same, in the same order.
    probe
        The probe table: `half` (map or control) and any `attr_*` columns of 0 and 1; one row per
        probe sentence, in the order of the arrays. Maps are fitted on the half `map`; without
        attributes the control null, and with it every verdict, stays undefined.

    Returns
    -------
    similarity, maps, decoding
        Rows of `cross_model_similarity.csv`, `maps.csv` and `decoding.csv`. In rows `ridge`
        model_a is mapped onto model_b; both directions are given. The map predicts whitened
        read-outs of model_b, so that no rogue dimension outweighs all others in its R², in
        cosines and in scores; `cos_u_unwhitened` is the same map in the raw metric, to compare.

    Raises
    ------
    InputError
        If shapes do not fit each other or the map half has fewer than 30 sentences.
    """
    _check(a, b, probe, plan)
    on_map, on_control = ((probe["half"] == half).to_numpy() for half in ("map", "control"))
    contrasts = _contrasts(probe[on_control], np.shape(a.residual)[1], rng)
    fold = topic_folds(np.shape(a.residual)[1], plan.folds, rng)

    common = _Common(plan, contrasts, fold, rng)

    primary = [
        _measure(
            _at_depth(a, depth_a, on_map, on_control),
            _at_depth(b, depth_b, on_map, on_control),
            common,
        )
        for depth_a, depth_b in primary_depths(a.n_layers, b.n_layers, plan.relative_depths)
    ]
    measured = [cell for at in primary for cell in at.measured]
    similarity = [row for at in primary for row in at.rows]
    similarity += _alignment_rows(measured, common)
    similarity += _specificity_rows(measured, common)
    similarity += _grid_rows(a, b, on_map, on_control, common)
    start = tuple(_at_depth(model, 0, on_map, on_control) for model in (a, b))
    transfers = [transfer for at in primary for transfer in at.transfers]
    decoding = _transfer_rows(transfers, plan) + _start_rows(*start, common)
    similarity += _efficiency_rows(transfers, plan)
    return (
        _frame(similarity, SIMILARITY),
        _frame([row for at in primary for row in at.maps], MAPS),
        _frame(decoding, DECODING),
    )


def primary_depths(
    n_layers_a: int, n_layers_b: int, relative: Sequence[float]
) -> list[tuple[int, int]]:
    """The depths of both models nearest to each relative depth, each pair once.

    >>> primary_depths(12, 30, [0.25, 0.92])
    [(3, 8), (11, 28)]
    """
    pairs = [(nearest_depth(t, n_layers_a), nearest_depth(t, n_layers_b)) for t in relative]
    return list(dict.fromkeys(pairs))


# One pair of depths -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Common:
    plan: Plan
    contrasts: Contrasts
    fold: NDArray[np.int_]
    rng: np.random.Generator


@dataclass(frozen=True)
class _Place:
    model: str
    depth: int
    relative: float


@dataclass(frozen=True)
class _AtDepth:
    """One model at one depth, in float64."""

    place: _Place
    sentences: Array  # [class, topic, d]
    fit: Array  # [probe sentence of the map half, d]
    control: Array  # [probe sentence of the control half, d]
    parts: Decomposition  # of fit

    @property
    def differences(self) -> Array:
        """Emotion minus neutral, `[emotion, topic, d]`."""
        return self.sentences[:-1] - self.sentences[-1]

    @property
    def whitened(self) -> _AtDepth:
        """The same in whitened read-outs, where no dimension outweighs the others."""
        axes = alignment.whitener(self.parts)
        n, k = len(self.fit), axes.shape[1]
        parts = Decomposition(
            self.parts.mean @ axes, self.parts.u[:, :k], np.full(k, np.sqrt(n - 1)), np.eye(k)
        )
        return _AtDepth(
            self.place, self.sentences @ axes, self.fit @ axes, self.control @ axes, parts
        )


@dataclass(frozen=True)
class _Measured:
    """One method at one pair of depths, from source to target."""

    source: _Place
    target: _Place
    method: str
    stat: str
    cosines: Cosines
    controls: Array  # [attribute, attribute]
    map_r2: float
    map_ok: bool
    n_map: int


@dataclass(frozen=True)
class _Transfer:
    """Held-out decoding of one emotion in the target along the direction mapped from the source."""

    source: _Place
    target: _Place
    emotion: str
    mapped: HeldOut
    native: HeldOut
    null: Array  # [draw]


@dataclass
class _Found:
    """Everything found at one pair of depths."""

    measured: list[_Measured] = field(default_factory=list)
    transfers: list[_Transfer] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)
    maps: list[dict] = field(default_factory=list)


def _at_depth(
    model: Streams, depth: int, on_map: NDArray[np.bool_], on_control: NDArray[np.bool_]
) -> _AtDepth:
    sentences = np.asarray(model.residual[:, :, depth], dtype=float)
    if not np.isfinite(sentences).all():
        raise InputError(f"{model.name} has undefined activations at depth {depth}: capture anew.")
    probe = np.asarray(model.probe[:, depth], dtype=float)
    fit = probe[on_map]
    place = _Place(model.name, depth, depth / model.n_layers)
    return _AtDepth(place, sentences, fit, probe[on_control], alignment.decompose(fit))


def _measure(a: _AtDepth, b: _AtDepth, common: _Common) -> _Found:
    found = _Found()
    geometry, cka_null = _geometry(a, b, common)
    gates = []
    for source, target in ((a, b), (b, a)):
        white = target.whitened
        ridge = alignment.fit_ridge(source.parts, white.fit)
        row = _ridge_row(source, target, ridge, _shuffled(source, white, ridge, common), common)
        ok = row["map_ok"]
        gates.append(ok)
        found.measured.append(
            _apply(source, white, "ridge", "cos_u", ridge.views, common, ridge.r2_loo, ok)
        )
        found.transfers += _transfers(source, white, ridge, common)
        plain = alignment.fit_ridge(source.parts, target.fit)
        found.measured.append(
            _apply(source, target, "ridge", UNWHITENED, plain.views, common, plain.r2_loo, ok)
        )
        found.maps += [row | geometry, _plain_row(source, target, plain, common.plan) | geometry]
    map_ok = all(gates)
    if (procrustes := alignment.fit_procrustes(a.fit, b.fit)) is not None:
        found.measured.append(
            _apply(a, b, "procrustes", "cos_u", procrustes.views, common, procrustes.r2_ab, map_ok)
        )
        found.maps += _procrustes_rows(a, b, procrustes, common.plan, geometry)
        found.rows += _capture_rows(a, b, procrustes, common.plan)
    if (read_outs := alignment.fit_readouts(a.parts, b.parts)) is not None:
        found.measured.append(_apply(a, b, "wpc", "cos_u", read_outs.views, common, np.nan, map_ok))
        found.rows += _readout_rows(a, b, common.plan)
    found.rows += _geometry_rows(a, b, geometry, cka_null, common.plan)
    return found


def _apply(
    source: _AtDepth,
    target: _AtDepth,
    method: str,
    stat: str,
    views: Callable[[Array, Array], Views],
    common: _Common,
    map_r2: float,
    map_ok: bool,
) -> _Measured:
    return _Measured(
        source.place,
        target.place,
        method,
        stat,
        alignment.cross_cosines(
            views(source.differences, target.differences), common.plan.thresholds.alpha
        ),
        _controls(views(source.control, target.control), common),
        map_r2,
        map_ok,
        len(source.fit),
    )


def _controls(views: Views, common: _Common) -> Array:
    return control_cosines(views, common.contrasts, common.plan.thresholds.control_reliability)


def _shuffled(source: _AtDepth, target: _AtDepth, ridge: Ridge, common: _Common) -> Array:
    if not np.isfinite(ridge.r2_loo):
        return np.empty(0)
    return alignment.shuffle_null(source.parts, target.fit, ridge, common.rng, common.plan.shuffles)


def _geometry(a: _AtDepth, b: _AtDepth, common: _Common) -> tuple[dict, Array]:
    """Likeness of the two representations, and the CKA of shuffled sentences."""
    grams = alignment.gram(a.fit), alignment.gram(b.fit)
    n = len(a.fit)
    k = min(alignment.NEIGHBOURS, n - 1)
    geometry = {"cka_debiased": np.nan, "mknn": np.nan, "mknn_chance": k / (n - 1), "n_map": n}
    if not (a.parts.s.size and b.parts.s.size):
        return geometry, np.empty(0)
    centred = [alignment.u_centred(products) for products in grams]
    near = [alignment.neighbours(products, k) for products in grams]
    geometry["cka_debiased"] = alignment.cka_from_grams(*centred)
    geometry["mknn"] = alignment.mutual_neighbours(*near)
    return geometry, alignment.cka_shuffle_null(*centred, common.rng, common.plan.shuffles)


def _transfers(
    source: _AtDepth, target: _AtDepth, ridge: Ridge, common: _Common
) -> list[_Transfer]:
    mapped = source.differences @ ridge.weights
    random = spectral_directions(target.parts, common.plan.draws, common.rng)
    scores = target.sentences @ random.T  # [class, topic, draw]
    neutral = target.sentences[-1]
    return [
        _Transfer(
            source.place,
            target.place,
            emotion,
            held_out_auroc(mapped[i], target.sentences[i], neutral, common.fold),
            held_out_auroc(target.differences[i], target.sentences[i], neutral, common.fold),
            random_aurocs(scores[i], scores[-1], common.fold),
        )
        for i, emotion in enumerate(common.plan.emotions)
    ]


# Rows ---------------------------------------------------------------------------------------------


def _pair(source: _Place, target: _Place, plan: Plan) -> dict:
    return {
        "model_a": source.model,
        "model_b": target.model,
        "position": plan.position,
        "depth_a": source.depth,
        "depth_b": target.depth,
        "relative_depth_a": source.relative,
        "relative_depth_b": target.relative,
    }


def _ridge_row(
    source: _AtDepth, target: _AtDepth, ridge: Ridge, null: Array, common: _Common
) -> dict:
    limits = common.plan.thresholds
    p = alignment.exceedance(ridge.r2_loo, null)
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


def _plain_row(source: _AtDepth, target: _AtDepth, ridge: Ridge, plan: Plan) -> dict:
    return _pair(source.place, target.place, plan) | {
        "method": UNWHITENED_MAP,
        "k_or_alpha": ridge.alpha,
        "r2_loo": ridge.r2_loo,
        "flag": "for comparison",
    }


def _procrustes_rows(
    a: _AtDepth, b: _AtDepth, fit: alignment.Procrustes, plan: Plan, geometry: dict
) -> list[dict]:
    return [
        _pair(source.place, target.place, plan)
        | {"method": "procrustes", "k_or_alpha": fit.k, "r2_loo": r2, "flag": "5-fold R²"}
        | geometry
        for source, target, r2 in ((a, b, fit.r2_ab), (b, a, fit.r2_ba))
    ]


def _capture_rows(a: _AtDepth, b: _AtDepth, fit: alignment.Procrustes, plan: Plan) -> list[dict]:
    """How much of each vector the rotated subspaces hold."""
    captured_a = alignment.captured(a.differences, fit.basis_a)
    captured_b = alignment.captured(b.differences, fit.basis_b)
    rows = _per_emotion(a, b, a, "procrustes", "captured_a", captured_a, plan)
    return rows + _per_emotion(a, b, b, "procrustes", "captured_b", captured_b, plan)


def _readout_rows(a: _AtDepth, b: _AtDepth, plan: Plan) -> list[dict]:
    """The best any read-out of the other model could do, and what the read-outs hold."""
    rows = []
    for at, other, side in ((a, b, "a"), (b, a, "b")):
        fit = alignment.fit_readouts(at.parts, other.parts)
        basis = at.parts.vt[: fit.whiten_a.shape[1]].T
        ceiling = fit.ceiling(at.differences)
        captured = alignment.captured(at.differences, basis)
        rows += _per_emotion(a, b, at, "wpc", f"ceiling_{side}", ceiling, plan)
        rows += _per_emotion(a, b, at, "wpc", f"captured_{side}", captured, plan)
    return rows


def _per_emotion(
    a: _AtDepth, b: _AtDepth, of: _AtDepth, method: str, stat: str, values: Array, plan: Plan
) -> list[dict]:
    """Rows about the vectors of one of the two models."""
    reliable = alignment.reliability(of.whitened.differences) >= plan.thresholds.reliability
    return [
        _pair(a.place, b.place, plan)
        | {"emotion_a": emotion, "emotion_b": emotion, "method": method, "stat": stat}
        | {"value": value, "n_map": len(a.fit), "gate_ok": bool(ok)}
        | {"flag": "" if np.isfinite(value) else NO_NORM}
        for emotion, value, ok in zip(plan.emotions, values, reliable, strict=True)
    ]


def _geometry_rows(a: _AtDepth, b: _AtDepth, geometry: dict, null: Array, plan: Plan) -> list[dict]:
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
    p = alignment.exceedance(value, defined)
    return {"null_low": low, "null_high": high, "null": name, "p": p}


def _alignment_rows(measured: Sequence[_Measured], common: _Common) -> list[dict]:
    """Cosines of all emotions, and of matched attributes, against mismatched attributes."""
    rows = []
    for cells in _by_direction(measured):
        nulls = np.stack([mismatched_null(cell.controls, common.contrasts) for cell in cells])
        extreme = largest(np.abs(nulls))
        for cell, null in zip(cells, nulls, strict=True):
            rows += _cosine_rows(cell, null, extreme, common)
            rows += _control_rows(cell, null, common)
    return rows


def _by_direction(measured: Sequence[_Measured]) -> list[list[_Measured]]:
    """The depths of each statistic and direction."""
    groups: dict[tuple[str, str, str], list[_Measured]] = {}
    for cell in measured:
        groups.setdefault((cell.method, cell.stat, cell.source.model), []).append(cell)
    return list(groups.values())


def _tested(cell: _Measured) -> bool:
    return cell.method in JOINT and cell.stat == "cos_u"


def _cosine_rows(cell: _Measured, null: Array, extreme: Array, common: _Common) -> list[dict]:
    plan = common.plan
    reliable = cell.cosines.reliable(plan.thresholds.reliability)
    rows = []
    for i, emotion_a in enumerate(plan.emotions):
        for j, emotion_b in enumerate(plan.emotions):
            value = cell.cosines.value[i, j]
            row = _start(cell, plan, emotion_a, emotion_b, cell.stat, value)
            row |= _two_sided(value, null, plan)
            row |= {"ci_low": cell.cosines.low[i, j], "ci_high": cell.cosines.high[i, j]}
            row["flag"] = _flag(cell, i, j, null, plan)
            if i == j and _tested(cell):
                row["family"] = "alignment"
                row["p_adjusted"] = _over_depths(abs(value), extreme, row["p"])
            rows.append(_gated(row, reliable[i, j] and cell.map_ok))
    return rows


def _gated(row: dict, ok: bool) -> dict:
    """The row with its gate; p is given only where that is open.

    Where norms are those of noise a cosine can have any size, so that its p says nothing.
    """
    return row | {"gate_ok": bool(ok)} | ({} if ok else {"p": np.nan, "p_adjusted": np.nan})


def _control_rows(cell: _Measured, null: Array, common: _Common) -> list[dict]:
    """How well an ordinary attribute corresponds to itself: the positive control."""
    rows = []
    for name, value in zip(common.contrasts.names, np.diag(cell.controls), strict=True):
        row = _start(cell, common.plan, name, name, cell.stat, value)
        row |= _two_sided(value, null, common.plan)
        flag = "" if np.isfinite(value) else "attribute not reliable enough"
        rows.append(_gated(row | {"family": "control", "flag": flag}, cell.map_ok))
    return rows


def _start(
    cell: _Measured, plan: Plan, emotion_a: str, emotion_b: str, stat: str, value: float
) -> dict:
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
    return float(np.maximum(alignment.exceedance(value, extreme), p))


def _two_sided(value: float, null: Array, plan: Plan) -> dict:
    """Band of the null and p by absolute value."""
    columns = _against(value, null, f"{CONTROLS}, {np.isfinite(null).sum()} pairs", plan)
    return columns | {"p": alignment.exceedance(abs(value), np.abs(null))}


def _flag(cell: _Measured, i: int, j: int, null: Array, plan: Plan) -> str:
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


def _specificity_rows(measured: Sequence[_Measured], common: _Common) -> list[dict]:
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
                row = _start(cell, plan, emotion, emotion, "specificity", value)
                row |= _against(value, null[depth], f"sets of {CONTROLS}", plan)
                row["p_adjusted"] = _over_depths(value, largest(null), row["p"])
                row["family"] = "specificity" if emotion else "specificity of all"
                rows.append(_gated(row, reliable))
    return rows


def _grid_rows(
    a: Streams,
    b: Streams,
    on_map: NDArray[np.bool_],
    on_control: NDArray[np.bool_],
    common: _Common,
) -> list[dict]:
    """Every depth of a against every depth of b: read-outs and CKA, marked exploratory."""
    plan = common.plan
    columns = [_light(model, on_map, on_control, plan.grid) for model in (a, b)]
    rows = []
    for left, gram_left in columns[0]:
        for right, gram_right in columns[1]:
            fit = alignment.fit_readouts(left.parts, right.parts)
            if fit is None:
                continue
            cell = _apply(left, right, "wpc", "cos_u", fit.views, common, np.nan, False)
            null = mismatched_null(cell.controls, common.contrasts)
            reliable = cell.cosines.reliable(plan.thresholds.reliability)
            for i, emotion in enumerate(plan.emotions):
                value = cell.cosines.value[i, i]
                row = _start(cell, plan, emotion, emotion, "cos_u", value)
                row |= _two_sided(value, null, plan) | {
                    "family": "exploratory",
                    "flag": "exploratory",
                }
                row |= {"ci_low": cell.cosines.low[i, i], "ci_high": cell.cosines.high[i, i]}
                rows.append(_gated(row, reliable[i, i]))
            cka = alignment.cka_from_grams(gram_left, gram_right)
            row = _start(cell, plan, "", "", "cka", cka)
            rows.append(row | {"method": "cka_debiased", "flag": "exploratory"})
    tested = [row for row in rows if row.get("family") == "exploratory"]
    for row, p in zip(tested, benjamini_hochberg([row["p"] for row in tested]), strict=True):
        row["p_adjusted"] = p
    return rows


def _light(
    model: Streams, on_map: NDArray[np.bool_], on_control: NDArray[np.bool_], size: int
) -> list[tuple[_AtDepth, Array]]:
    """At most `size` depths after the first block, evenly spaced, and the last one among them."""
    depths = np.unique(
        np.linspace(1, model.n_layers, min(size, model.n_layers)).round().astype(int)
    )
    found = [_at_depth(model, int(depth), on_map, on_control) for depth in depths if size]
    return [(at, alignment.u_centred(alignment.gram(at.fit))) for at in found]


def _transfer_rows(transfers: Sequence[_Transfer], plan: Plan) -> list[dict]:
    """Mapped directions against random ones, adjusted for the depths."""
    groups: dict[tuple[str, str], list[_Transfer]] = {}
    for transfer in transfers:
        groups.setdefault((transfer.source.model, transfer.emotion), []).append(transfer)
    rows = []
    for group in groups.values():
        extreme = largest(np.stack([transfer.null for transfer in group]))
        for transfer in group:
            row = _decoding_row(transfer, "mapped", plan)
            row["p_adjusted"] = _over_depths(transfer.mapped.auroc, extreme, row["p"])
            rows.append(row)
    return rows


def _start_rows(a: _AtDepth, b: _AtDepth, common: _Common) -> list[dict]:
    """The same transfer from and to the stream before the first block: what tokens alone give."""
    rows = []
    for source, target in ((a, b), (b, a)):
        white = target.whitened
        ridge = alignment.fit_ridge(source.parts, white.fit)
        rows += [
            _decoding_row(transfer, "depth0", common.plan)
            for transfer in _transfers(source, white, ridge, common)
        ]
    return rows


def _decoding_row(transfer: _Transfer, direction: str, plan: Plan) -> dict:
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


def _efficiency_rows(transfers: Sequence[_Transfer], plan: Plan) -> list[dict]:
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


def _frame(rows: Sequence[dict], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows), columns=list(columns))
    text = ["emotion_a", "emotion_b", "null", "family", "flag"]
    gates = [column for column in ("gate_ok", "map_ok") if column in columns]
    table = table.fillna({column: "" for column in text if column in columns})
    return table.astype(dict.fromkeys(gates, "boolean"))


# Checks -------------------------------------------------------------------------------------------


def _check(a: Streams, b: Streams, probe: pd.DataFrame, plan: Plan) -> None:
    for model in (a, b):
        classes, _, depths, width = np.shape(model.residual)
        if classes != len(plan.emotions) + 1:
            raise InputError(
                f"{model.name} has {classes} classes instead of {len(plan.emotions)} emotions and "
                f"{plan.neutral}: capture its activations with the same prompts."
            )
        if depths != model.n_layers + 1 or np.shape(model.probe) != (len(probe), depths, width):
            raise InputError(
                f"{model.name} has residual streams of shape {np.shape(model.residual)} and probe "
                f"streams of shape {np.shape(model.probe)}, which do not fit {model.n_layers} "
                f"layers and {len(probe)} probe sentences: capture its activations anew."
            )
    if np.shape(a.residual)[1] != np.shape(b.residual)[1]:
        raise InputError(
            f"{a.name} has {np.shape(a.residual)[1]} topics and {b.name} "
            f"{np.shape(b.residual)[1]}: capture both with the same prompts."
        )
    if (size := int((probe["half"] == "map").sum())) < SMALLEST_MAP:
        raise InputError(
            f"The probe has {size} sentences in the half `map`, too few for a map: give at least "
            f"{SMALLEST_MAP}, better 600."
        )


def _contrasts(control: pd.DataFrame, topics: int, rng: np.random.Generator) -> Contrasts:
    columns = [column for column in control.columns if column.startswith("attr_")]
    return balanced_contrasts(control[columns].to_numpy(), columns, topics, rng)
