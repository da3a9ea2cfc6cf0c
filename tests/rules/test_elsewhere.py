"""The workflow run from another folder, in an image, and where Snakemake cannot run it."""

import os
import sys
from pathlib import Path

import pytest
from guide import run
from project import Project

AUDIT = "results/tests/prompts/audit.json"
APPTAINER = """#!/bin/bash
# what is given to the image runs here
if [ "$1" = --version ]; then echo "apptainer version 1.3.0"; exit; fi
echo "$@" >> called
while [ "$1" != bash ]; do shift; done
PATH={bin}:$PATH exec "$@"
"""


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
    Project(tmp_path / "project").build(AUDIT, PYTHONPATH=str(other.parents[1]))


def test_rules_run_in_the_image_that_is_named(tmp_path: Path) -> None:
    program, python = tmp_path / "bin/apptainer", Path(sys.executable).parent
    program.parent.mkdir()
    program.write_text(APPTAINER.format(bin=python))
    program.chmod(0o755)
    project = Project(tmp_path / "project")
    project.config["container"] = "emovec.sif"
    (project.folder / "emovec.sif").touch()
    programs = os.pathsep.join([str(program.parent), str(python), os.environ["PATH"]])
    project.build(AUDIT, "--sdm", "apptainer", PATH=programs)
    called = (project.folder / "called").read_text()
    assert " emovec.sif bash " in called and "audit_prompts.py" in called


def test_folder_with_braces_is_refused_in_one_sentence(tmp_path: Path) -> None:
    project = Project(tmp_path / "a{b}")
    said = f"{project.folder} has braces in its name, which Snakemake takes for wildcards: rename"
    assert said in project.snakemake("-n").text
