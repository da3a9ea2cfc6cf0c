"""What besides emotion tells the classes of a prompt set apart, and whether the probe set will do.

Two kinds of numbers come out. A *check* has a threshold and, when it fails, one sentence among
the findings: duplicates, final mark, length, first words, what a classifier that sees only such
nuisances reaches, the variety of emotion words, the probe sentences. A *ruler* has no threshold:
what a bag of words reaches, which any claim about a model's vectors must be compared with.

Thresholds on means and classifiers are never below what chance alone gives a set of that size:
a limit is raised to Z standard errors of the statistic where that is more.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import chi2_contingency
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tokenizers import Tokenizer

from emovec.prompts import ATTRIBUTE, HALVES

Z = 2.58  # two-sided 99 %
FOLDS = 5
PERMUTATIONS = 499
IMPLICIT = "implicit"  # the phrase of a sentence that shows its emotion without an emotion word
WORD = r"(?u)\b\w+\b"
SHINGLE = 4  # characters; of 70 in a sentence, a changed word touches about 9
BLOCK = 1000  # rows compared at once: bounds the memory for near-duplicates

LIMITS: dict[str, float] = {
    "near_duplicate": 0.6,  # Jaccard of shingles: about two changed words in fourteen
    "near_duplicate_same_topic": 0.75,  # classes of one topic share its words on purpose
    "smd": 0.1,  # of a length; the usual limit for balanced groups
    "balance": 0.1,  # difference between shares of sentences
    "first_word_distance": 0.1,
    "first_word_accuracy": 0.1,  # above 1 / number of classes
    "nuisance_auroc": 0.6,
    "min_tokens": 5,  # short sentences sit next to the first token, which is an outlier
    "min_topics": 70,
    "min_heads": 12,
    "max_head_share": 0.25,
    "min_probe": 600,
    "min_attributes": 20,
    "min_attribute_side": 80,
    "min_attribute_side_control": 40,
}
COLUMNS = ["check", "scope", "model", "statistic", "value", "threshold", "ok"]


@dataclass(frozen=True)
class Audit:
    """The result: `confounds` one number a row, `findings` one sentence each, `summary` for JSON.

    In `confounds`, `scope` is a class, a pair "a vs b" or a part of the files, `model` names the
    tokenizer where one is involved, and `threshold` and `ok` are empty for rulers.
    """

    confounds: pd.DataFrame
    findings: list[str]
    summary: dict[str, object]


@dataclass
class _Ledger:
    """Collects the rows and sentences of all checks."""

    rows: list[tuple[str, str, str, str, float, float | None, bool | None]] = field(
        default_factory=list
    )
    findings: list[str] = field(default_factory=list)

    def note(self, check: str, scope: str, statistic: str, value: float, model: str = "") -> None:
        self.rows.append((check, scope, model, statistic, float(value), None, None))

    def most(
        self, check: str, scope: str, statistic: str, value: float, limit: float, model: str = ""
    ) -> bool:
        """Record a value that should not exceed `limit`; return whether it does not."""
        ok = bool(value <= limit + 1e-12)
        self.rows.append((check, scope, model, statistic, float(value), float(limit), ok))
        return ok

    def least(self, check: str, scope: str, statistic: str, value: float, limit: float) -> bool:
        """Record a value that should reach `limit`; return whether it does."""
        ok = bool(value >= limit)
        self.rows.append((check, scope, "", statistic, float(value), float(limit), ok))
        return ok

    def table(self) -> pd.DataFrame:
        table = pd.DataFrame(self.rows, columns=COLUMNS)
        return table.astype({"threshold": "float64", "ok": "boolean"})


def audit(
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    tokenizers: Mapping[str, Tokenizer],
    *,
    emotions: Sequence[str],
    neutral: str,
    seed: int,
) -> Audit:
    """Audit tables from `read_prompts` and `read_probe` under each model's tokenizer.

    Deterministic for a seed, which draws the folds and the label permutations.
    """
    ledger = _Ledger()
    classes = [*emotions, neutral]
    encoded = {name: _encode(tokenizer, prompts["text"]) for name, tokenizer in tokenizers.items()}
    fold = _folds(prompts["topic"], np.random.default_rng(seed))

    _size(ledger, prompts)
    _duplicates(ledger, prompts, probe)
    _final(ledger, prompts, encoded, classes)
    _lengths(ledger, prompts, encoded, emotions, neutral)
    _openings(ledger, prompts, fold, emotions, neutral, seed)
    _nuisances(ledger, prompts, fold, classes)
    _words(ledger, prompts, fold, classes)
    _heads(ledger, prompts, emotions)
    _probe_words(ledger, prompts, probe, emotions)
    _probe_size(ledger, probe)

    summary = {
        "prompts": len(prompts),
        "topics": int(prompts["topic"].nunique()),
        "classes": {name: int((prompts["emotion"] == name).sum()) for name in classes},
        "probe": len(probe),
        "halves": {half: int((probe["half"] == half).sum()) for half in HALVES},
        "attributes": sum(name.startswith(ATTRIBUTE) for name in probe),
        "tokenizers": list(tokenizers),
        "seed": seed,
        "thresholds": {**LIMITS, "z": Z},
        "findings": list(ledger.findings),
    }
    return Audit(ledger.table(), ledger.findings, summary)


# --- size and duplicates ------------------------------------------------------------------------


def _size(ledger: _Ledger, prompts: pd.DataFrame) -> None:
    topics = prompts["topic"].nunique()
    if not ledger.least("size", "prompts", "n_topics", topics, LIMITS["min_topics"]):
        ledger.findings.append(
            f"The prompts have only {topics} topics, where {LIMITS['min_topics']} or more are "
            "recommended: intervals will be wide."
        )


def _duplicates(ledger: _Ledger, prompts: pd.DataFrame, probe: pd.DataFrame) -> None:
    """Exact and near-duplicates: inside a class, between classes, in the probe, and across."""
    texts = pd.concat([prompts["text"], probe["text"]], ignore_index=True)
    ids = pd.concat([prompts["id"], probe["id"]], ignore_index=True).tolist()
    n = len(prompts)
    emotion, topic = prompts["emotion"].tolist(), prompts["topic"].tolist()

    def where(i: int, j: int) -> str:
        if j < n:
            if emotion[i] == emotion[j]:
                return "within a class"
            return "within a topic" if topic[i] == topic[j] else "between classes"
        return "within the probe" if i >= n else "between prompts and probe"

    scopes = [
        "within a class",
        "within a topic",
        "between classes",
        "within the probe",
        "between prompts and probe",
    ]
    exact: dict[str, list[tuple[int, int]]] = {scope: [] for scope in scopes}
    near: dict[str, list[tuple[int, int]]] = {scope: [] for scope in scopes}
    highest = dict.fromkeys(scopes, 0.0)
    normal = texts.str.casefold().str.split().str.join(" ").tolist()
    for i, j, similarity in _similar(normal, 0.1):
        scope = where(i, j)
        same_topic = scope == "within a topic"
        limit = LIMITS["near_duplicate_same_topic" if same_topic else "near_duplicate"]
        if normal[i] == normal[j]:
            exact[scope].append((i, j))
            continue
        highest[scope] = max(highest[scope], similarity)
        if similarity >= limit:
            near[scope].append((i, j))

    for scope in scopes:
        for name, pairs in (("exact", exact[scope]), ("near", near[scope])):
            if not ledger.most("duplicates", scope, f"{name}_pairs", len(pairs), 0):
                i, j = pairs[0]
                kind = "the same sentence" if name == "exact" else "almost the same sentence"
                ledger.findings.append(
                    f"{_times(len(pairs), 'pair')} {scope} {_is(len(pairs))} {kind}, "
                    f"such as {ids[i]} and {ids[j]}."
                )
        ledger.note("duplicates", scope, "highest_similarity", highest[scope])
    if "topic" in probe:
        shared = sorted(set(probe["topic"]) & set(topic))
        if not ledger.most("duplicates", "prompts and probe", "shared_topics", len(shared), 0):
            ledger.findings.append(
                f"The probe shares {_times(len(shared), 'topic')} with the prompts, such as "
                f"{shared[0]!r}."
            )


def _similar(texts: list[str], least: float) -> Iterator[tuple[int, int, float]]:
    """Pairs i < j whose sets of shingles have a Jaccard index of at least `least`."""
    if not any(texts):
        return
    # Framed, so that even a text shorter than a shingle has one.
    framed = [f"{'^' * (SHINGLE - 1)}{text}$" for text in texts]
    shingles = CountVectorizer(
        analyzer="char", ngram_range=(SHINGLE, SHINGLE), binary=True, dtype=np.float32
    ).fit_transform(framed)
    size = np.asarray(shingles.sum(axis=1)).ravel()
    for start in range(0, len(texts), BLOCK):
        shared = (shingles[start : start + BLOCK] @ shingles.T).tocoo()
        i, j = shared.row + start, shared.col
        jaccard = shared.data / (size[i] + size[j] - shared.data)
        keep = (i < j) & (jaccard >= least)
        order = np.lexsort((j[keep], i[keep]))
        yield from zip(
            i[keep][order].tolist(), j[keep][order].tolist(), jaccard[keep][order], strict=True
        )


# --- surface: final mark, length, openings ------------------------------------------------------


def _encode(tokenizer: Tokenizer, texts: Iterable[str]) -> list[list[int]]:
    """The token ids of each text: no special tokens, no padding, nothing cut off."""
    if tokenizer.padding is not None or tokenizer.truncation is not None:
        tokenizer = copy.deepcopy(tokenizer)
        tokenizer.no_padding()
        tokenizer.no_truncation()
    return [
        encoding.ids for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)
    ]


def _final(
    ledger: _Ledger,
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
            (a, b): float((share.loc[a] - share.loc[b]).abs().sum() / 2) for a, b in _pairs(classes)
        }
        ok = [
            ledger.most(check, _versus(a, b), "total_variation", value, 0, model)
            for (a, b), value in distance.items()
        ]
        p = chi2_contingency(count).pvalue if count.shape[1] > 1 else 1.0
        ledger.note(check, "classes", "chi_square_p", p, model)
        ledger.note(check, "classes", "distinct", count.shape[1], model)
        if not all(ok):
            (a, b), value = max(distance.items(), key=lambda item: item[1])
            what = f"final {model} token" if model else "final character"
            example = ""
            if not model:
                mark = (share.loc[a] - share.loc[b]).abs().idxmax()
                example = (
                    f" ({mark!r} ends {share.loc[a, mark]:.0%} of {a} and "
                    f"{share.loc[b, mark]:.0%} of {b})"
                )
            ledger.findings.append(
                f"The {what} differs between classes, most between {a} and {b} with a total "
                f"variation of {value:.2f}{example}."
            )


def _lengths(
    ledger: _Ledger,
    prompts: pd.DataFrame,
    encoded: Mapping[str, list[list[int]]],
    emotions: Sequence[str],
    neutral: str,
) -> None:
    """Means, and standardised mean differences against neutral, of every kind of length."""
    measures = [
        ("words", "", prompts["text"].map(_n_words)),
        ("characters", "", prompts["text"].str.len()),
    ]
    for name, tokens in encoded.items():
        n_tokens = pd.Series([len(ids) for ids in tokens], index=prompts.index)
        measures.append(("tokens", name, n_tokens))
        short = prompts.index[n_tokens < LIMITS["min_tokens"]]
        if not ledger.most("min_length", "prompts", "too_short", len(short), 0, name):
            ledger.findings.append(
                f"{_times(len(short), 'sentence')} {_has(len(short))} fewer than "
                f"{LIMITS['min_tokens']} tokens of {name}, such as {prompts['id'][short[0]]}."
            )
    for unit, model, length in measures:
        wide = length.groupby(prompts["emotion"].to_numpy())
        for name in [*emotions, neutral]:
            ledger.note("length", name, f"mean_{unit}", wide.mean()[name], model)
            ledger.note("length", name, f"sd_{unit}", wide.std()[name], model)
        for name in emotions:
            own = length[prompts["emotion"] == name].to_numpy(dtype=float)
            other = length[prompts["emotion"] == neutral].to_numpy(dtype=float)
            smd, error = _smd(own, other)
            limit = max(LIMITS["smd"], Z * error)
            scope = _versus(name, neutral)
            ledger.note("length", scope, f"smd_{unit}", smd, model)
            if not ledger.most("length", scope, f"abs_smd_{unit}", abs(smd), limit, model):
                what = f"{model} tokens" if model else unit
                ledger.findings.append(
                    f"{name} sentences have {'more' if smd > 0 else 'fewer'} {what} than "
                    f"{neutral} ones (standardised mean difference {smd:+.2f}, limit "
                    f"{limit:.2f})."
                )


def _smd(own: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Standardised mean difference and its standard error; the rows of both are paired."""
    difference = own - other
    if not difference.any():
        return 0.0, 0.0
    spread = np.sqrt((own.var(ddof=1) + other.var(ddof=1)) / 2)
    if spread == 0:
        return float(np.copysign(np.inf, difference.mean())), 0.0
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return float(difference.mean() / spread), float(error / spread)


def _openings(
    ledger: _Ledger,
    prompts: pd.DataFrame,
    fold: np.ndarray,
    emotions: Sequence[str],
    neutral: str,
    seed: int,
) -> None:
    """First words, and shares of sentences with a few forms that readers take for emotion."""
    classes = [*emotions, neutral]
    first = prompts["text"].map(_first_word)
    code = pd.factorize(first)[0]
    by_class = {name: code[(prompts["emotion"] == name).to_numpy()] for name in classes}
    distances = {}
    for a, b in _pairs(classes):
        value, chance = _total_variation(by_class[a], by_class[b], np.random.default_rng(seed))
        limit = max(LIMITS["first_word_distance"], chance)
        if not ledger.most("first_word", _versus(a, b), "total_variation", value, limit):
            distances[a, b] = value
    if distances:
        (a, b), value = max(distances.items(), key=lambda item: item[1])
        ledger.findings.append(
            f"First words differ between classes beyond chance, most between {a} and {b} with a "
            f"total variation of {value:.2f}."
        )
    accuracy = _lookup_accuracy(code, prompts["emotion"].to_numpy(), fold, classes)
    chance = 1 / len(classes)
    noise = Z * np.sqrt(chance * (1 - chance) / len(prompts))
    limit = chance + max(LIMITS["first_word_accuracy"], noise)
    if not ledger.most("first_word", "classes", "accuracy", accuracy, limit):
        ledger.findings.append(
            f"The first word alone tells the class of {accuracy:.0%} of sentences on topics it "
            f"was not fitted to, where chance is {chance:.0%}."
        )

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
        for name in emotions:
            pooled = (share[name] + share[neutral]) / 2
            limit = max(LIMITS["balance"], Z * np.sqrt(2 * pooled * (1 - pooled) / n))
            difference = share[name] - share[neutral]
            if not ledger.most(
                "balance", _versus(name, neutral), f"abs_difference_{form}", abs(difference), limit
            ):
                ledger.findings.append(
                    f"{share[name]:.0%} of {name} sentences but {share[neutral]:.0%} of {neutral} "
                    f"ones fall under {form.replace('_', ' ')} (limit of the difference "
                    f"{limit:.0%})."
                )


def _total_variation(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Total variation between two columns of codes, and its 99th percentile by chance.

    Chance: the two labels of each topic swapped at random, since topics bring their own words.
    """
    n_codes = int(max(a.max(), b.max())) + 1

    def distance(a: np.ndarray, b: np.ndarray) -> float:
        counts = np.bincount(a, minlength=n_codes) - np.bincount(b, minlength=n_codes)
        return float(np.abs(counts).sum() / 2 / len(a))

    observed = distance(a, b)
    if observed == 0:
        return 0.0, 0.0
    swaps = rng.random((PERMUTATIONS, len(a))) < 0.5
    null = [distance(np.where(swap, b, a), np.where(swap, a, b)) for swap in swaps]
    return observed, float(np.quantile(null, 0.99))


def _lookup_accuracy(
    code: np.ndarray, emotion: np.ndarray, fold: np.ndarray, classes: list[str]
) -> float:
    """Held-out accuracy of the most frequent class per code; a tie counts as a guess."""
    label = np.array([classes.index(name) for name in emotion])
    n_codes = int(code.max()) + 1
    correct = 0.0
    for k in np.unique(fold):
        train, test = fold != k, fold == k
        counts = np.zeros((n_codes, len(classes)))
        np.add.at(counts, (code[train], label[train]), 1)
        best = counts == counts.max(axis=1, keepdims=True)
        correct += (best[code[test], label[test]] / best[code[test]].sum(axis=1)).sum()
    return float(correct / len(code))


# --- classifiers --------------------------------------------------------------------------------


def _nuisances(
    ledger: _Ledger, prompts: pd.DataFrame, fold: np.ndarray, classes: list[str]
) -> None:
    """What length, commas, final mark and first word tell about the class of held-out topics."""
    text = prompts["text"]
    numbers = np.column_stack([text.str.len(), text.map(_n_words), text.str.count("[,、，]")])
    marks = np.column_stack([text.str[-1], text.map(_first_word)]).astype(object)
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
    for a, b in _pairs(classes):
        auroc, error = _held_out(features, prompts, fold, a, b)
        ok = ledger.most("nuisance", _versus(a, b), "auroc_topic", auroc, limit)
        ledger.note("nuisance", _versus(a, b), "auroc_topic_se", error)
        if not ok:
            ledger.findings.append(
                f"Length, commas, final mark and first word alone tell {a} from {b} on held-out "
                f"topics (AUROC {auroc:.2f}, limit {limit:.2f})."
            )


def _words(ledger: _Ledger, prompts: pd.DataFrame, fold: np.ndarray, classes: list[str]) -> None:
    """Rulers: the vocabulary shared by two classes, and what a bag of words reaches."""
    words = CountVectorizer(binary=True, token_pattern=WORD)
    try:
        features = sparse.csr_array(words.fit_transform(prompts["text"]))
    except ValueError:  # a set of marks without a single word
        return
    for a, b in _pairs(classes):
        used = [
            np.asarray(features[(prompts["emotion"] == name).to_numpy()].sum(axis=0)) > 0
            for name in (a, b)
        ]
        shared = (used[0] & used[1]).sum() / (used[0] | used[1]).sum()
        ledger.note("vocabulary", _versus(a, b), "type_jaccard", shared)
    for a, b in _pairs(classes):
        auroc, error = _held_out(features, prompts, fold, a, b)
        ledger.note("bag_of_words", _versus(a, b), "auroc_topic", auroc)
        ledger.note("bag_of_words", _versus(a, b), "auroc_topic_se", error)
        if "phrase" in prompts:
            auroc, error = _held_out(features, prompts, _phrase_folds(prompts, fold), a, b)
            ledger.note("bag_of_words", _versus(a, b), "auroc_phrase", auroc)
            ledger.note("bag_of_words", _versus(a, b), "auroc_phrase_se", error)


def _folds(groups: pd.Series, rng: np.random.Generator) -> np.ndarray:
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


# --- emotion words ------------------------------------------------------------------------------


def _heads(ledger: _Ledger, prompts: pd.DataFrame, emotions: Sequence[str]) -> None:
    """How many lexical heads carry each emotion, and how common the most common is."""
    if "phrase" not in prompts:
        ledger.findings.append(
            "The prompts have no column phrase, so it is unknown how many words carry each "
            "emotion and none of them can be held out."
        )
        return
    for name in emotions:
        phrases = prompts["phrase"][prompts["emotion"] == name]
        heads = Counter(phrases[~phrases.isin(("", IMPLICIT))])
        ledger.note("heads", name, "share_implicit", float((phrases == IMPLICIT).mean()))
        if not ledger.least("heads", name, "n_heads", len(heads), LIMITS["min_heads"]):
            ledger.findings.append(
                f"{name} has {_times(len(heads), 'lexical head')}, where {LIMITS['min_heads']} or "
                "more are recommended: its direction may be that of a few words."
            )
        head, count = heads.most_common(1)[0] if heads else ("", 0)
        share = count / len(phrases)
        if not ledger.most("heads", name, "share_most_common", share, LIMITS["max_head_share"]):
            ledger.findings.append(f"{head!r} carries {share:.0%} of the {name} sentences.")


def _probe_words(
    ledger: _Ledger, prompts: pd.DataFrame, probe: pd.DataFrame, emotions: Sequence[str]
) -> None:
    """Emotion words of the prompts that occur in the probe, which should be neutral."""
    if "emotion_word" not in prompts:
        return
    marked = prompts["emotion"].isin(emotions) & prompts["emotion_word"].ne("")
    if "phrase" in prompts:  # the spans of implicit sentences are ordinary words
        marked &= prompts["phrase"].ne(IMPLICIT)
    spans = sorted(set(prompts["emotion_word"][marked].str.casefold()))
    hits: list[tuple[str, str]] = []
    if spans:
        either = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spans))})(?!\w)")
        for row, text in zip(probe["id"], probe["text"].str.casefold(), strict=True):
            hits.extend((row, match) for match in either.findall(text))
    if not ledger.most("probe_words", "probe", "emotion_words", len(hits), 0):
        row, word = hits[0]
        ledger.findings.append(
            f"The probe uses emotion words of the prompts {_times(len(hits), 'time')}, such as "
            f"{word!r} in {row}."
        )


# --- probe --------------------------------------------------------------------------------------


def _probe_size(ledger: _Ledger, probe: pd.DataFrame) -> None:
    """Enough sentences to fit maps on, and enough on either side of every attribute."""
    small = []
    halves = [*HALVES, "probe"]
    for half in halves:
        count = len(probe) if half == "probe" else int((probe["half"] == half).sum())
        limit = LIMITS["min_probe"] if half == "probe" else LIMITS["min_probe"] / 2
        if not ledger.least("probe_size", half, "n_sentences", count, limit):
            what = "probe" if half == "probe" else f"{half} half of the probe"
            small.append(
                f"The {what} has {_times(count, 'sentence')}, where {limit:.0f} or more are "
                "recommended: maps between models will be poor."
            )
    ledger.findings.extend(small[-1:])  # the whole, or else the half that is short
    names = [name for name in probe if name.startswith(ATTRIBUTE)]
    if not ledger.least(
        "probe_size", "probe", "n_attributes", len(names), LIMITS["min_attributes"]
    ):
        ledger.findings.append(
            f"The probe has {_times(len(names), 'attribute')}, where {LIMITS['min_attributes']} "
            "or more are recommended: the control null will be coarse."
        )
    thin: list[str] = []
    for name in names:
        ok = []
        for half in halves:
            value = probe[name] if half == "probe" else probe[name][probe["half"] == half]
            side = int(min((value == 0).sum(), (value == 1).sum()))
            statistic = f"smaller_side_{name}"
            if half == "map":
                ledger.note("probe_attribute", half, statistic, side)
                continue
            key = "min_attribute_side" + ("_control" if half == "control" else "")
            ok.append(ledger.least("probe_attribute", half, statistic, side, LIMITS[key]))
        if not all(ok):
            thin.append(name)
    if thin:
        ledger.findings.append(
            f"{_times(len(thin), 'probe attribute')} {_has(len(thin))} fewer than "
            f"{LIMITS['min_attribute_side']} sentences on one side or fewer than "
            f"{LIMITS['min_attribute_side_control']} in the control half, such as {thin[0]}."
        )


# --- words --------------------------------------------------------------------------------------


def _first_word(text: str) -> str:
    """The first word in lower case, up to an apostrophe: "I'm" opens like "I"."""
    match = re.search(r"\w+", text)
    return match.group().casefold() if match else ""


def _n_words(text: str) -> int:
    return len(text.split())


def _pairs(classes: Sequence[str]) -> list[tuple[str, str]]:
    return list(combinations(classes, 2))


def _versus(a: str, b: str) -> str:
    return f"{a} vs {b}"


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"
