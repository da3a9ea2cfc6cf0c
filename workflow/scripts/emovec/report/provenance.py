"""What was run: configuration, versions, digests of inputs and models, code revision, hardware."""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from emovec import __version__
from emovec.activations.store import check_same_sentences, open_activations
from emovec.errors import InputError
from emovec.io.files import read_json, sha256

PROVENANCE = "provenance.json"
# which say nothing of what a table holds
PASSING = {"run_at", "revision", "hardware", "cost", "tables"}

PACKAGES = (
    "snakemake", "numpy", "scipy", "pandas", "scikit-learn", "h5py", "matplotlib", "seaborn",
    "tokenizers", "transformers", "transformer-lens", "torch",
)  # fmt: skip


def record(
    config: dict,
    prompts: str,
    probe: str,
    others: Mapping[str, str],
    manifests: list[str],
    activations: list[str],
    code: Path,
) -> dict:
    """Everything needed to say where the numbers of an experiment come from.

    `prompts` and `probe` are the paths here of the files that the configuration names, `others`
    those of further ones by their names there.

    Raises
    ------
    InputError
        If activations were made of other prompts, or of another probe.
    """
    read = list(map(open_activations, activations))
    check_same_sentences(read, prompts=prompts, probe=probe)
    names = config["prompts"]
    given = {names["file"]: prompts, names["probe"]: probe} | others
    thresholds = json.dumps(config["statistics"]["thresholds"], sort_keys=True)
    return {
        "experiment": config["experiment"],
        "run_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "emovec": __version__,
        "revision": revision(code),
        "config": config,
        "thresholds_sha256": hashlib.sha256(thresholds.encode()).hexdigest(),
        "inputs": {name: sha256(path) for name, path in given.items()},
        "models": {Path(path).parent.name: read_json(path) for path in manifests},
        "activations": {a.model: a.attributes for a in read},
        "versions": {"python": platform.python_version()} | _versions(),
        "hardware": {
            "system": f"{platform.system()} {platform.machine()}",
            "processors": os.cpu_count(),
        },
    }


def digests(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files in `folder`, by their path in it."""
    return {Path(path).relative_to(folder).as_posix(): sha256(path) for path in paths}


def kept(before: dict, now: dict) -> dict:
    """The record of now, with the tables of the one before if all else is the same.

    The same code makes the same tables of the same inputs: others were edited, as `compare` says.
    """
    same = all(before.get(key) == told for key, told in now.items() if key not in PASSING)
    return now | ({"tables": before["tables"]} if same else {})


def compare(folder: Path, recorded: Mapping[str, str]) -> None:
    """Compare files in `folder` with their digests.

    Raises
    ------
    InputError
        If files are missing or others than they were.
    """

    def same(name: str) -> bool:
        inside = not Path(name).is_absolute() and ".." not in Path(name).parts
        return inside and (folder / name).is_file() and sha256(folder / name) == recorded[name]

    if others := [name for name in recorded if not same(name)]:
        raise InputError(
            f"{folder} does not hold these files as its run made them, by the digests that it "
            f"recorded: {', '.join(others)}. Remove them, or {PROVENANCE} to record them as they "
            "are, and run again."
        )


def check_results(folder: Path) -> list[str]:
    """Compare the tables of a results folder, and the files that it exports, with their digests.

    Returns what was compared.

    Raises
    ------
    InputError
        If one is missing or differs, or the folder has no record.
    """
    path = folder / PROVENANCE
    try:
        recorded = dict(read_json(path)["tables"])
        for path in sorted(folder.glob("exports/*/card.json")):
            at = path.parent.relative_to(folder)
            recorded |= {
                f"{at}/{file['name']}": file["sha256"] for file in read_json(path)["files"]
            }
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read as a record of digests ({error!r}): name the folder of an "
            "experiment, results/{its name}."
        ) from error
    compare(folder, recorded)
    return list(recorded)


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


def main() -> None:
    """`python -m emovec.report.provenance FOLDER`: check a results folder that somebody sent."""
    parser = argparse.ArgumentParser(description="Check the tables of a results folder.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    try:
        compared = check_results(folder)
    except InputError as error:
        sys.exit(str(error))
    print(f"{folder}: {len(compared)} files are those that its run made.")


if __name__ == "__main__":
    main()
