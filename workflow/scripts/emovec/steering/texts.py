"""Texts that a steered model wrote, as its judges take them."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from emovec.io.tables import read_table

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def read_texts(*paths: str | Path) -> pd.DataFrame:
    """Tables of texts one below the other; one of nothing is an empty string."""
    table = pd.concat([read_table(path, "texts") for path in paths], ignore_index=True)
    return table.assign(text=table.text.fillna(""))


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; where there is none, there is nothing to judge."""
    return [word.lower() for word in WORD.findall(text)]


def one_line(text: str) -> str:
    """A text on one line, without space around it."""
    return " ".join(text.split())
