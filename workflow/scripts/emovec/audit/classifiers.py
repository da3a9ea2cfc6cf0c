"""What classifiers that see no model tell of the class of held-out sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emovec.audit.ledger import LIMITS, Ledger, Z, pairs, versus
from emovec.audit.text_baseline import text_baseline, words
from emovec.prompts.design import cells_of
from emovec.prompts.splits import splits
from emovec.statistics.folds import Folds
from emovec.statistics.resampling import jackknife_se

FOLDS = 5


def nuisances(ledger: Ledger, prompts: pd.DataFrame, folds: Folds, classes: list[str]) -> None:
    """What length, commas, final mark and first word tell about the class of held-out topics."""
    # Under no difference; both classes have one score per topic, ranked within a fold.
    n = prompts["topic"].nunique()
    error = np.sqrt((2 * n + len(folds.train)) / (12 * n**2))
    limit = max(LIMITS["nuisance_auroc"], 0.5 + Z * error)
    for a, b in pairs(classes):
        auroc = _note(ledger, prompts, "nuisance", (a, b), "topic", folds, limit)
        if auroc > limit:
            ledger.find("nuisances", a=a, b=b, value=auroc, limit=float(limit))


def bag_of_words(
    ledger: Ledger, prompts: pd.DataFrame, classes: list[str], rng: np.random.Generator
) -> None:
    """Rulers: the vocabulary shared by two classes, and what a bag of words reaches."""
    used = {
        name: {word for text in prompts["text"][prompts["emotion"] == name] for word in words(text)}
        for name in classes
    }
    if not any(used.values()):  # a set of marks without a single word
        return
    for a, b in pairs(classes):
        if either := used[a] | used[b]:
            shared = len(used[a] & used[b]) / len(either)
            ledger.note("vocabulary", versus(a, b), "type_jaccard", shared)
    for pair in pairs(classes):
        for split, folds in splits(prompts, pair, FOLDS, rng).items():
            _note(ledger, prompts, "bag_of_words", pair, split, folds)


def _note(
    ledger: Ledger,
    prompts: pd.DataFrame,
    sees: str,
    pair: tuple[str, str],
    split: str,
    folds: Folds,
    limit: float | None = None,
) -> float:
    texts = [cells_of(prompts, name, "text") for name in pair]
    baseline = text_baseline(sees, texts, folds)
    scope, statistic = versus(*pair), f"auroc_{split}"
    if limit is None:
        ledger.note(sees, scope, statistic, baseline.auroc)
    else:
        ledger.most(sees, scope, statistic, baseline.auroc, limit)
    ledger.note(sees, scope, f"{statistic}_se", jackknife_se(baseline.left_out))
    return baseline.auroc
