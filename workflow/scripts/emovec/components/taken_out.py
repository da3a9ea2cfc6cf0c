"""Run a model without some of its heads and MLPs: each puts out something else whatever it reads.

At every token but the first, the attention sink, its output becomes its mean over the tokens of
neutral sentences (Wang et al. 2023, Interpretability in the Wild), or what it puts out in one
neutral sentence of another topic, token by token from the end (Chan et al. 2022, Causal Scrubbing).
Where none is neutral, all sentences stand for them.
What later blocks make of it follows, so that it is not only a part's own share that is lost or made
up for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from emovec.activations.capture import AllRead, Batch, Reader, run_hooked
from emovec.activations.resume import Start, noted, resumed
from emovec.components.ablation import METHODS, Plan, Taken
from emovec.components.products import Part
from emovec.io.job import progress
from emovec.models.depths import block_before
from emovec.prompts.design import cell_places, in_cells
from emovec.prompts.positions import POSITIONS, Reading
from emovec.prompts.tokenizer import check_known
from emovec.statistics.arrays import Floats

# What a part puts out instead: [reading, token, number], or what broadcasts to it, from the second
# token on.
Fill = Callable[[Part, Batch], Tensor]


@dataclass(frozen=True)
class Neutral:
    """What parts put out in neutral sentences, at every token but the first."""

    outputs: dict[Part, dict[int, Tensor]]  # {row: [token, number]}, heads before the output matrix
    first: dict[Part, float]  # mean attention of heads to the first token


def take_out(
    reader: Reader, plan: Plan, prompts: pd.DataFrame, classes: Sequence[str | None], path: str,
    position: str, parts: Sequence[Part], depth: int, words: Mapping[str, list[int]],
    rng: np.random.Generator,
) -> Taken:  # fmt: skip
    """What `ablations` takes: what is read with each cut of a plan taken out, and how heads look.

    What parts put out instead is from the neutral sentences on topics that choose; read are those
    of emotions and neutral on topics that judge. `prompts` come from `path`, `words` are token ids
    of emotions; they are read if the position is at the end, where a next token is foreseen.
    Neutral is the last of `classes`, or None, when the mean of all emotions stands for it.
    """
    if not plan.emotions:
        return Taken({}, np.empty(0), [], {})
    if classes[-1] is not None:  # else the mean is of all emotions
        classes = [*plan.emotions, classes[-1]]
    kept = [*map(list(classes).index, plan.emotions), len(classes) - 1]
    name, topic = cell_places(prompts, classes).T
    told = [one for one in plan.emotions if one in words and POSITIONS[position].ends]
    for one in told:
        n_tokens = reader.bridge.cfg.d_vocab
        check_known(words[one], n_tokens, f"A word of {one} in steering.words", reader.model)

    def of(rows: NDArray) -> tuple[pd.DataFrame, list[Batch]]:
        table = prompts[rows].reset_index(drop=True)
        return table, reader.plan_table("prompts", table, path, [position])

    usual = name == len(classes) - 1 if classes[-1] is not None else name >= 0
    given, batches = of(np.isin(topic, plan.halves.choose) & usual)
    own = [parts[i] for i in plan.singles]
    found = neutral_outputs(reader, batches, own)
    table, judged = of(np.isin(topic, plan.halves.judge) & (name >= 0))
    donors = rng.integers(len(given), size=len(table))
    fills = dict(zip(METHODS, (means(found), resampled(found, donors)), strict=True))
    cuts = [[parts[i] for i in cut] for cut in plan.cuts]
    sets = {one: words[one] for one in told}
    streams, logp = read_without(reader, judged, cuts, fills, depth, sets, plan.to_the_end)

    def cells(values: Floats) -> Floats:
        return np.moveaxis(in_cells(table, classes, values.swapaxes(0, 1))[kept], 2, 0)

    left = {method: cells(stream) for method, stream in streams.items()}
    return Taken(left, cells(logp), told, found.first)


def neutral_outputs(reader: Reader, batches: Sequence[Batch], parts: Sequence[Part]) -> Neutral:
    """Of `parts`, heads and MLPs, in the sentences of `batches`; a pass up to the last of them."""
    outputs: dict[Part, dict[int, Tensor]] = {part: {} for part in parts}
    looks: dict[Part, list[float]] = defaultdict(list)

    def keep(part: Part, readings: Sequence[Reading]) -> Callable:
        def hook(out: Tensor, hook: object) -> None:
            flat = out.float().flatten(2)
            for numbers, one in zip(flat[..., _own(reader, part, flat)], readings, strict=True):
                n = len(one.ids)  # a sentence of one token has no other
                outputs[part][one.row] = numbers[min(1, n - 1) : n].clone()

        return hook

    def look(part: Part, readings: Sequence[Reading]) -> Callable:
        def hook(pattern: Tensor, hook: object) -> None:  # [reading, head, query, key]
            for one, seen in zip(readings, pattern[:, part.head, :, 0], strict=True):
                looks[part] += seen[1 : len(one.ids)].tolist()

        return hook

    last = _last(1 + max(part.block for part in parts))
    for batch in batches:
        hooks = [(_point(part), keep(part, batch.readings)) for part in parts]
        hooks += [
            (f"blocks.{part.block}.attn.hook_pattern", look(part, batch.readings))
            for part in parts
            if part.kind == "head"
        ]
        with suppress(AllRead):
            run_hooked(reader.bridge, batch.readings, [*hooks, (last, _stop)])
    return Neutral(outputs, {part: float(np.mean(seen)) for part, seen in looks.items() if seen})


def means(neutral: Neutral) -> Fill:
    """Each part puts out its mean over all tokens."""
    found = {part: torch.cat([*own.values()]).mean(0) for part, own in neutral.outputs.items()}
    return lambda part, batch: found[part]


def resampled(neutral: Neutral, donors: Sequence[int]) -> Fill:
    """In each row every part puts out what it does in the neutral sentence `donors[row]`.

    Last tokens meet, so that a suffix meets the suffix; what is longer goes on with the donor's
    first token.
    """

    def fill(part: Part, batch: Batch) -> Tensor:
        width, rows = max(len(one.ids) for one in batch.readings), []
        for one in batch.readings:
            given = neutral.outputs[part][donors[one.row]]
            places = torch.arange(width - 1) + len(given) - (len(one.ids) - 1)
            rows.append(given[places.clamp(0, len(given) - 1)])
        return torch.stack(rows)

    return fill


def read_without(
    reader: Reader, batches: Sequence[Batch], cuts: Sequence[Sequence[Part]],
    fills: Mapping[str, Fill], depth: int, words: Mapping[str, list[int]],
    to_the_end: Collection[int],
) -> tuple[dict[str, Floats], Floats]:  # fmt: skip
    """What is read with each of `cuts` taken out. Blocks before its first are not run again.

    Parameters
    ----------
    cuts : of heads and MLPs; the first is nothing.
    words : token ids of each set.
    to_the_end : the numbers of the cuts with which words are read, under the first of `fills`; all
        others end at `depth`.

    Returns
    -------
    For each of `fills` the stream at `depth`, `[cut, row, d_model]`; log-probabilities of the sets
    as the next token, `[cut, row, set]`, NaN where a cut is not run to the end.
    """
    n_rows, primary = sum(len(batch.readings) for batch in batches), next(iter(fills))
    streams = {m: np.empty((len(cuts), n_rows, reader.bridge.cfg.d_model)) for m in fills}
    logp = np.full((len(cuts), n_rows, len(words)), np.nan)
    for batch in progress(batches, len(batches), f"{reader.model} without parts, batches"):
        rows = [reading.row for reading in batch.readings]
        plain, starts = _starts(reader, batch, depth, words)
        for method, fill in fills.items():
            streams[method][0, rows], logp[0, rows] = plain
            for number, cut in enumerate(cuts[1:], start=1):
                first = min(part.block for part in cut)
                hooks = [_replaced(reader, part, fill(part, batch)) for part in cut]
                asked = words if method == primary and number in to_the_end else {}
                with resumed(reader.bridge, starts[first]) if first in starts else nullcontext():
                    streams[method][number, rows], seen = _read(reader, batch, hooks, depth, asked)
                if asked:
                    logp[number, rows] = seen
    return streams, logp


def _read(
    reader: Reader, batch: Batch, hooks: list, depth: int, words: Mapping[str, list[int]]
) -> tuple[NDArray, NDArray]:
    """The stream `[reading, d_model]` at `depth`, and log-probabilities `[reading, set]`.

    Without words the model is run no further than `depth`.
    """
    [position] = batch.positions
    stream, readings = [], batch.readings

    def keep(out: Tensor, hook: object) -> None:
        means = [out[i, one.tokens[position]].float().mean(0) for i, one in enumerate(readings)]
        stream.append(torch.stack(means))
        if not words:
            raise AllRead

    def last(out: Tensor, hook: object) -> Tensor:  # words are foreseen nowhere else
        ends = [one.tokens[position][-1] for one in readings]
        return out[list(range(len(readings))), ends][:, None]

    likely = torch.empty(len(readings), 0)
    with suppress(AllRead):
        end = [("unembed.hook_in", last)] if words else []
        logits = run_hooked(reader.bridge, readings, [*hooks, (_last(depth), keep), *end])
        likely = logits[:, -1].float().log_softmax(-1)
        likely = torch.stack([likely[:, ids].logsumexp(-1) for ids in words.values()], dim=1)
    read = stream[0] - stream[0].mean(-1, keepdim=True) if reader.centered else stream[0]
    return read.cpu().numpy(), likely.cpu().numpy()


def _last(depth: int) -> str:
    return f"blocks.{block_before(depth)}.hook_resid_post"


def _stop(stream: Tensor, hook: object) -> None:
    raise AllRead


def _point(part: Part) -> str:
    """The hook point that a part's output passes."""
    return f"blocks.{part.block}.{'hook_mlp_out' if part.kind == 'mlp' else 'attn.o.hook_in'}"


def _own(reader: Reader, part: Part, out: Tensor) -> slice:
    """Which of the numbers `out[..., number]` at that point are the part's."""
    if part.kind == "mlp":
        return slice(None)
    size = out.shape[-1] // reader.bridge.cfg.n_heads
    return slice(part.head * size, (part.head + 1) * size)


def _replaced(reader: Reader, part: Part, given: Tensor) -> tuple[str, Callable]:
    """The hook that puts `given` in place of a part's output, but at the first token."""

    def hook(out: Tensor, hook: object) -> Tensor:
        flat = out.flatten(2).clone()
        flat[:, 1:, _own(reader, part, flat)] = given.to(flat)
        return flat.view_as(out)

    return _point(part), hook


def _starts(
    reader: Reader, batch: Batch, depth: int, words: Mapping[str, list[int]]
) -> tuple[tuple[NDArray, NDArray], dict[int, Start]]:
    """What is read of the whole model, and from where blocks before `depth` can be run on.

    From nowhere where that gives anything else: some blocks read more than the one before gives.
    """
    with noted(reader.bridge, range(1, depth)) as found:
        plain = _read(reader, batch, [], depth, words)
    for start in found.values():
        with resumed(reader.bridge, start):
            again = _read(reader, batch, [], depth, words)
        if not all(map(np.array_equal, again, plain)):
            return plain, {}
        break  # the first leaves all other blocks to be run
    return plain, found
