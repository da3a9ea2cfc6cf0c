"""A job that fails says one sentence on the terminal and keeps the rest for its log."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(folder: Path, block: str) -> tuple[int, str]:
    """Exit status and terminal of a script whose job runs `block`."""
    body = block.replace("\n", "\n    ")
    script = f"from emovec.io.job import job\nwith job('rule', 'log'):\n    {body}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ("from emovec.errors import InputError\nraise InputError('Mend it.')", "Mend it."),
        ("1 / 0", "stopped by ZeroDivisionError: division by zero"),
        ("open('nowhere')", "nowhere: No such file or directory."),
        ("raise ValueError('two\\nlines')", "stopped by ValueError: two lines"),
        ("class Panic(BaseException): pass\nraise Panic('at x')", "stopped by Panic: at x"),
        ("raise MemoryError", "not enough memory (MemoryError): give the job more, or"),
    ],
)
def test_failure_is_one_sentence_and_a_traceback_in_the_log(
    tmp_path: Path, block: str, says: str
) -> None:
    code, terminal = run(tmp_path, block)
    assert code == 1
    assert terminal.startswith(f"rule: {says}") and terminal.endswith("(log: log)\n")
    assert terminal.count("\n") == 1
    assert "Traceback" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_job_that_is_given_too_little_memory(tmp_path: Path, library: str) -> None:
    pytest.importorskip(library)
    code, terminal = run(
        tmp_path,
        f"import {library}, resource\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**28,) * 2)\n"
        f"{library}.ones(2**30)",
    )
    assert code == 1
    assert "rule: not enough memory" in terminal and "activations.batch_tokens" in terminal
    assert terminal.count("\n") == 1


def test_all_output_is_in_the_log(tmp_path: Path) -> None:
    code, terminal = run(tmp_path, "import os\nprint('one')\nos.write(2, b'two')")
    assert (code, terminal) == (0, "")
    log = (tmp_path / "log").read_text()
    assert "one" in log and "two" in log
