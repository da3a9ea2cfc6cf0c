"""What a reader of each language gets of a code."""

from __future__ import annotations

import re
from collections.abc import Mapping

from emovec.wording.language import speak
from emovec.wording.remarks import told

KANA_OR_KANJI = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
PROSE = re.compile(r"[a-z]{2,} [a-z]{2,}")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def told_in_both(sentences: Mapping[str, str], codes: str, values: Mapping) -> tuple[str, str]:
    """In English and in Japanese: the same numbers, and no English prose in the second."""
    english = told(sentences, codes, values)
    speak("ja")
    try:
        japanese = told(sentences, codes, values)
    finally:
        speak("en")
    assert english and KANA_OR_KANJI.search(japanese), english
    assert not PROSE.search(japanese), japanese
    assert sorted(NUMBER.findall(japanese)) == sorted(NUMBER.findall(english)), japanese
    return english, japanese
