"""The headline numbers inside one model under each way to find a direction, as rows of ways.csv."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from emovec.activations.streams import Streams
from emovec.io.tables import typed
from emovec.robustness.agreement import (
    Sample,
    agreement,
    from_halves,
    of_attributes,
    unrelated,
    unrelated_sets,
)
from emovec.robustness.way_design import Design, sample
from emovec.robustness.way_rows import Null, rows_of
from emovec.robustness.ways import STUDY, WAYS, Way
from emovec.statistics.arrays import Floats
from emovec.statistics.auroc import HeldOut, over_folds


def ways_within(streams: Streams, probe: pd.DataFrame, design: Design) -> pd.DataFrame:
    """AUROC, cosines of two emotions and cosines with the mean difference, under every way."""
    at, depth = sample(streams, probe, design)
    known = [way for way in WAYS.values() if not design.undefined(way, len(at.fit))]
    study = _directions(WAYS[STUDY], at, design) if known else None
    rows = []
    for way in WAYS.values():
        why = design.undefined(way, len(at.fit))
        found = None if why else _directions(way, at, design)
        of_way = [
            *_auroc_rows(way, at, design, why),
            *_cosine_rows(way, found, design, why),
            *_with_mean_rows(way, found, study, design, why),
        ]
        rows += [{"way": way.name} | row for row in of_way]
    place = {
        "model": streams.name,
        "position": design.position,
        "relative_depth": design.relative_depth,
        "depth_a": depth,
        "n_topics": at.sentences.shape[1],
    }
    return typed([row | place for row in rows], "ways")


Directions = tuple[Floats, Floats]  # of emotions, of attributes


def _directions(way: Way, at: Sample, design: Design) -> Directions:
    def alone(vectors: Floats) -> Floats:
        return vectors

    draws = design.draws
    sets = of_attributes(way, at, draws, design.neutral, alone) if len(at.fit) else np.empty(0)
    return from_halves(way, at, draws, alone), sets


def _auroc_rows(way: Way, at: Sample, design: Design, why: str) -> list[dict]:
    names = [(one, None) for one in design.emotions]
    values = None if why else held_out(way, at, design)
    null = Null.chance(0.5)
    n_topics = at.sentences.shape[1]

    def interval(values: Floats, alpha: float) -> tuple[float, float]:
        return HeldOut(float(values[0]), values[1:], n_topics=n_topics).interval(alpha)

    return rows_of("auroc", names, values, design.limits, null, why, interval=interval)


def held_out(way: Way, at: Sample, design: Design) -> Floats:
    """AUROC `[1 + group, emotion]` against neutral, or all others, on held-out topics."""
    kept, n_classes = design.draws.kept, len(at.sentences) - (not design.neutral)
    scores = []  # [fold][1 + group, emotion, class, topic]
    for train, test in zip(design.folds.train, design.folds.test[:, 0], strict=True):
        found = np.stack(
            [way.find(at.sentences[:-1][:, some], at.sentences[-1:][:, some], at.axes)
             for some in train & kept]
        )  # fmt: skip
        scores.append(np.einsum("ged,ctd->gect", found, at.sentences[:, test]))
    values = []
    for i in range(len(design.emotions)):
        compared = [i, -1] if design.neutral else [i, *(j for j in range(n_classes) if j != i)]
        folds = design.folds.among(len(compared))
        tested = (one[:, i, compared].reshape(len(kept), -1) for one in scores)
        values.append(over_folds(tested, folds, kept.astype(np.int8)))
    return np.stack(values, axis=1)


def _cosine_rows(way: Way, found: Directions | None, design: Design, why: str) -> list[dict]:
    pairs = list(combinations(range(len(design.emotions)), 2))
    names = [(design.emotions[i], design.emotions[j]) for i, j in pairs]
    ends = design.opposite or (way.name == "others" and len(design.emotions) == 2)
    why = why or ("by_construction" if ends else "")
    if why or not pairs:
        return rows_of("cosine", names, None, design.limits, None, why)
    a, b = np.array(pairs).T
    of_emotions = agreement(found[0], found[0])
    reliable = of_emotions.reliability_a
    null = None
    if len(found[1]):
        among = unrelated(agreement(found[1], found[1]), design.limits.reliability)
        null = Null.of(among, np.triu_indices(among.shape[-1], 1))
    return rows_of(
        "cosine", names, of_emotions.values[:, a, b], design.limits, null,
        reliability=(reliable[:, a], reliable[:, b]),
    )  # fmt: skip


def _with_mean_rows(
    way: Way, found: Directions | None, study: Directions | None, design: Design, why: str
) -> list[dict]:
    names = [(one, None) for one in design.emotions]
    why = why or ("by_construction" if way.name == STUDY else "")
    if why:
        return rows_of("with_mean", names, None, design.limits, None, why)
    of_emotions = agreement(found[0], study[0])
    null = None
    if len(found[1]):
        null = Null.across(
            unrelated_sets(found[1], study[1], design.draws, design.limits.reliability)
        )
    return rows_of(
        "with_mean", names, np.einsum("gee->ge", of_emotions.values), design.limits, null,
        reliability=(of_emotions.reliability_a, of_emotions.reliability_b),
    )  # fmt: skip
