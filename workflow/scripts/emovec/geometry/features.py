"""What the sentences tell without any model's blocks: their words, and their tokens' embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.linalg import eigh
from sklearn.feature_extraction.text import TfidfVectorizer

from emovec.audit.text_baseline import words
from emovec.geometry.sharing import Read
from emovec.prompts.design import in_cells
from emovec.statistics.arrays import Floats

TOPICS_OF_WORDS = 100  # leading components of tf-idf (latent semantic analysis)
MOST = 200  # features of the text in all
RESOLUTION = 1e-12  # of the variance on the largest component
PER_FEATURE = 4  # sentences that a half needs for each of them


def word_counts(prompts: pd.DataFrame, classes: Sequence[str], probe: Sequence[str]) -> Read:
    """tf-idf of the words of prompts, as means of each class and topic, and of probe sentences.

    Words met once are left out. Marks without a single word give one column of zeros.
    """
    vectorizer = TfidfVectorizer(analyzer=words, min_df=2)
    try:
        rows = vectorizer.fit_transform([*prompts.text, *probe]).toarray()
    except ValueError:  # no word is met twice
        rows = np.zeros((len(prompts) + len(probe), 1))
    return Read(in_cells(prompts, classes, rows[: len(prompts)]), rows[len(prompts) :])


def text_features(counts: Read, starts: Sequence[Read], enough: int) -> Read | None:
    """Orthogonal features of the text, at most one for every four of `enough` sentences.

    The leading components of `counts` and the `starts`, a model's stream before its first block
    averaged over tokens, each block with the same total variance. None where nothing tells two
    sentences apart: what lies beyond the text cannot be asked then.
    """
    blocks = [_leading(_rows(counts), TOPICS_OF_WORDS), *map(_rows, starts)]
    blocks = [block / scale for block in blocks if (scale := np.sqrt(block.var(axis=0).sum())) > 0]
    if not blocks:
        return None
    classes, topics, _ = counts.sentences.shape
    found = _leading(np.hstack(blocks), min(MOST, enough // PER_FEATURE))
    return Read(found[: classes * topics].reshape(classes, topics, -1), found[classes * topics :])


def _rows(read: Read) -> Floats:
    return np.concatenate([read.sentences.reshape(-1, read.sentences.shape[-1]), read.probe])


def _leading(rows: Floats, count: int) -> Floats:
    """The leading principal components of `rows`, at most so many."""
    # of the products, not by an iterative way, which starts anew at random where there are fewer
    rows = rows - rows.mean(axis=0)
    few = len(rows) <= rows.shape[1]
    products = rows @ rows.T if few else rows.T @ rows
    if not (count := min(count, len(products))):
        return rows[:, :0]
    s2, axes = eigh(products, subset_by_index=(len(products) - count, len(products) - 1))
    kept = np.flatnonzero(s2 > RESOLUTION * s2[-1])[::-1]
    return axes[:, kept] * np.sqrt(s2[kept]) if few else rows @ axes[:, kept]
