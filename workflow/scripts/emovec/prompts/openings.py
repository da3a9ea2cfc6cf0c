"""What steering starts from and looks for: neutral openings, sets of words, and instructions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import yaml
from tokenizers import Tokenizer

from emovec.errors import InputError
from emovec.io.yaml_keys import repeated_keys
from emovec.prompts.sentences import PROMPT_COLUMNS, read_rows
from emovec.prompts.tokenizer import encode

COLUMNS = ("id", "topic", "text", "half")


HALVES = ("choose", "report")


PLAIN = "neutral"  # names the instruction without an emotion


def read_openings(path: str | Path) -> pd.DataFrame:
    """The openings; depth and strength are chosen on one `half` and reported on the other.

    Raises
    ------
    InputError
        If the file cannot be used as it is, or a half has fewer than two openings.
    """
    table, lines = read_rows(Path(path), COLUMNS, "steering.openings")
    for row in table.index[~table.half.isin(HALVES)]:
        raise InputError(
            f"{path}, line {lines[row]} (id {table.id[row]!r}), has {table.half[row]!r} in the "
            "column half: write choose or report."
        )
    for half in HALVES:
        if (table.half == half).sum() < 2:
            raise InputError(f"{path} needs two or more openings with half {half!r}.")
    return table


def of_half(openings: pd.DataFrame, half: str) -> list[str]:
    """The ids of one half of the openings."""
    return openings.id[openings.half == half].tolist()


def read_instructions(path: str | Path) -> dict[str, str]:
    """The instruction of each emotion, and under `PLAIN` the one without an emotion.

    Raises
    ------
    InputError
        If the file cannot be used as it is, has two instructions of a class or none for `PLAIN`.
    """
    table, lines = read_rows(Path(path), PROMPT_COLUMNS, "steering.instructions")
    for row in table.index[table.emotion.duplicated()]:
        raise InputError(
            f"{path}, line {lines[row]} (id {table.id[row]!r}), is a second instruction of "
            f"{table.emotion[row]!r}: keep one."
        )
    if PLAIN not in set(table.emotion):
        raise InputError(
            f"{path} has no row with emotion {PLAIN!r}: add an instruction without an emotion, "
            "with which the others are compared."
        )
    return dict(zip(table.emotion, table.text, strict=True))


def read_words(path: str | Path, emotions: Sequence[str]) -> dict[str, list[str]]:
    """Words by set; every emotion has one.

    Raises
    ------
    InputError
        If the file is no such list or lacks an emotion.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        sets, twice = yaml.safe_load(text), [*repeated_keys(yaml.compose(text))]
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): correct steering.words in the config."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is no YAML file in UTF-8: write `set: [word, …]`.") from error
    for key, line in twice:
        raise InputError(f"{path} has the set {key!r} again in line {line}: keep one.")
    if not isinstance(sets, dict) or not all(
        isinstance(words, list) and words and all(isinstance(w, str) and w for w in words)
        for words in sets.values()
    ):
        raise InputError(f"{path} must hold sets of words: write `set: [word, …]`, one per line.")
    if missing := [emotion for emotion in emotions if emotion not in sets]:
        raise InputError(f"{path} has no words for the emotion {missing[0]!r}: add a line for it.")
    return sets


def word_tokens(
    tokenizer: Tokenizer, sets: dict[str, list[str]], emotions: Sequence[str]
) -> dict[str, list[int]]:
    """The token ids whose probability stands for each emotion's words.

    A form (plain, capitalised, each with and without a leading space) counts if it is one token.
    Where a tokenizer has no such token for an emotion, the first tokens of its forms count that no
    other emotion's forms begin with.

    Raises
    ------
    InputError
        If an emotion is left without a token.
    """
    found = known_words(tokenizer, sets, emotions)
    for emotion in emotions:
        if emotion not in found:
            raise InputError(
                f"No word of {emotion} can be told by its first token: add other words to the "
                "file of steering.words."
            )
    return found


def known_words(
    tokenizer: Tokenizer, sets: dict[str, list[str]], emotions: Sequence[str]
) -> dict[str, list[int]]:
    """Likewise, without the emotions that have no set, or no token of their own."""
    whole: dict[str, list[int]] = {}
    first: dict[str, set[int]] = {}
    named = [emotion for emotion in emotions if emotion in sets]
    for emotion in named:
        forms = [
            form
            for word in sets[emotion]
            for form in (word, word.capitalize(), f" {word}", f" {word.capitalize()}")
        ]
        encoded = encode(tokenizer, forms)
        whole[emotion] = sorted({ids[0] for ids in encoded if len(ids) == 1})
        first[emotion] = {ids[0] for ids in encoded if ids}
    found = {}
    for emotion in named:
        others = set().union(*(first[other] for other in named if other != emotion))
        found[emotion] = whole[emotion] or sorted(first[emotion] - others)
    return {emotion: ids for emotion, ids in found.items() if ids}
