"""Sentences as token ids with character offsets, and the positions read in them.

Only the `tokenizers` library is used, so that no job needs torch to know where a token ends.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from emovec.errors import InputError
from emovec.prompts.tokenizer import Encoded, TextEncoder

POSITIONS = ("last", "last_content", "mean", "emotion_word", "suffix")


def in_probe(positions: list[str]) -> list[str]:
    """The positions that the probe has too: its sentences have no marked words."""
    return [position for position in positions if position != "emotion_word"]


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
) -> list[Reading]:
    """Where to read each text, for every position in `positions`.

    Attention is causal, so the stream at the tokens of a text is the same whether or not the
    suffix follows: where the tokens of the text begin those of text + suffix, one pass serves
    all positions; otherwise (tokens merge across the border) the suffix gets its own.

    Parameters
    ----------
    words : the marked span of each text, or None where there are none (the probe).
    names : how to call each row in an error.

    Raises
    ------
    InputError
        If a position cannot be found in a text.
    """
    readings = []
    inside = [position for position in positions if position != "suffix"]
    for row, (text, name) in enumerate(zip(texts, names, strict=True)):
        encoded = encode(text)
        if len(encoded.ids) == int(encoded.has_bos):
            raise InputError(
                f"The tokenizer yields no token for {name}: give it a text with words."
            )
        word = words[row] if words is not None else ""
        tokens = {position: find(encoded, position, word, name) for position in inside}
        if "suffix" not in positions:
            readings.append(Reading(row, encoded.ids, tokens))
            continue
        longer = encode(text + suffix)
        end = {"suffix": [len(longer.ids) - 1]}
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


def find(encoded: Encoded, position: str, word: str, name: str) -> list[int]:
    """Token indices of `position` in one text, by character offsets.

    Raises
    ------
    InputError
        If the text has no such token; `name` says which row it is.
    """
    start = int(encoded.has_bos)
    own = list(range(start, len(encoded.ids)))
    if position == "last":
        return [own[-1]]
    if position == "emotion_word":
        return [_end_of_word(encoded, word, name)]
    content = [i for i in own if _has_content(encoded.text[slice(*encoded.spans[i])])]
    if not content:
        raise InputError(
            f"The position {position} needs a token that is not punctuation, and {name} has none: "
            "mend the text or leave this position out."
        )
    if position == "last_content":
        return [content[-1]]
    if position == "mean":
        # Without a BOS the first token is the attention sink: its stream swamps the mean.
        return content if encoded.has_bos or len(content) == 1 else [i for i in content if i > 0]
    raise ValueError(position)


def _end_of_word(encoded: Encoded, word: str, name: str) -> int:
    begin = encoded.text.find(word) if word else -1
    if begin < 0:
        raise InputError(
            f"The position emotion_word needs a marked word that occurs in the text, and {name} "
            "has none: fill its column emotion_word or leave this position out."
        )
    last = begin + len(word) - 1
    return max(i for i, (a, b) in enumerate(encoded.spans) if a <= last < b)


def _has_content(piece: str) -> bool:
    """Whether a piece of text is more than punctuation, spaces and control characters."""
    return any(unicodedata.category(character)[0] not in "PZC" for character in piece)
