"""A model steered in shards: the bytes of one job, whatever becomes of a shard on the way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from designs import at_night
from project import Project, finish

pytest.importorskip("torch")
pytestmark = at_night

STEERING = {
    "models": ["one"], "depths": [0.5], "strengths": [0.5, 1.0], "controls": 10, "tokens": 4,
}  # fmt: skip
TABLES = [f"results/tests/steering/one/{name}.csv" for name in ("read_outs", "texts", "from_two")]
READING = "Steering one at every depth and strength"
JOINING = "Merging the read-outs of one"
LATER = {"Choosing how to steer one", "Carrying the directions of two into one"}


def project(finished: Project, folder: Path, shards: int) -> Project:
    """Small batches, so that there is something to split."""
    project = finished.copy(folder)
    project.python = sys.executable  # its processes are killed
    project.config["steering"] = STEERING | {"shards": shards}
    module = project.folder / "workflow/scripts/emovec/steering/generation.py"
    text = module.read_text()
    assert "NUMBERS = 2**24" in text
    module.write_text(text.replace("NUMBERS = 2**24", "NUMBERS = 2**16"))
    return project


def tables(project: Project) -> list[bytes]:
    return [(project.folder / table).read_bytes() for table in TABLES]


def in_shards(message: str, shards: int, *which: int) -> set[str]:
    return {f"{message}, shard {shard} of {shards}" for shard in which or range(1, shards + 1)}


def kill_shard(project: Project, running: subprocess.Popen, shard: int) -> None:
    """kill -9 the job of a shard as soon as it has begun its log, the only job at that time."""
    log = project.folder / f"logs/tests/read_steered/one/{shard}-of-3.log"
    script = f"{project.folder}/.snakemake/scripts/"
    while running.poll() is None:
        for path in Path("/proc").glob("[0-9]*/cmdline") if log.exists() else ():
            try:
                words = path.read_bytes().decode(errors="replace")
            except OSError:
                continue
            if script in words and "read_steered" in words:
                os.kill(int(path.parent.name), signal.SIGKILL)
                return
        time.sleep(0.02)
    raise AssertionError(f"shard {shard} was not begun")


@pytest.fixture(scope="module")
def whole(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    alone = project(finished, tmp_path_factory.mktemp("whole") / "project", 1)
    alone.build(*TABLES)
    return tables(alone)


def test_shards_give_the_tables_of_one_job(
    finished: Project, tmp_path: Path, whole: list[bytes]
) -> None:
    split = project(finished, tmp_path / "project", 2)
    split.build(*TABLES)
    assert tables(split) == whole
    assert not list((split.results / "steering/one").rglob("*-of-2.csv"))
    assert "Nothing to be done" in split.build(*TABLES).text


def test_killed_shard_leaves_the_others_and_is_made_anew(
    finished: Project, tmp_path: Path, whole: list[bytes]
) -> None:
    split = project(finished, tmp_path / "project", 3)
    folder = split.results / "steering/one"
    running = split.start("-k", *TABLES, cores=1)
    kill_shard(split, running, 2)
    assert finish(running).code != 0
    assert {path.name for path in folder.glob("read_outs/[!.]*")} == {"1-of-3.csv", "3-of-3.csv"}
    assert not (folder / "read_outs.csv").exists()

    assert split.planned(TABLES[0]) == {*in_shards(READING, 3, 2), JOINING}
    split.build(*TABLES)
    assert tables(split) == whole

    # the shards are gone, and yet a change of what they depend on is seen
    split.config["steering"]["temperature"] = 0.9
    assert split.planned(*TABLES) == {
        *in_shards("Writing texts with one under steering", 3), "Merging the texts of one"
    }  # fmt: skip
    split.config["steering"]["strengths"] = [0.25]
    assert {*in_shards(READING, 3), JOINING, *LATER} <= split.planned(*TABLES)
