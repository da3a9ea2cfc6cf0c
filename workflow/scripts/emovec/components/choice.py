"""Which heads and MLPs are taken out: the largest writers, and others with outputs of like size.

Everything is chosen on one half of the topics; the other half judges.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emovec.activations.store import Block
from emovec.components.products import Part, emotion_products
from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.folds import topic_folds
from emovec.statistics.metrics import Fitted

CONTROLS = 20  # the fewest of which one in twenty-one can be told
SENTENCES = 48  # at most, that judge: each part costs a pass over them


@dataclass(frozen=True)
class Halves:
    """The numbers of topics that choose, and of those that judge."""

    choose: np.ndarray
    judge: np.ndarray


def halves(n_topics: int, n_classes: int, rng: np.random.Generator) -> Halves:
    """Random halves; no more topics judge than `SENTENCES` allow."""
    first = topic_folds(n_topics, 2, rng).train[0]
    most = max(2, SENTENCES // n_classes)
    return Halves(np.flatnonzero(first), np.flatnonzero(~first)[:most])


def half_blocks(
    blocks: Sequence[Block], cells: NDArray, topics: np.ndarray
) -> tuple[list[Block], NDArray]:
    """What the parts wrote in the sentences of these topics alone, and their cells, counted anew.

    `cells[row, (class, topic)]` are those of all sentences, and `topics` in order.
    """
    rows = np.flatnonzero(np.isin(cells[:, 1], topics))
    place = {row: new for new, row in enumerate(rows.tolist())}
    found = []
    for block in blocks:
        own = [i for i, row in enumerate(block.rows) if row in place]
        kept = [place[block.rows[i]] for i in own]
        found.append(Block(block.group, block.position, kept, block.residual[own]))
    return found, np.column_stack([cells[rows, 0], np.searchsorted(topics, cells[rows, 1])])


def shares_of(
    blocks: Sequence[Block], cells: NDArray, x: Floats, weights: Floats, near: Mask,
    metric: Fitted, n_parts: int,
) -> Floats:  # fmt: skip
    """Shares `[contrast, part]` alone; `blocks` and `x[class, topic, d_model]` are of one half."""
    total = emotion_products(blocks, cells, x, weights, near, metric, n_parts).rows.sum(1)
    return ratio(total, total.sum(1, keepdims=True))


def output_norms(blocks: Sequence[Block], n_parts: int) -> Floats:
    """Root mean square length `[part]` of what each part writes."""
    total, count = np.zeros(n_parts), 0
    for block in blocks:
        total += (block.residual.astype(float) ** 2).sum((0, 2))
        count += len(block.rows)
    return np.sqrt(total / count)


def writers(parts: Sequence[Part]) -> list[int]:
    """The numbers of the heads and MLPs."""
    return [i for i, part in enumerate(parts) if part.kind in ("head", "mlp")]


def largest(shares: Floats, parts: Sequence[Part], k: int) -> list[list[int]]:
    """For each emotion the numbers of its `k` heads and MLPs with the largest shares."""
    can = writers(parts)
    order = np.argsort(-np.nan_to_num(shares[:, can], nan=-np.inf), axis=1, kind="stable")
    return [[can[i] for i in row[:k]] for row in order]


def controls(chosen: Sequence[int], norms: Floats, parts: Sequence[Part]) -> list[int]:
    """Other parts in the blocks that `chosen` span, nearest to them in the length of their output.

    The chosen take turns, until there are `CONTROLS`; the span grows as far as that needs.
    """
    can = [i for i in writers(parts) if i not in chosen]
    blocks = [parts[i].block for i in chosen]
    outside = {i: max(0, min(blocks) - parts[i].block, parts[i].block - max(blocks)) for i in can}
    reach = sorted(outside.values())[:CONTROLS][-1] if can else 0
    free = {i for i in can if outside[i] <= reach}
    size = np.log(np.maximum(norms, np.finfo(float).tiny))
    found: list[int] = []
    for one in itertools.cycle(chosen):
        if not free or len(found) == CONTROLS:
            return found
        found.append(min(sorted(free), key=lambda i: abs(size[i] - size[one])))
        free.remove(found[-1])
    return found


def control_sets(found: Sequence[int], k: int, rng: np.random.Generator) -> list[list[int]]:
    """`CONTROLS` random sets of `k` controls, or none if there are too few to draw from."""
    if len(found) < CONTROLS:
        return []
    return [sorted(rng.choice(found, k, replace=False).tolist()) for _ in range(CONTROLS)]
