"""Ask a model instead of steering it: read-outs and texts as they are made under steering."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from emovec.prompts.tokenizer import TextEncoder, check_known
from emovec.steering.asking import Asked, before
from emovec.steering.directions import EMOTION
from emovec.steering.generation import next_log_probabilities, read_prefix
from emovec.steering.steerer import Sampling, Steerer, as_read, as_written


def with_room(
    encode: TextEncoder, openings: Sequence[str], tokens: int, context: int | None
) -> Callable[[str], bool]:
    """Whether a text before the longest opening, and new tokens after it, are within a context."""
    longest = max(openings, key=lambda opening: len(encode(opening).ids))

    def fits(text: str) -> bool:
        return context is None or len(encode(before(text, longest)).ids) + tokens <= context

    return fits


def ask(
    steerer: Steerer, asked: Sequence[Asked], openings: pd.DataFrame, sets: dict[str, list[int]],
    sampling: Sampling, depth: int, encode: TextEncoder,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """What is said after `openings` when something is put before them.

    The rows of `read_outs`, with `extra_tokens`, how many more are read before the first new one;
    and those of `write_texts`, greedy, and for emotions sampled as well with the numbers of
    steering. What was put before an opening is gone when the model reads a text again, so that
    the log-probability and the components along the emotions compare with those of steering.

    Parameters
    ----------
    openings : the rows to continue; the index counts the openings of `steerer`.
    depth : where texts are read again.
    """
    rows, names = openings.index.tolist(), openings.id.tolist()
    model, bridge = steerer.directions.metadata["model"], steerer.bridge
    ids = [
        [encode(before(*both)).ids for both in zip(one.texts, openings.text, strict=True)]
        for one in asked
    ]
    for one, prefixes in zip(asked, ids, strict=True):
        name = f"What stands before an opening for {one.condition.name}"
        check_known([token for each in prefixes for token in each], bridge.cfg.d_vocab, name, model)
    plain = next_log_probabilities(bridge, steerer.prefix(rows, 1))
    numbers = {one.condition: place for place, one in enumerate(asked)}
    batches = [
        batch
        for way in dict.fromkeys(one.operation for one in numbers)  # alike in length
        for batch in steerer.batches([c for c in numbers if c.operation == way], len(rows))
    ]
    read, written = [], []
    for batch in steerer.counted(batches):
        own = [ids[numbers[condition]] for condition in batch]
        prefix = read_prefix(bridge, [one[place] for place in range(len(rows)) for one in own])
        after = next_log_probabilities(bridge, prefix)
        more = [
            len(one[p]) - len(steerer.openings[row]) for p, row in enumerate(rows) for one in own
        ]
        table = as_read(steerer, batch, after, plain, names, sets)
        read.append(table.assign(extra_tokens=more))
        for sample in range(1 + sampling.samples):
            kept = [i for i, one in enumerate(batch) if not sample or one.kind == EMOTION]
            if not kept:
                continue
            places = [row * len(batch) + i for row in range(len(rows)) for i in kept]
            tokens = sampling.continued(bridge, prefix.selected(places), sample, names)
            conditions = [batch[i] for i in kept]
            written.append(
                as_written(
                    steerer, conditions, rows, names, sample, tokens, depth, encode.tokenizer.decode
                )
            )
    return pd.concat(read, ignore_index=True), pd.concat(written, ignore_index=True)
