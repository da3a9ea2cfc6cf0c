"""How much memory a job may still take, so that it need not be killed for taking more."""

from __future__ import annotations

import resource
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Bytes free on the machine, in its control group and under its own limit; None if unknown.

    Memory that only holds copies of files counts as free.
    """
    found = [_machine(), _group(), _limit()]
    return min((size for size in found if size is not None), default=None)


def _machine() -> int | None:
    return _kilobytes(Path("/proc/meminfo"), "MemAvailable")


def _group() -> int | None:
    """What the limit of a container leaves."""
    try:
        limit = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
        lines = (CGROUP / "memory.stat").read_text().splitlines()
        cached = dict(line.split() for line in lines)["inactive_file"]
    except (OSError, ValueError, KeyError):  # no group, no limit ("max"), or another version
        return None
    return limit - used + int(cached)


def _limit() -> int | None:
    """What `ulimit -v` leaves."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = _kilobytes(Path("/proc/self/status"), "VmSize")
    return None if limit == resource.RLIM_INFINITY or used is None else limit - used


def _kilobytes(path: Path, key: str) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{key}:")]
    return int(found[0]) * 1024 if found else None
