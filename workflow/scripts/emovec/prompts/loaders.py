"""Corpora as people have them, written as a prompt file: `python -m emovec.prompts.loaders`.

The workflow reads one kind of file, which can be looked at, audited and named in an error by its
line; what a corpus means is decided here, once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from emovec.errors import InputError
from emovec.registry import Kind, registry


def _pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Each pair is a topic, each side of it a class."""
    table = table.assign(topic=[f"pair {i + 1}" for i in range(len(table))])
    sides = table.melt("topic", ["positive", "negative"], var_name="emotion", value_name="text")
    return sides[["topic", "emotion", "text"]]


def _labelled(table: pd.DataFrame) -> pd.DataFrame:
    """No topics: sentences, or those of a column `group`, are the unit."""
    kept = [name for name in ("topic", "group") if name in table]
    return table.rename(columns={"label": "emotion"})[[*kept, "emotion", "text"]]


def _stories(table: pd.DataFrame) -> pd.DataFrame:
    """The stories of one emotion and topic are numbered in their order."""
    number = table.groupby(["emotion", "topic"]).cumcount() + 1
    return table.assign(replicate=number.astype(str))[["topic", "emotion", "replicate", "text"]]


@dataclass(frozen=True)
class Loader(Kind):
    """A shape of corpora; `rows` makes a prompt file, but for its ids, of the columns it needs."""

    needs: tuple[str, ...]
    rows: Callable[[pd.DataFrame], pd.DataFrame]


LOADERS = registry(
    Loader("pairs", "pairs of a positive and a negative text", ("positive", "negative"), _pairs),
    Loader("labelled", "texts with the label of their class", ("text", "label"), _labelled),
    Loader("stories", "texts by emotion and topic", ("emotion", "topic", "text"), _stories),
)


def load(shape: str, path: str | Path) -> pd.DataFrame:
    """A prompt file, all columns text, from a corpus in CSV, JSON or JSON lines.

    A list of two texts each, as steering-vectors takes it, is read as positive and negative.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    """
    loader, table = LOADERS[shape], _read(Path(path))
    if loader.needs == ("positive", "negative") and list(table) == [0, 1]:
        table.columns = loader.needs
    if missing := [name for name in loader.needs if name not in table]:
        raise InputError(
            f"{path} has no {missing[0]!r} in its first row (it has "
            f"{', '.join(map(str, table)) or 'nothing'}): name it {missing[0]} for {shape}."
        )
    if lacking := [int(row) for row in table.index[table[list(loader.needs)].isna().any(axis=1)]]:
        raise InputError(f"{path} lacks a value in row {lacking[0] + 1}: fill it in or remove it.")
    rows = loader.rows(table.astype(str)).reset_index(drop=True)
    rows.insert(0, "id", [f"{shape}-{i + 1}" for i in range(len(rows))])
    return rows


def _read(path: Path) -> pd.DataFrame:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".csv":
            return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip()]
        rows = json.loads(text) if path.suffix == ".json" else list(map(json.loads, lines))
        return pd.DataFrame(rows)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}): give a file in UTF-8 that ends in .csv, .json (a "
            "list) or .jsonl (an object a line)."
        ) from error


def main() -> None:
    """`python -m emovec.prompts.loaders SHAPE CORPUS PROMPTS`: write a prompt file."""
    parser = argparse.ArgumentParser(description="Write a corpus as a prompt file.")
    parser.add_argument("shape", choices=LOADERS)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("prompts", type=Path)
    given = parser.parse_args()
    try:
        rows = load(given.shape, given.corpus)
    except InputError as error:
        sys.exit(str(error))
    rows.to_csv(given.prompts, index=False, lineterminator="\n")
    counts = ", ".join(f"{n} {name}" for name, n in rows["emotion"].value_counts().items())
    print(f"{given.prompts}: {counts}.")


if __name__ == "__main__":
    main()
