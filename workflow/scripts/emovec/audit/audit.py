"""What besides emotion tells the classes of a prompt set apart, and whether the probe set will do.

Two kinds of numbers come out. A *check* has a threshold and, when it fails, one entry among
the findings: duplicates, final mark, length, first words, what a classifier that sees only such
nuisances reaches, the variety of emotion words, the probe sentences. A *ruler* has no threshold:
what a bag of words reaches, which any claim about a model's vectors must be compared with.

Thresholds on means and classifiers are never below what chance alone gives a set of that size:
a limit is raised to Z standard errors of the statistic where that is more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from emovec.audit.classifiers import FOLDS, bag_of_words, nuisances
from emovec.audit.duplicates import duplicates
from emovec.audit.emotion_words import heads, probe_words
from emovec.audit.form import final, first_words, lengths
from emovec.audit.ledger import LIMITS, Ledger, Z, versus
from emovec.prompts.design import Design, written
from emovec.prompts.sentences import ATTRIBUTE, HALVES, attributes_of
from emovec.prompts.tokenizer import encode
from emovec.statistics.folds import topic_folds

LARGEST = 10  # correlations between attributes that are listed


@dataclass(frozen=True)
class Audit:
    """The result: `confounds` one number a row, `findings` a code with its values each,
    `summary` for JSON.

    In `confounds`, `scope` is a class, a pair "a vs b" or a part of the files, `model` names the
    tokenizer where one is involved, and `threshold` and `ok` are empty for rulers.
    """

    confounds: pd.DataFrame
    findings: list[dict]
    summary: dict[str, object]


def audit(
    design: Design,
    probe: pd.DataFrame,
    tokenizers: Mapping[str, Tokenizer],
    *,
    emotions: Sequence[str],
    neutral: str | None,
    seed: int,
) -> Audit:
    """Audit tables from `read_design` and `read_probe` under each model's tokenizer.

    Deterministic for a seed, which draws the folds and the label permutations.
    """
    ledger, prompts = Ledger(), design.prompts
    classes = written([*emotions, neutral])
    encoded = {name: encode(tokenizer, prompts["text"]) for name, tokenizer in tokenizers.items()}
    rng = np.random.default_rng(seed)
    folds = topic_folds(design.n_units, FOLDS, rng)

    _size(ledger, design)
    duplicates(ledger, prompts, probe)
    final(ledger, prompts, encoded, classes)
    lengths(ledger, prompts, encoded, emotions, neutral)
    first_words(ledger, prompts, folds, emotions, neutral, seed)
    nuisances(ledger, prompts, folds, classes)
    bag_of_words(ledger, prompts, classes, rng)
    heads(ledger, prompts, emotions)
    probe_words(ledger, prompts, probe, emotions)
    _probe_size(ledger, probe)
    _attribute_correlations(ledger, probe)

    summary = {
        "prompts": len(prompts),
        "unit": design.unit,
        "matched": design.matched,
        "topics": design.n_units,
        "left_out": design.left_out,
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


def _size(ledger: Ledger, design: Design) -> None:
    """Enough units, and whether the file has others that cannot be used."""
    limit, units = LIMITS["min_topics"], f"{design.unit}s"
    if not ledger.least("size", "prompts", "n_topics", design.n_units, limit):
        ledger.find("few_topics", n=design.n_units, units=units, limit=limit)
    if design.left_out and design.matched:
        unit, name = design.empty[0]
        ledger.find("incomplete", n=design.left_out, units=units, unit=unit, name=name)
    elif design.left_out:
        ledger.find("surplus", n=design.left_out, units=units, least=design.n_units)


def _probe_size(ledger: Ledger, probe: pd.DataFrame) -> None:
    """Enough sentences to fit maps on, and enough on either side of every attribute."""
    small = []
    halves = [*HALVES, "probe"]
    for half in halves:
        count = len(probe) if half == "probe" else int((probe["half"] == half).sum())
        limit = LIMITS["min_probe"] if half == "probe" else LIMITS["min_probe"] / 2
        if not ledger.least("probe_size", half, "n_sentences", count, limit):
            part = "the probe" if half == "probe" else f"the {half} half of the probe"
            small.append({"part": part, "n": count, "limit": limit})
    for short in small[-1:]:  # the whole, or else the half that is short
        ledger.find("small_probe", **short)
    names = [name for name in probe if name.startswith(ATTRIBUTE)]
    if not ledger.least(
        "probe_size", "probe", "n_attributes", len(names), LIMITS["min_attributes"]
    ):
        ledger.find("few_attributes", n=len(names), limit=LIMITS["min_attributes"])
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
        ledger.find(
            "thin_attributes",
            n=len(thin),
            limit=LIMITS["min_attribute_side"],
            least=LIMITS["min_attribute_side_control"],
            example=thin[0],
        )


def _attribute_correlations(ledger: Ledger, probe: pd.DataFrame) -> None:
    """How many different attributes there are, and whether two of them are nearly one."""
    labels = attributes_of(probe)
    labels = labels.loc[:, labels.nunique() > 1]
    if labels.shape[1] < 2:
        return
    r = np.corrcoef(labels.to_numpy(float).T)
    ledger.note("attribute_correlation", "probe", "n_effective", len(r) ** 2 / (r**2).sum())
    size = np.abs(np.triu(r, 1))
    order = np.argsort(-size, axis=None, kind="stable")[:LARGEST]
    limit = LIMITS["attribute_correlation"]
    for row, column in zip(*np.unravel_index(order, r.shape), strict=True):
        scope = versus(labels.columns[row], labels.columns[column])
        ledger.most("attribute_correlation", scope, "abs_correlation", size[row, column], limit)
    n = int((size > limit).sum())
    if n:
        row, column = np.unravel_index(order[0], r.shape)
        a, b = labels.columns[[row, column]]
        ledger.find("alike_attributes", n=n, limit=limit, a=a, b=b, value=float(r[row, column]))
