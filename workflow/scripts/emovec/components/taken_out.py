"""Run a model without some of its heads and MLPs: each puts out its mean whatever it reads.

Mean ablation (Wang et al. 2023, Interpretability in the Wild): the output at every token but the
first, the attention sink, becomes its mean over the tokens of neutral sentences, or of all where
none is neutral. What later blocks
make of it follows, so that it is not only a part's own share that is lost or made up for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from emovec.activations.capture import AllRead, Batch, Reader, run_hooked
from emovec.activations.resume import Start, noted, resumed
from emovec.components.ablation import Plan
from emovec.components.products import Part
from emovec.io.job import progress
from emovec.models.depths import block_before
from emovec.prompts.design import cell_places, in_cells
from emovec.statistics.arrays import Floats


@dataclass(frozen=True)
class Means:
    """What the blocks put out on average, over tokens but the first."""

    heads: Tensor  # [block, head × size], before the output matrix
    mlps: Tensor  # [block, d_model]
    first: Floats  # [block, head]: attention to the first token


def take_out(
    reader: Reader, plan: Plan, prompts: pd.DataFrame, classes: Sequence[str | None], path: str,
    position: str, parts: Sequence[Part], depth: int,
) -> tuple[Floats, Floats]:  # fmt: skip
    """What `ablations` takes: streams with each cut of a plan taken out, and how heads look.

    Means are those of the neutral sentences on topics that choose; streams are of those that judge.
    `prompts` come from `path`, neutral is the last of `classes`, or None, when all sentences stand
    for it.

    Returns
    -------
    Streams `[cut, class, topic, d_model]`, and attention `[block, head]` to the first token.
    """
    name, topic = cell_places(prompts, classes).T

    def of(rows: NDArray) -> tuple[pd.DataFrame, list[Batch]]:
        table = prompts[rows].reset_index(drop=True)
        return table, reader.plan_table("prompts", table, path, [position])

    usual = name == len(classes) - 1 if classes[-1] is not None else name >= 0
    _, neutral = of(np.isin(topic, plan.halves.choose) & usual)
    means = mean_outputs(reader, neutral, depth)
    table, judged = of(np.isin(topic, plan.halves.judge))
    cuts = [[parts[i] for i in cut] for cut in plan.cuts]
    x = streams_without(reader, judged, cuts, means, depth)
    return np.moveaxis(in_cells(table, classes, x.swapaxes(0, 1)), 2, 0), means.first


def mean_outputs(reader: Reader, batches: Sequence[Batch], depth: int) -> Means:
    """Means over the sentences of `batches`, one pass."""
    sums: dict[str, Tensor] = {}
    count = 0
    names = ("attn.o.hook_in", "hook_mlp_out", "attn.hook_pattern")
    for batch in batches:
        mask = torch.zeros(len(batch.readings), max(len(one.ids) for one in batch.readings))
        for row, one in enumerate(batch.readings):
            mask[row, 1 : len(one.ids)] = 1
        mask = mask.to(reader.bridge.cfg.device)
        count += int(mask.sum())

        def keep(name: str, mask: Tensor = mask) -> Callable:
            def hook(out: Tensor, hook: object) -> None:
                if name.endswith("pattern"):
                    out = out[..., 0].transpose(1, 2)  # [row, token, head]
                total = torch.einsum("rt,rtx->x", mask, out.float().flatten(2))
                sums[name] = sums.get(name, 0) + total

            return hook

        hooks = [(n, keep(n)) for b in range(depth) for n in (f"blocks.{b}.{k}" for k in names)]
        with suppress(AllRead):
            run_hooked(reader.bridge, batch.readings, [*hooks, (_last(depth), _stop)])
    heads, mlps, first = (
        torch.stack([sums[f"blocks.{block}.{name}"] / count for block in range(depth)])
        for name in names
    )
    return Means(heads, mlps, first.cpu().numpy())


def streams_without(
    reader: Reader, batches: Sequence[Batch], cuts: Sequence[Sequence[Part]], means: Means,
    depth: int,
) -> Floats:  # fmt: skip
    """The stream at `depth` with each of `cuts` taken out, `[cut, row, d_model]`.

    Parts of a cut are heads and MLPs. Blocks before its first are not run again.
    """
    n_rows = sum(len(batch.readings) for batch in batches)
    found = np.empty((len(cuts), n_rows, reader.bridge.cfg.d_model))
    for batch in progress(batches, len(batches), f"{reader.model} without parts, batches"):
        [position] = batch.positions
        rows = [reading.row for reading in batch.readings]
        starts = _starts(reader.bridge, batch, depth)
        for number, cut in enumerate(cuts):
            first = min((part.block for part in cut), default=0)
            hooks = [_replaced(reader.bridge, part, means) for part in cut]
            with resumed(reader.bridge, starts[first]) if first in starts else nullcontext():
                stream = _stream(reader.bridge, batch, hooks, depth)
            if reader.centered:
                stream = stream - stream.mean(-1, keepdim=True)
            for i, reading in enumerate(batch.readings):
                tokens = reading.tokens[position]
                found[number, rows[i]] = stream[i, tokens].mean(0).cpu().numpy()
    return found


def _last(depth: int) -> str:
    return f"blocks.{block_before(depth)}.hook_resid_post"


def _stop(stream: Tensor, hook: object) -> None:
    raise AllRead


def _stream(bridge: TransformerBridge, batch: Batch, hooks: list, depth: int) -> Tensor:
    kept: list[Tensor] = []

    def keep(stream: Tensor, hook: object) -> None:
        kept.append(stream.float())
        raise AllRead

    with suppress(AllRead):
        run_hooked(bridge, batch.readings, [*hooks, (_last(depth), keep)])
    return kept[0]


def _replaced(bridge: TransformerBridge, part: Part, means: Means) -> tuple[str, Callable]:
    """The hook that gives a part's mean in place of its output, but at the first token."""
    if part.kind == "mlp":
        name, own, mean = "hook_mlp_out", slice(None), means.mlps[part.block]
    else:
        size = means.heads.shape[-1] // bridge.cfg.n_heads
        own = slice(part.head * size, (part.head + 1) * size)
        name, mean = "attn.o.hook_in", means.heads[part.block, own]

    def hook(out: Tensor, hook: object) -> Tensor:
        flat = out.flatten(2).clone()
        flat[:, 1:, own] = mean.to(flat)
        return flat.view_as(out)

    return f"blocks.{part.block}.{name}", hook


def _starts(bridge: TransformerBridge, batch: Batch, depth: int) -> dict[int, Start]:
    """From where each block before `depth` but the first can be run on.

    From nowhere where that gives another stream: some blocks read more than the one before gives.
    """
    with noted(bridge, range(1, depth)) as found:
        plain = _stream(bridge, batch, [], depth)
    for start in found.values():
        with resumed(bridge, start):
            if not torch.equal(_stream(bridge, batch, [], depth), plain):
                return {}
        break  # the first leaves all other blocks to be run
    return found
