"""What every head and MLP has written into the residual stream where it is read.

The stream before a block is the sum of the embedding and of what the blocks before it wrote
(Elhage et al. 2021, A Mathematical Framework for Transformer Circuits). A head's part is what the
output matrix makes of its own values. Where a norm stands between a block and the stream, heads are
split with that token's scale held fixed: exact as a sum, and silent about what the scale would be
without the head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from emovec.activations.capture import AllRead, Batch, Reader, run_hooked
from emovec.activations.store import Block
from emovec.components.products import Part
from emovec.errors import InputError
from emovec.io.job import progress
from emovec.models.depths import block_before
from emovec.prompts.positions import Reading

TOLERANCE = 1e-4  # of the stream's length: what float32 sums of many parts stay well below


def parts_of(n_blocks: int, n_heads: int) -> list[Part]:
    """The parts of the stream after so many blocks, in the order of `read_parts`."""
    found = [Part("embedding"), Part("bias")]
    for block in range(n_blocks):
        found += [Part("head", block, head) for head in range(n_heads)]
        found.append(Part("mlp", block))
    return found


def read_parts(reader: Reader, batches: Sequence[Batch], depth: int) -> Iterator[Block]:
    """What each part wrote, batch by batch, as blocks of `[row, part, d_model]`.

    Each batch reads one position.

    Raises
    ------
    InputError
        If the parts of a sentence do not add up to its stream after some block.
    """
    for batch in progress(batches, len(batches), f"{reader.model}, batches"):
        [position] = batch.positions
        parts = _batch_parts(reader, batch.readings, position, depth)
        if reader.centered:
            parts = parts - parts.mean(-1, keepdim=True)
        rows = [reading.row for reading in batch.readings]
        yield Block(batch.group, position, rows, parts.numpy())


def _batch_parts(reader: Reader, batch: list[Reading], position: str, depth: int) -> Tensor:
    """`[reading, part, d_model]`, averaged over the tokens of the position."""
    bridge = reader.bridge
    places = [(i, token) for i, one in enumerate(batch) for token in one.tokens[position]]
    rows, tokens = map(list, zip(*places, strict=True))
    kept: dict[str, Tensor] = {}
    last = f"blocks.{block_before(depth)}.hook_resid_post"

    def keep(name: str) -> Callable:
        def hook(stream: Tensor, hook: object) -> None:
            kept[name] = stream[rows, tokens].float().flatten(1).to(bridge.cfg.device)
            if name == last:
                raise AllRead

        return hook

    written = ("attn.o.hook_in", "attn.o.hook_out", "hook_attn_out", "hook_mlp_out")
    names = ["blocks.0.hook_resid_pre"]
    for block in range(depth):
        names += [f"blocks.{block}.{name}" for name in (*written, "hook_resid_post")]
    with suppress(AllRead):
        run_hooked(bridge, batch, [(name, keep(name)) for name in names])
    if missing := [name for name in names if name not in kept]:
        raise _unsplit(reader, f"a block without {missing[0]}")
    total = kept["blocks.0.hook_resid_pre"]
    found, bias = [total[:, None]], torch.zeros_like(total)
    with torch.inference_mode():
        for block in range(depth):
            z, out, attention, mlp, stream = (
                kept[f"blocks.{block}.{name}"] for name in (*written, "hook_resid_post")
            )
            # 1 without a norm after the block, else its scale and gain at this token
            scale = torch.where(out == 0, 0.0, attention / out)
            heads, constant = _heads(bridge, block, z)
            bias = bias + constant * scale
            found += [heads * scale[:, None], mlp[:, None]]
            total = total + (heads.sum(1) + constant) * scale + mlp
            _check_sum(reader, block, total, stream)
    whole = torch.cat([found[0], bias[:, None], *found[1:]], dim=1).cpu()
    mean = torch.zeros(len(batch), *whole.shape[1:]).index_add_(0, torch.tensor(rows), whole)
    return mean / torch.bincount(torch.tensor(rows))[:, None, None]


def _heads(bridge: TransformerBridge, block: int, z: Tensor) -> tuple[Tensor, Tensor]:
    """What the output layer, which is affine, makes of each head alone, and its constant."""
    layer, n_heads = bridge.blocks[block].attn.o.original_component, bridge.cfg.n_heads
    alone = torch.zeros(len(z), n_heads, z.shape[-1], device=z.device)
    size = z.shape[-1] // n_heads
    for head in range(n_heads):
        own = slice(head * size, (head + 1) * size)
        alone[:, head, own] = z[:, own]
    dtype = next(layer.parameters()).dtype
    constant = layer(torch.zeros_like(z[:1]).to(dtype)).float().to(z.device)
    return layer(alone.to(dtype)).float().to(z.device) - constant, constant


def _check_sum(reader: Reader, block: int, total: Tensor, stream: Tensor) -> None:
    off = ((total - stream).norm(dim=-1) / stream.norm(dim=-1)).max().item()
    if not off <= TOLERANCE:
        raise _unsplit(
            reader, f"parts that miss its stream after block {block} by {off:.2g} of its length"
        )


def _unsplit(reader: Reader, what: str) -> InputError:
    return InputError(
        f"{reader.model} has {what}, so that its heads cannot be told apart: set "
        f"activations.dtype to float32 if it is not, or leave {reader.model} out of "
        "components.models."
    )


def norm_after(bridge: TransformerBridge) -> bool:
    """Whether a norm stands between the blocks and the stream."""
    return hasattr(bridge.blocks[0], "ln1_post")
