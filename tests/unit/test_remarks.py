"""Every code has its sentence, told from the cells beside it, in each language."""

import re
from pathlib import Path
from string import Formatter

import pandas as pd
import pytest
from emovec.io.tables import COLUMNS, typed
from emovec.wording.remarks import FINDINGS, FLAGS, REASONS, told, told_each
from told import told_in_both

CELLS = {"str": "a@twin", "Int64": 3, "float64": 0.456}


@pytest.mark.parametrize(
    ("sentences", "code"),
    [(sentences, code) for sentences in (FLAGS, REASONS) for code in sentences],
)
def test_each_code_is_told_from_columns_of_a_table(sentences: dict, code: str) -> None:
    places = {place for _, place, _, _ in Formatter().parse(sentences[code]) if place}
    tables = [columns for columns in COLUMNS.values() if places <= set(columns)]
    assert tables
    told_in_both(sentences, code, {place: CELLS[tables[0][place]] for place in places})


def test_several_codes_in_one_cell() -> None:
    row = {"model_a": "a-b@twin", "reliability_a": -0.211, "model_b": "zero_vector"}
    _, japanese = told_in_both(FLAGS, "reliability_a;zero_vector", row)
    assert japanese == "a-b@twin での信頼性 -0.21；ゼロベクトル"
    row |= {"reliability_b": float("nan")}
    assert told(FLAGS, "reliability_b", row) == "reliability undefined in zero_vector"


def test_a_column_is_told_row_by_row_and_empty_cells_stay_empty() -> None:
    rows = typed([{"flag": "zero_vector"}, {}, {"flag": ""}], "cross_model_similarity")
    first, *rest = told_each(FLAGS, rows, "flag")
    assert first == "zero vector" and all(map(pd.isna, rest))
    assert told(FLAGS, rows.flag[1], rows.loc[1]) == ""


def test_the_guide_to_formats_lists_every_code(root: Path) -> None:
    text = (root / "docs/formats.md").read_text()
    tables = re.findall(r"what a report says \|\n\|---\|---\|\n((?:\|.*\n)+)", text)
    listed = [dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.M)) for table in tables]
    assert listed == [FLAGS, REASONS, FINDINGS]
