"""Run a model from a depth on: below a change the stream is the same under every condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge


@dataclass(frozen=True)
class Start:
    """What the block before `depth` gave out: `stream[row, token, d_model]`, perhaps in a tuple."""

    depth: int
    output: Tensor | tuple

    def selected(self, rows: Sequence[int]) -> Start:
        """The rows given, in that order."""
        if isinstance(self.output, tuple):
            return Start(self.depth, (self.output[0][rows], *self.output[1:]))
        return Start(self.depth, self.output[rows])


@contextmanager
def noted(bridge: TransformerBridge, depths: Sequence[int]) -> Iterator[dict[int, Start]]:
    """Inside this context, the last pass of the model leaves what it can be resumed from."""
    found: dict[int, Start] = {}

    def keep(depth: int):
        def hook(block, given, output):
            found[depth] = Start(depth, output)

        return hook

    handles = [
        _block(bridge, depth).register_forward_hook(keep(depth)) for depth in depths if depth
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def resumed(bridge: TransformerBridge, start: Start) -> Iterator[None]:
    """Inside this context no block before `start.depth` is run, and the stream there is `start`'s.

    The caches of those blocks do not grow: this is for one pass alone.
    """
    blocks = [_block(bridge, depth) for depth in range(1, start.depth + 1)]
    before = [vars(block).get("forward") for block in blocks]
    for block in blocks:
        block.forward = lambda *_, **__: start.output
    try:
        yield
    finally:
        for block, forward in zip(blocks, before, strict=True):
            del block.forward
            if forward is not None:
                block.forward = forward


def _block(bridge: TransformerBridge, depth: int) -> torch.nn.Module:
    return bridge.blocks[depth - 1].original_component
