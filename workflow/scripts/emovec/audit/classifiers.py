"""What classifiers that see no model tell of the class of held-out sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from emovec.audit.ledger import IMPLICIT, LIMITS, Ledger, Z, first_word, n_words, pairs, versus

FOLDS = 5


WORD = r"(?u)\b\w+\b"


def nuisances(ledger: Ledger, prompts: pd.DataFrame, fold: np.ndarray, classes: list[str]) -> None:
    """What length, commas, final mark and first word tell about the class of held-out topics."""
    text = prompts["text"]
    numbers = np.column_stack([text.str.len(), text.map(n_words), text.str.count("[,、，]")])
    marks = np.column_stack([text.str[-1], text.map(first_word)]).astype(object)
    features = sparse.csr_array(
        sparse.hstack(
            [
                StandardScaler().fit_transform(numbers.astype(float)),
                OneHotEncoder().fit_transform(marks),
            ]
        )
    )
    # Under no difference; both classes have one sentence per topic.
    n = prompts["topic"].nunique()
    limit = max(LIMITS["nuisance_auroc"], 0.5 + Z * np.sqrt((2 * n + 1) / (12 * n**2)))
    for a, b in pairs(classes):
        auroc, error = _held_out(features, prompts, fold, a, b)
        ok = ledger.most("nuisance", versus(a, b), "auroc_topic", auroc, limit)
        ledger.note("nuisance", versus(a, b), "auroc_topic_se", error)
        if not ok:
            ledger.findings.append(
                f"Length, commas, final mark and first word alone tell {a} from {b} on held-out "
                f"topics (AUROC {auroc:.2f}, limit {limit:.2f})."
            )


def bag_of_words(
    ledger: Ledger, prompts: pd.DataFrame, fold: np.ndarray, classes: list[str]
) -> None:
    """Rulers: the vocabulary shared by two classes, and what a bag of words reaches."""
    words = CountVectorizer(binary=True, token_pattern=WORD)
    try:
        features = sparse.csr_array(words.fit_transform(prompts["text"]))
    except ValueError:  # a set of marks without a single word
        return
    for a, b in pairs(classes):
        used = [
            np.asarray(features[(prompts["emotion"] == name).to_numpy()].sum(axis=0)) > 0
            for name in (a, b)
        ]
        shared = (used[0] & used[1]).sum() / (used[0] | used[1]).sum()
        ledger.note("vocabulary", versus(a, b), "type_jaccard", shared)
    for a, b in pairs(classes):
        auroc, error = _held_out(features, prompts, fold, a, b)
        ledger.note("bag_of_words", versus(a, b), "auroc_topic", auroc)
        ledger.note("bag_of_words", versus(a, b), "auroc_topic_se", error)
        if "phrase" in prompts:
            auroc, error = _held_out(features, prompts, _phrase_folds(prompts, fold), a, b)
            ledger.note("bag_of_words", versus(a, b), "auroc_phrase", auroc)
            ledger.note("bag_of_words", versus(a, b), "auroc_phrase_se", error)


def topic_folds(groups: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """A fold for every row: each group in one fold, larger groups dealt first."""
    sizes = groups.value_counts(sort=False)
    names = sizes.index[rng.permutation(len(sizes))]
    names = names[np.argsort(-sizes[names].to_numpy(), kind="stable")]
    n_folds = min(FOLDS, len(names))
    fold_of = {name: i % n_folds for i, name in enumerate(names)}
    return groups.map(fold_of).to_numpy()


def _phrase_folds(prompts: pd.DataFrame, fold: np.ndarray) -> np.ndarray:
    """A fold for every row such that a phrase is tested in one fold only.

    Rows without a lexical head (neutral, implicit) keep the fold of their topic.
    """
    result = fold.copy()
    n_folds = int(fold.max()) + 1
    lexical = (~prompts["phrase"].isin(("", IMPLICIT))).to_numpy()
    for name in prompts["emotion"][lexical].unique():
        rows = lexical & (prompts["emotion"] == name).to_numpy()
        phrases = prompts["phrase"][rows]
        result[rows] = pd.factorize(phrases)[0] % n_folds
    return result


def _held_out(
    features: sparse.csr_array, prompts: pd.DataFrame, fold: np.ndarray, a: str, b: str
) -> tuple[float, float]:
    """AUROC of a logistic regression for a against b, with its standard error.

    A fold is fitted on the rows that are neither in it nor share a topic with it, so that held
    out phrases are held out together with their topics.
    """
    rows = prompts["emotion"].isin((a, b)).to_numpy()
    features, fold = features[rows], fold[rows]
    label = (prompts["emotion"][rows] == a).to_numpy()
    topic = pd.factorize(prompts["topic"][rows])[0]
    score = np.full(len(label), np.nan)
    for k in np.unique(fold):
        test = fold == k
        train = ~test & ~np.isin(topic, topic[test])
        if label[train].all() or not label[train].any():
            score[test] = 0.0
            continue
        model = LogisticRegression(C=1.0, solver="liblinear", random_state=0)
        model.fit(features[train], label[train])
        score[test] = model.decision_function(features[test])
    return _auroc(score, label, topic)


def _auroc(score: np.ndarray, label: np.ndarray, topic: np.ndarray) -> tuple[float, float]:
    """AUROC and its standard error over topics (DeLong's components, summed within a topic)."""
    up, down = score[label], score[~label]
    wins = (up[:, None] > down[None, :]) + 0.5 * (up[:, None] == down[None, :])
    auroc = wins.mean()
    part = np.zeros(int(topic.max()) + 1)
    np.add.at(part, topic[label], wins.mean(axis=1) - auroc)
    np.add.at(part, topic[~label], wins.mean(axis=0) - auroc)
    return float(auroc), float(part.std(ddof=1) / np.sqrt(len(part)))
