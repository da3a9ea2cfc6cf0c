"""What is held out together when two classes of prompts are told apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emovec.statistics.folds import Folds, phrase_folds, topic_folds


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
