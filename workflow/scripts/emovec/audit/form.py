"""Form of sentences that may give a class away: final mark, length, first words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

from emovec.audit.ledger import LIMITS, Ledger, Z, against, pairs, versus
from emovec.audit.text_baseline import words
from emovec.prompts.design import in_cells, written
from emovec.statistics.arrays import Floats
from emovec.statistics.folds import Folds

PERMUTATIONS = 499


SAID = {  # of sentences with a form, in findings
    "starts_with_I": "start with I",
    "negated": "are negated",
    "exclamation_mark": "contain an exclamation mark",
    "question_mark": "contain a question mark",
}


def final(
    ledger: Ledger,
    prompts: pd.DataFrame,
    encoded: Mapping[str, list[list[int]]],
    classes: list[str],
) -> None:
    """The final character and token: their distribution must be the same in every class."""
    ends = {"": prompts["text"].str[-1].tolist()}
    for name, tokens in encoded.items():
        ends[name] = [ids[-1] if ids else -1 for ids in tokens]
    for model, end in ends.items():
        check = "final_token" if model else "final_character"
        count = pd.crosstab(prompts["emotion"], np.array(end, dtype=object)).loc[classes]
        share = count.div(count.sum(axis=1), axis=0)
        distance = {
            (a, b): float((share.loc[a] - share.loc[b]).abs().sum() / 2) for a, b in pairs(classes)
        }
        ok = [
            ledger.most(check, versus(a, b), "total_variation", value, 0, model)
            for (a, b), value in distance.items()
        ]
        p = chi2_contingency(count).pvalue if count.shape[1] > 1 else 1.0
        ledger.note(check, "classes", "chi_square_p", p, model)
        ledger.note(check, "classes", "distinct", count.shape[1], model)
        if not all(ok):
            (a, b), value = max(distance.items(), key=lambda item: item[1])
            most = {"a": a, "b": b, "value": value}
            if model:
                ledger.find("final_token", model=model, **most)
                continue
            mark = (share.loc[a] - share.loc[b]).abs().idxmax()
            shares = {f"share_{side}": float(share.loc[most[side], mark]) for side in "ab"}
            ledger.find("final_character", mark=mark, **most, **shares)


def lengths(
    ledger: Ledger,
    prompts: pd.DataFrame,
    encoded: Mapping[str, list[list[int]]],
    emotions: Sequence[str],
    neutral: str | None,
) -> None:
    """Means, and standardised mean differences `against` neutral, of every kind of length."""
    measures = [
        ("words", "", prompts["text"].str.split().str.len()),
        ("characters", "", prompts["text"].str.len()),
    ]
    for name, tokens in encoded.items():
        n_tokens = pd.Series([len(ids) for ids in tokens], index=prompts.index)
        measures.append(("tokens", name, n_tokens))
        short = prompts.index[n_tokens < LIMITS["min_tokens"]]
        if not ledger.most("min_length", "prompts", "too_short", len(short), 0, name):
            ledger.find(
                "short_sentences",
                n=len(short),
                limit=LIMITS["min_tokens"],
                model=name,
                example=prompts["id"][short[0]],
            )
    for unit, model, length in measures:
        wide = length.groupby(prompts["emotion"].to_numpy())
        classes = written([*emotions, neutral])
        by_class = dict(
            zip(classes, in_cells(prompts, classes, length.to_numpy(float)), strict=True)
        )
        for name in classes:
            ledger.note("length", name, f"mean_{unit}", wide.mean()[name], model)
            ledger.note("length", name, f"sd_{unit}", wide.std()[name], model)
        for name, other in against(emotions, neutral):
            smd, error = _smd(by_class[name], by_class[other])
            limit = max(LIMITS["smd"], Z * error)
            scope = versus(name, other)
            ledger.note("length", scope, f"smd_{unit}", smd, model)
            if not ledger.most("length", scope, f"abs_smd_{unit}", abs(smd), limit, model):
                ledger.find(
                    ("longer" if smd > 0 else "shorter") + ("_in_tokens" if model else ""),
                    **({"model": model} if model else {"unit": unit}),
                    emotion=name,
                    neutral=other,
                    value=smd,
                    limit=float(limit),
                )


def _smd(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Standardised mean difference and its standard error; both are means by topic."""
    difference = a - b
    if not difference.any():
        return 0.0, 0.0
    spread = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    if spread == 0:
        return float(np.copysign(np.inf, difference.mean())), 0.0
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return float(difference.mean() / spread), float(error / spread)


def first_words(
    ledger: Ledger,
    prompts: pd.DataFrame,
    folds: Folds,
    emotions: Sequence[str],
    neutral: str | None,
    seed: int,
) -> None:
    """First words, and shares of sentences with a few forms that readers take for emotion."""
    classes = written([*emotions, neutral])
    first = prompts["text"].map(lambda text: next(iter(words(text)), ""))
    code, known = pd.factorize(first)
    shares = in_cells(prompts, classes, np.eye(len(known))[code])
    by_class = dict(zip(classes, shares, strict=True))
    distances = {}
    for a, b in pairs(classes):
        value, chance = _total_variation(by_class[a], by_class[b], np.random.default_rng(seed))
        limit = max(LIMITS["first_word_distance"], chance)
        if not ledger.most("first_word", versus(a, b), "total_variation", value, limit):
            distances[a, b] = value
    if distances:
        (a, b), value = max(distances.items(), key=lambda item: item[1])
        ledger.find("first_words", a=a, b=b, value=value)
    accuracy = _lookup_accuracy(shares, folds)
    chance = 1 / len(classes)
    noise = Z * np.sqrt(chance * (1 - chance) / len(prompts))
    limit = chance + max(LIMITS["first_word_accuracy"], noise)
    if not ledger.most("first_word", "classes", "accuracy", accuracy, limit):
        ledger.find("first_word", accuracy=accuracy, chance=chance)

    forms = {
        "starts_with_I": first.eq("i"),
        "negated": prompts["text"].str.contains(r"(?i)\b(?:not|cannot|no|never)\b|n['’]t\b"),
        "exclamation_mark": prompts["text"].str.contains("!", regex=False),
        "question_mark": prompts["text"].str.contains("?", regex=False),
    }
    for form, present in forms.items():
        share = {name: float(present[prompts["emotion"] == name].mean()) for name in classes}
        for name in classes:
            ledger.note("balance", name, f"share_{form}", share[name])
        n = len(prompts) / len(classes)
        for name, other in against(emotions, neutral):
            pooled = (share[name] + share[other]) / 2
            limit = max(LIMITS["balance"], Z * np.sqrt(2 * pooled * (1 - pooled) / n))
            difference = share[name] - share[other]
            if not ledger.most(
                "balance", versus(name, other), f"abs_difference_{form}", abs(difference), limit
            ):
                ledger.find(
                    "balance",
                    form=SAID[form],
                    emotion=name,
                    neutral=other,
                    share=share[name],
                    other=share[other],
                    limit=float(limit),
                )


def _total_variation(a: Floats, b: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """Total variation between shares `[topic, word]`, and its 99th percentile by chance.

    Chance: the two labels of each topic swapped at random, since topics bring their own words.
    """
    difference = a - b
    observed = float(np.abs(difference.sum(axis=0)).sum() / 2 / len(a))
    if observed == 0:
        return 0.0, 0.0
    swaps = np.where(rng.random((PERMUTATIONS, len(a))) < 0.5, -1.0, 1.0)
    null = np.abs(swaps @ difference).sum(axis=1) / 2 / len(a)
    return observed, float(np.quantile(null, 0.99))


def _lookup_accuracy(shares: Floats, folds: Folds) -> float:
    """Held-out accuracy of the most frequent class for `shares[class, topic, word]`; a tie is a
    guess."""
    correct = 0.0
    for train, (test, _) in zip(folds.train, folds.test, strict=True):
        counts = shares[:, train].sum(axis=1)
        best = counts == counts.max(axis=0)  # [class, word]
        correct += (shares[:, test].sum(axis=1) * best / best.sum(axis=0)).sum()
    return float(correct / np.prod(shares.shape[:2]))
