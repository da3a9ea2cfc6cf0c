"""A model from elsewhere is read without the network and without starting another program.

TransformerLens would install packages for a model that sees, and transformers fetch kernels.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

DOORS = {
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
    "subprocess.Popen",
}


_shut = False


@contextmanager
def sealed() -> Iterator[None]:
    """Whoever starts a program or opens a connection meanwhile gets a PermissionError."""
    global _shut
    before, _shut = _shut, True
    try:
        yield
    finally:
        _shut = before


def _watch(event: str, _: tuple) -> None:
    if _shut and event in DOORS:
        raise PermissionError(f"{event} is not allowed while a model is read")


sys.addaudithook(_watch)  # for good: Python has no way to take one away
