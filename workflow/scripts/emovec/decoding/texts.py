"""What the sentences give away without any model: their words, and their form."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emovec.decoding.decode import _auroc_interval
from emovec.decoding.folds import Folds
from emovec.statistics.arrays import mean_defined
from emovec.statistics.auroc import auroc


def bag_of_words_auroc(
    positive: Sequence[str], negative: Sequence[str], folds: Folds, alpha: float = 0.05
) -> tuple[float, float, float]:
    """AUROC and its interval of logistic regression on word counts, in the same folds.

    Texts are paired by topic. The interval is the delete-one-topic jackknife with the fitted
    models held fixed, so it is rather too narrow.
    """
    words = CountVectorizer(token_pattern=r"(?u)\w+")
    return _text_auroc(words, [list(positive), list(negative)], folds, alpha)


def nuisance_auroc(
    positive: Sequence[str], negative: Sequence[str], folds: Folds, alpha: float = 0.05
) -> tuple[float, float, float]:
    """As `bag_of_words_auroc`, from what should carry nothing: see `nuisances`."""
    features = [[nuisances(text) for text in texts] for texts in (positive, negative)]
    return _text_auroc(DictVectorizer(sparse=False), features, folds, alpha)


def nuisances(text: str) -> dict[str, float | str]:
    """Length in characters and words, commas, the first word and the final character."""
    words = re.findall(r"\w+", text.lower())
    return {
        "characters": float(len(text)),
        "words": float(len(words)),
        "commas": float(text.count(",")),
        "first word": words[0] if words else "",
        "final character": text.strip()[-1:],
    }


def _text_auroc(
    vectorizer: CountVectorizer | DictVectorizer, rows: list[list], folds: Folds, alpha: float
) -> tuple[float, float, float]:
    n_topics = len(rows[0])
    kept = np.vstack([np.ones(n_topics), 1 - np.eye(n_topics)])  # all topics, then all but one
    values = []
    for train, test in zip(folds.train, folds.test, strict=True):
        topics = np.flatnonzero(train)
        model = make_pipeline(
            vectorizer, StandardScaler(with_mean=False), LogisticRegression(max_iter=1000)
        )
        model.fit([row[i] for row in rows for i in topics], np.repeat([1, -1], len(topics)))
        tested = [row[i] for row, one in zip(rows, test, strict=True) for i in np.flatnonzero(one)]
        scores = model.decision_function(tested)
        labels = np.concatenate([kept[:, test[0]], -kept[:, test[1]]], axis=1)
        values.append(auroc(scores, labels))
    value, *loo = mean_defined(np.array(values))
    return float(value), *_auroc_interval(value, np.array(loo), alpha)
