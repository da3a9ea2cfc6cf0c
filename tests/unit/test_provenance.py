"""Results are those that the run made, or a sentence names the first file that is not."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from emovec.errors import InputError
from emovec.io.files import sha256
from emovec.report.provenance import check_results, digests, kept

TABLES = ["verdicts.csv", "prompts/confounds.csv"]
EXPORTED = "exports/one/anger.gguf"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder of results: two tables and an exported file."""
    folder = tmp_path / "results"
    for name in TABLES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("model,value\none,0.5\n")
    exported = folder / EXPORTED
    exported.parent.mkdir(parents=True)
    exported.write_bytes(b"vector")
    file = {"name": exported.name, "sha256": sha256(exported)}
    exported.with_name("card.json").write_text(json.dumps({"files": [file]}))
    told = {"tables": digests(folder, [folder / name for name in TABLES])}
    (folder / "provenance.json").write_text(json.dumps(told))
    return folder


def test_untouched_results_pass(results: Path) -> None:
    assert check_results(results) == [*TABLES, EXPORTED]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda at: (at / TABLES[0]).write_text("model,value\none,0.6\n"), f"d: {TABLES[0]}. Remo"),
        (lambda at: [(at / name).unlink() for name in TABLES], f"d: {', '.join(TABLES)}. Remove"),
        (lambda at: (at / EXPORTED).write_bytes(b"other"), f"d: {EXPORTED}. Remove"),
        (lambda at: (at / EXPORTED).unlink(), f"d: {EXPORTED}. Remove"),
        (lambda at: (at / EXPORTED).with_name("card.json").write_text("{}"), "card.json cannot be"),
        (lambda at: (at / "provenance.json").unlink(), "provenance.json cannot be read"),
        (lambda at: (at / "provenance.json").write_text("{"), "provenance.json cannot be read"),
        (lambda at: (at / "provenance.json").write_text("[1]"), "provenance.json cannot be read"),
        (lambda at: (at / "provenance.json").write_text("{}"), "provenance.json cannot be read"),
        (lambda at: record(at, "../x"), r"d: \.\./x. Remove"),
    ],
)
def test_results_that_somebody_sent(results: Path, change: Callable, says: str) -> None:
    change(results)
    with pytest.raises(InputError, match=says):
        check_results(results)


def record(folder: Path, name: str) -> None:
    """As if a file of another folder belonged to this one."""
    (folder / name).touch()
    tables = {name: sha256(folder / name)}
    (folder / "provenance.json").write_text(json.dumps({"tables": tables}))


@pytest.mark.parametrize(
    ("key", "same"), [("run_at", True), ("hardware", True), ("config", False), ("inputs", False)]
)
def test_tables_of_the_same_are_those_recorded_first(key: str, same: bool) -> None:
    told = dict.fromkeys(("run_at", "hardware", "config", "inputs"), "a")
    now = told | {"tables": {"verdicts.csv": "edited"}, key: "b"}
    assert kept(told | {"tables": {"verdicts.csv": "made"}}, now) == now | (
        {"tables": {"verdicts.csv": "made"}} if same else {}
    )


def test_command_ends_with_one_sentence(results: Path, root: Path) -> None:
    def checked() -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "emovec.report.provenance", str(results)]
        return subprocess.run(
            command, cwd=root / "workflow/scripts", capture_output=True, text=True
        )

    assert checked().stdout == f"{results}: 3 files are those that its run made.\n"
    (results / "verdicts.csv").write_text("")
    run = checked()
    assert run.returncode == 1 and run.stderr.count("\n") == 1 and "verdicts.csv" in run.stderr
