"""All comparisons of one pair of models, as rows of the tables.

At the pre-registered depths everything is measured with its null; on a grid of depths only what
is cheap, marked exploratory. p-values of a family are adjusted here for the depths of this pair
(the largest null value over depths, Westfall & Young 1993); over pairs and emotions they are
adjusted by `verdicts.adjust_families` once all pairs are in one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emovec.activations.streams import Streams
from emovec.between_models import maps
from emovec.between_models.attributes import Contrasts, balanced_contrasts, mismatched_null
from emovec.between_models.likeness import cka_from_grams, gram, u_centred
from emovec.between_models.pair import (
    AtDepth,
    Common,
    Measured,
    Plan,
    Transfer,
    apply_views,
    at_depth,
    held_out_transfers,
    likeness,
    shuffled_r2,
)
from emovec.between_models.rows import (
    alignment_rows,
    capture_rows,
    cell_row,
    decoding_row,
    efficiency_rows,
    gated,
    likeness_rows,
    plain_row,
    procrustes_rows,
    readout_rows,
    ridge_row,
    specificity_rows,
    transfer_rows,
    two_sided,
)
from emovec.decoding.held_out import topic_folds
from emovec.errors import InputError
from emovec.io.tables import typed
from emovec.models.depths import nearest_depth
from emovec.statistics.arrays import Array
from emovec.statistics.corrections import benjamini_hochberg

SMALLEST_MAP = 30


UNWHITENED = "cos_u_unwhitened"


def compare_models(
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

    common = Common(plan, contrasts, fold, rng)

    primary = [
        _measure(
            at_depth(a, depth_a, on_map, on_control),
            at_depth(b, depth_b, on_map, on_control),
            common,
        )
        for depth_a, depth_b in primary_depths(a.n_layers, b.n_layers, plan.relative_depths)
    ]
    measured = [cell for at in primary for cell in at.measured]
    similarity = [row for at in primary for row in at.rows]
    similarity += alignment_rows(measured, common)
    similarity += specificity_rows(measured, common)
    similarity += _grid_rows(a, b, on_map, on_control, common)
    start = tuple(at_depth(model, 0, on_map, on_control) for model in (a, b))
    transfers = [transfer for at in primary for transfer in at.transfers]
    decoding = transfer_rows(transfers, plan) + _start_rows(*start, common)
    similarity += efficiency_rows(transfers, plan)
    return (
        typed(similarity, "cross_model_similarity"),
        typed([row for at in primary for row in at.maps], "maps"),
        typed(decoding, "decoding"),
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


@dataclass
class _Found:
    """Everything found at one pair of depths."""

    measured: list[Measured] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)
    maps: list[dict] = field(default_factory=list)


def _measure(a: AtDepth, b: AtDepth, common: Common) -> _Found:
    found = _Found()
    geometry, cka_null = likeness(a, b, common)
    gates = []
    for source, target in ((a, b), (b, a)):
        white = target.whitened
        ridge = maps.fit_ridge(source.parts, white.fit)
        row = ridge_row(source, target, ridge, shuffled_r2(source, white, ridge, common), common)
        ok = row["map_ok"]
        gates.append(ok)
        found.measured.append(
            apply_views(source, white, "ridge", "cos_u", ridge.views, common, ridge.r2_loo, ok)
        )
        found.transfers += held_out_transfers(source, white, ridge, common)
        plain = maps.fit_ridge(source.parts, target.fit)
        found.measured.append(
            apply_views(source, target, "ridge", UNWHITENED, plain.views, common, plain.r2_loo, ok)
        )
        found.maps += [row | geometry, plain_row(source, target, plain, common.plan) | geometry]
    map_ok = all(gates)
    if (procrustes := maps.fit_procrustes(a.fit, b.fit)) is not None:
        found.measured.append(
            apply_views(
                a, b, "procrustes", "cos_u", procrustes.views, common, procrustes.r2_ab, map_ok
            )
        )
        found.maps += procrustes_rows(a, b, procrustes, common.plan, geometry)
        found.rows += capture_rows(a, b, procrustes, common.plan)
    if (read_outs := maps.fit_readouts(a.parts, b.parts)) is not None:
        found.measured.append(
            apply_views(a, b, "wpc", "cos_u", read_outs.views, common, np.nan, map_ok)
        )
        found.rows += readout_rows(a, b, common.plan)
    found.rows += likeness_rows(a, b, geometry, cka_null, common.plan)
    return found


def _grid_rows(
    a: Streams,
    b: Streams,
    on_map: NDArray[np.bool_],
    on_control: NDArray[np.bool_],
    common: Common,
) -> list[dict]:
    """Every depth of a against every depth of b: read-outs and CKA, marked exploratory."""
    plan = common.plan
    columns = [_light(model, on_map, on_control, plan.grid) for model in (a, b)]
    rows = []
    for left, gram_left in columns[0]:
        for right, gram_right in columns[1]:
            fit = maps.fit_readouts(left.parts, right.parts)
            if fit is None:
                continue
            cell = apply_views(left, right, "wpc", "cos_u", fit.views, common, np.nan, False)
            null = mismatched_null(cell.controls, common.contrasts)
            reliable = cell.cosines.reliable(plan.thresholds.reliability)
            for i, emotion in enumerate(plan.emotions):
                value = cell.cosines.value[i, i]
                row = cell_row(cell, plan, emotion, emotion, "cos_u", value)
                row |= two_sided(value, null, plan) | {
                    "family": "exploratory",
                    "flag": "exploratory",
                }
                row |= {"ci_low": cell.cosines.low[i, i], "ci_high": cell.cosines.high[i, i]}
                rows.append(gated(row, reliable[i, i]))
            cka = cka_from_grams(gram_left, gram_right)
            row = cell_row(cell, plan, "", "", "cka", cka)
            rows.append(row | {"method": "cka_debiased", "flag": "exploratory"})
    tested = [row for row in rows if row.get("family") == "exploratory"]
    for row, p in zip(tested, benjamini_hochberg([row["p"] for row in tested]), strict=True):
        row["p_adjusted"] = p
    return rows


def _light(
    model: Streams, on_map: NDArray[np.bool_], on_control: NDArray[np.bool_], size: int
) -> list[tuple[AtDepth, Array]]:
    """At most `size` depths after the first block, evenly spaced, and the last one among them."""
    depths = np.unique(
        np.linspace(1, model.n_layers, min(size, model.n_layers)).round().astype(int)
    )
    found = [at_depth(model, int(depth), on_map, on_control) for depth in depths if size]
    return [(at, u_centred(gram(at.fit))) for at in found]


def _start_rows(a: AtDepth, b: AtDepth, common: Common) -> list[dict]:
    """The same transfer from and to the stream before the first block: what tokens alone give."""
    rows = []
    for source, target in ((a, b), (b, a)):
        white = target.whitened
        ridge = maps.fit_ridge(source.parts, white.fit)
        rows += [
            decoding_row(transfer, "depth0", common.plan)
            for transfer in held_out_transfers(source, white, ridge, common)
        ]
    return rows


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
