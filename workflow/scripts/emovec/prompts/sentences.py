"""Read prompt and probe files: every row whole and unique, and what they can be used for.

Text is taken as it stands: nothing is stripped, and "NA" is a text like any other. An empty cell
in `emotion_word` means that no span is marked in that sentence.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from emovec.errors import InputError
from emovec.prompts.design import Design, written

PROMPT_COLUMNS = ("id", "emotion", "text")


PROBE_COLUMNS = ("id", "text", "half")


HALVES = ("map", "control")


ATTRIBUTE = "attr_"


MIN_UNITS = 2


NAMED = 8  # empty cells that an error lists


def read_prompts(path: str | Path, emotions: Sequence[str], neutral: str | None) -> pd.DataFrame:
    """The prompts of `read_design`: all columns, as strings, whatever the order of the file.

    Topics come in the order of their first row, inside a topic the classes in the order
    [*emotions, neutral], and the sentences of a cell in that of the file.
    """
    return read_design(path, emotions, neutral).prompts


def read_design(path: str | Path, emotions: Sequence[str], neutral: str | None) -> Design:
    """The rows of the classes `emotions` and `neutral` in every unit that has all of them.

    `neutral` is None where the emotions alone are compared.

    Raises
    ------
    InputError
        If the file cannot be used as it is; the sentence names the file and the row.
    """
    table, lines = read_rows(Path(path), PROMPT_COLUMNS, "prompts.file")
    units = [name for name in ("topic", "group") if name in table]
    # without topics sentences are units, which a slip of the pen must not decide
    headings = {name.lower(): name for name in table}
    if not units and (meant := get_close_matches("topic", headings, 1, cutoff=0.8)):
        raise InputError(
            f"{path} has a column {headings[meant[0]]!r} and none called topic: rename it, to "
            "topic if that is what it names."
        )
    _check_filled(path, table, lines, units)
    _check_spans(path, table, lines)
    classes = written([*emotions, neutral])
    missing = [name for name in classes if name not in set(table["emotion"])]
    if missing:
        raise InputError(
            f"{path} has no row with emotion {missing[0]!r} (it has "
            f"{_listed(table['emotion'].unique())}): correct prompts.emotions or prompts.neutral "
            "in the config, or add the rows."
        )
    table = table[table["emotion"].isin(classes)]
    _check_cells(path, table, lines)
    design = Design.of(table, classes)
    if design.n_units < MIN_UNITS:
        raise InputError(
            f"{path} has {design.n_units} {design.unit} with every class, and {MIN_UNITS} are the "
            f"least that can be compared ({_without(design)}): add sentences, or take classes out "
            "of prompts.emotions."
        )
    return design


def map_half(probe: pd.DataFrame) -> list[str]:
    """The ids of the probe sentences that metrics and maps are fitted on."""
    return probe.id[probe["half"] == "map"].tolist()


def marked_words(table: pd.DataFrame) -> list[str]:
    """The marked span of each sentence; nothing where none is marked."""
    return table["emotion_word"].tolist() if "emotion_word" in table else [""] * len(table)


def control_half(probe: pd.DataFrame) -> pd.DataFrame:
    """The sentences that no map is fitted on."""
    return probe[probe["half"] == "control"].reset_index(drop=True)


def read_probe(path: str | Path) -> pd.DataFrame:
    """The probe sentences in the order of the file, with `attr_*` as 0 or 1.

    Raises
    ------
    InputError
        If the file cannot be used as it is; the sentence names the file and the row.
    """
    table, lines = read_rows(Path(path), PROBE_COLUMNS, "prompts.probe")
    if table.empty:
        raise InputError(f"{path} has no row: add sentences, half of them for the map.")
    for row in table.index[~table["half"].isin(HALVES)]:
        raise InputError(
            f"{_row(path, table, lines, row)} has {table['half'][row]!r} in the column half: "
            "write map or control."
        )
    for column in [name for name in table if name.startswith(ATTRIBUTE)]:
        for row in table.index[~table[column].isin(("0", "1"))]:
            raise InputError(
                f"{_row(path, table, lines, row)} has {table[column][row]!r} in the column "
                f"{column}: write 0 or 1."
            )
        table[column] = table[column].astype("int64")
    return table


def attributes_of(probe: pd.DataFrame) -> pd.DataFrame:
    """The columns `attr_*` of a probe."""
    return probe[[column for column in probe if column.startswith(ATTRIBUTE)]]


def read_rows(path: Path, required: tuple[str, ...], key: str) -> tuple[pd.DataFrame, list[int]]:
    """The table, all strings, and the line of the file on which each row begins.

    `required` columns, `id` among them, are filled in every row; `key` of the config names the
    file.

    Raises
    ------
    InputError
        If it is no such table; the sentence names the file and the row.
    """
    numbered = _rows(path, _text(path, key))
    _, header = next(numbered, (1, []))
    missing = [name for name in required if name not in header]
    if missing:
        raise InputError(
            f"{path} has no column {missing[0]!r} in its first line (it reads "
            f"{_listed(header)}): name the columns there, separated by commas."
        )
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise InputError(f"{path} has two columns named {repeated[0]!r}: rename or remove one.")
    lines, rows = [], []
    for line, cells in numbered:
        if len(cells) != len(header):
            raise InputError(
                f"{path}, line {line}, has {len(cells)} cells where the header has "
                f"{len(header)}: put text that holds a comma between double quotes."
            )
        lines.append(line)
        rows.append(cells)
    table = pd.DataFrame(rows, columns=header, dtype=str)
    _check_filled(path, table, lines, required)
    return table, lines


def _text(path: Path, key: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): correct {key} in the config."
        ) from error
    fault = content.find(b"\0")  # valid, but no text: UTF-16 without a mark, for one
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = fault if fault >= 0 else error.start
    if fault >= 0:
        line = content.count(b"\n", 0, fault) + 1
        raise InputError(
            f"{path}, line {line}, is not UTF-8: save the file with that encoding "
            "(in a spreadsheet, as 'CSV UTF-8')."
        )
    return text


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                raise InputError(
                    f"{path}, line {line}, has a cell of more than {csv.field_size_limit()} "
                    "characters: shorten the text, or look for a double quote that is not closed."
                ) from error
            raise InputError(
                f"{path}, line {line}, is not a row of a CSV file ({error}): look for a double "
                "quote that is not closed or not doubled."
            ) from error
        if cells:
            yield line, cells


def _check_filled(
    path: str | Path, table: pd.DataFrame, lines: list[int], required: Sequence[str]
) -> None:
    for column in required:
        for row, cell in table[column].items():
            if all(unicodedata.category(one)[0] in "ZCM" for one in cell):
                raise InputError(
                    f"{_row(path, table, lines, row)} has nothing in the column {column} that can "
                    "be seen: fill it in or remove the row."
                )
            if column != "text" and any(unicodedata.category(cell[i])[0] in "ZC" for i in (0, -1)):
                raise InputError(
                    f"{_row(path, table, lines, row)} has blanks around {cell!r} in the column "
                    f"{column}: remove them."
                )
    for row in table.index[table["id"].duplicated()]:
        first = lines[int((table["id"] == table["id"][row]).idxmax())]
        raise InputError(
            f"{_row(path, table, lines, row)} has the id of line {first}: give every row an id "
            "of its own."
        )


def _check_spans(path: str | Path, table: pd.DataFrame, lines: list[int]) -> None:
    """Each marked span names one place of its text, which is found again by its characters."""
    if "emotion_word" not in table:
        return
    for row, (span, text) in enumerate(zip(table["emotion_word"], table["text"], strict=True)):
        first = text.find(span)
        if span and first < 0:
            raise InputError(
                f"{_row(path, table, lines, row)} does not contain its emotion_word {span!r}: "
                "copy the span from the text, letter by letter."
            )
        if span and text.find(span, first + 1) >= 0:
            raise InputError(
                f"{_row(path, table, lines, row)} contains its emotion_word {span!r} more than "
                "once: mark a longer span that occurs once."
            )


def _check_cells(path: str | Path, table: pd.DataFrame, lines: list[int]) -> None:
    """A second sentence of a topic and class is meant only if it has a number of its own."""
    if "topic" not in table:
        return
    numbered = "replicate" in table
    for row in table.index[table.duplicated(["topic", "emotion", *["replicate"] * numbered])]:
        again = f" with replicate {table['replicate'][row]!r}" if numbered else ""
        remedy = "number the column replicate" if numbered else "add a column replicate"
        raise InputError(
            f"{_row(path, table, lines, row)} is a second {table['emotion'][row]!r} sentence of "
            f"topic {table['topic'][row]!r}{again}: remove one, give it another topic, or "
            f"{remedy} if several are meant."
        )


def _without(design: Design) -> str:
    """The cells for want of which units cannot be used, the first of them by name."""
    cells = [f"no {name!r} in {unit!r}" for unit, name in design.empty]
    more = len(cells) - NAMED
    listed = ", ".join(cells[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return listed or f"there is no other {design.unit}"


def _row(path: str | Path, table: pd.DataFrame, lines: list[int], row: int) -> str:
    return f"{path}, line {lines[row]} (id {table['id'][row]!r}),"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(str(name)) for name in names) or "nothing"
