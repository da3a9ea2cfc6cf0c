"""Asking a model instead of steering it: what is put before an opening, and its control."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.errors import InputError
from emovec.prompts.openings import PLAIN
from emovec.registry import Kind, registry
from emovec.steering.conditions import Condition
from emovec.steering.directions import EMOTION

INSTRUCT, PRECEDE = "instruct", "precede"


WAYS = registry(
    Kind(INSTRUCT, "an instruction before the opening"),
    Kind(PRECEDE, "a sentence before the opening"),
)


@dataclass(frozen=True)
class Asked:
    """One way to ask; `texts[opening]` are what stands before each."""

    condition: Condition
    texts: list[str]


def asked(way: str, kind: str, name: str) -> Condition:
    """An emotion asked for, or with kind and name `PLAIN` the control; nothing is steered."""
    return Condition(way, kind, name, -1, 0, 0.0, int(kind == EMOTION))


def before(text: str, opening: str) -> str:
    """An opening with what is put before it, each on a line of its own."""
    return f"{text}\n{opening}"


def to_ask(
    instructions: Mapping[str, str],
    prompts: pd.DataFrame,
    emotions: Sequence[str],
    neutral: str | None,
    openings: int,
    rng: np.random.Generator,
    fits: Callable[[str], bool],
) -> list[Asked]:
    """All that is put before the openings: instructions, and sentences of the prompts.

    The same instruction stands before every opening; an emotion without one is left out. Every
    opening has a topic of its own, drawn among those whose sentences fit, and before it stands the
    topic's sentence of each emotion (its first, if there are several). The control is the
    instruction without an emotion, and the neutral sentence, if there is a neutral class.

    Parameters
    ----------
    prompts : as `read_prompts` gives them.
    fits : whether there is room in the model's context for a text before every opening.

    Raises
    ------
    InputError
        If an instruction does not fit, or the sentences of no topic.
    """
    found = []
    told = [emotion for emotion in emotions if emotion in instructions]
    for kind, name in [*((EMOTION, emotion) for emotion in told), *[(PLAIN, PLAIN)] * bool(told)]:
        if not fits(instructions[name]):
            raise InputError(
                f"The instruction of {name!r} in steering.instructions leaves no room for the "
                "openings in the model's context: shorten it."
            )
        found.append(Asked(asked(INSTRUCT, kind, name), [instructions[name]] * openings))
    first = prompts.drop_duplicates(["topic", "emotion"]).pivot(
        index="topic", columns="emotion", values="text"
    )
    topics = [one for one in prompts.topic.unique() if all(map(fits, first.loc[one]))]
    if not topics:
        raise InputError(
            "No topic of prompts.file has sentences that leave room for the openings in the "
            "model's context: shorten them, or set steering.instructions to null."
        )
    drawn = rng.permutation(topics)
    own = first.loc[[drawn[row % len(drawn)] for row in range(openings)]]
    for kind, name, column in [
        *((EMOTION, emotion, emotion) for emotion in emotions),
        *[(PLAIN, PLAIN, neutral)] * (neutral is not None),
    ]:
        found.append(Asked(asked(PRECEDE, kind, name), own[column].tolist()))
    return found
