"""What people read, in their language: sentences looked up in catalogs of the gettext form.

Sentences are written in English where they are needed, as `_("{n} of {of} pairs").format(...)` or
`{% trans %}` in a template; `locale/{language}/*.po` holds them in other languages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from emovec.errors import InputError
from emovec.registry import Kind, registry

LOCALE = Path(__file__).parent / "locale"


def _japanese_font() -> str:
    from matplotlib_fontja import get_font_ttf_path  # sets rcParams, so before a theme

    return get_font_ttf_path()


@dataclass(frozen=True)
class Language(Kind):
    """A language of the report, by its code; its title is in itself."""

    font: Callable[[], str] | None = None  # the file of a font with its letters, for figures
    line_spacing: float | None = None  # where letters fill their lines


LANGUAGES = registry(
    Language("en", "English"),
    Language("ja", "日本語", _japanese_font, line_spacing=1.4),
)


def languages_of(asked: str) -> dict[str, str]:
    """What the names of a report's files end in, `{ending: code}`; the first are plain.

    >>> languages_of("both")
    {'': 'en', '_ja': 'ja'}
    """
    codes = list(LANGUAGES) if asked == "both" else [asked]
    return {f"_{code}" if place else "": code for place, code in enumerate(codes)}


_spoken = "en"


def speak(language: str) -> None:
    """From now on `_` answers in this language, one of LANGUAGES.

    Raises
    ------
    InputError
        If there is no catalog of it.
    """
    global _spoken
    if language not in LANGUAGES:
        raise InputError(f"There is no language {language!r}; use one of {', '.join(LANGUAGES)}.")
    _spoken = language


def spoken() -> str:
    """The language that was set by `speak`; English before."""
    return _spoken


def _(sentence: str) -> str:
    """The sentence in the language spoken; in English where its catalog has none."""
    return catalog(_spoken).get(sentence, sentence)


def N_(sentence: str) -> str:
    """Mark a sentence that is looked up later, where a module keeps it in a constant."""
    return sentence


@cache
def catalog(language: str) -> dict[str, str]:
    """All sentences of a language by their English form; English itself needs none."""
    found = {}
    for path in sorted((LOCALE / language).glob("*.po")):
        found |= read_catalog(path)
    return found


def read_catalog(path: Path) -> dict[str, str]:
    """The sentences of one .po file that have a translation."""
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        return {entry.id: entry.string for entry in read_po(file) if entry.id and entry.string}
