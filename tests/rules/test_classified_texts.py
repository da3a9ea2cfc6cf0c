"""Text classifiers of the configuration judge what a steered model writes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from project import Project
from tiny import LETTERS, model_folder

pytest.importorskip("torch")

TARGETS = ["results/tests/steering/one.csv", "results/tests/report.md"]


def test_scores_are_those_of_the_classifier(steered: Project) -> None:
    scores = pd.read_csv(steered.results / "steering/one/scores.csv", keep_default_na=False)
    assert list(scores.columns[-3:]) == ["judge_mark", "judge_letter", "same_mark"]
    read = scores[scores.empty_text == 0]
    ends = np.array([text.split()[-1][-1] in LETTERS for text in read.text])
    assert ends.any() and not ends.all()
    high = np.exp(2) / (np.exp(2) + 1)
    assert np.allclose(read.judge_letter.astype(float), np.where(ends, high, 1 - high), atol=1e-6)
    assert (read.same_mark == read.judge_mark).all()
    assert set(scores.judge_letter[scores.empty_text == 1]) <= {""}


def test_its_labels_are_measures_of_the_effect(steered: Project) -> None:
    table = pd.read_csv(steered.results / "steering/one.csv")
    assert {"judge_mark", "judge_letter", "same_mark"} <= set(table.measure)
    scores = pd.read_csv(steered.results / "steering/one/scores.csv").set_index("opening")
    greedy = scores[scores["sample"] == 0]
    before = greedy.judge_letter[greedy.operation == "none"]
    compared = 0
    emotions = greedy[greedy.kind == "emotion"]
    keys = ["operation", "direction", "sign", "strength"]
    for (operation, emotion, sign, strength), texts in emotions.groupby(keys):
        change = (texts.judge_letter - before).dropna()
        row = table[
            (table.direction == emotion) & (table.sign == sign) & (table.reading == "texts")
            & (table.measure == "judge_letter") & (table.strength == strength)
            & (table.operation == operation)
        ].iloc[0]  # fmt: skip
        assert row.n_openings == len(change)
        if len(change) > 1:
            compared += 1
            assert row.value == pytest.approx(change.mean())
    assert compared >= 3


def test_classifier_is_read_anew_if_it_changes_and_nothing_is_written_anew(
    steered: Project, tmp_path: Path
) -> None:
    project = steered.copy(tmp_path / "project")
    assert "Nothing to be done" in project.build(*TARGETS).text
    project.config["steering"]["classifiers"]["same"]["labels"] = ["letter"]
    planned = project.planned(*TARGETS)
    assert "Classifying the texts of one with same" in planned
    assert "Judging the texts of one" in planned
    assert not any(
        job.startswith(
            ("Writing texts", "Steering", "Fetching", "Classifying the texts of one with judge")
        )
        for job in planned
    )


@pytest.mark.parametrize(
    ("changes", "rule", "says"),
    [
        ({"labels": ["rage"]}, "classify_texts", "names 'rage', which is no label of this"),
        ({"source": {"path": "models"}}, "fetch_model", "models has no config.json"),
        ({"source": {"path": "models/gpt2"}}, "fetch_model", "is no text classifier"),
    ],
)
def test_classifier_that_cannot_judge(
    steered: Project, tmp_path: Path, tiny_root: Path, changes: dict, rule: str, says: str
) -> None:
    project = steered.copy(tmp_path / "project")
    (project.folder / "models/gpt2").symlink_to(model_folder("gpt2", tiny_root))
    project.config["steering"]["classifiers"]["same"] |= changes
    run = project.snakemake(TARGETS[0])
    assert run.code != 0 and says in run.sentence(rule)
