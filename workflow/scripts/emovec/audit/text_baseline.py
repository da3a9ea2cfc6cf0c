"""What the sentences give away without any model: their words, and their form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from emovec.statistics.arrays import Floats
from emovec.statistics.auroc import HeldOut, each_left_out, over_folds
from emovec.statistics.folds import Folds


def words(text: str) -> list[str]:
    """The words of a text in lower case, without marks."""
    return re.findall(r"\w+", text.lower())


def nuisances(text: str) -> dict[str, float | str]:
    """What should carry nothing: length, commas, the first word and the final character."""
    split = words(text)
    return {
        "characters": float(len(text)),
        "words": float(len(split)),
        "commas": float(len(re.findall("[,、，]", text))),
        "first word": split[0] if split else "",
        "final character": text.strip()[-1:],
    }


def _bag_of_words(texts: Sequence[str]) -> csr_array:
    if not any(map(words, texts)):  # marks without a single word
        return csr_array(np.ones((len(texts), 1)))
    return csr_array(CountVectorizer(analyzer=words).fit_transform(texts))


def _form(texts: Sequence[str]) -> Floats:
    return DictVectorizer(sparse=False).fit_transform([nuisances(text) for text in texts])


def _averaging(sizes: Sequence[int]) -> csr_array:
    """`[cell, text]`, the mean over the texts of each cell, which follow one another."""
    ends = np.concatenate([[0], np.cumsum(sizes)])
    return csr_array((np.repeat(1 / np.array(sizes), sizes), np.arange(ends[-1]), ends))


SEES = {"bag_of_words": _bag_of_words, "nuisance": _form}


def text_baseline(sees: str, classes: Sequence[Sequence[Sequence[str]]], folds: Folds) -> HeldOut:
    """Logistic regression on the counts of words or on `nuisances`, in the folds of decoding.

    `sees` is one of SEES; `classes[class][topic]` are the texts of a cell, over which features are
    averaged as streams are; the first class is told from the others. Topics are left out of the
    tested sentences alone, the fits staying as they are, so that an interval is rather too narrow.
    """
    cells, n_topics = [cell for one in classes for cell in one], len(classes[0])
    features = SEES[sees]([text for cell in cells for text in cell])
    if len(cells) < features.shape[0]:
        features = _averaging([len(cell) for cell in cells]) @ features
    labels = np.repeat([1, *[-1] * (len(classes) - 1)], n_topics)

    def scores() -> Iterator[Floats]:
        for train, test in zip(folds.train, folds.test, strict=True):
            trained = np.flatnonzero(np.tile(train, len(classes)))
            met = np.flatnonzero(features[trained].sum(axis=0))  # words that training has
            if not len(met):  # nothing to tell by
                yield np.zeros((1, np.count_nonzero(test)))
                continue
            rows = features[np.ix_(trained, met)]
            scaler, model = StandardScaler(with_mean=False), LogisticRegression(max_iter=1000)
            model.fit(scaler.fit_transform(rows), labels[trained])
            tested = features[np.ix_(np.flatnonzero(test), met)]
            yield model.decision_function(scaler.transform(tested))[None]

    return HeldOut.of(over_folds(scores(), folds, each_left_out(n_topics)))
