"""Whatever stops a run, nothing is lost, and the next run ends as if it had not happened."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from disks import read_only, small
from project import ROOT, Project, files, rules

pytest.importorskip("torch")

# The rules that run a script, by the file of rules they are in: a stage of the workflow.
STAGES = {
    path.stem: re.findall(r"^rule (\w+):", path.read_text(), re.M)
    for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
    if "script:" in path.read_text()
}
# Python runs a module of this name before anything else, in Snakemake and in every job. A pickle
# can do nothing but with what it looks up.
WATCH = """
import os, sys

def watch(event, arguments):
    if event == "pickle.find_class":
        script = next((name for name in sys.argv if name.endswith(".py")), "snakemake")
        with open(os.environ["UNPICKLED"], "a") as stream:
            print(os.path.basename(script), *arguments, file=stream)

sys.addaudithook(watch)
"""


TIMED = ("provenance.json", "ro-crate-metadata.json")


def lasting(project: Project) -> dict[str, str]:
    """The results that are the same in every run: all but those that tell the time."""
    return {
        name: digest
        for name, digest in files(project.results).items()
        if name.endswith((".csv", ".h5", ".json")) and name not in TIMED
    }


def begun(project: Project, since: float) -> set[str]:
    """The rules a job of which has begun since then, as its log shows."""
    logs = project.folder / "logs"
    return {
        path.relative_to(logs).parts[1 if path.is_relative_to(logs / "tests") else 0].split(".")[0]
        for path in logs.rglob("*.log")
        if path.stat().st_mtime > since
    }


def wait_for_job(process: subprocess.Popen, project: Project, rules: set[str]) -> str | None:
    """The first of `rules` that begins; None if the run ends before."""
    since = time.time()
    while process.poll() is None:
        if found := begun(project, since) & rules:
            return found.pop()
        time.sleep(0.05)
    return None


def processes(words: str) -> list[int]:
    """The processes with `words` in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in path.read_bytes().decode(errors="replace"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.fixture
def project(project: Project) -> Project:
    """A finished run whose processes are its own."""
    project.python = sys.executable
    return project


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture(scope="module")
def killed(alone: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The run `alone`, killed in the first job of each stage, at any moment of it; then run again.

    On one core, so that nothing depends on their number either. `unpickled` beside it says what was
    looked up for a pickle, and by which script.
    """
    folder = tmp_path_factory.mktemp("killed")
    (folder / "sitecustomize.py").write_text(WATCH)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    watched = {"PYTHONPATH": path, "UNPICKLED": str(folder / "unpickled")}
    fresh = Project(folder / "project", alone.config)
    rng = np.random.default_rng(0)
    ran = begun(alone, 0)
    waiting = {stage: ran & set(names) for stage, names in STAGES.items() if ran & set(names)}
    stages = len(waiting)
    kills = 0
    while waiting:
        process = fresh.start(cores=1, **watched)
        rule = wait_for_job(process, fresh, set().union(*waiting.values()))
        assert rule, process.stdout.read()
        time.sleep(rng.uniform(0, 1.2))
        # with its jobs, or every other time alone: then they go on by themselves
        kill = os.kill if kills % 2 else os.killpg
        kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        waiting = {stage: names for stage, names in waiting.items() if rule not in names}
        kills += 1
        if kills == 1:
            run = fresh.snakemake()
            assert run.code != 0 and "--unlock" in run.text
        fresh.build("--unlock")
    fresh.build(cores=1, **watched)
    assert kills == stages >= 10
    return fresh


def test_run_killed_at_every_stage_ends_like_one_left_alone(
    killed: Project, alone: Project
) -> None:
    assert lasting(killed) == lasting(alone)
    assert len(killed.tables()) >= 12
    assert "Nothing to be done" in killed.build("-n").text
    for folder in (killed.results, killed.folder / "resources"):
        assert not [p for p in folder.rglob(".*")]


def test_second_run_in_one_folder_is_refused(project: Project) -> None:
    before = files(project.results)
    (project.results / "report.md").unlink()
    first = project.start()
    assert wait_for_job(first, project, {"write_report"})
    os.killpg(first.pid, signal.SIGSTOP)
    second = project.snakemake()
    os.killpg(first.pid, signal.SIGCONT)
    text, _ = first.communicate(timeout=120)
    assert second.code != 0 and "Directory cannot be locked" in second.text
    assert first.returncode == 0, text
    assert files(project.results) == before


def test_killed_job_is_named_and_done_again(project: Project) -> None:
    before = files(project.results)
    (project.results / "within_model/one.csv").unlink()
    run = project.start("results/tests/within_model/one.csv")
    assert wait_for_job(run, project, {"compare_emotions"})
    for process in processes(f"{project.folder}/.snakemake/scripts"):
        os.kill(process, signal.SIGKILL)
    text, _ = run.communicate(timeout=120)
    assert run.returncode != 0 and "SIGKILL" in text and "compare_emotions" in text
    assert before.items() >= files(project.results).items()
    project.build("results/tests/within_model/one.csv")
    assert files(project.results) == before


def test_full_disk_is_said_before_the_model_runs(project: Project) -> None:
    before = files(project.results)
    folder = project.results / "activations"
    project.config["models"]["one"]["prepend_bos"] = False
    with small(folder, "12k"):
        said = project.snakemake("model_one").sentence("capture_activations")
        assert re.search(r"MiB free and the activations take .* make room there", said)
        assert not files(folder)
    assert files(project.results) == before


def test_results_that_may_not_be_written(project: Project) -> None:
    before = files(project.results)
    project.config["seed"] = 8
    with read_only(project.results):
        run = project.snakemake()
        assert run.code != 0 and "Write-protected output files" in run.text
        assert "results/tests/" in run.text
    assert files(project.results) == before


def test_disk_on_which_no_results_may_be_made(fresh: Project) -> None:
    (fresh.folder / "results").mkdir()
    with read_only(fresh.folder / "results"):
        run = fresh.snakemake("results/tests/prompts/decoding.csv")
        assert run.code != 0 and "Read-only file system: 'results/tests'" in run.text


def test_nothing_is_unpickled_but_the_description_of_a_job(killed: Project) -> None:
    """Snakemake hands every script its description as a pickle that it has just made itself."""
    looked_up = (killed.folder.parent / "unpickled").read_text().splitlines()
    scripts = {line.split()[0].split(".", 1)[-1] for line in looked_up}
    # every script of a run shows up with its description, or the watch would have seen nothing
    ran = begun(killed, 0) & rules().keys()
    assert {f"{rule}.py" for rule in ran if not rule.startswith("join_")} <= scripts
    modules = {line.split()[1].split(".")[0] for line in looked_up}
    assert modules <= {"snakemake", "snakemake_interface_common", "pathlib", "collections"}
