"""The public CI runs the commands of the Makefile, on the versions that the package supports."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import emovec
import pytest
import yaml

# YAML reads the key `on` as true
ON = True


@pytest.fixture
def ci(root: Path) -> dict:
    return yaml.safe_load((root / ".github/workflows/ci.yml").read_text())


def commands(job: dict) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_every_command_is_one_of_the_makefile(root: Path, ci: dict) -> None:
    makefile = (root / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.M)
    assert set(phony.split()) == targets
    for name, job in ci["jobs"].items():
        for command in commands(job):
            if not command.startswith("git "):  # the proposal of new pins
                assert re.fullmatch(r"make [a-z-]+", command), f"{name}: {command}"
                assert command.split()[1] in targets, f"{name}: {command}"


def test_what_is_run_where(root: Path, ci: dict) -> None:
    jobs = ci["jobs"]
    assert commands(jobs["lint"]) == ["make lint"]
    for name in ("unit", "smoke"):
        assert jobs[name]["strategy"]["matrix"]["python"] == ["3.11", "3.12"]
        assert commands(jobs[name]) == [f"make {name}"]
        [setup] = [s for s in jobs[name]["steps"] if "setup-python" in s.get("uses", "")]
        assert setup["with"]["python-version"] == "${{ matrix.python }}"
    [artefact] = [
        s
        for s in jobs["smoke"]["steps"]
        if s.get("with", {}).get("name") == "report-${{ matrix.python }}"
    ]
    assert "results/smoke/report.html" in artefact["with"]["path"]
    floor = re.search(r'requires-python = ">=(.+)"', (root / "pyproject.toml").read_text())[1]
    assert floor == jobs["unit"]["strategy"]["matrix"]["python"][0]


def test_pins_are_renewed_every_week_and_tested_first(ci: dict) -> None:
    [schedule] = ci[ON]["schedule"]
    assert len(schedule["cron"].split()) == 5 and schedule["cron"].endswith("* * 1")
    refresh = ci["jobs"]["refresh"]
    assert "schedule" in refresh["if"]
    *before, proposal = commands(refresh)
    assert before == ["make refresh", "make unit", "make smoke"]
    assert "gh pr create" in proposal
    assert refresh["permissions"] == {"contents": "write", "pull-requests": "write"}


def test_new_cases_are_tried_every_night(root: Path) -> None:
    nightly = yaml.safe_load((root / ".github/workflows/nightly.yml").read_text())
    [schedule] = nightly[ON]["schedule"]
    assert schedule["cron"].endswith("* * *") and nightly["permissions"] == {"contents": "read"}
    assert [commands(job) for job in nightly["jobs"].values()] == [
        ["make nightly"],
        ["make image"],
    ]


def test_only_the_proposal_may_write(ci: dict) -> None:
    assert ci["permissions"] == {"contents": "read"}
    assert [name for name, job in ci["jobs"].items() if "permissions" in job] == ["refresh"]
    for name, job in ci["jobs"].items():
        assert job["timeout-minutes"] <= 90, name
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), name
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), step["uses"]


def test_site_is_published_from_the_main_branch_alone(root: Path) -> None:
    workflow = yaml.safe_load((root / ".github/workflows/site.yml").read_text())
    assert workflow[ON]["push"]["branches"] == ["main"] and "pull_request" not in workflow[ON]
    assert commands(workflow["jobs"]["site"]) == ["make site"]


@pytest.mark.parametrize(("tag", "released"), [(f"v{emovec.__version__}", True), ("v9.9", False)])
def test_tag_becomes_a_release(root: Path, tmp_path: Path, tag: str, released: bool) -> None:
    """With what the changelog says of that version alone; a tag of another version is refused."""
    workflow = yaml.safe_load((root / ".github/workflows/release.yml").read_text())
    assert workflow[ON]["push"]["tags"] == ["v*"]
    *before, publish, _ = commands(workflow["jobs"]["release"])
    assert before == ["make unit", "make smoke", "make wheel", "make image"]
    for name in ("CITATION.cff", "CHANGELOG.md"):
        shutil.copy(root / name, tmp_path)
    with (tmp_path / "CHANGELOG.md").open("a") as changelog:
        changelog.write("\n## 0.0.1\n\n- The first.\n")
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text('#!/bin/sh\necho "$@" > called\n')
    gh.chmod(0o755)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/emovec.whl").touch()
    path = f"{gh.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", publish], cwd=tmp_path, env={"PATH": path, "GITHUB_REF_NAME": tag}
    )
    assert (done.returncode == 0) == released == (tmp_path / "called").exists()
    if released:
        assert f"{tag} dist/emovec.whl" in (tmp_path / "called").read_text()
        notes = (tmp_path / "notes.md").read_text()
        assert "One command runs the default experiment" in notes and "The first." not in notes


def test_image_is_published_under_the_name_of_the_repository(root: Path, tmp_path: Path) -> None:
    """In lower case, as a registry wants it, with the version of the tag; the token is not told."""
    workflow = yaml.safe_load((root / ".github/workflows/release.yml").read_text())
    assert workflow["permissions"] == {"contents": "write", "packages": "write"}
    *_, push = commands(workflow["jobs"]["release"])
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\necho "$@" >> called\n')
    docker.chmod(0o755)
    told = {"GITHUB_REPOSITORY": "Lab/emovec", "GITHUB_REF_NAME": "v0.1.0", "GITHUB_ACTOR": "me"}
    path = {"PATH": f"{docker.parent}:{os.environ['PATH']}", "GH_TOKEN": "secret"}
    subprocess.run(["bash", "-e", "-c", push], cwd=tmp_path, env=told | path, check=True)
    assert (tmp_path / "called").read_text().splitlines() == [
        "login ghcr.io --username me --password-stdin",
        "tag emovec ghcr.io/lab/emovec:0.1.0",
        "push ghcr.io/lab/emovec:0.1.0",
    ]


def test_image_holds_what_a_run_needs(root: Path, tmp_path: Path) -> None:
    """What `.dockerignore` lets in, and no more, plans the whole of a run from another folder."""
    lines = (root / ".dockerignore").read_text().splitlines()
    kept = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert "*" in lines and not {".git", ".venv", "results", "resources"} & set(kept)
    image = tmp_path / "emovec"
    for name in kept:
        target = image / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (root / name).is_dir() else shutil.copy)(root / name, target)
    recipe = (root / "Dockerfile").read_text()
    assert re.search(r"^FROM python:(\S+)-slim$", recipe, re.M)[1] == "3.11"
    [entry] = re.findall(r"^ENTRYPOINT (.+)$", recipe, re.M)
    command = [sys.executable, "-m", *json.loads(entry.replace("/emovec", str(image)))]
    data = tmp_path / "data"
    data.mkdir()
    done = subprocess.run(
        [*command, "-n", "--cores", "2", "--configfile", image / "config/smoke.yaml"],
        cwd=data, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "USER": "emovec"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "Describing what was made" in done.stdout, done.stderr
