"""Depths of the residual stream, and what other programs call them.

Depth 0 is the stream before the first block, depth k the stream after block k − 1 (blocks count
from 0), always before the final norm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

Depth = TypeVar("Depth", int, float)


def hook_points(n_layers: int) -> list[str]:
    """The TransformerLens hook point of every depth 0..n_layers.

    >>> hook_points(2)
    ['blocks.0.hook_resid_pre', 'blocks.0.hook_resid_post', 'blocks.1.hook_resid_post']
    """
    return ["blocks.0.hook_resid_pre", *(f"blocks.{i}.hook_resid_post" for i in range(n_layers))]


def block_before(depth: int) -> int:
    """The block, counted from 0, whose output is the stream at `depth`.

    repeng, steering-vectors and llama.cpp (`direction.N`) all count so.

    >>> block_before(1)
    0

    Raises
    ------
    ValueError
        For depth 0, which no block puts out.
    """
    if depth < 1:
        raise ValueError("depth 0 is before the first block")
    return depth - 1


def nearest_depth(relative: float, n_layers: int) -> int:
    """The depth nearest to a relative depth, the deeper of two as near; 0 only for 0.

    >>> nearest_depth(0.25, 30), nearest_depth(0.01, 12)
    (8, 1)
    """
    return max(math.floor(relative * n_layers + 0.5), int(relative > 0))


def nearest_depths(relative: Sequence[float], n_layers: int) -> list[int]:
    """The depths of a model nearest to relative ones, each once, in order."""
    return sorted({nearest_depth(depth, n_layers) for depth in relative})


def middle(depths: Sequence[Depth]) -> Depth:
    """The middle one of some depths, relative or not; the lower of two.

    >>> middle([0.75, 0.25, 0.5, 0.92])
    0.5
    """
    return sorted(depths)[(len(depths) - 1) // 2]
