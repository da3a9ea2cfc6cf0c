"""The geometry of many emotions in two models, as rows of geometry_between.csv, and its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.activations.streams import Streams
from emovec.between_models.compare import primary_depths
from emovec.between_models.pair import AtDepth, at_depth, common_axes
from emovec.between_models.thresholds import Thresholds
from emovec.geometry.distances import Apart, compare, half_rows
from emovec.geometry.fewest import FEWEST
from emovec.geometry.sharing import (
    BLOCKS,
    Estimate,
    Products,
    Read,
    beyond,
    estimate,
    p_of_labels,
    p_of_rotations,
    p_of_topics,
    products,
    splits,
)
from emovec.io.tables import typed
from emovec.registry import Kind, registry
from emovec.statistics import metrics
from emovec.statistics.arrays import Floats, Mask
from emovec.statistics.corrections import holm

VERDICTS = registry(
    Kind("beyond_text", "shared beyond the text"),
    Kind("with_text", "shared as far as the text goes"),
    Kind("shared", "shared; whether beyond the text is open"),
    Kind("not_shared", "not shared"),
    Kind("inconclusive", "inconclusive"),
)


@dataclass(frozen=True)
class Texts:
    """What is known of the sentences besides any model's blocks."""

    features: Read | None  # None where they tell nothing
    near: Mask  # [emotion, topic, topic], topics of one lexical head
    writers: Sequence[str] | None  # [topic]
    ratings: Floats  # [emotion, rating], NaN where nobody rated; of no column without ratings


def share(
    a: Read, b: Read, texts: Texts, limits: Thresholds, draws: int, rng: np.random.Generator
) -> list[dict]:
    """What two models share of the geometry of emotions: all, beyond ratings, beyond the text.

    One row for each `stat`: `own` is T, as a cosine of both models, with the larger p of two tests,
    over emotions in another order and over topics; `beyond_ratings`
    and `beyond_text` the same with those taken out of both; `share_beyond_text` is T beyond the
    text over T, which has no test of its own.
    """
    _, topics, _ = a.sentences.shape
    halves = splits(topics, len(a.probe), rng, texts.writers)
    block = rng.permutation(topics) % min(BLOCKS, topics // 2)
    left = [[one.without(block == i) for one in halves] for i in range(block.max() + 1)]

    def found(text: Read | None) -> tuple[Products, list[Products]]:
        whole = products(a, b, text, texts.near, halves)
        return whole, [products(a, b, text, texts.near, some) for some in left]

    plain = found(None)
    every = np.zeros((len(texts.near), 0))
    rows = [_row("own", plain, every, limits, draws, rng)]
    rated = np.isfinite(texts.ratings).all(axis=1)
    if texts.ratings.shape[1] and rated.sum() - texts.ratings.shape[1] >= FEWEST:
        rows.append(_row("beyond_ratings", plain, texts.ratings, limits, draws, rng))
    if texts.features is not None:
        rest = found(texts.features)
        rows.append(_row("beyond_text", rest, every, limits, draws, rng))
        rows.append(_share_row(plain, rest, every, limits))
    return rows


def judge_geometry(
    table: pd.DataFrame, within: pd.DataFrame, verdicts: pd.DataFrame, limits: Thresholds
) -> pd.DataFrame:
    """Correct the tests over all pairs (Holm, each `stat` a family) and give each pair a verdict.

    From `within`, the rows of geometry.csv, comes how many emotions of each model are known at its
    best depth: a pair needs six in both, and stays in the family with p = 1 without them. From
    `verdicts` comes how well ordinary attributes correspond to themselves, without which the
    absence of sharing cannot be told from axes that find nothing.
    """
    pairs = verdicts.drop_duplicates(["model_a", "model_b"])
    matched = pairs.set_index(["model_a", "model_b"]).matched.to_dict()
    known = within[within.stat == "reliable"].groupby("model").value.max()
    least = np.minimum(table.model_a.map(known), table.model_b.map(known))
    table = table.assign(gate_ok=least >= FEWEST)
    for _, family in table[table.emotion.isna()].groupby("stat", sort=False):
        p = family.p.where(family.gate_ok | family.p.isna(), 1.0)
        table.loc[family.index, "p_adjusted"] = holm(p)
    for pair, rows in table.groupby(["model_a", "model_b"], sort=False):
        found = rows.set_index("stat")
        own = found.index == "own"
        table.loc[rows.index[own], "verdict"] = decide(found, matched.get(pair, np.nan), limits)
    return table


def decide(found: pd.DataFrame, matched: float, limits: Thresholds) -> str:
    """The verdict on one pair from its rows by `stat`."""
    own = found.loc["own"]
    if not own.gate_ok:
        return "inconclusive"
    if not own.p_adjusted < limits.alpha:
        small = -limits.equivalence < own.ci_low and own.ci_high < limits.equivalence
        return "not_shared" if small and matched >= limits.matched else "inconclusive"
    if "beyond_text" not in found.index:
        return "shared"
    left = found.loc["share_beyond_text"]
    if left.ci_high < limits.equivalence:
        return "with_text"
    # a size, too: a little of the text is left wherever models follow it in other ways than fitted
    much = left.ci_low > limits.equivalence
    return "beyond_text" if much and found.p_adjusted["beyond_text"] < limits.alpha else "shared"


def _row(
    stat: str,
    found: tuple[Products, list[Products]],
    labels: Floats,
    limits: Thresholds,
    draws: int,
    rng: np.random.Generator,
) -> dict:
    rated = np.isfinite(labels).all(axis=1)
    labels = labels[rated]
    products_of_rated = _only(found[0], rated)
    whole, *left = (_only(one, rated).over(beyond(labels)) for one in (found[0], *found[1]))
    without = [
        products_of_rated.without(e).over(beyond(np.delete(labels, e, 0))).cosine
        for e in range(len(labels))
    ]
    value = estimate(whole.cosine, [one.cosine for one in left], without, limits.alpha)
    if labels.shape[1]:
        p = p_of_rotations(products_of_rated, labels, draws, rng)
    else:
        p = p_of_labels(whole, draws, rng)
    p = float(np.maximum(p, p_of_topics(whole, left)))  # undefined if either is
    return _columns(stat, value) | {"p": p, "n_emotions": len(labels)}


def _share_row(
    plain: tuple[Products, list[Products]],
    rest: tuple[Products, list[Products]],
    every: Floats,
    limits: Thresholds,
) -> dict:
    def share(one: Products, other: Products, labels: Floats) -> float:
        whole, part = (side.over(beyond(labels)).shared for side in (one, other))
        return part / whole if whole > 0 else np.nan

    value = estimate(
        share(plain[0], rest[0], every),
        [share(*both, every) for both in zip(plain[1], rest[1], strict=True)],
        [
            share(plain[0].without(e), rest[0].without(e), np.delete(every, e, 0))
            for e in range(len(every))
        ],
        limits.alpha,
    )
    return _columns("share_beyond_text", value) | {"n_emotions": len(every)}


def _only(found: Products, emotions: Mask) -> Products:
    for emotion in np.flatnonzero(~emotions)[::-1]:
        found = found.without(emotion)
    return found


def _columns(stat: str, value: Estimate) -> dict:
    return {"stat": stat, "value": value.value, "ci_low": value.low, "ci_high": value.high}


def compare_geometry(
    models: tuple[Streams, Streams],
    emotions: Sequence[str],
    texts: Texts,
    probe: pd.DataFrame,
    relative_depths: Sequence[float],
    limits: Thresholds,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Rows of geometry_between.csv for two models, their primary depths together.

    `probe` is the probe table, its rows in the order of the models' arrays. No row where a model
    does not vary at any of the depths.
    """
    on_map, on_control = ((probe["half"] == half).to_numpy() for half in ("map", "control"))
    sides, white = ([], []), ([], [])
    for depths in primary_depths(*(model.n_layers for model in models), relative_depths):
        both = [
            at_depth(model, depth, on_map, on_control)
            for model, depth in zip(models, depths, strict=True)
        ]
        for side, read in zip(sides, _aligned(*both) or (), strict=False):
            side.append(read)
        for side, at in zip(white, both, strict=True):
            side.append(metrics.fit("lda", at.fit).apply(at.sentences))
    a, b = models
    topics = np.shape(a.residual)[1]
    columns = {"model_a": a.name, "model_b": b.name, "n_topics": topics}
    if not sides[0]:
        return typed([], "geometry_between")
    rows = share(*map(_together, sides), texts, limits, draws, rng)
    halves = splits(topics, 0, rng, texts.writers)
    aparts = [Apart.of(side, texts.near) for side in white]
    rows += compare(*aparts, halves, draws, limits.alpha, rng).values()
    rows += half_rows(*aparts, halves[0], emotions)
    return typed([columns | row for row in rows], "geometry_between")


def _together(reads: Sequence[Read]) -> Read:
    """All depths side by side."""
    return Read(
        np.concatenate([one.sentences for one in reads], axis=-1),
        np.concatenate([one.probe for one in reads], axis=-1),
    )


def _aligned(a: AtDepth, b: AtDepth) -> tuple[Read, Read] | None:
    """Both models in their common axes; None if there are none."""
    if (fit := common_axes(a, b)) is None:
        return None
    return tuple(
        Read(*(view(x, slice(1))[0] for x in (one.sentences, one.control)))
        for one, view in ((a, fit.of_a), (b, fit.of_b))
    )
