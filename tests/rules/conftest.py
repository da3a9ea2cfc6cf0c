"""Finished runs that several test files start from, each made once in a session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import warm
from project import STEERING, Project, tiny
from tiny import LETTERS, write_classifier


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Python for all runs but those in which processes themselves are looked at."""
    pytest.importorskip("torch")
    with warm.python(tmp_path_factory.mktemp("python")) as program:
        yield program


def shared(
    name: str, python: str, factory: pytest.TempPathFactory, make: Callable[[Path], Project]
) -> Iterator[Project]:
    """A project of all processes of the session, which no test may have changed in the end."""
    base = factory.getbasetemp()
    # each process of pytest-xdist has its folder in the one of the session
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    project = Project.once(base / name / "project", make)
    project.python = python
    yield project
    assert project.unchanged(), f"a test has written to the shared run {name}"


@pytest.fixture(scope="session")
def finished(python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The small experiment of `project.CONFIG` in both languages; copy it to change anything."""

    def make(folder: Path) -> Project:
        project = Project(folder)
        project.python = python
        project.config["report"] = {"language": "both"}
        assert "Report: results/tests/report.html" in project.build().text
        return project

    yield from shared("finished", python, tmp_path_factory, make)


@pytest.fixture(scope="session")
def steered(
    finished: Project, python: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """The same with a model steered, whose texts two classifiers judge."""

    def make(folder: Path) -> Project:
        project = finished.copy(folder)
        write_classifier(folder / "models/judge", LETTERS, ("mark", "letter"))
        project.config["components"] = {"models": ["one"]}
        project.config["steering"] = STEERING | {
            "classifiers": {
                "judge": {"source": {"path": "models/judge"}, "targets": {"anger": "letter"}},
                "same": {"source": {"path": "models/judge"}, "labels": ["mark"]},
            }
        }
        project.build()
        return project

    yield from shared("steered", python, tmp_path_factory, make)


@pytest.fixture(scope="session")
def alone(python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One model, two emotions, read at the emotional word and at the end; told in Japanese."""

    def make(folder: Path) -> Project:
        project = Project(folder)
        project.python = python
        project.config["models"] = {"one": tiny("gpt2")}
        project.config["prompts"]["emotions"] = ["anger", "apology"]
        project.config["activations"] = {"positions": ["emotion_word", "last"]}
        project.config["report"] = {"language": "ja"}
        project.build()
        return project

    yield from shared("alone", python, tmp_path_factory, make)


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A finished run that a test may change."""
    return finished.copy(tmp_path / "project")
