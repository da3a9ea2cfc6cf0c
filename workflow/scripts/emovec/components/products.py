"""Products of what each part of a model wrote with the whole stream, gathered sentence by sentence.

All that shares need of a part is how its difference between two classes on one topic lies to the
differences of the whole stream on other topics: one number for each topic, whatever d_model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emovec.activations.store import Block
from emovec.between_models.attributes import Contrasts
from emovec.statistics.arrays import Floats, Mask
from emovec.statistics.metrics import Fitted
from emovec.statistics.unbiased import differences


class Part(NamedTuple):
    """One of what the stream is the sum of: the embedding, all biases, a head, an MLP."""

    kind: str  # embedding, bias, head or mlp
    block: int | None = None
    head: int | None = None


@dataclass(frozen=True)
class Products:
    """Products of parts with the stream, `[contrast, topic, part]`, near topics left out."""

    rows: Floats  # D_part of the topic · Σ D of the others
    columns: Floats  # D of the topic · Σ D_part of the others


def emotion_products(
    blocks: Iterable[Block],
    cells: NDArray,
    stream: Floats,
    weights: Floats,
    near: Mask,
    metric: Fitted,
    n_parts: int,
) -> Products:
    """Products for contrasts of classes, in one metric.

    Parameters
    ----------
    blocks : what each part wrote, `[row, part, d_model]`.
    cells : `[row, (class, topic)]`, the cell of each row.
    stream : `[class, topic, d_model]`, their sum, the mean over the rows of a cell.
    weights : `[contrast, class]`.
    near : `[contrast, topic, topic]`.
    """
    n_contrasts, n_topics = len(weights), stream.shape[1]
    sentences = np.zeros(stream.shape[:2])
    np.add.at(sentences, tuple(cells.T), 1)
    read = (differences(stream, weights) @ square(metric, stream.shape[-1])).astype("f4")
    apart = (~near).astype(float)
    rows, columns = np.zeros((2, n_contrasts, n_topics, n_parts))
    for block in blocks:
        for row, parts in zip(block.rows, block.residual, strict=True):
            name, topic = cells[row]
            weight = weights[:, name] / sentences[name, topic]
            for contrast in np.flatnonzero(weight):
                along = weight[contrast] * (read[contrast] @ parts.T)  # [topic, part]
                rows[contrast, topic] += apart[contrast, topic] @ along
                columns[contrast] += apart[contrast, topic][:, None] * along
    return Products(rows, columns)


def attribute_products(
    blocks: Iterable[Block], stream: Floats, contrasts: Contrasts, metric: Fitted, n_parts: int
) -> Floats:
    """The unbiased product `[attribute, part]` of each part's contrast with that of the stream.

    `stream[sentence, d_model]`; the unpaired form, pairs of one sentence left out.
    """
    positive, negative = contrasts.positive.astype(float), contrasts.negative.astype(float)
    read = stream @ square(metric, stream.shape[-1])
    sums = np.stack([positive @ read, negative @ read], axis=1).astype("f4")  # [m, side, d_model]
    p, q = positive.sum(1), negative.sum(1)
    same = np.stack([p * (p - 1), q * (q - 1)])
    found = np.zeros((len(contrasts.names), n_parts))
    for block in blocks:
        for row, parts in zip(block.rows, block.residual, strict=True):
            own = parts @ read[row]  # with itself: left out within a side
            for side, groups in enumerate((positive, negative)):
                members = np.flatnonzero(groups[:, row])
                within, across = sums[members, side] @ parts.T, sums[members, 1 - side] @ parts.T
                found[members] += (within - own) / same[side, members, None]
                found[members] -= across / (p * q)[members, None]
    return found


def square(metric: Fitted, width: int) -> Floats:
    """M Mᵀ of a metric: `x @ square @ y` is the inner product of x and y in it."""
    mapped = metric.apply(np.eye(width))
    return mapped @ mapped.T
