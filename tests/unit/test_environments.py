"""Every environment holds what its rules import, and all pins are renewed together."""

import ast
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from project import rules

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow/scripts"


def environments() -> dict[str, set[str]]:
    """The packages of the pip section of each environment, by its name."""
    found = {}
    for path in (ROOT / "envs").glob("*.yaml"):
        pip = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
        found[path.stem] = {line.split("==")[0].lower() for line in pip if "==" in line}
    return found


def environments_of(rule: str) -> list[str]:
    """The environments that a rule may run in."""
    [named] = re.findall(r'envs/(.+)\.yaml"', rule)
    return [named] if named in environments() else ["torch-cpu", "torch-gpu"]


def imported(script: str) -> set[str]:
    """Packages that a script imports, itself or through modules of the library."""
    packages, seen, waiting = set(), set(), [SCRIPTS / script]
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                packages |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                packages.add(node.module.split(".")[0])
                if node.module.startswith("emovec"):
                    folder = SCRIPTS / node.module.replace(".", "/")
                    waiting += [folder / f"{alias.name}.py" for alias in node.names]
                    waiting.append(folder.with_suffix(".py"))
    return packages - set(sys.stdlib_module_names) - {"emovec"}


def test_environment_of_a_rule_holds_what_its_script_imports() -> None:
    provided = importlib.metadata.packages_distributions()  # slow: once
    held = environments()
    assert len(rules()) > 20
    for name, rule in rules().items():
        [script] = re.findall(r'"\.\./scripts/(\w+\.py)"', rule)
        for package in imported(script):
            by = {distribution.lower().replace("_", "-") for distribution in provided[package]}
            lacking = [one for one in environments_of(rule) if not by & held[one]]
            assert not lacking, f"{lacking} lack {package}, for {name}"


# Renewing the pins --------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The files with pins, where they may be changed."""
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    return tmp_path


def refresh(repository: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / "envs/refresh.py", "--root", repository, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def files(repository: Path) -> dict[str, str]:
    paths = [repository / "requirements.lock", *sorted((repository / "envs").glob("*.yaml"))]
    return {path.name: path.read_text() for path in paths}


def test_pins_that_are_right_stay_as_they_are(repository: Path) -> None:
    before = files(repository)
    done = refresh(repository, "--from-lock")
    assert (done.returncode, done.stdout) == (0, "")
    assert files(repository) == before


def test_new_version_in_the_lock_goes_to_every_environment(repository: Path) -> None:
    path = repository / "requirements.lock"
    path.write_text(re.sub(r"^h5py==.*$", "h5py==99.1", path.read_text(), flags=re.M))
    assert refresh(repository, "--from-lock").returncode == 0
    for name, text in files(repository).items():
        assert "h5py==99.1" in text, name
        assert "numpy==99.1" not in text, name


def test_report_of_pip_becomes_the_lock(repository: Path) -> None:
    old = dict(
        re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", files(repository)["requirements.lock"], re.M)
    )
    new = old | {"torch": "9.0.1+cpu", "nvidia-cublas": "1.0", "emovec": "0.1.0", "fresh": "1.2"}
    del new["xxhash"]
    install = [{"metadata": {"name": n, "version": v}} for n, v in new.items()]
    (repository / "report.json").write_text(json.dumps({"install": install}))
    done = refresh(repository, "--report", repository / "report.json")
    assert done.returncode == 0, done.stderr
    told = [line.split(":")[0] for line in done.stdout.splitlines()]
    assert told == ["fresh", "torch", "xxhash"]
    after = files(repository)
    assert "torch==9.0.1\n" in after["requirements.lock"]
    assert "torch==9.0.1\n" in after["torch-cpu.yaml"]
    assert "nvidia" not in after["requirements.lock"] and "emovec" not in after["requirements.lock"]
    assert after["requirements.lock"].startswith("# Every package of the environment, exactly.")


def test_pin_that_the_lock_lacks_changes_nothing(repository: Path) -> None:
    path = repository / "requirements.lock"
    path.write_text(path.read_text().replace("h5py==", "h5pie=="))
    before = files(repository)
    done = refresh(repository, "--from-lock")
    assert done.returncode != 0 and "An environment pins h5py" in done.stderr
    assert files(repository) == before
