"""Judge generated texts without the model that wrote them.

Judges know nothing of each other: VADER is a lexicon of sentiment with rules (Hutto & Gilbert
2014), nade a model of eight emotions trained on social media. Beside them stand plain counts: words
of a set, how a text ends, how much it repeats itself. `classifiers` runs those a config names.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from emovec.io.files import whole
from emovec.registry import Kind, registry
from emovec.steering.texts import one_line, words_of

NADE = ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust")


MARKS = {"period": ".", "exclamation": "!", "question": "?"}


LOOPS = 0.6  # share of words that repeat earlier ones from which a text is degenerate


LONG = 6  # words from which that is asked


def judge(texts: Sequence[str], sets: dict[str, list[str]]) -> pd.DataFrame:
    """Scores of each text, one column each; NaN where a text has no word.

    `vader` −1 to 1; `nade_*` 0 to 1; `words_*` the share of a text's words in a set; `ends_*` 1
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
    for one in JUDGES.values():
        scores.loc[~empty, one.columns] = one.score(full)
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


def _vader(texts: Sequence[str]) -> np.ndarray:
    """VADER's compound score of each text."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    scorer = SentimentIntensityAnalyzer()
    return np.array([[scorer.polarity_scores(text)["compound"]] for text in texts]).reshape(-1, 1)


def _nade(texts: Sequence[str]) -> np.ndarray:
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


@dataclass(frozen=True)
class Judge(Kind):
    """Scores `[text, label]` of texts that have a word; one score a text where there is no label.

    The title says what a score means, without the label.
    """

    score: Callable[[Sequence[str]], np.ndarray]
    labels: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        return [f"{self.name}_{label}" for label in self.labels] or [self.name]


JUDGES = registry(
    Judge("vader", "tone", _vader),
    Judge("nade", "NADE score, 0 to 1", _nade, NADE),
)


PLAIN = [name for name, judge in JUDGES.items() if not judge.labels]


TARGETED = JUDGES["nade"]  # whose labels `steering.targets` names


def target_column(emotion: str, targets: Mapping[str, str]) -> str:
    """The scores that stand for an emotion: those of its label, or the share of its words."""
    return f"{TARGETED.name}_{targets[emotion]}" if emotion in targets else f"words_{emotion}"
