"""`--sdm conda` with a stand-in for conda: environments are solved, installed and used.

It proves that every rule names an environment file that can be read, that the pins of its conda
packages are well formed, and that Snakemake runs a rule inside. It proves nothing about what
conda-forge holds, and the pip sections are not installed: that is for the public CI.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from designs import at_night
from project import ROOT, Project, Run

pytest.importorskip("rattler")
pytestmark = at_night
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))


def conda_pins() -> set[str]:
    pins = set()
    for path in ENVIRONMENTS:
        dependencies = yaml.safe_load(path.read_text())["dependencies"]
        pins |= {line for line in dependencies if isinstance(line, str)}
    return pins


@pytest.fixture(scope="module")
def conda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bin/conda and a channel that holds what the environments pin."""
    base = tmp_path_factory.mktemp("conda")
    (base / "bin").mkdir()
    shutil.copy(ROOT / "tests/conda/conda", base / "bin/conda")
    (base / "bin/conda").chmod(0o755)
    (base / "bin/activate").write_text('export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n')
    channel = [sys.executable, ROOT / "tests/conda/channel.py", base / "channels/conda-forge"]
    subprocess.run([*channel, *sorted(conda_pins())], check=True, timeout=60)
    return base


def run(project: Project, conda: Path, *arguments: str) -> Run:
    programs = f"{conda / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return project.snakemake(
        *arguments, "--sdm", "conda", PATH=programs, LOCAL_CHANNELS=str(conda / "channels")
    )


def test_rule_runs_in_its_environment(conda: Path, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    done = run(project, conda, "results/tests/prompts/decoding.csv")
    assert done.code == 0, done.text
    assert (project.results / "prompts/decoding.csv").exists()
    [environment] = (project.folder / ".snakemake/conda").glob("*_")
    assert (environment / "share/pip").read_text() == "stand-in"
    assert (environment / "used").exists()  # the script ran with its python


def test_every_environment_can_be_made(conda: Path, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    done = run(project, conda, "--conda-create-envs-only")
    assert done.code == 0, done.text
    made = [path for path in (project.folder / ".snakemake/conda").glob("*_") if path.is_dir()]
    assert len(made) == 2  # analysis and torch-cpu; torch-gpu is for activations.device: cuda


def test_pin_that_no_channel_has_is_named(conda: Path, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    path = project.folder / "envs/analysis.yaml"
    path.write_text(path.read_text().replace("pip=24.0", "pip=99.0"))
    done = run(project, conda, "results/tests/prompts/decoding.csv")
    assert done.code != 0 and "pip" in done.text and "99.0" in done.text
