"""The workflow run from a folder that is not its own, and from one that Snakemake cannot take."""

from pathlib import Path

import pytest
from guide import run
from project import Project


@pytest.mark.parametrize("config", ["", "--configfile {root}/config/smoke.yaml"])
@pytest.mark.parametrize("where", ["-s {root}/Snakefile", "-s {root}/workflow/Snakefile -d {here}"])
def test_shipped_configurations_run_in_another_folder(
    root: Path, tmp_path: Path, where: str, config: str
) -> None:
    options = f"{where} {config}".format(root=root, here=tmp_path)
    planned = run(f"snakemake -n {options}", root if "-d" in where else tmp_path, {})
    assert "Writing the report" in planned


def test_library_is_that_of_the_workflow_whichever_is_installed(tmp_path: Path) -> None:
    other = tmp_path / "other/emovec/__init__.py"
    other.parent.mkdir(parents=True)
    other.write_text("raise ImportError('another emovec')\n")
    Project(tmp_path / "project").build(
        "results/tests/prompts/audit.json", PYTHONPATH=str(other.parents[1])
    )


def test_folder_with_braces_is_refused_in_one_sentence(tmp_path: Path) -> None:
    project = Project(tmp_path / "a{b}")
    said = f"{project.folder} has braces in its name, which Snakemake takes for wildcards: rename"
    assert said in project.snakemake("-n").text
