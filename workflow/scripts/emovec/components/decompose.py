"""One model taken apart at one depth and position: the rows of components/{model}.csv."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.activations.store import Block
from emovec.activations.streams import Streams
from emovec.between_models.attributes import balanced_contrasts, contrast_reliability
from emovec.components.products import (
    Part,
    Products,
    attribute_products,
    emotion_products,
)
from emovec.components.shares import (
    RULER,
    against,
    contrast_near,
    contrast_weights,
    share_rows,
    shares,
    shown,
)
from emovec.io.tables import typed
from emovec.prompts.design import cell_places
from emovec.prompts.sentences import attributes_of
from emovec.prompts.splits import near_by_head
from emovec.statistics import metrics
from emovec.statistics.arrays import ratio
from emovec.statistics.clustered import clusters, reliability
from emovec.statistics.resampling import flipped_norm2_u, p_value, sign_flips
from emovec.statistics.unbiased import differences

METRICS = ("raw", "lda")
TYPICAL = 3  # sentences of each part that are named


def decompose(
    blocks: Sequence[Block],
    control_blocks: Sequence[Block],
    streams: Streams,
    control: pd.DataFrame,
    control_stream: np.ndarray,
    prompts: pd.DataFrame,
    emotions: Sequence[str],
    neutral: str | None,
    parts: Sequence[Part],
    *,
    depth: int,
    statistics: dict,
    held: bool,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `components` and `typical` without model and position.

    Parameters
    ----------
    blocks, control_blocks : what each part wrote in the prompts and in the sentences of `control`,
        the control half of the probe, whose streams are `control_stream[sentence, d_model]`.
    """
    alpha, draws = statistics["alpha"], statistics["permutations"]
    x = np.asarray(streams.residual)[:, :, depth].astype(float)
    groups = against(len(emotions), neutral)
    weights = contrast_weights(len(emotions), groups)
    near = contrast_near(near_by_head(prompts, emotions), groups)
    cells, labels = cell_places(prompts, emotions), attributes_of(control)
    contrasts = balanced_contrasts(labels.to_numpy(), list(labels), x.shape[1], rng)
    rows, typical = [], []
    for name in METRICS:
        metric = metrics.fit(name, np.asarray(streams.probe)[:, depth])
        products = emotion_products(blocks, cells, x, weights, near, metric, len(parts))
        d = differences(metric.apply(x), weights)
        p = np.array([direction_p(*one, draws, rng) for one in zip(d, near, strict=True)])
        known = reliability(d, near, alpha)[0] >= statistics["thresholds"]["reliability"]
        found = shares(products, near, p, alpha, draws, rng)
        own = attribute_products(
            control_blocks, control_stream.astype(float), contrasts, metric, len(parts)
        )
        _, reliable = contrast_reliability(metric.apply(control_stream), contrasts)
        kept = own[reliable >= RULER]
        attributes = ratio(kept, kept.sum(axis=1, keepdims=True))
        new = share_rows(found, attributes, known, parts, emotions, groups, alpha, held)
        rows += [row | {"metric": name} for row in new]
        if name == METRICS[-1]:
            first = new[: len(emotions) * len(parts)]  # of the directions themselves
            typical = typical_rows(products, first, prompts, emotions, alpha)
    places = {"depth": depth, "relative_depth": depth / streams.n_layers}
    return tuple(
        typed([row | places | {"model": streams.name} for row in table], kind)
        for table, kind in ((rows, "components"), (typical, "typical"))
    )


def typical_rows(
    products: Products, rows: Sequence[dict], prompts: pd.DataFrame, emotions: Sequence[str],
    alpha: float,
) -> list[dict]:  # fmt: skip
    """The sentences in which a part beyond flipped signs writes most of a direction.

    A topic's value is the product of what the part writes there with the direction of the other
    topics, in units in which its mean over topics is the part's share.
    """
    first = prompts.drop_duplicates(["emotion", "topic"]).set_index(["emotion", "topic"])
    topics, found = prompts["topic"].unique(), []
    n_parts = products.rows.shape[2]
    for number, row in enumerate(rows):
        if not shown(row, alpha):
            continue
        e, part = divmod(number, n_parts)
        value = len(topics) * products.rows[e, :, part] / products.rows[e].sum()
        order = np.argsort(-value * np.sign(row["value"]), kind="stable")[:TYPICAL]
        for rank, topic in enumerate(order, start=1):
            sentence = first.loc[(emotions[e], topics[topic])]
            found.append(
                {key: row[key] for key in ("emotion", "part", "block", "head")}
                | {"rank": rank, "prompt_id": sentence["id"], "text": sentence["text"]}
                | {"value": value[topic]}
            )
    return found


def direction_p(d: np.ndarray, near: np.ndarray, draws: int, rng: np.random.Generator) -> float:
    """Sign flips of one contrast `d[topic, d_model]`, whole heads together: is there one at all?"""
    n_heads, head = clusters(near)
    null = flipped_norm2_u(d[None], sign_flips(n_heads, draws, rng)[:, head])[:, 0]
    observed = flipped_norm2_u(d[None], np.ones((1, len(d)), np.int8))[0, 0]
    return float(p_value(observed, null))
