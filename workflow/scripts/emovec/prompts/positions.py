"""Sentences as token ids with character offsets, and the positions read in them.

Only the `tokenizers` library is used, so that no job needs torch to know where a token ends.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emovec.errors import InputError
from emovec.registry import Kind, registry

if TYPE_CHECKING:
    from emovec.prompts.tokenizer import Encoded, TextEncoder


def _last(encoded: Encoded, word: str, name: str) -> list[int]:
    return [len(encoded.ids) - 1]


def _last_content(encoded: Encoded, word: str, name: str) -> list[int]:
    return _content("last_content", encoded, name)[-1:]


def _mean(encoded: Encoded, word: str, name: str) -> list[int]:
    content = _content("mean", encoded, name)
    # Without a BOS the first token is the attention sink: its stream swamps the mean.
    return content if encoded.has_bos or len(content) == 1 else [i for i in content if i > 0]


def _content(position: str, encoded: Encoded, name: str) -> list[int]:
    """The tokens that are more than punctuation, spaces and control characters."""
    found = [
        i
        for i in range(int(encoded.has_bos), len(encoded.ids))
        if any(
            unicodedata.category(c)[0] not in "PZC" for c in encoded.text[slice(*encoded.spans[i])]
        )
    ]
    if not found:
        raise InputError(
            f"The position {position} needs a token that is not punctuation, and {name} has none: "
            "mend the text or leave this position out."
        )
    return found


def _from(first: int, tokens: list[int], encoded: Encoded, name: str) -> list[int]:
    """Those of `tokens` that are token `first` of the text or a later one."""
    later = [i for i in tokens if i >= first + int(encoded.has_bos)]
    if not later:
        raise InputError(
            f"The position mean begins at token {first}, and {name} has "
            f"{len(encoded.ids) - int(encoded.has_bos)} tokens and no word from there on: lower "
            "activations.mean_from or leave this text out."
        )
    return later


def _end_of_word(encoded: Encoded, word: str, name: str) -> list[int]:
    begin = encoded.text.find(word) if word else -1
    if begin < 0:
        raise InputError(
            f"The position emotion_word needs a marked word that occurs in the text, and {name} "
            "has none: fill its column emotion_word or leave this position out."
        )
    last = begin + len(word) - 1
    return [max(i for i, (a, b) in enumerate(encoded.spans) if a <= last < b)]


@dataclass(frozen=True)
class Position(Kind):
    """Where a text is read: `find(encoded, marked word, name of the row)` gives token indices."""

    find: Callable[[Encoded, str, str], list[int]]
    in_probe: bool = True  # whose sentences have no marked words
    after_suffix: bool = False  # found in the text with the suffix after it
    averages: bool = False  # over tokens, those of a prompt from `mean_from` on


POSITIONS = registry(
    Position("last", "last token", _last),
    Position("last_content", "last word", _last_content),
    Position("mean", "mean over the words", _mean, averages=True),
    Position("emotion_word", "the emotional word", _end_of_word, in_probe=False),
    Position("suffix", "after a fixed neutral suffix", _last, after_suffix=True),
)


def in_probe(positions: Iterable[str]) -> list[str]:
    """The positions that the probe has too."""
    return [position for position in positions if POSITIONS[position].in_probe]


@dataclass(frozen=True)
class Reading:
    """One pass of the model over `ids`: per position the tokens whose stream is averaged."""

    row: int
    ids: list[int]
    tokens: dict[str, list[int]]


def plan_readings(
    encode: TextEncoder,
    texts: list[str],
    words: list[str] | None,
    names: list[str],
    positions: list[str],
    suffix: str,
    mean_from: int = 0,
) -> list[Reading]:
    """Where to read each text, for every position in `positions`.

    Attention is causal, so the stream at the tokens of a text is the same whether or not the
    suffix follows: where the tokens of the text begin those of text + suffix, one pass serves
    all positions; otherwise (tokens merge across the border) the suffix gets its own.

    Parameters
    ----------
    words : the marked span of each text, or None where there are none (the probe).
    names : how to call each row in an error.
    mean_from : the token of a text, BOS not counted, with which averages begin.

    Raises
    ------
    InputError
        If a position cannot be found in a text.
    """
    readings = []
    inside, after = (
        {name: POSITIONS[name] for name in positions if POSITIONS[name].after_suffix == suffixed}
        for suffixed in (False, True)
    )
    for row, (text, name) in enumerate(zip(texts, names, strict=True)):
        encoded = encode(text)
        if len(encoded.ids) == int(encoded.has_bos):
            raise InputError(
                f"The tokenizer yields no token for {name}: give it a text with words."
            )
        word = words[row] if words is not None else ""
        tokens = {key: position.find(encoded, word, name) for key, position in inside.items()}
        for key in tokens if mean_from else ():
            if POSITIONS[key].averages:
                tokens[key] = _from(mean_from, tokens[key], encoded, name)
        if not after:
            readings.append(Reading(row, encoded.ids, tokens))
            continue
        longer = encode(text + suffix)
        if longer.ids == encoded.ids:
            raise InputError(
                f"The tokenizer yields no token for prompts.suffix {suffix!r} after {name}: write "
                "one with words."
            )
        end = {key: position.find(longer, word, name) for key, position in after.items()}
        if longer.ids[: len(encoded.ids)] == encoded.ids:
            readings.append(Reading(row, longer.ids, tokens | end))
        else:
            if tokens:
                readings.append(Reading(row, encoded.ids, tokens))
            readings.append(Reading(row, longer.ids, end))
    return readings


def read_every_token(encoded: list[Encoded]) -> list[Reading]:
    """One pass for each text, read at each of its own tokens: the position "3" is token 3."""
    return [
        Reading(row, one.ids, {str(i): [i] for i in range(int(one.has_bos), len(one.ids))})
        for row, one in enumerate(encoded)
    ]
