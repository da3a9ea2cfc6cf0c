"""Prompt and probe files: what is read, in which order, and one sentence for every fault."""

import csv
import io
from pathlib import Path

import pytest
from emovec.errors import InputError
from emovec.prompts.sentences import read_probe, read_prompts

EMOTIONS = ["joy", "fear"]
HEADER = "id,topic,emotion,text,emotion_word,phrase,source"
ROWS = [
    "a-fear,rain,fear,The rain scares us.,scares,scare,x",
    "a-none,rain,none,The rain is on.,,,x",
    'a-joy,rain,joy,"The rain, at last, is a joy.",joy,joy,x',
    "b-joy,train,joy,This train makes me glad.,glad,glad,x",
    "b-fear,train,fear,This train frightens me.,frightens,frighten,x",
    "b-none,train,none,This train goes north.,,,x",
]
PROBE_HEADER = "id,text,half,attr_past,attr_question"
PROBE_ROWS = ["p1,It rained.,map,1,0", "p2,NA,control,0,1", "p3,We walk.,map,0,0"]
SHIPPED = Path(__file__).parents[2] / "resources" / "prompts"


def write(folder: Path, rows: list[str], header: str = HEADER, end: str = "\n") -> Path:
    path = folder / "mine.csv"
    path.write_bytes((end.join([header, *rows]) + end).encode())
    return path


def prompts(path: Path):
    return read_prompts(path, EMOTIONS, "none")


def refusal(read, path: Path, *named: str) -> None:
    """Reading fails with one sentence that names the file and everything in `named`."""
    with pytest.raises(InputError) as caught:
        read(path)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    # One sentence: no full stop before the end but those of file names and of quoted text.
    assert ". " not in sentence
    for name in (str(path), *named):
        assert name in sentence, sentence


def replaced(row: int, old: str, new: str, rows: list[str] = ROWS) -> list[str]:
    assert old in rows[row]
    return [r.replace(old, new) if i == row else r for i, r in enumerate(rows)]


def test_rows_come_by_topic_and_class_with_all_columns(tmp_path):
    table = prompts(write(tmp_path, ROWS))
    assert table["id"].tolist() == ["a-joy", "a-fear", "a-none", "b-joy", "b-fear", "b-none"]
    assert table.index.tolist() == list(range(6))
    assert table.columns.tolist() == HEADER.split(",")
    assert table["text"][0] == "The rain, at last, is a joy."
    assert (table["source"] == "x").all()


def test_topics_keep_the_order_of_their_first_row(tmp_path):
    table = prompts(write(tmp_path, ROWS[::-1]))
    assert list(dict.fromkeys(table["topic"])) == ["train", "rain"]
    assert table["emotion"].tolist() == ["joy", "fear", "none"] * 2


def test_other_classes_are_dropped_even_if_incomplete(tmp_path):
    rows = [*ROWS, "a-awe,rain,awe,The rain is vast.,vast,vast,x"]
    assert len(prompts(write(tmp_path, rows))) == 6
    table = read_prompts(write(tmp_path, ROWS), ["fear"], "none")
    assert table["emotion"].tolist() == ["fear", "none"] * 2


def test_text_is_taken_as_it_stands(tmp_path):
    rows = replaced(5, "This train goes north.", "NA")
    rows = replaced(1, "The rain is on.", '" ""null"" — naïve, 雨 "', rows)
    text = prompts(write(tmp_path, rows)).set_index("id")["text"]
    assert text["b-none"] == "NA"
    assert text["a-none"] == ' "null" — naïve, 雨 '


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_byte_order_mark_and_line_ends_do_not_matter(tmp_path, mark, end):
    table = prompts(write(tmp_path, [*ROWS, "", ""], mark + HEADER, end))
    expected = prompts(write(tmp_path, ROWS))
    assert table.equals(expected)


def test_text_over_two_lines_keeps_the_line_numbers_right(tmp_path):
    rows = replaced(1, "The rain is on.", '"The rain\nis on."')
    assert "The rain\nis on." in prompts(write(tmp_path, rows))["text"].tolist()
    refusal(prompts, write(tmp_path, replaced(5, "b-none", "b-joy", rows)), "line 8", "line 6")


def test_optional_columns_are_optional(tmp_path):
    rows = [",".join(next(csv.reader([row]))[:4]) for row in ROWS if '"' not in row]
    rows.append("a-joy,rain,joy,The rain is a joy.")
    table = prompts(write(tmp_path, rows, "id,topic,emotion,text"))
    assert table.shape == (6, 4)


def test_ten_thousand_rows(tmp_path):
    stream = io.StringIO()
    out = csv.writer(stream)
    out.writerow(["id", "topic", "emotion", "text", "emotion_word"])
    for i in range(2500):
        for name in ("none", "c", "b", "a"):
            out.writerow([f"{i}{name}", f"t{i}", name, f"Sentence {i}, quite {name}!", f"e {i}"])
    path = tmp_path / "many.csv"
    path.write_text(stream.getvalue())
    table = read_prompts(path, ["a", "b", "c"], "none")
    assert len(table) == 10_000
    assert table["id"][:5].tolist() == ["0a", "0b", "0c", "0none", "1a"]


FAULTS = {
    "no column": (ROWS, HEADER.replace("text", "words"), ["'text'", "'words'"]),
    "slip in the column topic": (
        ROWS,
        HEADER.replace("topic", "Topics"),
        ["'Topics'", "none called topic", "rename"],
    ),
    "semicolons": (ROWS, HEADER.replace(",", ";"), ["'id'", "separated by commas"]),
    "column twice": (ROWS, HEADER.replace("source", "text"), ["'text'", "two columns"]),
    "no rows": ([], HEADER, ["'joy'"]),
    "empty text": (replaced(1, "The rain is on.", "  "), HEADER, ["line 3", "'a-none'", "text"]),
    "text that cannot be seen": (
        replaced(1, "The rain is on.", "\u200b\ufeff \u2060\ufe0f\u034f"),
        HEADER,
        ["line 3", "'a-none'", "text that can be seen"],
    ),
    "text without end": (
        replaced(1, "The rain is on.", "rain " * 30_000),
        HEADER,
        ["line 3", "more than 131072 characters", "shorten"],
    ),
    "blank around an id": (
        replaced(2, "a-joy", " a-joy"),
        HEADER,
        ["line 4", "' a-joy'", "blanks"],
    ),
    "blank around a class": (replaced(2, ",joy,", ",joy ,"), HEADER, ["'joy '", "column emotion"]),
    "unseen at a class": (
        replaced(2, ",joy,", ",joy\u200b,"),
        HEADER,
        [r"'joy\u200b'", "column emotion"],
    ),
    "empty id": (replaced(1, "a-none", ""), HEADER, ["line 3", "column id"]),
    "empty topic": (replaced(2, "rain,joy", ",joy"), HEADER, ["line 4", "column topic"]),
    "id twice": (replaced(4, "b-fear", "a-none"), HEADER, ["line 6", "line 3", "'a-none'"]),
    "cells": (replaced(0, "scares us", "scares, us"), HEADER, ["line 2", "8 cells", "quotes"]),
    "open quote": (replaced(5, "north.", '"north.'), HEADER, []),
    "unclosed quote": (replaced(5, "This", '"This'), HEADER, ["line 7", "quote"]),
    "no class": (replaced(0, "fear", "awe")[:3] + ROWS[3:4], HEADER, ["'fear'", "'awe'", "'joy'"]),
    "class missing": (ROWS[:5], HEADER, ["1 topic", "2 are the least", "no 'none' in 'train'"]),
    "replicate twice": (
        [*(f"{row},1" for row in ROWS), "c,rain,joy,Rain is a joy.,joy,joy,x,1"],
        f"{HEADER},replicate",
        ["line 8", "'c'", "'joy'", "'rain'", "replicate '1'"],
    ),
    "empty group": (
        [replaced(0, "rain,", ",")[0], *ROWS[1:]],
        HEADER.replace("topic", "group"),
        ["line 2", "column group"],
    ),
    "one sentence of a class": (
        [row.split(",", 1)[0] + "," + row.split(",", 2)[2] for row in (*ROWS[:2], *ROWS[3:5])],
        HEADER.replace("topic,", ""),
        ["1 sentence", "no 'none' in 'sentence 2'"],
    ),
    "class twice": (
        [*ROWS, "c,rain,joy,Rain is a joy.,joy,joy,x"],
        HEADER,
        ["line 8", "'c'", "'joy'", "'rain'", "a column replicate"],
    ),
    "one topic": (ROWS[:3], HEADER, ["1 topic", "2 are the least"]),
    "span absent": (replaced(0, ",scares,", ",scare us,"), HEADER, ["line 2", "'scare us'"]),
    "span in other case": (replaced(0, ",scares,", ",Scares,"), HEADER, ["line 2", "'Scares'"]),
    "span twice": (replaced(4, ",frightens,", ",i,"), HEADER, ["line 6", "'i'", "more than once"]),
    "span overlaps itself": (
        replaced(5, "north.,,", "nanana.,nana,"),
        HEADER,
        ["line 7", "'nana'", "more than once"],
    ),
}


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "open quote"])
def test_every_fault_of_prompts_is_one_sentence(tmp_path, fault):
    rows, header, named = FAULTS[fault]
    refusal(prompts, write(tmp_path, rows, header), *named)


def test_quote_inside_a_cell_is_text(tmp_path):
    rows, header, _ = FAULTS["open quote"]
    assert 'goes "north.' in prompts(write(tmp_path, rows, header))["text"].iloc[-1]


def test_probe_has_numbers_for_attributes(tmp_path):
    table = read_probe(write(tmp_path, PROBE_ROWS, PROBE_HEADER))
    assert table["id"].tolist() == ["p1", "p2", "p3"]
    assert table["text"][1] == "NA"
    assert table["attr_past"].tolist() == [1, 0, 0]
    assert table["attr_question"].dtype == "int64"
    bare = read_probe(write(tmp_path, ["p1,It rained.,map"], "id,text,half"))
    assert bare.columns.tolist() == ["id", "text", "half"]


PROBE_FAULTS = {
    "no rows": ([], PROBE_HEADER, ["has no row", "add sentences"]),
    "no half": (PROBE_ROWS, PROBE_HEADER.replace("half", "part"), ["'half'"]),
    "half": (replaced(1, "control", "test", PROBE_ROWS), PROBE_HEADER, ["line 3", "'test'", "map"]),
    "attribute": (
        replaced(2, "map,0", "map,yes", PROBE_ROWS),
        PROBE_HEADER,
        ["line 4", "'p3'", "'yes'", "attr_past", "0 or 1"],
    ),
    "attribute empty": (replaced(2, "0,0", "0,", PROBE_ROWS), PROBE_HEADER, ["attr_question"]),
    "attribute 1.0": (replaced(0, "1,0", "1.0,0", PROBE_ROWS), PROBE_HEADER, ["'1.0'"]),
    "empty text": (replaced(0, "It rained.", "", PROBE_ROWS), PROBE_HEADER, ["line 2", "text"]),
    "id twice": (replaced(2, "p3", "p1", PROBE_ROWS), PROBE_HEADER, ["line 4", "line 2"]),
}


@pytest.mark.parametrize("fault", PROBE_FAULTS)
def test_every_fault_of_the_probe_is_one_sentence(tmp_path, fault):
    rows, header, named = PROBE_FAULTS[fault]
    refusal(read_probe, write(tmp_path, rows, header), *named)


@pytest.mark.parametrize("read", [prompts, read_probe])
def test_file_that_is_none(tmp_path, read):
    refusal(read, tmp_path / "absent.csv", "No such file", "config")
    refusal(read, tmp_path, "directory", "config")
    (tmp_path / "empty.csv").touch()
    refusal(read, tmp_path / "empty.csv", "no column 'id'")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "cp932"])
def test_other_encodings_are_named_as_such(tmp_path, encoding):
    path = tmp_path / "other.csv"
    text = {"cp932": "雨だ。"}.get(encoding, "Un café.")
    rows = replaced(1, "The rain is on.", text)
    path.write_bytes("\n".join([HEADER, *rows]).encode(encoding))
    refusal(prompts, path, "line 1" if "utf-16" in encoding else "line 3", "UTF-8")


@pytest.mark.parametrize(
    ("name", "topics", "probe", "n_probe"),
    [("baseline", 168, "probe", 1600), ("smoke", 10, "smoke_probe", 80)],
)
def test_shipped_files_are_whole(name, topics, probe, n_probe):
    emotions = ["gratitude", "anger", "apology"]
    table = read_prompts(SHIPPED / f"{name}.csv", emotions, "neutral")
    assert len(table) == 4 * topics
    assert table["emotion"].tolist() == [*emotions, "neutral"] * topics
    assert {"emotion_word", "phrase", "register"} <= set(table)
    sentences = read_probe(SHIPPED / f"{probe}.csv")
    assert sentences["half"].value_counts().to_dict() == {
        "map": n_probe // 2,
        "control": n_probe // 2,
    }


def test_smoke_files_are_taken_from_the_full_ones():
    for part, whole in (("smoke", "baseline"), ("smoke_probe", "probe")):
        few = (SHIPPED / f"{part}.csv").read_text(encoding="utf-8").splitlines()
        many = (SHIPPED / f"{whole}.csv").read_text(encoding="utf-8").splitlines()
        assert set(few) <= set(many)
        assert few[0] == many[0]
