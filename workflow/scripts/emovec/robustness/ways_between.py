"""One emotion in two models under each way to find a direction, as rows of ways.csv.

Directions are compared in the canonical axes of both models. In one model they are found in one
half of the topics and in the other in the other half, so that what the models share because they
read the same sentence is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from emovec.activations.streams import Streams
from emovec.between_models.canonical import fit_canonical, whiten
from emovec.between_models.compare import SMALLEST_MAP
from emovec.between_models.maps import decompose
from emovec.io.tables import typed
from emovec.robustness.agreement import (
    Sample,
    Views,
    agreement,
    from_halves,
    of_attributes,
    unrelated_sets,
)
from emovec.robustness.way_design import Design, sample
from emovec.robustness.way_rows import Null, rows_of
from emovec.robustness.ways import WAYS, Way
from emovec.statistics.arrays import Floats, ratio


def ways_between(a: Streams, b: Streams, probe: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The cosine of each emotion in two models, in common axes, under every way."""
    (at_a, depth_a), (at_b, depth_b) = (sample(one, probe, design) for one in (a, b))
    rows, common = [], common_views(at_a, at_b)
    for way in WAYS.values():
        why = design.undefined(way, len(at_a.fit)) or ("" if common else "no_probe")
        rows += [{"way": way.name} | row for row in _rows(way, at_a, at_b, common, design, why)]
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


def common_views(a: Sample, b: Sample) -> tuple[Views, Views] | None:
    """Directions `[..., d]` of both models as unit vectors in their canonical axes.

    Axes are fitted on the map half of the probe, once. None if one model does not vary there.
    """
    if min(len(a.fit), len(b.fit)) < SMALLEST_MAP:
        return None
    white = [whiten(decompose(one.fit)) for one in (a, b)]
    if None in white:
        return None
    common = fit_canonical(*white)

    def unit(of: Callable[[Floats, slice], Floats]) -> Views:
        def view(directions: Floats) -> Floats:
            found = of(directions, slice(1))[0]  # by the fit of all sentences
            return np.nan_to_num(ratio(found, np.linalg.norm(found, axis=-1, keepdims=True)))

        return view

    return unit(common.of_a), unit(common.of_b)


def _rows(
    way: Way, a: Sample, b: Sample, common: Sequence[Views] | None, design: Design, why: str
) -> list[dict]:
    names = [(one, one) for one in design.emotions]
    if why:
        return rows_of("between", names, None, design.limits, None, why)
    draws, views = design.draws, list(zip((a, b), common, strict=True))
    found = agreement(*(from_halves(way, at, draws, view) for at, view in views))
    null = None
    if draws.sets:
        sets = (of_attributes(way, at, draws, design.neutral, view) for at, view in views)
        null = Null.across(unrelated_sets(*sets, draws, design.limits.reliability))
    return rows_of(
        "between", names, np.einsum("gee->ge", found.values), design.limits, null,
        reliability=(found.reliability_a, found.reliability_b),
    )  # fmt: skip
