"""Each number of the report comes from the cells that docs/numbers.md names, and from no other.

Every column of every table is changed in turn; what moves in the text is compared with the list.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.robustness.published import compare_published
from test_findings import EMOTIONS, MODELS, run, steered, table, written

NUMBER = re.compile(r"(?<![\w.])[−+±]?\d+\.\d+")
ROW = re.compile(r"^\| (?P<section>[^|]+) \| `(?P<table>[^|`]+)` \| (?P<columns>[^|]+) \|", re.M)
START = "At a glance"
# Strengths, which name rows; the neutral mean that two vectors share; the normal quantile.
SETTINGS = {
    START: {"0.5"},
    "Similarity within models": {"0.5"},
    "Similarity between models": {"±1.96"},
    "Steering: do the directions cause anything?": {"0.5"},
}

FILES = {
    "within_model_similarity.csv": "within",
    "cross_model_similarity.csv": "cross",
    "layer_norms.csv": "norms",
    "published_comparison.csv": "published",
    "steering/{model}.csv": "steering",
    "steering/{model}/choice.json": "choice",
    "steering/{model}/choice.json, cells": "cells",
}  # the others are named after their table

Tables = Mapping[str, pd.DataFrame]


def tables_of_a_run() -> dict[str, pd.DataFrame]:
    """With twins and shuffled copies, a model of the study, and a steered model."""
    _, _, tables = run()
    twins = [
        {"model_a": m, "model_b": f"{m}@twin", "position": "last", "emotion_a": e, "emotion_b": e,
         "method": method, "family": family, "value": value, "gate_ok": True,
         "depth_a": 1, "depth_b": 1}
        for m in MODELS for e in EMOTIONS
        for method, family, value in (("raw", "", 0.013), ("wpc", "alignment", 0.987))
    ]  # fmt: skip
    tables["cross"] = pd.concat(
        [tables["cross"], table("cross_model_similarity", twins)], ignore_index=True
    )
    study = tables["within"].replace({"model": {"one": "gpt2"}})
    tables["published"] = compare_published(study, tables["cross"])
    effects, scores, choice, _ = steered()
    effects["value"] = effects["value"].replace(0, 0.07)
    spread = np.linspace(0.1, 0.9, len(scores))
    judged = [name for name in scores if name.startswith("nade_")]
    scores = scores.assign(**dict.fromkeys(judged, spread))
    cells = pd.DataFrame(choice.pop("cells"))
    chosen = pd.DataFrame([choice])
    return tables | {"steering": effects, "scores": scores, "choice": chosen, "cells": cells}


@cache
def recorded() -> tuple:
    """What a report reads beside the tables."""
    return (*run()[:2], steered()[3])


def numbers(tables: Tables) -> dict[str, list[str]]:
    """Numbers with decimals in each section of the report."""
    provenance, audit, sources = recorded()
    choice = tables["choice"].iloc[0].to_dict() | {"cells": tables["cells"].to_dict("records")}
    text = written(
        provenance, audit, dict(tables),
        steering=[(tables["steering"], tables["scores"], choice, sources)],
    )  # fmt: skip
    parts = re.split(r"^## (.+)$", text, flags=re.M)
    found = dict(zip([START, *parts[1::2]], parts[0::2], strict=True))
    return {name: NUMBER.findall(part) for name, part in found.items()}


def changed(tables: Tables, name: str, columns: list[str]) -> dict[str, pd.DataFrame]:
    """With each cell of those columns moved by another share."""
    new = tables[name].copy()
    for place, column in enumerate(columns):
        share = np.linspace(1.6, 2.9, len(new)) + 0.17 * place
        new[column] = new[column].astype(float) * share
    return {**tables, name: new}


def numeric(frame: pd.DataFrame) -> list[str]:
    """Columns of measured numbers; depths, signs and doses name a row instead."""
    names = {"depth", "depth_a", "depth_b", "depth_test", "sign", "strength", "sample"}
    return [
        column
        for column in frame.columns
        if column not in names
        and not frame[column].map(lambda cell: isinstance(cell, bool | str)).any()
        and frame[column].notna().any()
    ]


@pytest.fixture(scope="module")
def base() -> dict[str, pd.DataFrame]:
    return tables_of_a_run()


@pytest.fixture(scope="module")
def listed(root: Path) -> dict[tuple[str, str], set[str]]:
    """{(section, table): columns}, as the document says."""
    text = (root / "docs/numbers.md").read_text()
    return {
        (m["section"], FILES.get(m["table"], Path(m["table"]).stem)): set(
            re.findall(r"`(\w+)`", m["columns"])
        )
        for m in ROW.finditer(text)
    }


def test_list_is_what_moves_the_text(base: Tables, listed: dict[tuple[str, str], set[str]]) -> None:
    before = numbers(base)
    found: dict[tuple[str, str], set[str]] = {}
    for name, frame in base.items():
        for column in numeric(frame):
            after = numbers(changed(base, name, [column]))
            for section in before:
                if before[section] != after[section]:
                    found.setdefault((section, name), set()).add(column)
    assert found == listed


def test_no_number_is_without_a_cell(base: Tables, listed: dict[tuple[str, str], set[str]]) -> None:
    before = numbers(base)
    assert sum(map(len, before.values())) > 300
    still = {section: set(range(len(values))) for section, values in before.items()}
    for (section, name), columns in listed.items():
        after = numbers(changed(base, name, sorted(columns)))[section]
        still[section] -= {
            i for i, pair in enumerate(zip(before[section], after, strict=True)) if len({*pair}) > 1
        }
    stuck = {section: {before[section][i] for i in places} for section, places in still.items()}
    assert {name: left for name, left in stuck.items() if left} == SETTINGS
