"""Two models with planted answers that read the shipped sentences on many emotions.

Each word has a vector; those of words that mark an emotion lie near one another, as in any
embedding. A model's stream before the first block is the mean of its own view of these vectors.
Deeper, both models hold the vectors weighted by how rare the words are, which no mean of embeddings
tells exactly, a meaning of the sentence besides, and noise of their own.

echo       nothing more: what they hold of the emotions is their words
private    each model also has its own direction of every emotion
shared     the models have these directions in common
habit      each writer also moves the sentences of every emotion along a direction of that writer
deaf       no word is held, only the meaning of each sentence: no emotion is known
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from emovec.audit.text_baseline import words
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

Floats = NDArray[np.float64]

KINDS = ("echo", "private", "shared", "habit", "deaf")
LATENTS, WIDTHS = 60, (70, 80)
ALIKE = 3.0  # words of one emotion, over the spread of all words
TEXT, NOISE = 0.6, 0.3  # of the variance
MOVED = 0.1  # squared displacement over the variance
SPECTRUM = 1 / np.sqrt(np.arange(1, LATENTS + 1))
VARIANCE = (SPECTRUM**2).sum()


@dataclass(frozen=True)
class Brought:
    """Activations of one model, `[sentence, depth, d]` by position."""

    prompts: dict[str, Floats]
    probe: dict[str, Floats]


class Sentences:
    """Those of some emotions and neutral, in the order of the table, and of a probe."""

    def __init__(self, prompts: pd.DataFrame, probe: pd.DataFrame, emotions: Sequence[str]) -> None:
        self.prompts = prompts[prompts.emotion.isin([*emotions, "neutral"])]
        self.probe_ids = probe.id.tolist()
        vectorizer = CountVectorizer(analyzer=words)
        counts = vectorizer.fit_transform([*self.prompts.text, *probe.text]).toarray()
        self.shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        self.rarity = -np.log((counts > 0).mean(axis=0))
        self.emotion = (self.prompts.emotion.to_numpy()[:, None] == emotions).astype(float)
        phrases = self.prompts.phrase.fillna("").replace("implicit", "")
        marks = [set(words(" ".join(phrases[one > 0]))) for one in self.emotion.T]
        names = vectorizer.get_feature_names_out()
        self.marks = np.array([[name in some for some in marks] for name in names], dtype=float)

    def models(self, rng: np.random.Generator, kind: str) -> tuple[Brought, Brought]:
        """Two models of a world."""
        cut, count = self.emotion.shape

        def drawn(rows: int) -> Floats:
            return rng.standard_normal((rows, LATENTS)) * SPECTRUM

        def displaced() -> Floats:
            found = drawn(count)
            return found * np.sqrt(MOVED * VARIANCE / (found**2).sum(axis=1, keepdims=True))

        vectors = drawn(len(self.rarity)) + ALIKE * self.marks @ drawn(count)
        text = (self.shares * self.rarity) @ vectors
        text = (text - text.mean(axis=0)) * np.sqrt(TEXT * VARIANCE / text.var(axis=0).sum())
        held = np.sqrt(1 - TEXT) * drawn(len(text)) + (kind != "deaf") * text
        if kind == "habit":
            for writer in self.prompts.writer.unique():
                wrote = (self.prompts.writer == writer).to_numpy()[:, None]
                held[:cut] += (self.emotion * wrote) @ displaced()
        directions = [np.zeros((count, LATENTS))] * 2
        if kind in ("private", "shared"):
            directions = [displaced(), displaced()] if kind == "private" else [displaced()] * 2
        found = []
        for width, moved in zip(WIDTHS, directions, strict=True):
            frame = np.linalg.qr(rng.standard_normal((width, width)))[0][:LATENTS]
            start = vectors @ frame + 0.1 * rng.standard_normal((len(vectors), width))
            deep = held + np.sqrt(NOISE * VARIANCE / LATENTS) * rng.standard_normal(held.shape)
            deep[:cut] += self.emotion @ moved
            deep = deep @ frame + 0.01 * rng.standard_normal((len(deep), width))
            streams = {
                "mean": np.stack([self.shares @ start, deep], axis=1),
                "suffix": np.stack([np.zeros_like(deep), deep], axis=1),
            }
            found.append(Brought(*({name: one[part] for name, one in streams.items()}
                                   for part in (slice(cut), slice(cut, None)))))  # fmt: skip
        return found[0], found[1]
