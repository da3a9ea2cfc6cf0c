"""Two result folders are compared row by row."""

from pathlib import Path

import pandas as pd
import pytest
from compare_results import differences

ROWS = pd.DataFrame(
    {"model": list("aab"), "depth": [0, 1, 1], "value": [0.5, None, -2.0], "flag": ["", "x", "x"]}
)


def compared(tmp_path: Path, new: pd.DataFrame, old: pd.DataFrame = ROWS) -> list[str]:
    for name, table in (("old", old), ("new", new)):
        (tmp_path / name / "below").mkdir(parents=True)
        table.to_csv(tmp_path / name / "below/t.csv", index=False)
    found = differences(tmp_path / "old", tmp_path / "new")
    return [line.removeprefix("below/t.csv: ") for line in found]


def test_order_rounding_and_form_of_numbers_make_no_difference(tmp_path: Path) -> None:
    new = ROWS[::-1].assign(value=ROWS.value + 1e-10, depth=ROWS.depth.astype(float))
    assert compared(tmp_path, new) == []


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (ROWS.assign(value=[0.5, None, -2.001]), "value: 1 numbers differ, by 0.001 at most"),
        (ROWS.assign(value=[None, None, -2]), "value: '0.5' became '' in 1 rows"),
        (ROWS.assign(flag=["", "y", "y"]), "flag: 'x' became 'y' in 2 rows"),
        (ROWS.assign(model=list("aac")), "model: 'b' became 'c' in 1 rows"),
        (ROWS[:2], "1 rows that have no other became 0"),
        (ROWS.drop(columns="flag"), "column flag is gone"),
        (ROWS.assign(more=1), "column more is new"),
    ],
)
def test_each_difference_is_one_line(tmp_path: Path, new: pd.DataFrame, says: str) -> None:
    assert compared(tmp_path, new) == [says]


def test_rows_of_one_name_are_matched_in_their_order(tmp_path: Path) -> None:
    old = pd.concat([ROWS, ROWS.assign(value=7.0)])
    assert compared(tmp_path, old.assign(value=old.value + 1), old) == [
        "value: 5 numbers differ, by 1 at most"
    ]


def test_tables_that_one_folder_alone_has_are_named(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/t.csv").write_text("a\n")
    (tmp_path / "new").mkdir()
    first, last = differences(tmp_path / "old", tmp_path / "new")
    assert first.startswith("t.csv: only in ") and "no table in common" in last
