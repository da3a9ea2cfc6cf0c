"""Each number of the report comes from the cells that docs/numbers.md names, and from no other.

Every column of every table is changed in turn; what moves in the text is compared with the list.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.io.tables import typed
from emovec.report.contents import describe
from emovec.report.steering import describe_steering
from emovec.robustness.published import compare_published
from test_findings import EMOTIONS, MODELS, TARGETS, rendered, run, steered

NUMBER = re.compile(r"(?<![\w.])[−+±]?\d+\.\d+")
ROW = re.compile(r"^\| (?P<section>[^|]+) \| `(?P<table>[^|`]+)` \| (?P<columns>[^|]+) \|", re.M)
START = "The findings in numbers"
TOP = "First screen"
# Strengths, which name rows; thresholds; the pull of a shared neutral mean; the normal quantile.
SETTINGS = {
    TOP: {"0.001", "0.05"},
    START: {"0.5", "0.9"},
    "Similarity within models": {"0.5"},
    "Similarity between models": {"0.4", "±0.2", "±1.96"},
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
STEERED = {"steering", "scores", "choice", "cells"}

Tables = Mapping[str, pd.DataFrame]


def tables_of_a_run() -> dict[str, pd.DataFrame]:
    """With twins and shuffled copies, a model of the study, a steered model, and every remark."""
    _, _, tables = run()
    twins = [
        {"model_a": m, "model_b": f"{m}@twin", "position": "last", "emotion_a": e, "emotion_b": e,
         "method": method, "family": family, "value": value, "gate_ok": True,
         "depth_a": 1, "depth_b": 1}
        for m in MODELS for e in EMOTIONS
        for method, family, value in (("raw", "", 0.013), ("wpc", "sensitivity", 0.987))
    ]  # fmt: skip
    tables["cross"] = pd.concat([tables["cross"], typed(twins, "cross_model_similarity")])
    tables["cross"] = tables["cross"].reset_index(drop=True).assign(
        flag="reliability_a;reliability_b", reliability_a=0.31, reliability_b=0.32
    )  # fmt: skip
    judged = tables["verdicts"]
    shared = {"emotion": EMOTIONS[0], "model_a": MODELS[0], "model_b": f"{MODELS[0]}@twin"}
    shared |= {"verdict": "shared", "cosine": 0.986}
    judged = pd.concat([judged, typed([shared], "verdicts")], ignore_index=True)
    judged["reason"] = ["own_small", "small", "not_shown", "unreliable", ""]
    judged[["reliability_low_a", "reliability_low_b"]] = 0.33, 0.34
    tables["verdicts"] = judged
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


class Report:
    """The report of a run, of which one table may be changed."""

    def __init__(self) -> None:
        self.tables = tables_of_a_run()
        self.facts, self.steering = self._facts(self.tables), self._steering(self.tables)
        self.before = self._numbers(self.facts, self.tables, self.steering)

    def after(self, name: str, columns: Iterable[str]) -> dict[str, list[str]]:
        """Its numbers once each cell of those columns is moved by another share."""
        new = self.tables[name].copy()
        for place, column in enumerate(columns):
            share = np.linspace(1.6, 2.9, len(new)) + 0.17 * place
            new[column] = new[column].astype(float) * share
        tables = self.tables | {name: new}
        if name in STEERED:
            return self._numbers(self.facts, tables, self._steering(tables))
        return self._numbers(self._facts(tables), tables, self.steering)

    @staticmethod
    def _facts(tables: Tables) -> dict:
        provenance, audit, _ = run()
        return describe(provenance, audit, dict(tables), models=MODELS, untrained=[])

    @staticmethod
    def _steering(tables: Tables) -> dict:
        choice = tables["choice"].iloc[0].to_dict() | {"cells": tables["cells"].to_dict("records")}
        told = tables["steering"], tables["scores"], choice, steered()[3]
        return describe_steering(*told, EMOTIONS, TARGETS, 0.05)

    @staticmethod
    def _numbers(facts: dict, tables: Tables, steering: dict) -> dict[str, list[str]]:
        """Numbers with decimals in each section."""
        parts = re.split(r"^## (.+)$", rendered(facts, tables["verdicts"], [steering]), flags=re.M)
        found = dict(zip([TOP, *parts[1::2]], parts[0::2], strict=True))
        return {name: NUMBER.findall(part) for name, part in found.items()}


def numeric(frame: pd.DataFrame) -> list[str]:
    """Columns of measured numbers; depths, signs and doses name a row instead."""
    names = {"depth", "depth_a", "depth_b", "depth_test", "sign", "strength", "sample"}
    names |= {"agree", "compared"}  # counts
    return [
        column
        for column in frame.columns
        if column not in names
        and not frame[column].map(lambda cell: isinstance(cell, bool | str)).any()
        and frame[column].notna().any()
    ]


@pytest.fixture(scope="module")
def report() -> Report:
    return Report()


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


def test_list_is_what_moves_the_text(
    report: Report, listed: dict[tuple[str, str], set[str]]
) -> None:
    for name, frame in report.tables.items():
        named = set().union(*(columns for (_, of), columns in listed.items() if of == name))
        assert named <= set(numeric(frame)), name
        assert report.after(name, set(numeric(frame)) - named) == report.before, name
        for column in sorted(named):
            after = report.after(name, [column])
            moved = {section for section in after if after[section] != report.before[section]}
            said = {of[0] for of, columns in listed.items() if of[1] == name and column in columns}
            assert moved == said, f"{column} of {name}"


def test_no_number_is_without_a_cell(
    report: Report, listed: dict[tuple[str, str], set[str]]
) -> None:
    before = report.before
    assert sum(map(len, before.values())) > 300
    still = {section: set(range(len(values))) for section, values in before.items()}
    for name in report.tables:
        named = set().union(*(columns for (_, of), columns in listed.items() if of == name))
        for section, after in report.after(name, sorted(named)).items():
            pairs = enumerate(zip(before[section], after, strict=True))
            still[section] -= {i for i, pair in pairs if len({*pair}) > 1}
    stuck = {section: {before[section][i] for i in places} for section, places in still.items()}
    assert {name: left for name, left in stuck.items() if left} == SETTINGS
