"""Follow a guide literally: write the files that it shows, run the commands that it gives.

A code block whose fence names a file, as ```yaml mine.yaml, is that file; one with the language sh
is commands, run one after the other in the folder. All other blocks are only looked at. In a page
of examples, blocks of python are run in order, and a block of text after one is what it prints.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    language: str
    file: str
    text: str


def blocks(path: Path) -> list[Block]:
    """The code blocks of a Markdown file, in order."""
    return [Block(a, b or "", c) for a, b, c in FENCE.findall(path.read_text(encoding="utf-8"))]


def follow(path: Path, folder: Path, **environment: str) -> list[str]:
    """Do what the guide says, from its first line to its last; what each command printed.

    Raises
    ------
    AssertionError
        If a command fails; with what it printed.
    """
    printed = []
    for block in blocks(path):
        if block.file:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            printed += [run(line, folder, environment) for line in commands(block.text)]
    return printed


def commands(text: str) -> list[str]:
    """The lines of a block, those that end in a backslash joined with the next."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a command with this Python's programs first; it must succeed."""
    here = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": f"{here}:{os.environ['PATH']}"} | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def programs(python: str) -> dict[str, str]:
    """The environment in which commands use this Python and the Snakemake beside it."""
    folders = [Path(python).parent, Path(sys.executable).parent, os.environ["PATH"]]
    return {"PATH": os.pathsep.join(map(str, folders))}


def run_examples(path: Path, folder: Path) -> int:
    """Run the python blocks of a page in one namespace, in `folder`; how many printed as shown.

    Raises
    ------
    AssertionError
        If one prints something else than the page shows.
    """
    found, names, shown = blocks(path), {"__name__": "example"}, 0
    with contextlib.chdir(folder):
        for block, after in zip(found, [*found[1:], None], strict=True):
            if block.language != "python":
                continue
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                exec(compile(block.text, str(path), "exec"), names)
            if after is not None and after.language == "text":
                assert said.getvalue() == after.text, f"{block.text}\n{said.getvalue()}"
                shown += 1
    return shown
