"""A results folder as a research object: files with digests, references that end."""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest
from emovec.errors import InputError
from emovec.io.files import sha256
from emovec.report.crate import CRATE, describe, keep, place

TOLD = {
    "experiment": "tests", "run_at": "2026-11-27T17:52:16+00:00", "emovec": "0.1.0",
    "revision": None, "code": "0123456789abcdef",
    "config": {"models": {"one": {}}, "prompts": {"emotions": ["anger", "喜び"]}},
    "inputs": {"mine/prompts.csv": "", "brought.h5": "ab" * 32},
    "models": {
        "llama-1": {"source": {"path": "mine"}, "license": "MIT", "weights_sha256": "cd" * 32}
    },
    "versions": {"python": "3.11.9", "numpy": "2.4.6"},
    "hardware": {"system": "Linux x86_64", "processors": 2},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("run/Snakefile", "run/mine/prompts.csv", "ways/one two@twin.csv", "report.html"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def crate(folder: Path) -> dict:
    made = ["ways/one two@twin.csv", "report.html"]
    read = {"run/mine/prompts.csv": "mine/prompts.csv"}
    return describe(TOLD, folder, made, "run/Snakefile", read)


def test_files_are_told_with_size_and_digest(folder: Path) -> None:
    entities = {one["@id"]: one for one in crate(folder)["@graph"]}
    table = entities["ways/one%20two%40twin.csv"]
    path = folder / unquote(table["@id"])
    assert table["sha256"] == sha256(path) and table["contentSize"] == "21"
    assert table["encodingFormat"] == "text/csv"
    assert entities["run/mine/prompts.csv"]["alternateName"] == "mine/prompts.csv"
    parts = [unquote(one["@id"]) for one in entities["./"]["hasPart"]]
    assert sorted(parts) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_run_reads_what_is_in_the_folder_and_what_is_not(folder: Path) -> None:
    entities = {one["@id"]: one for one in crate(folder)["@graph"]}
    run = entities["#run"]
    assert run["instrument"] == entities["./"]["mainEntity"] == {"@id": "run/Snakefile"}
    read = [one["@id"] for one in run["object"]]
    assert read == ["run/mine/prompts.csv", "#llama-1", "#brought.h5"]
    assert entities["#llama-1"]["sha256"] == "cd" * 32 and entities["#llama-1"]["license"] == "MIT"
    assert entities["#brought.h5"]["sha256"] == "ab" * 32
    assert [one["@id"] for one in run["result"]] == ["ways/one%20two%40twin.csv", "report.html"]
    assert run["endTime"] == TOLD["run_at"] and not {"startTime", "agent"} & set(run)


def test_references_lead_to_entities_and_no_two_have_one_name(folder: Path) -> None:
    graph = crate(folder)["@graph"]
    known = [one["@id"] for one in graph]
    assert len(known) == len(set(known)) and known[0] == CRATE

    def references(value: object) -> list[str]:
        if isinstance(value, list):
            return [id for one in value for id in references(one)]
        return [value["@id"]] if isinstance(value, dict) else []

    named = {id for one in graph for value in one.values() for id in references(value)}
    assert named - set(known) == {"https://w3id.org/ro/crate/1.1"}  # the standard itself
    assert set(known) - named == {CRATE}


def test_same_record_and_files_give_the_same_crate(folder: Path) -> None:
    assert json.dumps(crate(folder)) == json.dumps(crate(folder))


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("resources/prompts/a.csv", "resources/prompts/a.csv"),
        ("../a.csv", "elsewhere/a.csv"),
        ("/data/x/../a.csv", "elsewhere/data/x/a.csv"),
    ],
)
def test_copies_stay_in_the_folder(name: str, at: str) -> None:
    assert place(name) == at


def test_input_that_has_changed_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("read")
    digest = sha256(tmp_path / "a.csv")
    keep(tmp_path / "a.csv", tmp_path / "run/a.csv", digest)
    (tmp_path / "a.csv").write_text("edited")
    with pytest.raises(InputError, match=r"a\.csv has changed since it was read"):
        keep(tmp_path / "a.csv", tmp_path / "run/a.csv", digest)
    assert (tmp_path / "run/a.csv").read_text() == "read"
