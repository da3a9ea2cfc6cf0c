"""Tables are written whole, in one form, and read back exactly, each cell as its column's type."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.errors import InputError
from emovec.io.seeds import generator
from emovec.io.tables import COLUMNS, join_tables, read_table, typed, write_table


def frame(values: np.ndarray) -> pd.DataFrame:
    return typed(pd.DataFrame({"value": values, "depth": range(len(values))}), "layer_norms")


def test_floats_come_back_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=2000) * 10.0 ** rng.integers(-30, 30, 2000)
    values[3] = np.nan
    write_table(frame(values), tmp_path / "t.csv", "layer_norms")
    back = read_table(tmp_path / "t.csv", "layer_norms")
    assert np.array_equal(back.value, values, equal_nan=True)


@pytest.mark.parametrize("name", ["007", "1.10", "1e3", "true", "NA", "nan", "None", "#", '"'])
def test_names_stay_what_they_are(tmp_path: Path, name: str) -> None:
    row = {"model": name, "emotion_a": name, "depth": 3, "gate_ok": True, "value": 0.1}
    kind = "within_model_similarity"
    write_table(typed([row, {}], kind), tmp_path / "t.csv", kind)
    first, last = read_table(tmp_path / "t.csv", kind).to_dict("records")
    assert {key: first[key] for key in row} == row
    assert all(pd.isna(cell) for cell in last.values())


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_table_reads_back_as_it_was_typed(tmp_path: Path, kind: str) -> None:
    cells = {"str": "1", "Int64": -2, "float64": 0.1, "boolean": False}
    row = {name: cells[dtype] for name, dtype in COLUMNS[kind].items()} or {"mine_label": 0.5}
    table = typed([row, dict.fromkeys(row)], kind)
    write_table(table, tmp_path / "t.csv", kind)
    back = read_table(tmp_path / "t.csv", kind)
    pd.testing.assert_frame_equal(back, table)
    write_table(back, tmp_path / "again.csv", kind)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()


TEXTS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "'=1",
    "''-",
    "'",
    "''",
    "'a",
    "a=1",
    "",
    " =1",
]


def test_no_text_is_a_formula_and_all_read_back(tmp_path: Path) -> None:
    table = typed(pd.DataFrame({"text": TEXTS, "opening": TEXTS, "strength": -1.0}), "texts")
    write_table(table, tmp_path / "t.csv", "texts")
    with (tmp_path / "t.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            assert not row["text"].startswith(tuple("=+-@＝＋－＠\t\r\n"))
            assert row["strength"] == "-1.0"
    back = read_table(tmp_path / "t.csv", "texts")
    assert back.text.fillna("").tolist() == back.opening.fillna("").tolist() == TEXTS


def test_joined_tables_have_one_header(tmp_path: Path) -> None:
    for name in "ab":
        write_table(frame(np.arange(3.0)), tmp_path / f"{name}.csv", "layer_norms")
    join_tables([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "all.csv")
    assert read_table(tmp_path / "all.csv", "layer_norms").value.tolist() == [0, 1, 2, 0, 1, 2]


def test_joined_texts_keep_their_line_ends(tmp_path: Path) -> None:
    texts = ["a\r\nb", "\r", 'said "so",\n', "", "x"]
    table = typed(pd.DataFrame({"text": texts, "log_probability": np.arange(5) / 3}), "texts")
    write_table(table, tmp_path / "whole.csv", "texts")
    for name, rows in (("a", slice(0, 0)), ("b", slice(0, 2)), ("c", slice(2, 5))):
        write_table(table[rows], tmp_path / f"{name}.csv", "texts")
    join_tables([tmp_path / f"{name}.csv" for name in "abc"], tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert read_table(tmp_path / "all.csv", "texts").text.fillna("").tolist() == texts


@pytest.mark.parametrize("change", [{"extra": 1}, {"depth": 0.5}, {"value": "high"}])
def test_other_columns_and_cells_are_refused_and_nothing_is_written(
    tmp_path: Path, change: dict
) -> None:
    with pytest.raises(ValueError, match=r"layer_norms has|could not convert"):
        write_table(frame(np.arange(3.0)).assign(**change), tmp_path / "t.csv", "layer_norms")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, "", "model,depth\na,1\n", "model,depth\na,x\n"])
def test_what_is_no_such_table_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "t.csv").write_text(content)
    with pytest.raises(InputError, match=r"t\.csv cannot be read as a table .*: make it anew"):
        read_table(tmp_path / "t.csv", "layer_norms")


def test_random_numbers_depend_on_the_seed_and_on_what_they_are_for() -> None:
    def draw(*words: object) -> float:
        return generator(*words).random()

    assert draw(1, "a", "b") == draw(1, "a", "b")
    assert len({draw(1, "a"), draw(2, "a"), draw(1, "b"), draw(1, "a", "b"), draw(1, "ab")}) == 5
