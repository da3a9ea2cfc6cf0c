"""One model in its own number format and in another: rows of precision.csv.

Both formats read the same sentences, so that what the choice of sentences contributes to a number
contributes to both, and the difference is known better than either.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from emovec.activations.streams import Streams
from emovec.decoding.held_out import Decoding, decode, decode_among
from emovec.models.depths import nearest_depth, nearest_depths
from emovec.robustness.precision_design import Design
from emovec.statistics import metrics
from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.clustered import cross_u, reliability
from emovec.statistics.replicated import Replicated
from emovec.statistics.unbiased import cosine


def precision_within(own: Streams, other: Streams, design: Design) -> list[dict]:
    """What the other format does to the stream, to the directions and to the numbers they give."""
    depths = nearest_depths(design.relative_depths, own.n_layers)
    rows = []
    for depth in depths:
        at = {"depth": depth, "relative_depth": depth / own.n_layers}
        rows += [at | row for row in _directions(own, other, depth, design)]
    return [*rows, *_cosines(own, other, depths, design), *_aurocs(own, other, design)]


def stream_error(own: Floats, other: Floats) -> Replicated:
    """‖x' − x‖/‖x‖ of `[class, topic, d]`, as the root of a ratio of sums over sentences."""
    squares = [(one**2).sum(axis=(0, 2)) for one in (other - own, own)]
    whole, left = ([total(one) for one in squares] for total in (np.sum, lambda x: x.sum() - x))
    return Replicated(float(np.sqrt(ratio(*whole))), np.sqrt(ratio(*left)))


def likeness(x: Floats, y: Floats, near: Mask) -> Replicated:
    """The unbiased cosine of two mean contrasts `[topic, d]`."""
    products = [cross_u(p, q, near) for p, q in ((x, y), (x, x), (y, y))]
    return Replicated(
        float(cosine(*(whole for whole, _ in products))), cosine(*(left for _, left in products))
    )


def differences(sentences: Floats) -> Floats:
    """`[emotion, topic, d]` of `[class, topic, d]`, whose last class they are less."""
    return sentences[:-1] - sentences[-1]


def _directions(own: Streams, other: Streams, depth: int, design: Design) -> list[dict]:
    """Directions in one metric, that of the model's own format."""
    here, there = (np.asarray(one.residual[:, :, depth], float) for one in (own, other))
    rows = [{"stat": "stream"} | design.alone(stream_error(here, there), design.near.any(axis=0))]
    metric, least = fitted(own, depth), design.limits.reliability
    x, y = (differences(metric.apply(one)) for one in (here, there))
    known, _ = reliability(x, design.near, design.limits.alpha)
    for i, emotion in enumerate(design.emotions):
        row = {"stat": "direction", "emotion_a": emotion, "gate_ok": known[i] >= least}
        rows.append(row | design.alone(likeness(x[i], y[i], design.near[i]), design.near[i]))
    return rows


def _cosines(own: Streams, other: Streams, depths: list[int], design: Design) -> list[dict]:
    """Every pair of emotions over all primary depths, as rows `distinct` tell it."""
    if design.opposite:
        return []
    here, there = (
        np.concatenate([differences(in_metric(one, depth)) for depth in depths], axis=-1)
        for one in (own, other)
    )
    known, _ = reliability(here, design.near, design.limits.alpha)
    rows = []
    for a, b in combinations(range(len(design.emotions)), 2):
        near = design.near[a] | design.near[b]
        numbers = (likeness(x[a], x[b], near) for x in (here, there))
        rows.append(
            {
                "stat": "cosine",
                "emotion_a": design.emotions[a],
                "emotion_b": design.emotions[b],
                "gate_ok": min(known[a], known[b]) >= design.limits.reliability,
            }
            | design.moved(*numbers, near)
        )
    return rows


def fitted(streams: Streams, depth: int) -> metrics.Fitted:
    """The LDA metric of a model at a depth, the raw one without a probe."""
    probe = np.asarray(streams.probe)[:, depth]
    return metrics.fit("lda" if len(probe) else "raw", probe)


def in_metric(streams: Streams, depth: int) -> Floats:
    """Sentences `[class, topic, q]` in the metric of their own format."""
    return fitted(streams, depth).apply(streams.residual[:, :, depth])


def _aurocs(own: Streams, other: Streams, design: Design) -> list[dict]:
    """Each emotion against neutral, or all others, at the middle depth."""
    depth = nearest_depth(design.middle, own.n_layers)
    at = {"stat": "auroc", "depth": depth, "relative_depth": depth / own.n_layers}
    here, there = (in_metric(one, depth) for one in (own, other))
    rows, alpha = [], design.limits.alpha
    for i, emotion in enumerate(design.emotions):
        first, second = (_held_out(x, i, design) for x in (here, there))
        row = at | {"emotion_a": emotion, "value": first.auroc, "other": second.auroc}
        row |= dict(zip(("ci_low", "ci_high"), first.interval(alpha), strict=True))
        row |= dict(zip(("other_low", "other_high"), second.interval(alpha), strict=True))
        names = ("moved", "moved_low", "moved_high")
        moved = second.over(first, alpha, design.near[i])[:3]
        flag = "" if np.isfinite(moved[0]) else "not_informative"
        rows.append(row | dict(zip(names, moved, strict=True)) | {"flag": flag})
    return rows


def _held_out(x: Floats, i: int, design: Design) -> Decoding:
    """Emotion i of `x[class, topic, q]`; no null is drawn, which is in decoding.csv."""
    n_topics = x.shape[1]
    if design.neutral:
        as_it_is = np.ones((1, n_topics), np.int8)
        return decode(x[i], x[-1], design.folds, as_it_is, design.limits.alpha)
    index = [i, *(j for j in range(len(design.emotions)) if j != i)]
    folds, own = design.folds.among(len(index)), np.zeros((1, n_topics), np.intp)
    return decode_among(x[index], folds, own, design.limits.alpha)
