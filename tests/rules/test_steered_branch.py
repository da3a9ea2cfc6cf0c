"""The branch that steers a model: what it makes, what it makes again, and what it refuses."""

from pathlib import Path

import pandas as pd
import pytest
from emovec.report.provenance import check_results
from project import STEERING, Project

pytest.importorskip("torch")

TARGETS = ["results/tests/steering/one.csv", "results/tests/plots/steering/one_dose.png"]


def made(project: Project) -> dict[str, bytes]:
    folder = project.results / "steering"
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


def test_branch_is_whole(steered: Project) -> None:
    files = made(steered)
    read_outs = pd.read_csv(steered.results / "steering/one/read_outs.csv")
    texts = pd.read_csv(steered.results / "steering/one/scores.csv")
    effects = pd.read_csv(steered.results / "steering/one.csv")
    openings = pd.read_csv(steered.folder / "resources/steering/openings.csv")
    assert {"one/directions.h5", "one/choice.json", "one/from_two.h5"} <= files.keys()
    # 3 emotions × 2 strengths × 2 signs and 3 projections; 30 controls × 2 strengths, 10 projected
    reported = (openings.half == "report").sum()  # on which alone controls are read
    assert len(read_outs) == (1 + 12 + 3) * len(openings) + (60 + 10) * reported
    assert set(texts.opening) == set(openings.id[openings.half == "report"])
    ways = ["instruct", "precede"]
    assert (texts.n_tokens <= 4).all() and set(texts.operation) == {"none", "add", "remove", *ways}
    asked = pd.read_csv(steered.results / "steering/one/asked.csv")
    assert len(asked) == 2 * (3 + 1) * reported  # the same emotions and a control, twice
    # one greedy text of each, and a sampled one of the emotions
    assert texts.operation.isin(ways).sum() == 2 * (3 + 1 + 3) * reported
    assert set(effects.source) == {"one", "two"} and set(effects.direction) == {
        "gratitude", "anger", "apology", "neutral",
    }  # fmt: skip
    tested = effects[effects.p.notna() & ~effects.operation.isin(ways)]
    assert tested[["value", "ci_low", "ci_high", "null_low", "null_high"]].notna().all(axis=None)
    assert set(steered.tables()) <= set(check_results(steered.results))
    assert all(
        (steered.results / f"plots/steering/one_{kind}.png").is_file()
        for kind in ("grid", "asking")
    )
    assert len((steered.results / "findings.txt").read_text().splitlines()) == 4


def test_files_do_not_depend_on_the_number_of_cores(
    steered: Project, finished: Project, tmp_path: Path
) -> None:
    alone = finished.copy(tmp_path / "project")
    (alone.folder / "models").symlink_to(steered.folder / "models")
    alone.config["steering"] = steered.config["steering"]
    alone.build(TARGETS[0], "results/tests/steering/one/shown.csv", cores=1)
    assert made(alone) == made(steered)


def test_changed_strength_steers_anew_and_reads_nothing_again(
    steered: Project, tmp_path: Path
) -> None:
    project = steered.copy(tmp_path / "project")
    project.config["steering"]["strengths"] = [0.25]
    planned = project.planned(*TARGETS)
    assert "Steering one at every depth and strength" in planned
    assert not any(job.startswith(("Reading", "Fetching", "Comparing")) for job in planned)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("models", ["three"], "steering.models names 'three'"),
        ("depth", [0.5], "unknown key 'depth'"),
        ("strengths", [0], "steering.strengths"),
        ("position", "mean", "steering.position must be one of"),
        ("targets", {"anger": "rage"}, "steering.targets.anger"),
    ],
)
def test_config_that_cannot_be_steered(
    finished: Project, tmp_path: Path, key: str, value: object, says: str
) -> None:
    project = finished.copy(tmp_path / "project")
    project.config["steering"] = STEERING | {key: value}
    run = project.snakemake("-n")
    assert run.code != 0 and says in run.text


def test_changed_instruction_asks_anew_and_steers_nothing_again(
    steered: Project, tmp_path: Path
) -> None:
    project = steered.copy(tmp_path / "project")
    path = project.folder / "resources/steering/instructions.csv"
    path.write_text(path.read_text().replace("an angry voice", "an angry tone"))
    planned = project.planned(*TARGETS)
    assert "Asking one instead of steering it" in planned
    assert not any(job.startswith(("Steering", "Writing texts", "Carrying")) for job in planned)
    project.config["steering"]["instructions"] = None
    assert "Asking one instead of steering it" not in project.planned(*TARGETS)


def test_emotion_without_words_is_named(steered: Project, tmp_path: Path) -> None:
    project = steered.copy(tmp_path / "project")
    words = project.folder / "resources/steering/words.yaml"
    words.write_text(words.read_text().replace("anger:", "wrath:"))
    run = project.snakemake(*TARGETS)
    assert "no words for the emotion 'anger'" in run.sentence("read_steered")


def test_texts_of_nothing_stop_the_run(steered: Project, tmp_path: Path) -> None:
    project = steered.copy(tmp_path / "project")
    project.config["steering"]["max_empty"] = 0.0
    run = project.snakemake(*TARGETS)
    assert "more than steering.max_empty" in run.sentence("estimate_steering")
    assert not (project.results / "steering/one.csv").exists()
