"""Small and read-only disks for tests, where this machine allows to mount them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small(folder: Path, size: str) -> Iterator[None]:
    """An empty disk of `size` at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with _mounted(folder, ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]):
        yield


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """`folder` as it is, but not to be written to, by root neither."""
    with _mounted(folder, ["--bind", str(folder)]):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


@contextmanager
def _mounted(folder: Path, options: list[str]) -> Iterator[None]:
    try:
        run = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    if run.returncode:
        pytest.skip(f"no disk can be mounted here: {run.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
