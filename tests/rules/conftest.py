"""A finished run that several test files start from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from project import Project

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


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small experiment of `project.CONFIG`, whole; copy it before changing anything.

    `unpickled` beside the project says what was looked up for a pickle, and by which script.
    """
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("finished")
    (folder / "watch").mkdir()
    (folder / "watch/sitecustomize.py").write_text(WATCH)
    (folder / "unpickled").touch()
    path = os.pathsep.join(filter(None, [str(folder / "watch"), os.environ.get("PYTHONPATH")]))
    project = Project(folder / "project")
    project.build(PYTHONPATH=path, UNPICKLED=str(folder / "unpickled"))
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A finished run that a test may change."""
    return finished.copy(tmp_path / "project")
