"""What a reader of another language gets of a sentence that a table holds."""

from __future__ import annotations

import re

from emovec.wording import language

KANA_OR_KANJI = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
PROSE = re.compile(r"[a-z]{2,} [a-z]{2,}")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def retold(sentence: str) -> str:
    """The sentence in Japanese, once it holds the same numbers and no English prose."""
    language.speak("ja")
    try:
        told = language.retell(sentence)
    finally:
        language.speak("en")
    assert KANA_OR_KANJI.search(told), f"not retold: {sentence}"
    assert not PROSE.search(told), f"left in English: {told}"
    assert sorted(NUMBER.findall(told)) == sorted(NUMBER.findall(sentence)), told
    return told
