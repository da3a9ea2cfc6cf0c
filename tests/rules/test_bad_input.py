"""Bad input ends in one sentence on the terminal, and leaves nothing half-written."""

from pathlib import Path

import pytest
from project import Project, tiny

pytest.importorskip("torch")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_unknown_key_is_refused_before_anything_runs(project: Project) -> None:
    project.config["activation"] = {}
    run = project.snakemake()
    assert run.code != 0
    assert (
        "config has the unknown key 'activation' (did you mean 'activations'?): known here"
        in run.text
    )
    assert not project.results.exists()


def test_emotion_that_is_not_in_the_file(project: Project) -> None:
    project.config["prompts"]["emotions"] = ["gratitude", "joy"]
    run = project.snakemake("prompts/audit.json".join(["results/tests/", ""]))
    assert run.code != 0
    assert "smoke.csv has no row with emotion 'joy'" in run.sentence("audit_prompts")
    assert not (project.results / "prompts/audit.json").exists()


def test_prompt_file_that_is_not_there(project: Project) -> None:
    project.config["prompts"]["file"] = "mine.csv"
    run = project.snakemake("-n")
    assert run.code != 0 and "config: prompts.file is 'mine.csv', which is not there" in run.text


def test_key_given_twice(project: Project) -> None:
    path = project.folder / "twice.yaml"
    path.write_text("models: {a: 1}\nmodels: {b: 1}\n")
    project.shipped = "twice.yaml"
    assert "twice.yaml has the key 'models' again in line 2" in project.snakemake("-n").text


def test_names_and_texts_that_snakemake_could_take_for_its_own(project: Project) -> None:
    project.config["prompts"]["suffix"] = " That is {all}."
    project.config["models"] |= {"texts": tiny("gpt2"), "1.10": tiny("gpt2", seed=1)}
    project.config["models"] |= {name: tiny("gpt2") for name in ("answers", "steering", "all")}
    planned = project.planned()
    for of in (*map("in {}".format, project.config["models"]), "from the texts alone"):
        assert f"Decoding the emotions {of}" in planned


def test_model_that_cannot_be_had_leaves_the_others(project: Project) -> None:
    (project.folder / "nowhere").mkdir()
    project.config["models"] |= {
        "local": {"source": {"path": "nowhere"}},
        "three": tiny("llama"),
    }
    run = project.snakemake("-k", "model_local", "model_three")
    assert run.code != 0
    assert "nowhere has no config.json" in run.sentence("fetch_model")
    assert (project.results / "emotion_vectors/three_vectors.h5").exists()
    assert not (project.results / "activations/local.h5").exists()


def test_capture_error_names_the_row_and_keeps_nothing(project: Project) -> None:
    path = project.folder / project.config["prompts"]["file"]
    lines = path.read_text().splitlines()
    text = lines[3].split(",")
    long = ",".join([*text[:3], "word " * 300, *[""] * (len(lines[0].split(",")) - 4)])
    path.write_text("\n".join([*lines[:3], long, *lines[4:]]) + "\n")
    run = project.snakemake("model_one")
    assert run.code != 0
    said = run.sentence("capture_activations")
    assert f"row {text[0]!r} of {project.config['prompts']['file']}" in said
    assert "more than the context of one (1024)" in said
    assert not list(project.results.rglob("*.h5"))
    log = (project.folder / "logs/tests/capture_activations/one.log").read_text()
    assert "Traceback" in log and said in log


def test_values_that_look_like_code_are_never_run(project: Project) -> None:
    """Where a name is not asked for, they are but letters."""
    trap = project.folder / "ran"
    for value in (f"$(touch {trap})", f"; touch {trap};", f"`touch {trap}`", "{wildcards}"):
        source = {"path": value.strip("{}"), "license": value}
        (project.folder / source["path"]).mkdir(parents=True)
        project.config["models"]["local"] = {"source": source}
        run = project.snakemake("model_local")
        assert run.code != 0 and "has no config.json" in run.sentence("fetch_model")
        assert value.strip("{}") in run.sentence("fetch_model")
        assert not trap.exists()
