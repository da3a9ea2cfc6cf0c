"""Whole runs of small designs on brought activations, where no model is run."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from designs import at_night, names, write_design
from emovec.report.provenance import check_results
from project import Project

SMALLEST, *LARGER = product((1, 2, 5, 12), (1, 2, 4), (2, 6, 40))
DESIGNS = [SMALLEST, *(pytest.param(*sizes, marks=at_night) for sizes in LARGER)]


@pytest.mark.parametrize(("emotions", "models", "topics"), DESIGNS)
def test_every_small_design_runs_to_its_report(
    python: str, tmp_path: Path, emotions: int, models: int, topics: int
) -> None:
    project = Project(tmp_path / "project")
    project.python = python
    positions = ("last", "user_end", "reply_start")
    project.config = write_design(
        project.folder, emotions=emotions, models=models, topics=topics, positions=positions
    )
    for model in project.config["models"].values():
        model["template"] = "chat"
    project.build()
    norms = pd.read_csv(project.results / "layer_norms.csv")
    assert tuple(norms.position.unique()) == positions
    verdicts = pd.read_csv(project.results / "verdicts.csv")
    assert set(verdicts.position) == {"reply_start"}
    assert set(verdicts.emotion.dropna()) == set(names(emotions))  # and all together
    assert len(verdicts[["model_a", "model_b"]].drop_duplicates()) == models * (models + 1) // 2
    page = (project.results / "report.html").read_text()
    assert all(name in page for name in names(emotions))
    assert set(project.tables()) <= set(check_results(project.results))


def test_table_edited_by_hand_stops_the_report(project: Project) -> None:
    path = project.results / "verdicts.csv"
    whole = path.read_text()
    path.write_text(whole.replace("inconclusive", "shared", 1))
    said = project.snakemake("results/tests/report.md").sentence("write_report")
    assert said.startswith("results/tests does not hold these files as its run made them")
    assert "recorded: verdicts.csv. Remove" in said
    assert said == project.snakemake("results/tests/report.md").sentence("write_report")
    path.unlink()
    project.build("results/tests/report.md")
    assert path.read_text() == whole
