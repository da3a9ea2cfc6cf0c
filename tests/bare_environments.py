"""Run the smoke experiment with each rule in an environment of its own that holds its pins alone.

    python tests/bare_environments.py FOLDER [OPTIONS OF PIP]

The pip section of each file in envs/ is installed into an empty virtual environment in FOLDER, and
Snakemake into another, with nothing else. A stand-in for conda hands them out, so that a package
that a rule imports and its environment lacks stops the run. Needs 3 GB and some minutes; what is
there already is used again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from project import ROOT, Project

CONDA = """#!{python}
import json, pathlib, sys
match sys.argv[1:]:
    case ["--version"]:
        print("conda 26.9.0")
    case ["info", *_]:
        print(json.dumps({{"conda_prefix": {base!r}, "platform": "linux-64"}}))
    case ["config", *_]:
        print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
    case ["env", "create", *rest]:
        given = dict(zip(rest, rest[1:]))
        pythons = json.loads(pathlib.Path({base!r}, "pythons.json").read_text())
        python = pythons[pathlib.Path(given["--file"]).read_text()]
        program = pathlib.Path(given["--prefix"], "bin/python")
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\\nexec {{python}} "$@"\\n')
        program.chmod(0o755)
"""
# what reading the workflow takes, beside Snakemake
SNAKEMAKE = re.compile(r"^(snakemake|jsonschema|PyYAML|Pygments)==\S+$", re.M)


def environment(folder: Path, requirements: list[str], options: list[str]) -> Path:
    """The python of a virtual environment that holds `requirements`."""
    python = folder / "bin/python"
    done = folder / "requirements.json"
    if not done.is_file() or json.loads(done.read_text()) != requirements:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *options, *requirements], check=True)
        done.write_text(json.dumps(requirements))
    return python


def main() -> None:
    base, options = Path(sys.argv[1]).resolve(), sys.argv[2:]
    pythons = {}
    for path in sorted((ROOT / "envs").glob("*.yaml")):
        if path.stem == "torch-gpu":  # the same packages as torch-cpu, of a build for GPUs
            continue
        pip = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
        pins = [line for line in pip if not line.startswith("--")]
        pythons[path.read_text()] = str(environment(base / path.stem, pins, options))
    lock = (ROOT / "requirements.lock").read_text()
    needed = [match[0] for match in SNAKEMAKE.finditer(lock)]
    python = environment(base / "snakemake", needed, options)

    (base / "bin").mkdir(exist_ok=True)
    (base / "bin/conda").write_text(CONDA.format(python=sys.executable, base=str(base)))
    (base / "bin/conda").chmod(0o755)
    (base / "bin/activate").write_text('export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n')
    (base / "pythons.json").write_text(json.dumps(pythons))
    shutil.rmtree(base / "project", ignore_errors=True)
    project = Project(base / "project", "config/smoke.yaml")
    command = [python, "-m", "snakemake", "--cores", "all", "--sdm", "conda"]
    done = subprocess.run(
        [*command, "--configfile", "config/smoke.yaml"],
        cwd=project.folder,
        env={
            "HOME": os.environ.get("HOME", str(base)),
            "PATH": f"{base / 'bin'}:{python.parent}:/usr/bin:/bin",
        },
    )
    if done.returncode or not (project.results / "report.html").is_file():
        sys.exit("The smoke experiment does not run in the environments as they are pinned.")
    print("The smoke experiment ran with the packages of envs/ alone.")


if __name__ == "__main__":
    main()
