"""The geometry of many emotions in one model, beside that of the words, as rows of geometry.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats
from scipy.linalg import orthogonal_procrustes
from scipy.stats import zscore

from emovec.activations.streams import Streams
from emovec.geometry.circumplex import FEWEST_RATED, Predicted, predict
from emovec.geometry.distances import Apart, cluster_order, compare, pairs_of, stepped_up
from emovec.geometry.planes import plane_row
from emovec.geometry.sharing import own_parts, splits
from emovec.io.tables import typed
from emovec.models.depths import nearest_depths
from emovec.prompts.ratings import PLANE, in_plane
from emovec.statistics import metrics
from emovec.statistics.arrays import Floats, Mask, leading_axes, ratio
from emovec.statistics.clustered import reliability
from emovec.statistics.corrections import holm
from emovec.statistics.resampling import jackknife_interval, max_t, sign_flips


def describe_model(
    streams: Streams,
    words: Floats,
    start: Floats | None,
    emotions: Sequence[str],
    rated: Sequence[str],
    ratings: Floats,
    near: Mask,
    writers: Sequence[str] | None = None,
    *,
    relative_depths: Sequence[float],
    draws: int,
    alpha: float,
    least: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Which emotions have a part of their own, how far apart they are, and what places predict.

    Parameters
    ----------
    streams
        Residual streams whose probe is the map half, which whitens them; as they are without one.
    words, start
        `[class, topic, q]`: the words of the sentences, and the stream before the first block
        averaged over tokens if that was read; what a model's places are compared with.
    ratings
        `[emotion, rating]`, named `rated`.
    writers
        Of each topic, where there are several: halves of topics are of different writers then.
    least
        The reliability from which on an emotion counts as known.

    p is corrected for depths by the largest of their correlations; `over_words` and `over_start`
    are how much smaller squared errors of predictions are, in variances of the rating.
    """
    depths = nearest_depths(relative_depths, streams.n_layers)
    residual, probe = np.asarray(streams.residual), np.asarray(streams.probe)
    metric = "lda" if len(probe) else "raw"
    own = {
        depth: own_parts(metrics.fit(metric, probe[:, depth]).apply(residual[:, :, depth]))
        for depth in depths
    }
    rows = [_reliable(parts, near, alpha, least) | {"depth": d} for d, parts in own.items()]
    trimmed = {
        depth: _trimmed(metric, residual[:, :, depth], probe[:, depth])
        for depth in depths
        if len(probe)
    }
    best = max(own, key=lambda depth: rows[depths.index(depth)]["value"])
    rows += [
        row | {"depth": best}
        for row in plane(own[best], emotions, in_plane(rated, ratings), near, alpha)
    ]
    others = {"words": words} | ({} if start is None else {"start": start})
    means = {name: own_parts(x).mean(axis=1) for name, x in others.items()}
    for name, rating in zip(rated, ratings.T, strict=True):
        known = np.isfinite(rating)
        if known.sum() < FEWEST_RATED or not np.ptp(rating[known]):
            continue
        orders = rng.permuted(np.tile(rating[known], (draws, 1)), axis=1)
        aside = {other: predict(x[known], rating[known], orders) for other, x in means.items()}
        flips = sign_flips(int(known.sum()), draws, rng)
        for source, places in {"model": own, "trimmed": trimmed}.items():
            inside = [
                predict(x.mean(axis=1)[known], rating[known], orders) for x in places.values()
            ]
            adjusted = _adjusted(inside)
            for depth, one, p in zip(places, inside, adjusted, strict=True):
                over = {
                    f"over_{other}{part}": cell
                    for other, its in aside.items()
                    for part, cell in zip(("", "_p"), one.over(its, flips), strict=True)
                }
                there = {"source": source, "depth": depth, "p_adjusted": float(p)}
                rows.append(one.row(name, alpha) | there | over)
        rows += [its.row(name, alpha) | {"source": other} for other, its in aside.items()]
    rows += distance_rows(own, emotions, near, writers, draws, alpha, rng)
    halves = splits(near.shape[-1], 0, rng, writers)
    rows += [
        plane_row(parts, near, halves, draws, alpha, rng) | {"depth": depth}
        for depth, parts in own.items()
    ]
    table = pd.DataFrame(rows).fillna({"source": "model"})
    columns = {"model": streams.name, "n_topics": residual.shape[1]}
    return typed(table.assign(**columns), "geometry")


def _trimmed(metric: str, residual: Floats, probe: Floats) -> Floats:
    """Own parts at one depth without the leading components of neutral text.

    Those with half of the probe's variance: what most of the stream is about, whatever is said.
    """
    axes = leading_axes(probe.astype(float))
    residual, probe = (x - x @ axes.T @ axes for x in (residual, probe))
    return own_parts(metrics.fit(metric, probe).apply(residual))


def _adjusted(predicted: Sequence[Predicted]) -> Floats:
    """p corrected for depths, or nothing of none."""
    if not predicted:
        return np.empty(0)
    return max_t([one.r for one in predicted], np.stack([one.null for one in predicted], axis=1))


def plane(
    own: Floats, emotions: Sequence[str], ratings: Floats, near: Mask, alpha: float
) -> list[dict]:
    """Where each emotion lies on the two leading axes of `own[emotion, topic, d]`, with intervals.

    Axes have no direction of their own; they are turned towards `ratings[emotion, 2]` where there
    are some (Procrustes), for pictures of several models to have one orientation. Intervals are for
    the axes as they are. Rows with another source are the way in which that rating rises.
    """
    axes = np.linalg.svd(own.mean(axis=1), full_matrices=False)[2][:2].T
    at = own @ axes
    rated = np.isfinite(ratings).all(axis=1)
    rows, n = [], own.shape[1]
    if ratings.shape[1] == 2 and rated.any() and np.ptp(ratings[rated], axis=0).all():
        towards = zscore(ratings[rated], axis=0)
        at = at @ orthogonal_procrustes(at.mean(axis=1)[rated], towards)[0]
        here = at.mean(axis=1)[rated]
        slopes = np.linalg.lstsq(here - here.mean(axis=0), towards, rcond=None)[0]
        ways = ratio(slopes, np.linalg.norm(slopes, axis=0))
        rows += [
            {"source": name, "stat": stat, "value": float(ways[axis, number])}
            for number, name in enumerate(PLANE)
            for axis, stat in enumerate(("first", "second"))
        ]
    for axis, stat in enumerate(("first", "second")):
        value = at[..., axis].mean(axis=1)
        without = (n * value[:, None] - at[..., axis]) / (n - 1)
        low, high = jackknife_interval(value, without, alpha, near=near)
        columns = {"emotion": emotions, "value": value, "ci_low": low, "ci_high": high}
        rows += pd.DataFrame(columns).assign(stat=stat).to_dict("records")
    return rows


def distance_rows(
    own: Mapping[int, Floats],
    emotions: Sequence[str],
    near: Mask,
    writers: Sequence[str] | None,
    draws: int,
    alpha: float,
    rng: np.random.Generator,
) -> list[dict]:
    """Distances of every two emotions of `own[depth][emotion, topic, d]`, and how well known.

    The reliability of all distances of a depth is the rank correlation of two halves of the topics,
    stepped up; the order of clusters is that of all depths together.
    """
    halves, pairs = splits(near.shape[-1], 0, rng, writers), pairs_of(len(emotions))
    rows = []
    for depth, parts in own.items():
        apart = Apart.of([parts], near)
        value, error, df = apart.whole()
        reach = stats.t.ppf(1 - alpha / 2, df) * error
        p = stats.t.sf(ratio(value, error), df)
        columns = {
            "stat": "distance", "emotion": [emotions[a] for a, _ in pairs],
            "emotion_b": [emotions[b] for _, b in pairs], "value": value,
            "ci_low": value - reach, "ci_high": value + reach, "p": p, "p_adjusted": holm(p),
        }  # fmt: skip
        rows += pd.DataFrame(columns | {"depth": depth}).to_dict("records")
        found = compare(apart, apart, halves, draws, alpha / 2, rng)["distances"]
        whole = {name: stepped_up(found[name]) for name in ("value", "ci_low", "ci_high")}
        rows.append(found | whole | {"stat": "distance_reliability", "depth": depth})
    together = Apart.of(list(own.values()), near).distances(np.ones(near.shape[-1], dtype=bool))
    places = cluster_order(together, len(emotions))
    return rows + [
        {"stat": "order", "emotion": emotions[e], "value": place} for place, e in enumerate(places)
    ]


def _reliable(own: Floats, near: Mask, alpha: float, least: float) -> dict:
    """How many emotions have a part of their own that is known, by the lower bound."""
    low = np.array([reliability(x, mask, alpha)[1] for x, mask in zip(own, near, strict=True)])
    return {"stat": "reliable", "value": int((low >= least).sum()), "n_emotions": len(own)}
