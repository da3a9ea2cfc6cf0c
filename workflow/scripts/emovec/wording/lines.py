"""Long sentences on several lines, in languages with and without spaces."""

from __future__ import annotations

import re
from unicodedata import east_asian_width

PIECES = re.compile(r"(?<=[\s、。：；）])|(?=（)")  # where a line may end


def letters(text: str) -> int:
    """How wide a text is, in letters; those of Japanese are twice as wide as others."""
    return sum(1 + (east_asian_width(one) in "WF") for one in text)


def broken(text: str, share: float) -> str:
    """The text on lines of about equal width, none wider than `share` of the text's widest.

    A line ends after a space or a mark; where no line would be short enough, anywhere.

    >>> broken("its words more likely (grey: controls)", 0.6)
    'its words more likely\\n(grey: controls)'
    >>> broken("その感情の語の確率（灰色：対照）", 0.6)
    'その感情の語の確率\\n（灰色：対照）'
    """
    lines = text.split("\n")
    most = max(map(letters, lines)) * share
    return "\n".join(part for line in lines for part in _parts(line, most))


def _parts(line: str, most: float) -> list[str]:
    pieces = [piece for piece in PIECES.split(line) if piece]
    if max(map(letters, pieces), default=0) > most:
        pieces = list(line)
    count = len(_filled(pieces, most))
    for width in range(1, int(most) + 1):  # the narrowest that needs no further line
        parts = _filled(pieces, width)
        if len(parts) <= count:
            return parts
    return _filled(pieces, most)


def _filled(pieces: list[str], most: float) -> list[str]:
    parts = [""]
    for piece in pieces:
        if parts[-1] and letters((parts[-1] + piece).rstrip()) > most:
            parts.append("")
        parts[-1] += piece
    return [part.strip() for part in parts]
