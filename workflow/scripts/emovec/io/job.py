"""What every script of the workflow shares: its log, its one sentence on failure, its progress."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

from emovec.errors import InputError

Item = TypeVar("Item")


log = logging.getLogger("emovec")


_terminal: TextIO = sys.stderr


@contextmanager
def job(rule: str, log_path: str | Path) -> Iterator[None]:
    """Send all output of the block to its log; on failure put one sentence on the terminal.

    The streams are redirected as file descriptors, so that what compiled libraries print is
    kept too. After any exception the process ends with status 1, at once: HDF5 crashes when it
    tidies up files that it could not write to the end.
    """
    # before torch comes: threads that spin while they wait slow all other jobs, and themselves
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    global _terminal
    _terminal = os.fdopen(os.dup(2), "w", buffering=1)
    with open(log_path, "w", buffering=1, encoding="utf-8") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        traceback.print_exc()
        sentence = str(error) if isinstance(error, InputError) else _unforeseen(error)
        print(f"{rule}: {sentence}", file=sys.stderr)
        print(f"{rule}: {sentence} (log: {log_path})", file=_terminal)
        for stream in (_terminal, sys.stdout, sys.stderr):
            stream.flush()
        os._exit(1)


def _unforeseen(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno:
        return f"{error.filename or 'a file'}: {os.strerror(error.errno)}."
    said = " ".join(str(error).split())
    # torch has no class of its own for it on the CPU
    if isinstance(error, MemoryError) or re.search("(can't allocate|out of) memory", said):
        return (
            f"not enough memory ({said or type(error).__name__}): give the job more, or in a job "
            "that runs a model lower activations.batch_tokens."
        )
    return f"stopped by {type(error).__name__}: {said}" if said else type(error).__name__


def progress(items: Iterable[Item], total: int, what: str, every: float = 10.0) -> Iterator[Item]:
    """Pass `items` on; show a bar on a terminal, a line every `every` seconds in a log."""
    if _terminal.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=what, file=_terminal, leave=False)
        return
    started = said = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - said >= every and done < total:
            left = (now - started) / done * (total - done)
            log.info("%s: %d of %d, about %.0f s left", what, done, total, left)
            said = now
    log.info("%s: %d of %d in %.1f s", what, done, total, time.monotonic() - started)
