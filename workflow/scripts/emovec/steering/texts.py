"""Texts that a steered model wrote, as its judges take them."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from emovec.io.tables import read_table

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def read_texts(path: str | Path) -> pd.DataFrame:
    """The table of texts; one of nothing is an empty string."""
    table = read_table(path, "texts")
    return table.assign(text=table.text.fillna(""))


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; where there is none, there is nothing to judge."""
    return [word.lower() for word in WORD.findall(text)]


def one_line(text: str) -> str:
    """A text on one line, without space around it."""
    return " ".join(text.split())
