"""What belongs together among prompts: topics, and sentences written with one word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.statistics.arrays import Mask
from emovec.statistics.clustered import near_topics
from emovec.statistics.folds import Folds, phrase_folds, topic_folds

IMPLICIT = "implicit"  # the phrase of a sentence that shows its emotion without an emotion word


def splits(
    prompts: pd.DataFrame, pair: tuple[str, str], n_folds: int, rng: np.random.Generator
) -> dict[str, Folds]:
    """Folds by topic, and by phrase where the prompts have enough phrases.

    Folds are fewer where there are too few topics or phrases for as many as asked for.
    """
    folds = {"topic": topic_folds(prompts.topic.nunique(), n_folds, rng)}
    if "phrase" in prompts:
        phrases = [prompts.phrase[prompts.emotion == name].tolist() for name in pair]
        if (by_phrase := phrase_folds(phrases, n_folds)) is not None:
            folds["phrase"] = by_phrase
    return folds


def near_by_head(prompts: pd.DataFrame, emotions: Sequence[str]) -> Mask:
    """Which topics share a lexical head in each emotion, `[emotion, topic, topic]`.

    Each topic is near itself; sentences without a head, and all of prompts that name none, are
    near no other.
    """
    topics = prompts.topic.nunique()
    near = []
    for name in emotions:
        own = prompts[prompts.emotion == name]
        heads = own.phrase if "phrase" in prompts else pd.Series("", own.index)
        alone = heads.isin(("", IMPLICIT)) | heads.isna()
        label = np.where(alone, topics + np.arange(topics), pd.factorize(heads)[0])
        near.append(near_topics(topics, label))
    return np.stack(near)
