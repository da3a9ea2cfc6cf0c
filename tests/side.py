"""Environments beside the project's own: the same packages, and some that it does not have."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import sysconfig
from pathlib import Path


def python_with(lock: Path) -> Path:
    """The Python of an environment with the packages of `lock` before those of this one.

    Made below this environment and kept there until the lock changes.
    """
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:8]
    folder = Path(sys.prefix) / "side" / f"{lock.parent.name}-{digest}"
    python, ready = folder / "bin/python", folder / "ready"
    if ready.exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "project.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "-r", lock], check=True)
    ready.touch()
    return python
