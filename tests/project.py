"""Run Snakemake on a copy of the workflow in a folder of its own, as a fresh clone would be."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PARTS = (
    "Snakefile",
    "workflow",
    "profiles",
    "envs",
    "resources/prompts",
    "resources/steering",
    "config",
)


def tiny(architecture: str, **changes: object) -> dict:
    settings = {"n_layers": 2, "d_model": 16, "n_heads": 2, "seed": 0}
    return {"source": {"random": {"architecture": architecture} | settings | changes}}


CONFIG = {
    "experiment": "tests",
    "seed": 7,
    "prompts": {
        "file": "resources/prompts/smoke.csv",
        "probe": "resources/prompts/smoke_probe.csv",
    },
    "models": {"one": tiny("gpt2"), "two": tiny("gpt_neox")},
    "statistics": {"permutations": 99},
    "plots": {"dpi": 50},
}


class Project:
    """A copy of the workflow with its configuration, in `folder`.

    `config` is written to `test.yaml`; if it is the path of a shipped file, that is used as it is.
    """

    def __init__(self, folder: Path, config: dict | str = CONFIG) -> None:
        self.folder = folder
        self.shipped = config if isinstance(config, str) else None
        self.config = (
            yaml.safe_load((ROOT / config).read_text())
            if isinstance(config, str)
            else copy.deepcopy(config)
        )
        folder.mkdir(parents=True)
        for part in PARTS:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(
                    source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
                )
            else:
                shutil.copy2(source, target)

    def copy(self, folder: Path) -> Project:
        """The same project with its results elsewhere; time stamps are kept."""
        shutil.copytree(self.folder, folder, symlinks=True)
        other = Project.__new__(Project)
        other.folder, other.config = folder, copy.deepcopy(self.config)
        other.shipped = self.shipped
        return other

    def snakemake(self, *arguments: str, cores: int = 2, **environment: str) -> Run:
        if self.shipped is None:
            (self.folder / "test.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))
        command = [sys.executable, "-m", "snakemake", *arguments, "--cores", str(cores)]
        run = subprocess.run(
            [*command, "--configfile", self.shipped or "test.yaml"],
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        return Run(run.returncode, run.stdout + run.stderr)

    def build(self, *arguments: str, **options: object) -> Run:
        """Run Snakemake; it must succeed."""
        run = self.snakemake(*arguments, **options)
        assert run.code == 0, run.text
        return run

    def planned(self, *arguments: str) -> set[str]:
        """The messages of all jobs that a dry run would do."""
        run = self.build("-n", *arguments)
        return set(re.findall(r"^Job \d+: (.+)$", run.text, re.M))

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.config["experiment"]

    def tables(self) -> dict[str, bytes]:
        return {
            p.relative_to(self.results).as_posix(): p.read_bytes()
            for p in sorted(self.results.rglob("*.csv"))
        }


class Run:
    """How a call of Snakemake ended."""

    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text

    def sentence(self, rule: str) -> str:
        """What a failed job of `rule` said on the terminal."""
        [said] = set(re.findall(rf"^{rule}: (.+) \(log: .+\)$", self.text, re.M))
        return said
