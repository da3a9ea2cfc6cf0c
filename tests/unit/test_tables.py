"""Tables are written whole, in one form, and read back exactly."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.errors import InputError
from emovec.io.seeds import generator
from emovec.io.tables import COLUMNS, join_tables, read_table, write_frame, write_table


def frame(values: np.ndarray) -> pd.DataFrame:
    table = pd.DataFrame({"value": values, "depth": range(len(values))})
    return table.reindex(columns=COLUMNS["layer_norms"])


def test_floats_come_back_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=2000) * 10.0 ** rng.integers(-30, 30, 2000)
    values[3] = np.nan
    write_table(frame(values), tmp_path / "t.csv", "layer_norms")
    assert np.array_equal(read_table(tmp_path / "t.csv").value, values, equal_nan=True)


def test_joined_tables_have_one_header(tmp_path: Path) -> None:
    for name in "ab":
        write_table(frame(np.arange(3.0)), tmp_path / f"{name}.csv", "layer_norms")
    join_tables([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "all.csv")
    assert read_table(tmp_path / "all.csv").value.tolist() == [0, 1, 2, 0, 1, 2]


def test_joined_texts_keep_their_line_ends(tmp_path: Path) -> None:
    texts = ["a\r\nb", "\r", 'said "so",\n', "", "x"]
    table = pd.DataFrame({"text": texts, "value": np.arange(5) / 3})
    write_frame(table, tmp_path / "whole.csv")
    for name, rows in (("a", slice(0, 0)), ("b", slice(0, 2)), ("c", slice(2, 5))):
        write_frame(table[rows], tmp_path / f"{name}.csv")
    join_tables([tmp_path / f"{name}.csv" for name in "abc"], tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_other_columns_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="other columns"):
        write_table(frame(np.arange(3.0)).assign(extra=1), tmp_path / "t.csv", "layer_norms")
    assert list(tmp_path.iterdir()) == []


def test_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.csv cannot be read as a table"):
        read_table(tmp_path / "t.csv")


def test_random_numbers_depend_on_the_seed_and_on_what_they_are_for() -> None:
    def draw(*words: object) -> float:
        return generator(*words).random()

    assert draw(1, "a", "b") == draw(1, "a", "b")
    assert len({draw(1, "a"), draw(2, "a"), draw(1, "b"), draw(1, "a", "b"), draw(1, "ab")}) == 5
