"""Judge generated texts without the model that wrote them.

Two scorers that know nothing of each other: nade, a model of eight emotions trained on social
media, and VADER, a lexicon of sentiment with rules (Hutto & Gilbert 2014). Beside them plain
counts: words of a set, how a text ends, how much it repeats itself. Classifiers that a config names
are run by `classifying`.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from emovec.io.files import whole
from emovec.steering.texts import one_line, words_of

NADE = ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust")


MARKS = {"period": ".", "exclamation": "!", "question": "?"}


LOOPS = 0.6  # share of words that repeat earlier ones from which a text is degenerate


LONG = 6  # words from which that is asked


def judge(texts: Sequence[str], sets: dict[str, list[str]]) -> pd.DataFrame:
    """Scores of each text, one column each; NaN where a text has no word.

    `nade_*` 0 to 1; `vader` −1 to 1; `words_*` the share of a text's words in a set; `ends_*` 1
    where its last mark is that; `repeated` the share of words used before; `distinct_2` how
    many different pairs of neighbouring words there are to a pair; `empty_text` and `degenerate`
    0 or 1.
    """
    words = [words_of(text) for text in texts]
    empty = np.array([not found for found in words])
    scores = pd.DataFrame({"empty_text": empty.astype(int)})
    scores["degenerate"] = [int(_loops(found)) for found in words]
    scores["repeated"] = [_repeated(found) for found in words]
    scores["distinct_2"] = [_distinct_pairs(found) for found in words]
    for name, members in sets.items():
        known = {member.lower() for member in members}
        scores[f"words_{name}"] = [
            np.mean([word in known for word in found]) if found else np.nan for found in words
        ]
    for name, mark in MARKS.items():
        scores[f"ends_{name}"] = [
            float(_last_mark(text) == mark) if found else np.nan
            for text, found in zip(texts, words, strict=True)
        ]
    full = [text for text, none in zip(texts, empty, strict=True) if not none]
    scores.loc[~empty, "vader"] = vader(full)
    scores.loc[~empty, [f"nade_{name}" for name in NADE]] = nade(full)
    return scores


def _repeated(words: list[str]) -> float:
    return 1 - len(set(words)) / len(words) if words else np.nan


def _distinct_pairs(words: list[str]) -> float:
    pairs = list(pairwise(words))
    return len(set(pairs)) / len(pairs) if pairs else np.nan


def _loops(words: list[str]) -> bool:
    return len(words) >= LONG and _repeated(words) > LOOPS


def _last_mark(text: str) -> str:
    marks = re.findall(r"[.!?]", text)
    return marks[-1] if marks else ""


def vader(texts: Sequence[str]) -> list[float]:
    """VADER's compound score of each text."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    scorer = SentimentIntensityAnalyzer()
    return [scorer.polarity_scores(text)["compound"] for text in texts]


def nade(texts: Sequence[str]) -> np.ndarray:
    """nade's eight emotions `[text, emotion]`, in the order of `NADE`."""
    _unpack_nade()
    from nade import Nade

    if not texts:
        return np.empty((0, len(NADE)))
    lines = [one_line(text) for text in texts]
    found = Nade().predict(lines)
    return np.array([[float(found[name][i]) for name in NADE] for i in range(len(lines))])


def _unpack_nade() -> None:
    """nade unpacks its models beside its code at first use; whole, in case two jobs do so."""
    for packed in Path(str(files("nade"))).glob("data/*/*.txt.gz"):
        plain = packed.with_suffix("")
        if plain.is_file():
            continue
        with gzip.open(packed) as stream, whole(plain) as part, part.open("wb") as file:
            shutil.copyfileobj(stream, file)
