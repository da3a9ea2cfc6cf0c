"""The research object of a finished run holds all that it made, and enough to run it again."""

import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from emovec.io.files import read_json, sha256
from emovec.report.crate import CRATE
from project import Project

pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["finished", "steered"])
def test_every_file_is_described_as_it_is(name: str, request: pytest.FixtureRequest) -> None:
    """But for activations, which are large and can be made again."""
    folder = request.getfixturevalue(name).results
    entities = {one["@id"]: one for one in read_json(folder / CRATE)["@graph"]}
    parts = {unquote(one["@id"]): entities[one["@id"]] for one in entities["./"]["hasPart"]}
    for path, told in parts.items():
        assert told["sha256"] == sha256(folder / path), path
        assert told["contentSize"] == str((folder / path).stat().st_size), path
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    left_out = there - set(parts)
    assert {path for path in left_out if not path.startswith("activations/")} == {CRATE}


def test_what_was_run_can_be_run_again(project: Project, tmp_path: Path) -> None:
    """Its configuration finds everything made, and finds its inputs where the copies are."""
    project.shipped = "results/tests/run/config.yaml"
    assert "Nothing to be done" in project.build("-n").text
    again = Project(tmp_path / "again")
    shutil.rmtree(again.folder / "resources")
    shutil.copytree(project.results / "run", again.folder, dirs_exist_ok=True)
    again.shipped = "config.yaml"
    assert "Auditing the prompts" in again.planned()
