"""Run Snakemake on a copy of the workflow in a folder of its own, as a fresh clone would be."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import yaml
from filelock import FileLock

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


STEERING = {
    "models": ["one"], "depths": [0.5], "strengths": [0.5, 1.0], "controls": 10, "tokens": 4,
    "max_empty": 1.0,  # an untrained model writes nothing that can be read
}  # fmt: skip
CONFIG = {
    "experiment": "tests",
    "seed": 7,
    "prompts": {
        "file": "resources/prompts/smoke.csv",
        "probe": "resources/prompts/smoke_probe.csv",
    },
    # of unequal depth, so that one depth of the first is nearest to two of the second
    "models": {"one": tiny("gpt2"), "two": tiny("gpt_neox", n_layers=3)},
    "statistics": {"permutations": 99},
    "plots": {"dpi": 50},
}


def rules() -> dict[str, str]:
    """The text of every rule that runs a script, by name."""
    texts = [path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk"))]
    parts = [part for text in texts for part in re.split(r"^rule ", text, flags=re.M)[1:]]
    return {part.split(":")[0]: part for part in parts if "    script:" in part}


class Project:
    """A copy of the workflow with its configuration, in `folder`.

    `config` is written to `test.yaml`; if it is the path of a shipped file, that is used as it is.
    `python` runs Snakemake.
    """

    python = sys.executable

    def __init__(self, folder: Path, config: dict | str = CONFIG) -> None:
        self._open(folder, config)
        folder.mkdir(parents=True)
        for part in PARTS:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(
                    source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
                )
            else:
                shutil.copy2(source, target)

    def _open(self, folder: Path, config: dict | str) -> None:
        self.folder = folder
        self.shipped = config if isinstance(config, str) else None
        self.config = (
            yaml.safe_load((ROOT / config).read_text())
            if isinstance(config, str)
            else copy.deepcopy(config)
        )

    @classmethod
    def once(cls, folder: Path, make: Callable[[Path], Project]) -> Project:
        """What `make` leaves in `folder`, made by the first process that asks; others wait."""
        ready = folder.with_name(f"{folder.name}.json")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not ready.exists():
                shutil.rmtree(folder, ignore_errors=True)
                project = make(folder)
                ready.write_text(json.dumps([project.shipped or project.config, files(folder)]))
        made = cls.__new__(cls)
        made._open(folder, json.loads(ready.read_text())[0])
        return made

    def unchanged(self) -> bool:
        """Whether all files are those that `make` left to `once`."""
        ready = self.folder.with_name(f"{self.folder.name}.json")
        return files(self.folder) == json.loads(ready.read_text())[1]

    def copy(self, folder: Path) -> Project:
        """The same project elsewhere, with its time stamps."""
        shutil.copytree(self.folder, folder, symlinks=True, copy_function=_link_or_copy)
        other = Project.__new__(Project)
        other._open(folder, self.shipped or self.config)
        other.python = self.python
        return other

    def start(self, *arguments: str, cores: int = 2, **environment: str) -> subprocess.Popen:
        """Snakemake running in a process group of its own; all it says is in `stdout`."""
        if self.shipped is None:
            (self.folder / "test.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))
        command = [self.python, "-m", "snakemake", *arguments, "--cores", str(cores)]
        return subprocess.Popen(
            [*command, "--configfile", self.shipped or "test.yaml"],
            cwd=self.folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def snakemake(self, *arguments: str, **options: object) -> Run:
        """Run Snakemake to its end."""
        return finish(self.start(*arguments, **options))

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
        """What the run made; in `run` are copies of what it read."""
        return {
            p.relative_to(self.results).as_posix(): p.read_bytes()
            for p in sorted(self.results.rglob("*.csv"))
            if not p.is_relative_to(self.results / "run")
        }


def _link_or_copy(source: str, target: str) -> None:
    """Another name for activations and weights; a copy of what a test might write into."""
    large = source.endswith((".h5", ".safetensors"))
    (os.link if large else shutil.copy2)(source, target)


def files(folder: Path) -> dict[str, str]:
    """Digests of all files below a folder, hidden ones included."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def finish(process: subprocess.Popen, timeout: float = 3600) -> Run:
    """Wait for a Snakemake that was started."""
    try:
        text, _ = process.communicate(timeout=timeout)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return Run(process.returncode, text)


class Run:
    """How a call of Snakemake ended."""

    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text

    def sentence(self, rule: str) -> str:
        """What a failed job of `rule` said on the terminal."""
        [said] = set(re.findall(rf"^{rule}: (.+) \(log: .+\)$", self.text, re.M))
        return said
