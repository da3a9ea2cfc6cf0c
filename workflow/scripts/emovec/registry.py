"""A registry holds the kinds of one idea: the name, title and function of each, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class Kind:
    """One entry; what it does is stated by the class of its registry."""

    name: str  # in configurations, tables and file names
    title: str  # in English; the catalogues in wording/ have it in other languages


Entry = TypeVar("Entry", bound=Kind)


def registry(*kinds: Entry) -> dict[str, Entry]:
    """Entries by name, in the order in which they are shown."""
    return {kind.name: kind for kind in kinds}


def titles(kinds: dict[str, Entry]) -> dict[str, str]:
    """The title of each entry, in English."""
    return {name: kind.title for name, kind in kinds.items()}
