"""Downloading from a stand-in hub on the loopback interface: whole, resumed, and refused."""

import base64
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
from emovec.errors import InputError
from emovec.models import hub as hub_client
from emovec.models.hub import download
from emovec.models.sources import FILES, fetch
from hub_server import Fault, Hub, serve
from tiny import write_classifier

constants = pytest.importorskip("huggingface_hub.constants")

REPO = "lab/tiny"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
MODEL = {
    "config.json": b'{"model_type": "gpt2"}',
    "generation_config.json": b"{}",
    "merges.txt": b"#version: 0.2\n",
    "model.safetensors": np.random.default_rng(0).bytes(200_000),
    "model.safetensors.index.json": b'{"weight_map": {}}',
    "tokenizer.json": b'{"version": "1.0"}',
    "vocab.json": b'{"a": 0}',
}
UNWANTED = {
    "README.md": b"# Tiny\n",
    "consolidated.safetensors": b"the same weights again",
    "modeling_tiny.py": b"raise SystemExit('remote code ran')\n",
    "onnx/model.safetensors": b"weights of another kind",
    "pytorch_model.bin": b"pickled weights",
    "tokenizer.model": b"sentencepiece",
    "training_args.pt": b"pickled arguments",
    "vocab.txt": b"[UNK]",
}


def write_repository(folder: Path, files: dict[str, bytes], commit: str = COMMIT) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "REVISION").write_text(commit + "\n")


def downloaded(folder: Path) -> dict[str, bytes]:
    """What a download left, without the client's own notes."""
    names = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {n: p.read_bytes() for n, p in sorted(names.items()) if not n.startswith(".cache/")}


def refusal(folder: Path, repo: str = REPO, revision: str = COMMIT) -> str:
    """The sentence a download ends with, checked to be one."""
    with pytest.raises(InputError) as caught:
        download(repo, revision, folder)
    check_sentence(str(caught.value), repo)
    return str(caught.value)


def check_sentence(sentence: str, repo: str = REPO) -> None:
    assert repo in sentence
    assert sentence.endswith(".") and ". " not in sentence and "\n" not in sentence
    assert "Traceback" not in sentence and "Error" not in sentence


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, token or cache of the machine takes part."""
    for name in list(os.environ):
        if name.startswith("HF_") or name == "TRANSFORMERS_OFFLINE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "home" / "token"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    write_repository(tmp_path / "served" / REPO, MODEL | UNWANTED)
    with serve(tmp_path / "served") as server:
        # huggingface_hub is imported by now: the endpoint must be read at each call
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def asked(hub: Hub, method: str = "GET") -> list[tuple[str, str | None]]:
    """File requests the hub has seen: name and range."""
    files = [r for r in hub.requests if r.method == method and "/resolve/" in r.path]
    return [(r.path.rsplit("/", 1)[1], r.range) for r in files]


def test_whole_download_equals_the_files_and_takes_nothing_else(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "model"
    assert download(REPO, COMMIT, folder) == folder
    assert downloaded(folder) == MODEL
    assert sorted(asked(hub)) == [(name, None) for name in sorted(MODEL)]
    assert all("/api/models/" in r.path or COMMIT in r.path for r in hub.requests)


def test_vocabularies_are_taken_only_without_a_fast_tokenizer(hub: Hub, tmp_path: Path) -> None:
    (hub.folder / REPO / "tokenizer.json").unlink()
    download(REPO, COMMIT, tmp_path / "model")
    names = set(MODEL) - {"tokenizer.json"} | {"tokenizer.model", "vocab.txt"}
    assert set(downloaded(tmp_path / "model")) == names


def test_classifier_comes_from_the_hub_like_any_model(hub: Hub, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    local = write_classifier(tmp_path / "local", "a", ("no", "yes"))
    files = {path.name: path.read_bytes() for path in local.iterdir()}
    write_repository(hub.folder / "lab/judge", files | UNWANTED)
    source = {"hub": "lab/judge", "revision": COMMIT}
    manifest = fetch(source, tmp_path / "m", tmp_path / "downloads", classifier=True)
    assert manifest["labels"] == ["no", "yes"]
    assert {path.name for path in (tmp_path / "m").iterdir()} == {*FILES, "manifest.json"}


def test_cut_transfer_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    # the client keeps what it has in pieces of this size
    piece = constants.DOWNLOAD_CHUNK_SIZE
    weights = np.random.default_rng(1).bytes(piece + 2_000_000)
    (hub.folder / REPO / "model.safetensors").write_bytes(weights)
    hub.faults[REPO] = Fault(
        "cut", on="get", files="*.safetensors", size=piece + 1_000_000, times=1
    )
    download(REPO, COMMIT, tmp_path / "model")
    assert downloaded(tmp_path / "model") == MODEL | {"model.safetensors": weights}
    spans = [span for name, span in asked(hub) if name == "model.safetensors"]
    assert spans == [None, f"bytes={piece}-"]


def test_second_run_fetches_only_what_is_missing(hub: Hub, tmp_path: Path) -> None:
    hub.faults[REPO] = Fault("html", on="get", files="*.safetensors", times=1)
    refusal(tmp_path / "model")
    assert "model.safetensors" not in downloaded(tmp_path / "model")
    done = set(downloaded(tmp_path / "model"))
    assert "config.json" in done
    hub.requests.clear()
    download(REPO, COMMIT, tmp_path / "model")
    assert downloaded(tmp_path / "model") == MODEL
    assert {name for name, _ in asked(hub)} == set(MODEL) - done


def test_damaged_file_in_the_folder_is_found_and_mended(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    download(REPO, COMMIT, folder)
    for name in ("model.safetensors", "vocab.json"):
        path = folder / name
        path.write_bytes(path.read_bytes()[:-1])
        assert name in refusal(folder)
        assert not path.exists()
        download(REPO, COMMIT, folder)
        assert downloaded(folder) == MODEL


@pytest.mark.parametrize("revision", ["main", COMMIT[:7], COMMIT + "0", COMMIT.upper(), "g" * 40])
def test_only_a_whole_commit_is_a_revision(hub: Hub, tmp_path: Path, revision: str) -> None:
    assert repr(revision) in refusal(tmp_path / "model", revision=revision)
    assert hub.requests == []


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_mode_asks_nothing(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    sentence = refusal(tmp_path / "model")
    assert variable in sentence and "source: {path: ...}" in sentence
    assert hub.requests == []


@pytest.mark.parametrize("endpoint", ["127.0.0.1:1", "http://127.0.0.1:1"])
def test_endpoint_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert endpoint in refusal(tmp_path / "model")


def test_unreachable_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(tmp_path) as gone:
        url = gone.url
    monkeypatch.setenv("HF_ENDPOINT", url)
    sentence = refusal(tmp_path / "model")
    assert url in sentence
    assert "HF_ENDPOINT to a mirror" in sentence and "source: {path: ...}" in sentence


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault("gated", on="head get", token="hf_right"), "accept the licence"),
        (Fault("gated", on="api", token="hf_right"), "accept the licence"),
        (Fault("missing"), f"has no commit {COMMIT}"),
        (Fault("html", on="api"), "page of a proxy"),
        (Fault("html", on="head get"), "page of a proxy"),
        (Fault("html", on="get", files="*.safetensors"), "model.safetensors"),
        (Fault("short", on="get", files="*.safetensors", size=500), "full length"),
        (Fault("corrupt", on="get", files="*.safetensors"), "content"),
        (Fault("corrupt", on="get", files="vocab.json"), "vocab.json"),
        (Fault("reset", on="api"), "run again"),
        (Fault("reset", on="get"), "run again"),
        (Fault("error", on="api"), "HTTP 503"),
    ],
    ids=lambda value: f"{value.kind}-{value.on}" if isinstance(value, Fault) else "",
)
def test_every_fault_ends_in_one_sentence(
    hub: Hub, tmp_path: Path, fault: Fault, says: str
) -> None:
    hub.faults[REPO] = fault
    assert says in refusal(tmp_path / "model")
    left = downloaded(tmp_path / "model")
    assert all(MODEL[name] == content for name, content in left.items())
    hub.faults.clear()
    download(REPO, COMMIT, tmp_path / "model")
    assert downloaded(tmp_path / "model") == MODEL


def test_token_opens_a_gated_repository(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults[REPO] = Fault("gated", on="head get", token="hf_right")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "HTTP 403" in refusal(tmp_path / "model")
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    download(REPO, COMMIT, tmp_path / "model")
    assert downloaded(tmp_path / "model") == MODEL


def test_password_in_the_address_opens_the_hub_and_is_never_told(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url.replace("//", "//me:s3cr%65t@"))
    gated = Fault("gated", on="api", token="hf_right")
    for fault in (gated, Fault("reset", on="get"), Fault("html", on="api")):
        hub.faults[REPO] = fault
        with pytest.raises(InputError) as caught:
            download(REPO, COMMIT, tmp_path / "model")
        traceback.print_exception(caught.value)
    printed = "".join(capfd.readouterr())
    assert REPO in printed and "s3cr" not in printed
    hub.faults.clear()
    download(REPO, COMMIT, tmp_path / "model")
    assert downloaded(tmp_path / "model") == MODEL
    secret = base64.b64encode(b"me:s3cret").decode()
    assert {r.authorization for r in hub.requests} == {f"Basic {secret}"}


def test_unknown_repository_and_unknown_commit(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "check the name" in refusal(tmp_path / "model", repo="lab/nothing")
    monkeypatch.setenv("HF_TOKEN", "hf_any")
    assert "not found" in refusal(tmp_path / "model", repo="lab/nothing")
    assert f"no commit {OTHER}" in refusal(tmp_path / "model", revision=OTHER)
    assert "not the name" in refusal(tmp_path / "model", repo="no name at all")


def test_hub_that_ignores_the_commit_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def latest(handler: BaseHTTPRequestHandler) -> None:
        handler._list(REPO, OTHER, tree=False)

    monkeypatch.setattr("hub_server._Handler._answer", latest)
    assert f"answered with commit {OTHER}" in refusal(tmp_path / "model")


@pytest.mark.parametrize(
    ("missing", "says"), [("model.safetensors", "no safetensors"), ("config.json", "config.json")]
)
def test_repository_without_a_loadable_model(
    hub: Hub, tmp_path: Path, missing: str, says: str
) -> None:
    (hub.folder / REPO / missing).unlink()
    assert says in refusal(tmp_path / "model")
    assert asked(hub) == []


def test_folder_that_cannot_be_written(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("a file where the folder should be")
    assert "stored" in refusal(tmp_path / "model")


def test_hub_that_never_goes_on_ends_within_the_limits(hub: Hub, tmp_path: Path) -> None:
    """In processes of their own, since the client reads its time limits when it is imported."""
    cases = {
        "lab/listing": (Fault("stall", on="api"), "stopped answering"),
        "lab/body": (Fault("stall", on="get", files="*.safetensors"), "stopped answering"),
        "lab/cut": (Fault("cut", on="get", files="*.safetensors"), "could not be fetched"),
    }
    script = (
        "import sys; from pathlib import Path; from emovec.errors import InputError\n"
        "from emovec.models.hub import download\n"
        "try: download(sys.argv[1], sys.argv[2], Path(sys.argv[3]))\n"
        "except InputError as error: print(error)\n"
    )
    environment = os.environ | {
        "HF_HUB_ETAG_TIMEOUT": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    running = {}
    for repo, (fault, _) in cases.items():
        write_repository(hub.folder / repo, MODEL)
        hub.faults[repo] = fault
        running[repo] = subprocess.Popen(
            [sys.executable, "-c", script, repo, COMMIT, str(tmp_path / repo)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    for repo, process in running.items():
        sentence, _ = process.communicate(timeout=30)
        check_sentence(sentence.strip(), repo)
        assert cases[repo][1] in sentence


def test_unforeseen_error_is_still_one_sentence() -> None:
    error = ValueError("Something broke. It had\ntwo lines.")
    check_sentence(hub_client.sentence(error, REPO, REPO, COMMIT, "http://hub"))
