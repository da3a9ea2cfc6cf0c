"""A model captured in shards: the bytes of one job, whatever becomes of a shard on the way."""

import os
import signal
import time
from pathlib import Path

import pytest
from project import CONFIG, Project, finish

pytest.importorskip("torch")

MODEL = "results/tests/activations/one.h5"
MERGING = "Merging the shards of one"


def project(folder: Path, shards: int) -> Project:
    """Small batches, so that there is something to split."""
    return Project(folder, CONFIG | {"activations": {"batch_tokens": 300, "shards": shards}})


def reading(*shards: int) -> set[str]:
    return {f"Reading the residual stream of one, shard {shard} of 3" for shard in shards}


def kill_job(folder: Path, shard: int) -> None:
    """kill -9 the job of a shard while it writes; the name of its part holds its number."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for part in folder.glob(f".{shard}-of-3.*.h5"):
            os.kill(int(part.name.split(".")[2]), signal.SIGKILL)
            return
        time.sleep(0.002)  # a small shard is written in no time
    raise AssertionError(f"shard {shard} was not begun")


def test_killed_shard_leaves_the_others_and_is_captured_anew(tmp_path: Path) -> None:
    whole, split = project(tmp_path / "whole", 1), project(tmp_path / "split", 3)
    whole.build(MODEL)
    shards = split.results / "activations/one"

    running = split.start("-k", MODEL, cores=1)
    kill_job(shards, 2)
    assert finish(running).code != 0
    assert not (split.folder / MODEL).exists()
    assert {path.name for path in shards.glob("[!.]*")} == {"1-of-3.h5", "3-of-3.h5"}

    assert split.planned(MODEL) == {*reading(2), MERGING}
    split.build(MODEL)
    assert (split.folder / MODEL).read_bytes() == (whole.folder / MODEL).read_bytes()
    assert not list(shards.glob("[!.]*"))

    assert "Nothing to be done" in split.build(MODEL).text
    # the shards are gone, and yet a change of what they depend on is seen
    module = split.folder / "workflow/scripts/emovec/activations/capture.py"
    module.write_text(module.read_text() + "\nCHANGED = True\n")
    assert split.planned(MODEL) == {*reading(1, 2, 3), MERGING}
