"""All comparisons of one pair of models, as rows of the tables.

At the pre-registered depths everything is measured; on a grid of depths only what is cheap, marked
exploratory. Claims are about the pre-registered depths together; over pairs and emotions they are
adjusted by `verdict.adjust_claims` once all pairs are in one table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.activations.streams import Streams, load_together
from emovec.between_models import maps
from emovec.between_models.attributes import Contrasts, balanced_contrasts
from emovec.between_models.claim_rows import claim_rows
from emovec.between_models.likeness import cka_debiased, gram, u_centred
from emovec.between_models.pair import (
    AtDepth,
    Common,
    Plan,
    apply_views,
    at_depth,
    held_out_transfers,
    measure,
)
from emovec.between_models.raw_cosines import raw_cosines
from emovec.between_models.rows import (
    cka_row,
    cosine_row,
    cosine_rows,
    decoding_row,
    efficiency_rows,
    map_rows,
    mismatched_band,
    transfer_rows,
    vector_rows,
)
from emovec.errors import InputError
from emovec.io.seeds import generator
from emovec.io.tables import typed
from emovec.models.depths import nearest_depth
from emovec.prompts.splits import near_by_head
from emovec.statistics.arrays import Floats, Mask
from emovec.statistics.clustered import near_topics
from emovec.statistics.folds import topic_folds

SMALLEST_MAP = 30


def compare_files(
    paths: tuple[str, str],
    names: tuple[str, str],
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    positions: Sequence[str],
    plan: Plan,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """All that is said of two models: raw cosines at every position, the rest at the plan's.

    See `compare_models` for what is returned. Without a probe there is nothing to fit a map on.

    Raises
    ------
    InputError
        If the activations in `paths` were made of different sentences, or cannot be compared.
    """
    classes = [*plan.emotions, plan.neutral]

    def streams(position: str) -> list[Streams]:
        return load_together(paths, names, position, classes, probe.id.tolist(), seed)

    raw = []
    for position in positions:
        a, b = (one.residual for one in streams(position))
        raw.append(raw_cosines(names, a, b, plan.emotions, position, plan.thresholds.alpha))
    a, b = streams(plan.position)
    if not len(a.probe) or not len(b.probe):
        return pd.concat(raw), typed([], "maps"), typed([], "decoding")
    rng = generator(seed, "cross", *names)
    near = near_by_head(prompts, plan.emotions, neutral=plan.neutral)
    aligned, maps, decoding = compare_models(a, b, probe, plan, rng, near)
    return pd.concat([*raw, aligned]), maps, decoding


def compare_models(
    a: Streams,
    b: Streams,
    probe: pd.DataFrame,
    plan: Plan,
    rng: np.random.Generator,
    near: Mask | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Compare the emotion directions of two models.

    Parameters
    ----------
    a, b
        The two models. Their topics and probe sentences are the same, in the same order.
    probe
        The probe table: `half` (map or control) and any `attr_*` columns of 0 and 1; one row per
        probe sentence, in the order of the arrays. Maps are fitted on the half `map`; without
        attributes there is no ruler, and every verdict is inconclusive.
    near
        Which topics share a lexical head in each emotion, `[emotion, topic, topic]`, as
        `prompts.splits.near_by_head` gives it; each is one of its own if absent.

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
    folds = topic_folds(np.shape(a.residual)[1], plan.folds, rng)
    if near is None:
        near = np.stack([near_topics(np.shape(a.residual)[1])] * len(plan.emotions))
    common = Common(plan, near, contrasts, folds, rng)

    def at(depth_a: int, depth_b: int) -> tuple[AtDepth, AtDepth]:
        depths = ((a, depth_a), (b, depth_b))
        return tuple(at_depth(model, depth, on_map, on_control) for model, depth in depths)

    pairs = [
        measure(*at(*depths), common)
        for depths in primary_depths(a.n_layers, b.n_layers, plan.relative_depths)
    ]
    cells = [cell for pair in pairs for cell in pair.cells]
    transfers = [transfer for pair in pairs for transfer in pair.transfers]
    similarity = [row for pair in pairs for row in vector_rows(pair, plan)]
    similarity += claim_rows(pairs, common)
    similarity += [row for cell in cells for row in cosine_rows(cell, common)]
    similarity += _grid_rows(a, b, on_map, on_control, common)
    decoding = transfer_rows(transfers, plan) + _start_rows(*at(0, 0), common)
    similarity += efficiency_rows(transfers, plan)
    return (
        typed(similarity, "cross_model_similarity"),
        typed([row for pair in pairs for row in map_rows(pair, plan)], "maps"),
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


def _grid_rows(
    a: Streams,
    b: Streams,
    on_map: Mask,
    on_control: Mask,
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
            cell = apply_views(left, right, "wpc", "cos_u", fit.views, common, np.nan)
            grid = {"flag": "exploratory", "family": "exploratory"} | mismatched_band(cell, common)
            rows += [cosine_row(cell, i, i, plan) | grid for i in range(len(plan.emotions))]
            cka = cka_debiased(gram_left, gram_right)
            rows.append(cka_row(left.place, right.place, cka, plan) | {"flag": "exploratory"})
    return rows


def _light(
    model: Streams, on_map: Mask, on_control: Mask, size: int
) -> list[tuple[AtDepth, Floats]]:
    """At most `size` depths after the first block, evenly spaced, and the last one among them."""
    depths = np.unique(
        np.linspace(1, model.n_layers, min(size, model.n_layers)).round().astype(int)
    )
    ats = [at_depth(model, int(depth), on_map, on_control) for depth in depths if size]
    return [(at, u_centred(gram(at.fit))) for at in ats]


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
                f"{plan.neutral or 'their mean'}: capture its activations with the same prompts."
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
