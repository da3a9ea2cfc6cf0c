"""Texts as token ids with their character offsets."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emovec.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from emovec.prompts.turns import Turn


def encode(tokenizer: Tokenizer, texts: Iterable[str]) -> list[list[int]]:
    """The token ids of each text: no special tokens, no padding, nothing cut off."""
    if tokenizer.padding is not None or tokenizer.truncation is not None:
        tokenizer = copy.deepcopy(tokenizer)
        tokenizer.no_padding()
        tokenizer.no_truncation()
    with panics_told():
        found = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return [encoding.ids for encoding in found]


@contextmanager
def panics_told(where: str = "") -> Iterator[None]:
    """Turn a panic of the tokenizers library, which is no `Exception`, into an InputError."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise InputError(
            f"The tokenizer breaks down{where} ({error}): look for a regular expression in its "
            "tokenizer.json that is not for such text."
        ) from error


def check_known(ids: Iterable[int], n_tokens: int, name: str, model: str) -> None:
    """Refuse the tokens of the text called `name` if `model` has no embedding for one of them.

    Raises
    ------
    InputError
        If a token is not among the first `n_tokens`.
    """
    if (largest := max(ids, default=0)) >= n_tokens:
        raise InputError(
            f"{name} has the token {largest}, where {model} knows {n_tokens} tokens: its tokenizer "
            "is that of another model."
        )


@dataclass(frozen=True)
class Encoded:
    """One text as a model reads it: `ids[token]` and its character `spans[token]`.

    A BOS put before it has the empty span (0, 0).
    """

    text: str
    ids: list[int]
    spans: list[tuple[int, int]]
    has_bos: bool
    turn: tuple[int, int] | None = None  # the characters of a sentence that is a turn in a chat

    @property
    def begin(self) -> int:
        """The character with which the sentence begins."""
        return 0 if self.turn is None else self.turn[0]

    @property
    def own(self) -> range:
        """The tokens of the sentence itself, without BOS and template; one across counts as its."""
        if self.turn is None:
            return range(int(self.has_bos), len(self.ids))
        begin, end = self.turn
        inside = [i for i, (a, b) in enumerate(self.spans) if a < end and begin < b]
        return range(inside[0], inside[-1] + 1) if inside else range(0)

    def sentence(self, length: int) -> range:
        """The tokens of a sentence of `length` characters, but for the first token of all.

        That is a BOS or, without one, the attention sink. What follows is a suffix or of a chat.
        """
        start = max(1, self.own.start)
        end = self.begin + length
        return range(start, start + sum(begin < end for begin, _ in self.spans[start:]))

    def characters(self, word: str) -> tuple[int, int] | None:
        """Where a marked word stands in the sentence; None without one."""
        begin = self.text.find(word, *(self.turn or ())) if word else -1
        return None if begin < 0 else (begin, begin + len(word))

    def pieces(self) -> list[str]:
        """What each token adds to the text; together they are the text, whatever the tokenizer.

        Spaces that no token covers go with the token after them. Of several tokens that make up
        one character the first has it. A BOS put before the text has nothing.
        """
        found, done = [], 0
        for _, end in self.spans:
            found.append(self.text[done:end])
            done = max(done, end)
        found[-1] += self.text[done:]
        return found


@dataclass(frozen=True)
class TextEncoder:
    """A tokenizer with one BOS policy: `bos_id` comes first, or nothing is put there.

    With `turn`, a text is encoded as what a user says in a chat. A BOS that the template has put
    there already is the only one.
    """

    tokenizer: Tokenizer
    bos_id: int | None
    turn: Turn | None = None

    def __call__(self, text: str, name: str = "") -> Encoded:
        """`name` is how to call the text in an error."""
        name, place = name or f"the text {text[:40]!r}", None
        if self.turn is not None:
            text, place = self.turn(text, name)
        with panics_told(f" over {name}"):
            encoding = self.tokenizer.encode(text, add_special_tokens=False)
        ids, spans = list(encoding.ids), list(encoding.offsets)
        if self.bos_id is not None and not (self.turn and ids[:1] == [self.bos_id]):
            ids, spans = [self.bos_id, *ids], [(0, 0), *spans]
        return Encoded(text, ids, spans, self.bos_id is not None, place)


def load_encoder(
    tokenizer_json: str | Path,
    bos_id: int | None,
    prepend_bos: bool,
    model: str,
    turn: Turn | None = None,
) -> TextEncoder:
    """The encoder of a model folder.

    Raises
    ------
    InputError
        If a BOS is to be prepended and the tokenizer has none.
    """
    from tokenizers import Tokenizer

    if prepend_bos and bos_id is None:
        raise InputError(
            f"The tokenizer of {model} has no beginning-of-sequence token: "
            f"set models.{model}.prepend_bos to false."
        )
    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return TextEncoder(tokenizer, bos_id if prepend_bos else None, turn)
