"""One emotion in two models under each way to find a direction, as rows of ways.csv.

Axes of two models do not correspond, but both read the same sentences: two directions agree as far
as their read-outs of neutral sentences correlate. In one model the directions are found in one half
of the topics and in the other in the other half, so that what the models share because they read
the same sentence is left out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from emovec.activations.streams import Streams
from emovec.io.tables import typed
from emovec.robustness.agreement import (
    Agreement,
    Sample,
    Views,
    agreement,
    from_halves,
    of_attributes,
    unrelated,
)
from emovec.robustness.way_design import Design, sample
from emovec.robustness.way_rows import Null, rows_of
from emovec.robustness.ways import WAYS, Way
from emovec.statistics.arrays import centred, ratio


def ways_between(a: Streams, b: Streams, probe: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The correlation of read-outs of each emotion in two models, under every way."""
    (at_a, depth_a), (at_b, depth_b) = (sample(one, probe, design) for one in (a, b))
    rows = []
    for way in WAYS.values():
        probes = min(len(one.control) for one in (at_a, at_b))
        why = design.undefined(way, probes) or ("" if probes else "no_probe")
        rows += [{"way": way.name} | row for row in _rows(way, at_a, at_b, design, why)]
    place = {
        "model": a.name,
        "model_b": b.name,
        "position": design.position,
        "relative_depth": design.relative_depth,
        "depth_a": depth_a,
        "depth_b": depth_b,
        "n_topics": at_a.sentences.shape[1],
    }
    return typed([row | place for row in rows], "ways")


def read_outs(at: Sample) -> Views:
    """Directions `[..., d]` as read-outs `[..., sentence]` of neutral sentences, of unit length."""
    sentences = centred(at.control)

    def view(directions: np.ndarray) -> np.ndarray:
        scores = directions @ sentences.T
        length = np.linalg.norm(scores, axis=-1, keepdims=True)
        return np.nan_to_num(ratio(scores, length))

    return view


def _rows(way: Way, a: Sample, b: Sample, design: Design, why: str) -> list[dict]:
    names = [(one, one) for one in design.emotions]
    if why:
        return rows_of("between", names, None, design.limits, None, why)
    draws, views = design.draws, [(at, read_outs(at)) for at in (a, b)]
    found = agreement(*(from_halves(way, at, draws, view) for at, view in views))
    null = None
    if draws.sets:
        sets: Agreement = agreement(
            *(of_attributes(way, at, draws, design.neutral, view) for at, view in views)
        )
        null = Null.shifted(unrelated(sets, design.limits.reliability))
    return rows_of(
        "between", names, np.einsum("gee->ge", found.values), design.limits, null,
        reliability=(found.reliability_a, found.reliability_b),
    )  # fmt: skip
