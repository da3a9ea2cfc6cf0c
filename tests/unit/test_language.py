"""Every sentence of the report in every language, with the same places."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from emovec.errors import InputError
from emovec.report.page import to_html
from emovec.wording import language

LIBRARY = Path(language.__file__).parents[1]
PLACES = re.compile(r"\{(\w*)[^}]*\}|%\((\w+)\)")
OTHERS = [code for code in language.LANGUAGES if code != "en"]


def sentences() -> dict[str, str]:
    """{sentence: file} of all that is marked for translation."""
    found = extract_from_dir(
        LIBRARY,
        method_map=[("**.py", "python"), ("**.j2", "jinja2.ext:babel_extract")],
        options_map={"**.j2": {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}},
        keywords={"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
        | dict.fromkeys(
            ("Kind", "Metric", "Position", "Copy", "Method", "Judge", "Way", "Precision"), (2,)
        ),  # titles of registries
    )
    return {
        one: name
        for name, _, message, _, _ in found
        for one in ([message] if isinstance(message, str) else message)
    }


def places(sentence: str) -> set[str]:
    return {a or b for a, b in PLACES.findall(sentence)}


@pytest.fixture(autouse=True)
def english_again():
    yield
    language.speak("en")


@pytest.mark.parametrize("code", OTHERS)
def test_every_sentence_is_there(code: str) -> None:
    catalog = language.catalog(code)
    marked = sentences()
    assert marked
    assert not {one: name for one, name in marked.items() if one not in catalog}


@pytest.mark.parametrize("code", OTHERS)
def test_catalogs_hold_nothing_else(code: str) -> None:
    marked = sentences()
    for path in (language.LOCALE / code).glob("*.po"):
        assert not [one for one in language.read_catalog(path) if one not in marked], path.name


@pytest.mark.parametrize("code", OTHERS)
def test_places_are_the_same(code: str) -> None:
    for path in (language.LOCALE / code).glob("*.po"):
        with path.open("rb") as file:
            for entry in read_po(file):
                if entry.id:
                    assert entry.string, f"{path.name}: {entry.id!r} is not translated"
                    assert not entry.fuzzy and places(entry.id) == places(entry.string), entry.id


def test_unknown_language_is_refused() -> None:
    with pytest.raises(InputError, match="no language 'xx'"):
        language.speak("xx")
    assert language.spoken() == "en"


def test_emphasis_is_closed_in_every_language() -> None:
    """CommonMark closes no emphasis between a full-width colon and a letter."""
    for code in ("en", "ja"):
        said = language.read_catalog(language.LOCALE / "ja/report.po")
        texts = said.values() if code == "ja" else said
        prose = [text for text in texts if "*" in text and not text.startswith("|")]
        page = to_html("\n\n".join(prose), ".").split("<main", 1)[1]
        shown = re.sub(r"(?s)<(script|style|code)\b.*?</\1>|<[^>]+>", "", page)
        assert len(prose) > 20 and "*" not in shown
