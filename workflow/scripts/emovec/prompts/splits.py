"""What belongs together among prompts: topics, and sentences written with one word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from emovec.prompts.design import cells_of
from emovec.statistics.arrays import Mask
from emovec.statistics.folds import Folds, phrase_folds, topic_folds

IMPLICIT = "implicit"  # the phrase of a sentence that shows its emotion without an emotion word


def splits(
    prompts: pd.DataFrame, contrast: Sequence[str], n_folds: int, rng: np.random.Generator
) -> dict[str, Folds]:
    """Folds by topic, and by phrase where the prompts have enough phrases.

    A contrast of more than two classes is of the first with all others, whose phrases do not count:
    few topics would train without any that is tested. Folds are fewer where there are too few
    topics or phrases for as many as asked for. Phrases of one topic and class stay together, and so
    do those that others join.
    """
    folds = {"topic": topic_folds(prompts.topic.nunique(), n_folds, rng)}
    if "phrase" in prompts:
        phrases = _joined([cells_of(prompts, name, "phrase") for name in contrast])
        if len(contrast) > 2:
            phrases = [phrases[0], [None] * len(phrases[0])]
        if (by_phrase := phrase_folds(phrases, n_folds)) is not None:
            folds["phrase"] = by_phrase
    return {name: one.among(len(contrast)) for name, one in folds.items()}


def near_by_head(
    prompts: pd.DataFrame, emotions: Sequence[str], *, neutral: str | None = ""
) -> Mask:
    """Which topics share a lexical head in each emotion, `[emotion, topic, topic]`.

    Each topic is near itself; sentences without a head, and all of prompts that name none, are
    near no other. Where `neutral` is None an emotion is taken against all of them, and topics are
    near if they share a head in any.
    """
    alone = np.eye(prompts.topic.nunique(), dtype=bool)
    near = np.stack([alone] * len(emotions))
    for i, name in enumerate(emotions if "phrase" in prompts else []):
        topic, head = _members([_heads(cell) for cell in cells_of(prompts, name, "phrase")])
        has = coo_array((np.ones(len(topic)), (topic, head)), (len(alone), head.max(initial=0) + 1))
        near[i] |= (has @ has.T).toarray() > 0
    return near if neutral is not None else np.broadcast_to(near.any(axis=0), near.shape)


def _heads(cell: Sequence[object]) -> list[str]:
    """The different heads of the sentences in a cell."""
    return sorted({one for one in cell if one and one == one and one != IMPLICIT})


def _members(cells: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a cell and the number of a head that it has."""
    code = pd.factorize(np.array([head for cell in cells for head in cell], dtype=object))[0]
    return np.repeat(np.arange(len(cells)), [len(cell) for cell in cells]), code


def _joined(phrases: Sequence[Sequence[Sequence[object]]]) -> list[list[object]]:
    """One phrase for each cell of `phrases[class][topic]`.

    Heads that occur in one cell count as one, and so on through other cells; a cell without a
    head has its phrase as it is.
    """
    cells = [_heads(cell) for row in phrases for cell in row]
    place, head = _members(cells)
    size = len(cells) + head.max(initial=-1) + 1
    links = coo_array((np.ones(len(place)), (place, len(cells) + head)), (size, size))
    label = connected_components(links, directed=False)[1]
    first: dict[int, str] = {}
    for number, own in zip(label, cells, strict=False):
        for one in own[:1]:
            first.setdefault(number, one)
    found = iter(zip(label, cells, strict=False))
    return [[_label(cell, first, *next(found)) for cell in row] for row in phrases]


def _label(
    cell: Sequence[object], first: dict[int, str], number: int, heads: Sequence[str]
) -> str | None:
    return first[number] if heads else IMPLICIT if IMPLICIT in cell else None


def writers(prompts: pd.DataFrame) -> list[str] | None:
    """Who wrote each topic; None if that is not stated, or one wrote all, or two wrote one."""
    if "writer" not in prompts or (prompts.groupby("topic").writer.nunique() > 1).any():
        return None
    found = prompts.drop_duplicates("topic").writer.tolist()
    return found if len(set(found)) > 1 else None
