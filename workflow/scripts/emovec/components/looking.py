"""Run a model and keep where its heads look from the tokens that are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from emovec.activations.capture import AllRead, Batch, Reader, run_hooked
from emovec.io.job import progress
from emovec.statistics.arrays import Floats


def read_attention(
    reader: Reader, batches: Sequence[Batch], spans: Sequence[Floats], depth: int
) -> Floats:
    """Attention `[row, block, head, span]` of the blocks before `depth`, one pass.

    From the tokens of each batch's one position, their mean, to `spans[row][span, token]`.
    """
    n_heads, n_spans = reader.bridge.cfg.n_heads, len(spans[0])
    found = np.full((len(spans), depth, n_heads, n_spans), np.nan)
    for batch in progress(batches, len(batches), f"{reader.model}, attention, batches"):
        [position] = batch.positions

        def keep(block: int, batch: Batch = batch, position: str = position) -> Callable:
            def hook(pattern: Tensor, hook: object) -> None:
                for i, one in enumerate(batch.readings):
                    seen = pattern[i, :, one.tokens[position], : len(one.ids)].float().mean(1)
                    found[one.row, block] = seen.cpu().numpy() @ spans[one.row].T
                if block == depth - 1:
                    raise AllRead

            return hook

        hooks = [(f"blocks.{block}.attn.hook_pattern", keep(block)) for block in range(depth)]
        with suppress(AllRead), torch.inference_mode():
            run_hooked(reader.bridge, batch.readings, hooks)
    return found
