"""How much memory a job may still take, so that it need not be killed for taking more."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


def available() -> int:
    """Bytes free on the machine, in its control group and under its own limit.

    Memory that only holds copies of files counts as free.
    """
    return min([psutil.virtual_memory().available, *_group(), *_limit()])


def _group() -> list[int]:
    """What the limit of a container leaves."""
    try:
        limit = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
        lines = (CGROUP / "memory.stat").read_text().splitlines()
        cached = dict(line.split() for line in lines)["inactive_file"]
    except (OSError, ValueError, KeyError):  # no group, no limit ("max"), or another version
        return []
    return [limit - used + int(cached)]


def _limit() -> list[int]:
    """What `ulimit -v` leaves."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = psutil.Process().memory_info().vms
    return [] if limit == resource.RLIM_INFINITY else [limit - used]
