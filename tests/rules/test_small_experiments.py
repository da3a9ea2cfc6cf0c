"""Experiments with less than the shipped ones have: one model, two emotions, no probe."""

from pathlib import Path

import h5py
import pandas as pd
import pytest
from project import Project, tiny

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One model, two emotions, read at the emotional word and at the end."""
    project = Project(tmp_path_factory.mktemp("alone") / "project")
    project.config["models"] = {"one": tiny("gpt2")}
    project.config["prompts"]["emotions"] = ["anger", "apology"]
    project.config["activations"] = {"positions": ["emotion_word", "last"]}
    project.build()
    return project


def test_one_model_is_compared_with_its_twin_alone(alone: Project) -> None:
    cross = pd.read_csv(alone.results / "cross_model_similarity.csv")
    assert set(cross.model_a) | set(cross.model_b) == {"one", "one@twin"}
    assert "One model alone" in (alone.results / "report.md").read_text()


def test_position_without_a_probe_has_the_raw_metric_alone(alone: Project) -> None:
    within = pd.read_csv(alone.results / "within_model/one.csv")
    assert set(within.metric[within.position == "emotion_word"]) == {"raw"}
    assert set(within.metric[within.position == "last"]) == {"raw", "zstd", "lda"}


def test_activations_without_a_probe_give_raw_cosines_and_no_map(
    alone: Project, tmp_path: Path
) -> None:
    project = alone.copy(tmp_path / "project")
    with (
        h5py.File(project.results / "activations/one.h5") as source,
        h5py.File(project.folder / "mine.h5", "w") as mine,
    ):
        for position in source["residual"]:
            mine[f"residual/{position}"] = source[f"residual/{position}"][...]
        for column in ("id", "topic", "emotion"):
            mine[f"prompts/{column}"] = source[f"prompts/{column}"][...]
    project.config["models"]["brought"] = {"source": {"activations": "mine.h5"}}
    project.build()
    cross = pd.read_csv(project.results / "cross_model_similarity.csv")
    pair = cross[(cross.model_a == "one") & (cross.model_b == "brought")]
    assert set(pair.method) == {"raw"}
    assert pair.value[pair.depth_a > 0].between(0.999, 1.001).all()  # the same activations
    assert not (pd.read_csv(project.results / "verdicts.csv").model_b == "brought").any()
