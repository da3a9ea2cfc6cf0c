"""What each head reads where a direction is read: the table attention.

Attention is summed over spans of the sentence. That of an emotion's sentence is compared with that
of the neutral sentence on its topic, whose marked word stands in for the emotion's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from emovec.io.tables import typed
from emovec.prompts.design import in_cells
from emovec.prompts.positions import POSITIONS
from emovec.prompts.sentences import marked_words
from emovec.prompts.splits import near_by_head
from emovec.prompts.tokenizer import Encoded
from emovec.statistics.arrays import Floats, mean_defined
from emovec.statistics.corrections import holm
from emovec.statistics.paired import mean_difference

SPANS = ("first", "word", "punctuation", "suffix", "rest")


def span_weights(encoded: Encoded, length: int, word: str) -> Floats:
    """0 or 1 `[span, token]`: each token belongs to one span. NaN for a word that is not marked.

    Parameters
    ----------
    encoded : a sentence of `length` characters, with what follows it.
    word : the span that is marked in it, or nothing.
    """
    number = np.full(len(encoded.ids), SPANS.index("rest"))
    sentence = encoded.sentence(length)
    for token in range(sentence.start, len(encoded.ids)):
        begin, end = encoded.spans[token]
        own = encoded.text[begin:end].strip()
        if token >= sentence.stop:
            number[token] = SPANS.index("suffix")
        elif own and all(unicodedata.category(c)[0] in "PS" for c in own):
            number[token] = SPANS.index("punctuation")
    if place := encoded.characters(word):
        inside = [a < place[1] and b > place[0] for a, b in encoded.spans]
        number[inside] = SPANS.index("word")
    number[0] = SPANS.index("first")
    found = (np.arange(len(SPANS))[:, None] == number).astype(float)
    if place is None:
        found[SPANS.index("word")] = np.nan
    return found


def spans_of(
    prompts: pd.DataFrame, encode: Callable[[str], Encoded], suffix: str, position: str
) -> list[Floats]:  # fmt: skip
    """`span_weights` of each prompt, read at `position`."""
    end = suffix if POSITIONS[position].after_suffix else ""
    return [
        span_weights(encode(text + end), len(text), word)
        for text, word in zip(prompts["text"], marked_words(prompts), strict=True)
    ]


def attention(
    looks: Floats, prompts: pd.DataFrame, classes: Sequence[str | None], *, statistics: dict,
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """The table `attention` without model, position and depth.

    Parameters
    ----------
    looks : `[row, block, head, span]`, the attention from where the direction is read.
    classes : the emotions, and neutral last, or None for the mean of the others.
    """
    emotions, alpha = list(classes[:-1]), statistics["alpha"]
    cells = in_cells(prompts, classes, looks)
    near, tables = near_by_head(prompts, emotions, neutral=classes[-1]), []
    n_blocks, n_heads = looks.shape[1:3]
    keys = [(b, h, span) for b in range(n_blocks) for h in range(n_heads) for span in SPANS]
    for e, emotion in enumerate(emotions):
        found = mean_difference(
            cells[e] - cells[-1], near[e], alpha, statistics["permutations"], rng, "two-sided",
            banded=True,
        )  # fmt: skip
        table = pd.DataFrame(keys, columns=["block", "head", "span"]).assign(
            emotion=emotion, attention=mean_defined(cells[e]).ravel(), **found.columns()
        )
        tables.append(table)
    whole = pd.concat(tables, ignore_index=True)
    own = whole[whole["p"].notna()]
    whole.loc[own.index, "p_adjusted"] = holm(own["p_adjusted"], own["emotion"].tolist())
    return typed(whole, "attention")
