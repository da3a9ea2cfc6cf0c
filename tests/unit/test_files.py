"""Files are whole or not there, whatever happens to the process that writes them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from disks import read_only
from emovec.errors import InputError
from emovec.io.files import check_digests, scratch, sha256, whole, write_text


def interrupted(block: str, folder: Path) -> int:
    """Run a block of code that is killed while it waits; return its process number."""
    script = (
        "from emovec.io.files import whole, scratch\n"
        f"from pathlib import Path\nimport time\n{block}"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGKILL)
    return process.pid


def test_killed_writer_leaves_the_old_file_and_its_part_goes_next_time(tmp_path: Path) -> None:
    for name in ("t.csv", "t.5.csv"):
        (tmp_path / name).write_text("old")
    killed = interrupted(
        "with whole('t.csv') as part:\n"
        "    part.write_text('half')\n    print('begun', flush=True)\n    time.sleep(60)",
        tmp_path,
    )
    assert (tmp_path / "t.csv").read_text() == "old"
    assert (tmp_path / f".t.{killed}.csv").exists()
    other = tmp_path / f".t.5.{killed}.csv"  # belongs to another file
    living = tmp_path / f".t.{os.getppid()}.csv"  # somebody writes at this moment
    for path in (other, living):
        path.write_text("half")
    write_text(tmp_path / "t.csv", "new")
    assert {p.name for p in tmp_path.iterdir()} == {"t.csv", "t.5.csv", other.name, living.name}
    assert (tmp_path / "t.csv").read_text() == "new"


def test_killed_fetch_leaves_a_folder_that_goes_next_time(tmp_path: Path) -> None:
    interrupted(
        "with scratch(Path('.'), 'new') as new:\n"
        "    (new / 'm').write_text('half')\n    print('begun', flush=True)\n    time.sleep(60)",
        tmp_path,
    )
    assert len(list(tmp_path.iterdir())) == 1
    with scratch(tmp_path, "new") as new:
        assert [p.name for p in tmp_path.iterdir()] == [new.name] and not list(new.iterdir())
    assert not list(tmp_path.iterdir())


def test_error_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("old")
    with pytest.raises(ZeroDivisionError), whole(tmp_path / "t.csv") as part:
        part.write_text("half")
        1 / 0  # noqa: B018
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
    assert (tmp_path / "t.csv").read_text() == "old"


def test_disk_that_may_not_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with (
        read_only(tmp_path / "disk"),
        pytest.raises(InputError, match=r"t\.csv cannot be written \(Read-only file system\)"),
    ):
        write_text(tmp_path / "disk/t.csv", "new")


def test_file_that_is_no_longer_what_came(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"weights")
    digests = {"a": sha256(tmp_path / "a")}
    check_digests(tmp_path, digests)
    (tmp_path / "a").write_bytes(b"weighty")
    with pytest.raises(InputError, match="is not the file that came with the model"):
        check_digests(tmp_path, digests)
    (tmp_path / "a").unlink()
    with pytest.raises(InputError, match="remove the folder"):
        check_digests(tmp_path, digests)
