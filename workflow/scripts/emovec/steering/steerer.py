"""Run a model through all conditions of a steering plan: read-outs and texts, as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from transformer_lens.model_bridge import TransformerBridge

from emovec.activations.parts import part_of
from emovec.activations.resume import Start, resumed
from emovec.io.job import progress
from emovec.io.seeds import generator
from emovec.models.depths import hook_points
from emovec.prompts.tokenizer import check_known
from emovec.steering.conditions import CONDITION_COLUMNS, UNSTEERED, Condition
from emovec.steering.directions import EMOTION, Directions
from emovec.steering.generation import (
    NUMBERS,
    Prefix,
    generate,
    next_log_probabilities,
    read_back,
    read_prefix,
    starts_at,
)
from emovec.steering.hooks import Change, steered

Item = TypeVar("Item")


@dataclass(frozen=True)
class Steerer:
    """One model with its openings and the directions it is steered with."""

    bridge: TransformerBridge
    openings: Sequence[Sequence[int]]  # token ids of each opening
    directions: Directions
    scope: str  # new or all
    kept: dict = field(default_factory=dict)  # the openings as last read without a change

    @cached_property
    def scale(self) -> dict[int, float]:
        """Per depth, the median length of the stream over the tokens of the openings.

        Each opening's first is left out: a BOS is an attention sink of enormous length.
        """
        names = hook_points(self.bridge.cfg.n_layers)
        lengths: dict[int, list[float]] = {depth: [] for depth in self.directions.depths}

        def keep(depth: int):
            def hook(stream, hook):
                lengths[depth] += stream[0, 1:].float().norm(dim=-1).tolist()

            return hook

        hooks = [(names[depth], keep(depth)) for depth in lengths]
        for ids in self.openings:
            with torch.inference_mode(), self.bridge.hooks(fwd_hooks=hooks):
                self.bridge(torch.tensor([list(ids)], device=self.bridge.cfg.device),
                            return_type=None)  # fmt: skip
        return {depth: float(np.median(found)) for depth, found in lengths.items()}

    @cached_property
    def emotions(self) -> list[int]:
        """The directions that are of emotions."""
        return [row for row, kind in enumerate(self.directions.kinds) if kind == EMOTION]

    @property
    def read_back_columns(self) -> list[str]:
        return [f"read_{self.directions.names[row]}" for row in self.emotions]

    def alpha(self, condition: Condition) -> float:
        """The factor of the vector as found that gives the strength asked for."""
        place = self.directions.depths.index(condition.depth)
        return condition.strength * self.scale[condition.depth] / self._norm(condition, place)

    def _norm(self, condition: Condition, place: int) -> float:
        return float(self.directions.norms[condition.direction, place])

    def change(self, conditions: Sequence[Condition], repeats: int) -> Change | None:
        """The change of a batch whose rows are openings × `conditions`, openings first."""
        if all(condition.operation == "none" for condition in conditions):
            return None
        depth = conditions[0].depth
        place = self.directions.depths.index(depth)
        add, remove = (torch.zeros(len(conditions), self.bridge.cfg.d_model) for _ in range(2))
        for row, condition in enumerate(conditions):
            vector = torch.from_numpy(self.directions.vectors[condition.direction, place])
            if condition.operation == "add":
                add[row] = condition.sign * condition.strength * self.scale[depth] * vector
            elif condition.operation == "remove":
                remove[row] = vector
        return Change(depth, add.repeat(repeats, 1), remove.repeat(repeats, 1))

    def batches(self, conditions: Sequence[Condition], openings: int) -> list[list[Condition]]:
        """Conditions of one depth together, as many as memory should hold.

        Every batch of a depth has the same number of conditions but the last, so that what a
        condition gives does not depend on which others are asked for in later batches.
        """
        size = max(1, NUMBERS // (self.bridge.cfg.d_vocab * openings))
        found = []
        for depth in dict.fromkeys(condition.depth for condition in conditions):
            own = [condition for condition in conditions if condition.depth == depth]
            found += [own[start : start + size] for start in range(0, len(own), size)]
        return found

    def prefix(self, rows: Sequence[int], times: int, change: Change | None = None) -> Prefix:
        """The openings `rows`, each `times` times, read under a change where the scope says so."""
        if self.scope == "new" or change is None:
            return self._unchanged(tuple(rows), times)
        repeated = [self.openings[row] for row in rows for _ in range(times)]
        with steered(self.bridge, [change]):
            return read_prefix(self.bridge, repeated)

    def _unchanged(self, rows: tuple[int, ...], times: int) -> Prefix:
        """Kept for the next batch, which most often asks for the same."""
        if (rows, times) not in self.kept:
            plain = self.kept.get((rows, 1)) or read_prefix(
                self.bridge, [self.openings[row] for row in rows]
            )
            self.kept.clear()
            self.kept.update({(rows, 1): plain, (rows, times): plain.repeated(times)})
        return self.kept[rows, times]

    @contextmanager
    def running(self, change: Change | None, start: Start | None = None) -> Iterator[None]:
        with (
            nullcontext() if change is None else steered(self.bridge, [change]),
            nullcontext() if start is None else resumed(self.bridge, start),
        ):
            yield

    def counted(self, batches: Sequence[Item]) -> Iterator[Item]:
        return progress(batches, len(batches), f"{self.directions.metadata['model']}, batches")


def read_outs(
    steerer: Steerer, conditions: Sequence[Condition], names: Sequence[str],
    sets: dict[str, list[int]], part: tuple[int, int] = (1, 1),
    reported: Sequence[int] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """What each condition does to the next-token distribution of each opening.

    One row per condition, the baseline first, and opening: `alpha`, `kl`, the divergence
    KL(steered ‖ baseline) in nats, and `logp_{set}`, the log of the probability of a set of tokens.
    Controls are read on the openings `reported` alone, if given: nothing is chosen by them.

    `part` is (shard, shards): of all batches those of one shard alone.

    Raises
    ------
    InputError
        If a set has a token that the model lacks.
    """
    for name, ids in sets.items():
        model = steerer.directions.metadata["model"]
        check_known(ids, steerer.bridge.cfg.d_vocab, f"A word of {name} in steering.words", model)
    everywhere = list(range(len(names)))
    plain, depths = steerer.prefix(everywhere, 1), steerer.directions.depths
    before, starts = starts_at(steerer.bridge, plain, depths)
    own = [condition for condition in conditions if condition.kind == EMOTION]
    controls = [condition for condition in conditions if condition.kind != EMOTION]
    batches = [(everywhere, [UNSTEERED])]
    for rows, asked in (
        (everywhere, own),
        (everywhere if reported is None else list(reported), controls),
    ):
        batches += [(rows, batch) for batch in steerer.batches(asked, len(rows))]
    tables = []
    for rows, batch in steerer.counted(part_of(batches, *part)):
        change = steerer.change(batch, len(rows))
        prefix = steerer.prefix(rows, len(batch), change)
        start = starts.get(change.depth) if change else None
        if start is not None:
            start = start.selected(np.repeat(rows, len(batch)))
        with steerer.running(change, start):
            after = next_log_probabilities(steerer.bridge, prefix)
        tables.append(
            as_read(steerer, batch, after, before[rows], [names[row] for row in rows], sets)
        )
    return below(
        tables, [*CONDITION_COLUMNS, "alpha", "opening", "kl", *(f"logp_{name}" for name in sets)]
    )


def as_read(
    steerer: Steerer, batch: Sequence[Condition], after: torch.Tensor, before: torch.Tensor,
    names: Sequence[str], sets: dict[str, list[int]],
) -> pd.DataFrame:  # fmt: skip
    """The rows of `read_outs` for a batch.

    Parameters
    ----------
    after, before : log-probabilities [opening × condition, token id] and [opening, token id].
    names : of the openings.
    """
    blocks = zip(after.split(len(batch)), before, strict=True)  # one opening each
    kl = torch.cat([(block.exp() * (block - plain)).sum(-1) for block, plain in blocks])
    found = {"kl": kl.cpu().numpy()}
    for name, ids in sets.items():
        found[f"logp_{name}"] = after[:, ids].logsumexp(-1).cpu().numpy()
    keys = pd.DataFrame(
        [
            condition.columns()
            | {"alpha": 0.0 if condition.operation != "add" else steerer.alpha(condition)}
            for condition in batch
        ]
    )
    openings = pd.Series(names, name="opening")
    return pd.concat(
        [
            pd.concat([keys] * len(names), ignore_index=True),
            openings.repeat(len(batch)).reset_index(drop=True),
            pd.DataFrame(found),
        ],
        axis=1,
    )


def below(tables: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Tables one below the other; a shard without a batch has the columns alone."""
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


@dataclass(frozen=True)
class Sampling:
    """How texts are generated."""

    tokens: int
    samples: int  # sampled texts of an opening, besides the greedy one
    temperature: float
    seed: int
    ends: frozenset[int]

    def draws(self, sample: int, opening: str) -> np.ndarray:
        """The numbers `[token]` that pick the tokens of one text; NaN where it is greedy."""
        if sample == 0:
            return np.full(self.tokens, np.nan)
        return generator(self.seed, opening, str(sample)).random(self.tokens)

    def continued(
        self, bridge: TransformerBridge, prefix: Prefix, sample: int, openings: Sequence[str]
    ) -> list[list[int]]:
        """New tokens of each row of `prefix`, equally many in succession for each opening."""
        draws = np.stack([self.draws(sample, opening) for opening in openings])
        draws = draws.repeat(len(prefix.last) // len(openings), axis=0)
        return generate(bridge, prefix, self.tokens, self.ends, draws, self.temperature)


def write_texts(
    steerer: Steerer, conditions: Sequence[Condition], rows: Sequence[int], names: Sequence[str],
    sampling: Sampling, sampled_strength: float, decode: Callable[[list[int]], str],
    part: tuple[int, int] = (1, 1),
) -> pd.DataFrame:  # fmt: skip
    """Continue the openings `rows` under each condition; sample 0 is greedy.

    One row per condition, opening and sample: the continuation alone, its number of tokens, and
    what the model as it is makes of it: the mean log-probability of a token, and `read_{emotion}`,
    the stream's mean component along an emotion's vector at the depth steered, in medians of the
    stream's length there. The baseline and emotions at `sampled_strength` or projected out are
    sampled as well; everything else is greedy.

    `part` is (shard, shards): of all batches those of one shard alone.
    """
    sampled = [
        condition
        for condition in conditions
        if condition.strength in (0, sampled_strength)
        and condition.kind in (UNSTEERED.kind, EMOTION)
    ]
    batches = [
        (sample, batch)
        for sample in range(1 + sampling.samples)
        for batch in steerer.batches(sampled if sample else conditions, len(rows))
    ]
    [depth] = {condition.depth for condition in conditions if condition.operation != "none"}
    own = [names[row] for row in rows]
    tables = []
    for sample, batch in steerer.counted(part_of(batches, *part)):
        change = steerer.change(batch, len(rows))
        prefix = steerer.prefix(rows, len(batch), change)
        with steerer.running(change):
            tokens = sampling.continued(steerer.bridge, prefix, sample, own)
        tables.append(as_written(steerer, batch, rows, own, sample, tokens, depth, decode))
    return below(
        tables,
        [*CONDITION_COLUMNS, "opening", "sample", "text", "n_tokens", "log_probability",
         *steerer.read_back_columns],
    )  # fmt: skip


def as_written(
    steerer: Steerer, batch: Sequence[Condition], rows: Sequence[int], names: Sequence[str],
    sample: int, tokens: Sequence[list[int]], depth: int, decode: Callable[[list[int]], str],
) -> pd.DataFrame:  # fmt: skip
    """The rows of `write_texts` for a batch whose new `tokens[opening × condition]` these are.

    `names` are those of the openings `rows`, after which the tokens are read again.
    """
    place = steerer.directions.depths.index(depth)
    vectors = torch.from_numpy(steerer.directions.vectors[steerer.emotions, place])
    likely, along = read_back(steerer.bridge, steerer.prefix(rows, 1), tokens, depth, vectors)
    keys = pd.DataFrame([condition.columns() for condition in batch])
    return pd.concat([keys] * len(rows), ignore_index=True).assign(
        opening=np.repeat(list(names), len(batch)),
        sample=sample,
        text=[decode(t) for t in tokens],
        n_tokens=[len(t) for t in tokens],
        log_probability=likely,
        **dict(zip(steerer.read_back_columns, along.T / steerer.scale[depth], strict=True)),
    )
