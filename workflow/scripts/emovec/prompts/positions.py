"""Sentences as token ids with character offsets, and the positions read in them.

Only the `tokenizers` library is used, so that no job needs torch to know where a token ends.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emovec.errors import InputError
from emovec.registry import Kind, registry

if TYPE_CHECKING:
    from emovec.prompts.tokenizer import Encoded, TextEncoder


def _last(encoded: Encoded, word: str, name: str) -> list[int]:
    return [encoded.own[-1]]


def _reply_start(encoded: Encoded, word: str, name: str) -> list[int]:
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
        for i in encoded.own
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
    later = [i for i in tokens if i >= first + encoded.own.start]
    if not later:
        raise InputError(
            f"The position mean begins at token {first}, and {name} has {len(encoded.own)} tokens "
            "and no word from there on: lower activations.mean_from or leave this text out."
        )
    return later


def _end_of_word(encoded: Encoded, word: str, name: str) -> list[int]:
    if (place := encoded.characters(word)) is None:
        raise InputError(
            f"The position emotion_word needs a marked word that occurs in the text, and {name} "
            "has none: fill its column emotion_word or leave this position out."
        )
    last = place[1] - 1
    return [max(i for i, (a, b) in enumerate(encoded.spans) if a <= last < b)]


@dataclass(frozen=True)
class Position(Kind):
    """Where a text is read: `find(encoded, marked word, name of the row)` gives token indices."""

    find: Callable[[Encoded, str, str], list[int]]
    in_probe: bool = True  # whose sentences have no marked words
    after_suffix: bool = False  # found in the text with the suffix after it
    averages: bool = False  # over tokens, those of a prompt from `mean_from` on
    in_turn: bool = False  # needs the template of a chat around the text
    ends: bool = False  # where a text or a turn ends, and words may follow


POSITIONS = registry(
    Position("last", "last token", _last, ends=True),
    Position("last_content", "last word", _last_content),
    Position("mean", "mean over the words", _mean, averages=True),
    Position("emotion_word", "the emotional word", _end_of_word, in_probe=False),
    Position("suffix", "after a fixed neutral suffix", _last, after_suffix=True, ends=True),
    Position("user_end", "end of the user's text", _last, in_turn=True, ends=True),
    Position("reply_start", "before the reply", _reply_start, in_turn=True, ends=True),
)


def in_probe(positions: Iterable[str]) -> list[str]:
    """The positions that the probe has too."""
    return [position for position in positions if POSITIONS[position].in_probe]


@dataclass(frozen=True)
class Reading:
    """One pass of the model over a text: per position the tokens whose stream is averaged."""

    row: int
    encoded: Encoded
    tokens: dict[str, list[int]]

    @property
    def ids(self) -> list[int]:
        return self.encoded.ids


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
    suffix follows: where text + suffix begins with the same tokens up to the last one read, one
    pass serves all positions; otherwise (tokens merge across the border, or the end of a turn is
    read) the suffix gets its own.

    Parameters
    ----------
    words : the marked span of each text, or None where there are none (the probe).
    names : how to call each row in an error.
    mean_from : the token of a text, BOS not counted, with which averages begin.

    Raises
    ------
    InputError
        If a position cannot be found in a text, or is that of a turn and `encode` makes none.
    """
    if encode.turn is None and (outside := [key for key in positions if POSITIONS[key].in_turn]):
        raise InputError(
            f"The position {outside[0]} is that of a turn in a chat, and this model's template is "
            "none: set it to chat or leave this position out."
        )
    readings = []
    inside, after = (
        {name: POSITIONS[name] for name in positions if POSITIONS[name].after_suffix == suffixed}
        for suffixed in (False, True)
    )
    for row, (text, name) in enumerate(zip(texts, names, strict=True)):
        encoded = encode(text, name)
        if not encoded.own:
            raise InputError(
                f"The tokenizer yields no token for {name}: give it a text with words."
            )
        word = words[row] if words is not None else ""
        tokens = {key: position.find(encoded, word, name) for key, position in inside.items()}
        for key in tokens if mean_from else ():
            if POSITIONS[key].averages:
                tokens[key] = _from(mean_from, tokens[key], encoded, name)
        if not after:
            readings.append(Reading(row, encoded, tokens))
            continue
        longer = encode(text + suffix, name)
        if longer.ids == encoded.ids:
            raise InputError(
                f"The tokenizer yields no token for prompts.suffix {suffix!r} after {name}: write "
                "one with words."
            )
        end = {key: position.find(longer, word, name) for key, position in after.items()}
        stop = 1 + max((i for read in tokens.values() for i in read), default=-1)
        if longer.ids[:stop] == encoded.ids[:stop]:
            readings.append(Reading(row, longer, tokens | end))
        else:
            readings += [Reading(row, encoded, tokens), Reading(row, longer, end)]
    return readings


def marked_tokens(
    encode: TextEncoder, readings: Iterable[Reading], ids: Sequence[str]
) -> list[dict]:
    """The table `readings` without its model: each token of each text, and whether it is read.

    Parameters
    ----------
    ids : of the texts that were planned.
    """
    rows = []
    for reading in readings:
        pieces = reading.encoded.pieces()
        if reading.encoded.has_bos and not pieces[0]:
            pieces[0] = encode.tokenizer.id_to_token(encode.bos_id)
        rows += [
            {
                "position": position,
                "prompt_id": ids[reading.row],
                "token": i,
                "text": piece,
                "read": i in tokens,
            }
            for position, tokens in reading.tokens.items()
            for i, piece in enumerate(pieces)
        ]
    return rows


def read_every_token(encoded: list[Encoded]) -> list[Reading]:
    """One pass for each text, read at each of its own tokens: the position "3" is token 3."""
    return [
        Reading(row, one, {str(i): [i] for i in range(int(one.has_bos), len(one.ids))})
        for row, one in enumerate(encoded)
    ]
