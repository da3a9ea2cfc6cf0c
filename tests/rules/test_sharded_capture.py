"""A model captured in parts: the bytes of one job, whatever becomes of a part on the way."""

import os
import signal
import time
from pathlib import Path

import h5py
import pytest
from emovec.activations.store import open_activations
from emovec.prompts.turns import Turn
from project import CONFIG, Project, finish, tiny
from tiny import CHAT, write_gguf

pytest.importorskip("torch")

MODEL = "results/tests/activations/one.h5"
POSITIONS = ["last", "suffix", "user_end", "reply_start"]
MERGING = "Merging the activations of one"


def project(folder: Path, shards: int) -> Project:
    """Small batches, so that there is something to split; sentences are turns of a chat."""
    made = Project(
        folder,
        CONFIG
        | {
            "models": {"one": {"source": {"path": "one.gguf"}, "template": "chat"}},
            "activations": {"positions": POSITIONS, "batch_tokens": 300, "shards": shards},
        },
    )
    write_gguf(folder / "one.gguf", chat_template=CHAT)
    return made


def reading(table: str, *shards: int) -> set[str]:
    return {f"Reading the {table} with one, shard {shard} of 3" for shard in shards}


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
    read = open_activations(whole.folder / MODEL)
    assert set(read.positions) == set(POSITIONS)
    assert read.attributes["chat_template_sha256"] == Turn("one", CHAT, {}).sha256
    shards = split.results / "activations/one/prompts"

    running = split.start("-k", MODEL, cores=1)
    kill_job(shards, 2)
    assert finish(running).code != 0
    assert not (split.folder / MODEL).exists()
    assert {path.name for path in shards.glob("[!.]*")} == {"1-of-3.h5", "3-of-3.h5"}

    assert split.planned(MODEL) == {*reading("prompts", 2), MERGING}
    split.build(MODEL)
    assert (split.folder / MODEL).read_bytes() == (whole.folder / MODEL).read_bytes()
    assert not list(shards.glob("[!.]*"))
    [probe] = split.folder.glob("resources/readings/one/*")
    assert {path.name for path in probe.iterdir()} == {f"{shard}-of-3.h5" for shard in (1, 2, 3)}

    assert "Nothing to be done" in split.build(MODEL).text
    # the shards are gone, and yet a change of what they depend on is seen
    module = split.folder / "workflow/scripts/emovec/activations/capture.py"
    module.write_text(module.read_text() + "\nCHANGED = True\n")
    every = reading("prompts", 1, 2, 3) | reading("probe", 1, 2, 3)
    assert split.planned(MODEL) == every | {MERGING}


def test_folders_share_what_was_read_of_the_probe(python: str, tmp_path: Path) -> None:
    """Through the cache of Snakemake: each shard is its own, whatever the model is called."""
    (tmp_path / "cache").mkdir()
    path, streams, options = "results/tests/activations/{}.h5", {}, ("--cache", "capture_probe")
    for name in ("one", "two"):
        made = Project(tmp_path / name, CONFIG | {"models": {name: tiny("gpt2")}})
        made.python = python
        made.config["activations"] = {"batch_tokens": 300, "shards": 2}
        run = made.build(
            path.format(name), *options, SNAKEMAKE_OUTPUT_CACHE=str(tmp_path / "cache")
        )
        moved = run.text.count("Moving output file resources/readings/")
        assert moved == (2 if name == "one" else 0)
        assert run.text.count(f"Symlinking output file resources/readings/{name}/") == 2
        with h5py.File(made.folder / path.format(name)) as file:
            assert file.attrs["model"] == name
            streams[name] = file["probe/residual/last"][...]
    assert streams["one"].any(axis=(1, 2)).all()
    assert (streams["one"] == streams["two"]).all()
