"""What was run: configuration, versions, digests of inputs and models, code revision, hardware."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from emovec import __version__
from emovec.activations.store import check_same_sentences, open_activations
from emovec.io.files import read_json, sha256

PACKAGES = (
    "snakemake", "numpy", "scipy", "pandas", "scikit-learn", "h5py", "matplotlib", "seaborn",
    "tokenizers", "transformers", "transformer-lens", "torch",
)  # fmt: skip


def record(
    config: dict,
    prompts: str,
    probe: str,
    manifests: list[str],
    activations: list[str],
    code: Path,
) -> dict:
    """Everything needed to say where the numbers of an experiment come from.

    `prompts` and `probe` are the paths here of the files that the configuration names.

    Raises
    ------
    InputError
        If activations were made of other prompts, or of another probe.
    """
    read = list(map(open_activations, activations))
    check_same_sentences(read, prompts=prompts, probe=probe)
    names = config["prompts"]
    thresholds = json.dumps(config["statistics"]["thresholds"], sort_keys=True)
    return {
        "experiment": config["experiment"],
        "run_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "emovec": __version__,
        "revision": revision(code),
        "config": config,
        "thresholds_sha256": hashlib.sha256(thresholds.encode()).hexdigest(),
        "inputs": {names["file"]: sha256(prompts), names["probe"]: sha256(probe)},
        "models": {Path(path).parent.name: read_json(path) for path in manifests},
        "activations": {a.model: a.attributes for a in read},
        "versions": {"python": platform.python_version()} | _versions(),
        "hardware": {
            "system": f"{platform.system()} {platform.machine()}",
            "processors": os.cpu_count(),
        },
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # an environment holds only what its rules need
    return found


def revision(folder: Path) -> str | None:
    """The git commit of the code, with `+changes` if files differ from it; None outside git."""

    def git(*words: str) -> str | None:
        try:
            run = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True)
        except OSError:
            return None
        return run.stdout.strip() if run.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return None
    return commit + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
