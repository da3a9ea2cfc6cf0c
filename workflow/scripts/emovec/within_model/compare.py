"""Everything that is said about one model alone: the rows of within_model_similarity.csv.

Contrasts are named by what they compare: "gratitude" is gratitude − neutral, "gratitude-anger" one
emotion less another, "common" the mean emotion − neutral. Where no class is neutral the mean of all
emotions stands in its place. A statistic of one contrast leaves emotion_b empty. All depths,
metrics and contrasts share their random draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from emovec.io.tables import typed
from emovec.statistics import resampling, unbiased
from emovec.statistics.arrays import Mask
from emovec.statistics.clustered import near_topics
from emovec.statistics.metrics import METRICS
from emovec.within_model.distinct import distinct_rows
from emovec.within_model.measure import Plan, lengths_of_emotions, lengths_of_pairs, measure
from emovec.within_model.rows import (
    averages,
    common_block,
    cosine_blocks,
    diagnostic_blocks,
    less_fixed,
    norm_blocks,
    product_blocks,
)

MOST_RELABELINGS, MOST_RELABELED = 1_999, 8_000  # each costs as much as twenty flips


THRESHOLDS = {"reliability": 0.5, "margin": 0.9}


def compare_emotions(
    residual: ArrayLike,
    probe: ArrayLike,
    classes: Sequence[str | None],
    neutral: str | None,
    rng: np.random.Generator,
    *,
    model: str,
    position: str,
    metrics: Sequence[str] | None = None,
    near: Mask | None = None,
    depths: Sequence[int] = (),
    pairs_at: Sequence[int] | None = None,
    flips: int = 9_999,
    relabelings: int | None = None,
    splits: int = 100,
    alpha: float = 0.05,
    thresholds: Mapping[str, float] = THRESHOLDS,
) -> pd.DataFrame:
    """The within-model table of one position.

    Rows without a depth average depths 0..L−1, as the original study did: `cos_naive` as the
    mean of the cosines, `cos_u` as the ratio of means. The gate is open where the contrasts of
    the row have at least the reliability that the thresholds ask for and pass the sign-flip test at
    `alpha`, adjusted for all depths and contrasts of their kind (against neutral, or between
    emotions). By default there are as many relabelings as flips, but at most 1,999, and at most
    8,000 (but 199 or more) for all emotions together.

    Parameters
    ----------
    residual
        `[class, topic, depth, d_model]`, depths 0..L, classes in the order of `classes`; the last
        is None, as `neutral` is then, for the mean of the others.
    probe
        `[sentence, depth, d_model]`: the map half, on which the metrics are fitted.
    metrics
        Names of METRICS; all if absent, but those alone that need no probe where there is none.
    near
        Which topics share a lexical head in each emotion, `[emotion, topic, topic]`, as
        `prompts.splits.near_by_head` gives it; each is one of its own if absent. Intervals are
        clustered by it.
    depths
        Those over which rows `distinct` are made, in the LDA metric or else the raw one.
    pairs_at
        For many emotions, which have many pairs: the depths at which the cosines of pairs, and
        nothing else of them, are told and corrected together. All is told if absent.

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    residual, probe = np.asarray(residual), np.asarray(probe)
    if residual.ndim != 4 or len(residual) != len(classes):
        raise ValueError(
            f"residual must be [class, topic, depth, d_model] with {len(classes)} classes, "
            f"not {list(residual.shape)}"
        )
    if probe.ndim != 3 or probe.shape[1:] != residual.shape[2:]:
        raise ValueError(
            "probe must be [sentence, depth, d_model] with the last two axes of residual, "
            f"{list(residual.shape[2:])}, not {list(probe.shape)}"
        )
    _, n_topics, n_depths, _ = residual.shape
    weights = unbiased.against_neutral(classes, neutral)
    emotions = [one for one in classes if one != neutral]
    if relabelings is None:
        most = min(flips, MOST_RELABELINGS)
        relabelings = resampling.shared_out(most, len(emotions), MOST_RELABELED)
    names = emotions if neutral is None else list(classes)
    labels = resampling.relabelings(len(names), n_topics, relabelings, rng)
    if neutral is None:  # the mean stays what it is, whatever the labels
        labels = np.insert(labels, len(names), len(names), axis=-1)
    plan = Plan(
        classes=names,
        emotions=emotions,
        weights=weights,
        unlike=unbiased.unlike_cosine(len(emotions), neutral),
        signs=resampling.sign_flips(n_topics, flips, rng),
        relabeled=resampling.relabeled_weights(
            weights.astype(np.int8), labels, list(classes).index(neutral)
        ),
        halves=unbiased.halves(n_topics, splits, rng),
        near=np.stack([near_topics(n_topics)] * len(weights)) if near is None else near,
        told=range(n_depths) if pairs_at is None else sorted(set(pairs_at)),
        brief=pairs_at is not None,
        alpha=alpha,
        **{name: thresholds.get(name, limit) for name, limit in THRESHOLDS.items()},
    )
    frames = []
    for name in metrics or [m.name for m in METRICS.values() if len(probe) or not m.needs_probe]:
        measured = measure(residual, probe, name, plan)
        family = f"{position}/{name}"
        of_emotions, gate = norm_blocks(lengths_of_emotions(measured, plan), plan, family)
        alone = [
            *of_emotions,
            common_block(measured, plan, gate),
            *diagnostic_blocks(measured, plan),
        ]
        pairs = []
        if len(plan.told) and len(emotions) > 1:
            pairs += cosine_blocks(measured, plan, family, gate)
            if not plan.brief:
                of_pairs, _ = norm_blocks(lengths_of_pairs(measured, plan), plan, family)
                pairs += [*product_blocks(measured, plan, family, gate), *of_pairs]
        parts = (
            (pairs, plan.told),
            (alone, range(n_depths)),
            (averages(measured, plan, family), [None]),
        )
        frames += [
            block.frame(depths).assign(metric=name) for blocks, depths in parts for block in blocks
        ]
    if len(plan.emotions) > 1 and len(depths):
        name = "lda" if len(probe) else "raw"
        rows = distinct_rows(residual, probe, name, depths, plan, rng)
        frames.append(pd.DataFrame(rows).assign(metric=name, family=f"{position}/{name}: distinct"))
    table = pd.concat(frames, ignore_index=True)
    if neutral is None:
        table = less_fixed(table, len(emotions))
    table = table.assign(model=model, position=position, n_topics=n_topics)
    table["relative_depth"] = table["depth"].astype("Float64") / max(n_depths - 1, 1)
    return typed(table, "within_model_similarity")
