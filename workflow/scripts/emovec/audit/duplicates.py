"""Exact and near-duplicates in a prompt set and its probe."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer

from emovec.audit.ledger import LIMITS, Ledger

SHINGLE = 4  # characters; of 70 in a sentence, a changed word touches about 9


BLOCK = 1000  # rows compared at once: bounds the memory for near-duplicates


def duplicates(ledger: Ledger, prompts: pd.DataFrame, probe: pd.DataFrame) -> None:
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
                code = "same_sentences" if name == "exact" else "near_duplicates"
                ledger.find(code, scope=scope, n=len(pairs), a=ids[i], b=ids[j])
        ledger.note("duplicates", scope, "highest_similarity", highest[scope])
    if "topic" in probe:
        shared = sorted(set(probe["topic"]) & set(topic))
        if not ledger.most("duplicates", "prompts and probe", "shared_topics", len(shared), 0):
            ledger.find("shared_topics", n=len(shared), topic=shared[0])


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
