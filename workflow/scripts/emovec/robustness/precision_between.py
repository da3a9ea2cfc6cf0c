"""One emotion in two models, both in their own number format and both in another."""

from __future__ import annotations

import numpy as np

from emovec.activations.streams import Streams
from emovec.between_models.canonical import Canonical, fit_canonical, whiten
from emovec.between_models.claims import cos_s
from emovec.between_models.compare import SMALLEST_MAP, primary_depths
from emovec.between_models.maps import decompose
from emovec.robustness.precision_design import Design
from emovec.robustness.precision_within import differences
from emovec.statistics.arrays import Floats
from emovec.statistics.clustered import reliability

Pair = tuple[Streams, Streams]
Aligned = tuple[Floats, Floats]  # of both models, [fit, emotion, topic, q]


def precision_between(own: Pair, other: Pair, design: Design) -> list[dict]:
    """cos_s of each emotion, axes fitted anew in the other format on the same sentences."""
    here, there = aligned(*own, design), aligned(*other, design)
    rows = []
    for i, emotion in enumerate(design.emotions):
        row = {"stat": "between", "emotion_a": emotion, "emotion_b": emotion}
        if here is None or there is None:
            rows.append(row | {"flag": "no_probe"})
            continue
        near, one = design.near[[i]], slice(i, i + 1)
        numbers = (cos_s(x[:, one], y[:, one], near) for x, y in (here, there))
        least, alpha = design.limits.reliability, design.limits.alpha
        lows = [reliability(side[0, i], near[0], alpha)[1] for side in here]
        rows.append(row | {"gate_ok": min(lows) >= least} | design.moved(*numbers, near[0]))
    return rows


def aligned(a: Streams, b: Streams, design: Design) -> Aligned | None:
    """Contrasts in canonical axes, the primary depths side by side; None without such axes."""
    found = []
    if min(len(a.probe), len(b.probe)) < SMALLEST_MAP:
        return None
    for depths in primary_depths(a.n_layers, b.n_layers, design.relative_depths):
        x, y = (
            differences(np.asarray(one.residual[:, :, depth], dtype=float))
            for one, depth in zip((a, b), depths, strict=True)
        )
        if (axes := _axes(a.probe[:, depths[0]], b.probe[:, depths[1]])) is not None:
            found.append(axes.views(x, y))
    return tuple(np.concatenate(side, axis=-1) for side in zip(*found, strict=True)) or None


def _axes(a: Floats, b: Floats) -> Canonical | None:
    white = [whiten(decompose(np.asarray(one, dtype=float))) for one in (a, b)]
    return None if None in white else fit_canonical(*white)
