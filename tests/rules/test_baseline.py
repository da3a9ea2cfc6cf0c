"""The original study's config runs as it is, its models coming from a stand-in for the hub."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import pandas as pd
import pytest
from emovec.io.files import read_json, sha256
from emovec.models.sources import source_id
from hub_server import Fault, Hub, Request, serve
from project import ROOT, Project, Run
from repositories import BASELINE, UNWANTED, with_few_sentences, write_repositories
from tokenizers import Tokenizer

pytest.importorskip("torch")
pytest.importorskip("transformers")

COMMITS = {
    "openai-community/gpt2": "607a30d783dfa663caf39e06633721c8d4cfcd7e",
    "EleutherAI/pythia-160m": "50f5173d932e8e61f858120bcb800b97af589f46",
    "EleutherAI/gpt-neo-125m": "21def0189f5705e2521767faed922f1f15e7d7db",
}
COMMON = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
LEGACY = {"generation_config.json", "merges.txt", "vocab.json"}
WANTED = {
    "openai-community/gpt2": COMMON | LEGACY,
    "EleutherAI/pythia-160m": COMMON | {"special_tokens_map.json"},
    "EleutherAI/gpt-neo-125m": COMMON | LEGACY | {"special_tokens_map.json"},
}
PYTHIA = "EleutherAI/pythia-160m"


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No token, cache or network of the machine takes part; yields HF_HOME."""
    home = tmp_path_factory.mktemp("home") / "huggingface"
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("HF_", "HUGGING", "TRANSFORMERS_")) or name.lower().endswith(
                "_proxy"
            ):
                patch.delenv(name)
        patch.setenv("HF_HOME", str(home))
        for scheme in ("HTTP", "HTTPS"):  # whatever leaves the machine fails at once
            patch.setenv(f"{scheme}_PROXY", "http://127.0.0.1:1")
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield home


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    write_repositories(folder, _project(tmp_path_factory.mktemp("config")).config)
    return folder


@pytest.fixture(scope="module")
def hub(served: Path) -> Iterator[Hub]:
    with serve(served) as server:
        yield server


def _project(folder: Path) -> Project:
    """The baseline with few sentences: with all of them the statistics take minutes."""
    return with_few_sentences(Project(folder / "project", BASELINE))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return _project(tmp_path)


@dataclass
class Finished:
    project: Project
    run: Run
    requests: list[Request]


@pytest.fixture(scope="module")
def finished(hub: Hub, python: str, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The whole experiment, run once."""
    project = _project(tmp_path_factory.mktemp("finished"))
    hub.requests.clear()
    # the client of the hub reads its environment when it is loaded
    project.build(*(manifest(project, repo) for repo in COMMITS), HF_ENDPOINT=hub.url)
    project.python = python
    run = project.build(HF_ENDPOINT=hub.url)
    return Finished(project, run, list(hub.requests))


def model_folders(project: Project) -> dict[str, Path]:
    """The folder of each model's source by its repository."""
    sources = [model["source"] for model in project.config["models"].values()]
    return {s["hub"]: project.folder / "resources/models" / source_id(s) for s in sources}


def downloads(project: Project, repo: str) -> dict[str, Path]:
    """The files fetched for a repository, whole or not, without the client's own notes."""
    folder = project.folder / "resources/downloads/hub" / repo.replace("/", "--") / COMMITS[repo]
    return {p.name: p for p in folder.glob("*") if p.is_file()}


def manifest(project: Project, repo: str) -> str:
    """The target that fetches one model."""
    return str((model_folders(project)[repo] / "manifest.json").relative_to(project.folder))


def got(requests: list[Request], repo: str) -> list[str]:
    """The files of a repository whose content was asked for."""
    start = f"/{repo}/resolve/{COMMITS[repo]}/"
    paths = [r.path for r in requests if r.method == "GET" and r.path.startswith(start)]
    return sorted(path.removeprefix(start) for path in paths)


def test_config_is_the_shipped_one(finished: Finished) -> None:
    used = finished.project.folder / BASELINE
    assert used.read_bytes() == (ROOT / BASELINE).read_bytes()
    assert not (finished.project.folder / "test.yaml").exists()
    sources = [model["source"] for model in finished.project.config["models"].values()]
    assert {source["hub"]: source["revision"] for source in sources} == COMMITS


def test_every_promised_file_is_there(finished: Finished) -> None:
    results = finished.project.results
    assert results.relative_to(finished.project.folder).as_posix() == "results/baseline"
    promised = ["report.md", "report.html", "provenance.json"]
    promised += ["prompts/audit.json", "prompts/confounds.csv", "layer_norms.csv"]
    promised += ["within_model_similarity.csv", "cross_model_similarity.csv"]
    for model in ("gpt2", "pythia-160m", "gpt-neo-125m"):
        promised += [f"activations/{model}.h5", f"emotion_vectors/{model}_vectors.h5"]
        for plot in ("layer_norms_l2", "emotion_distances", "similarity_heatmap_avg"):
            promised.append(f"plots/{model}/{model}_{plot}.png")
    for emotion in ("gratitude", "anger", "apology"):
        promised.append(f"plots/cross_model/cross_model_{emotion}.png")
    assert [name for name in promised if not (results / name).stat().st_size] == []


def test_vectors_and_raw_cosines_are_those_of_three_models(finished: Finished) -> None:
    results = finished.project.results
    with h5py.File(results / "emotion_vectors/gpt2_vectors.h5") as file:
        for position in ("last", "suffix"):
            for emotion in ("gratitude", "anger", "apology"):
                assert file["emotion_vectors"][position][emotion].shape == (3, 32)
    table = pd.read_csv(results / "cross_model_similarity.csv")
    raw = table.query("method == 'raw' and stat == 'cos_naive' and depth_a == 1")
    between = raw[~raw.model_b.str.contains("@")]
    assert between.value.notna().all()
    assert set(zip(between.model_a, between.model_b, strict=True)) == {
        ("gpt2", "pythia-160m"),
        ("gpt2", "gpt-neo-125m"),
        ("pythia-160m", "gpt-neo-125m"),
    }


def test_record_names_commit_and_served_weights(finished: Finished, served: Path) -> None:
    project = finished.project
    record = read_json(project.results / "provenance.json")
    for name, model in project.config["models"].items():
        repo, commit = model["source"]["hub"], model["source"]["revision"]
        weights = sha256(served / repo / "model.safetensors")
        folder = model_folders(project)[repo]
        entry = read_json(folder / "manifest.json")
        assert entry["source"]["revision"] == commit == COMMITS[repo]
        assert entry["weights_sha256"] == weights == sha256(folder / "model.safetensors")
        assert entry["tokenizer_sha256"] == sha256(served / repo / "tokenizer.json")
        assert entry["bos_token_id"] == 0
        assert record["models"][folder.name] == entry
        assert record["config"]["models"][name]["source"] == model["source"]
        assert record["activations"][name]["weights_sha256"] == weights
        with h5py.File(project.results / f"activations/{name}.h5") as file:
            assert file.attrs["weights_sha256"] == weights
            assert json.loads(file.attrs["source"])["revision"] == commit


def test_only_wanted_files_were_asked_for_once_and_at_their_commit(
    finished: Finished, hub: Hub, environment: Path
) -> None:
    for repo, commit in COMMITS.items():
        assert set(UNWANTED) <= set(hub.files(repo))
        mine = [request for request in finished.requests if f"/{repo}/" in request.path]
        assert mine and all(f"/{commit}" in request.path for request in mine)
        assert got(mine, repo) == sorted(WANTED[repo])
        assert downloads(finished.project, repo).keys() == WANTED[repo]
    known = [r for r in finished.requests if any(f"/{repo}/" in r.path for repo in COMMITS)]
    assert known == finished.requests
    assert not list(environment.rglob("*.safetensors"))


def test_finished_run_asks_the_hub_nothing(finished: Finished, hub: Hub) -> None:
    hub.requests.clear()
    before = finished.project.tables()
    assert "Nothing to be done" in finished.project.build(HF_ENDPOINT=hub.url).text
    assert "Nothing to be done" in finished.project.build(HF_ENDPOINT="http://127.0.0.1:1").text
    assert hub.requests == []
    assert finished.project.tables() == before


def test_results_do_not_depend_on_the_endpoint(
    finished: Finished, hub: Hub, served: Path, project: Project
) -> None:
    """What is computed reads the model folders alone, and these are the same to the byte."""
    with serve(served) as mirror:
        assert mirror.url != hub.url
        project.build(*(manifest(project, repo) for repo in COMMITS), HF_ENDPOINT=mirror.url)
    mine, first = model_folders(project), model_folders(finished.project)
    for repo in COMMITS:
        files = {p.name: p.read_bytes() for p in mine[repo].iterdir()}
        assert files == {p.name: p.read_bytes() for p in first[repo].iterdir()}
    written = [*finished.project.results.rglob("*"), *first[PYTHIA].iterdir()]
    assert not [p for p in written if p.is_file() and hub.url.encode() in p.read_bytes()]


def test_older_layouts_are_completed_and_left_as_they_came(
    served: Path, project: Project, tmp_path: Path
) -> None:
    """Without tokenizer_config.json, and without tokenizer.json."""
    gpt2, neo = "openai-community/gpt2", "EleutherAI/gpt-neo-125m"
    shutil.copytree(served, tmp_path / "older")
    (tmp_path / "older" / gpt2 / "tokenizer_config.json").unlink()
    (tmp_path / "older" / neo / "tokenizer.json").unlink()
    with serve(tmp_path / "older") as hub:
        project.build(manifest(project, gpt2), manifest(project, neo), HF_ENDPOINT=hub.url)
        for repo, lacks in ((gpt2, "tokenizer_config.json"), (neo, "tokenizer.json")):
            folder, came = model_folders(project)[repo], downloads(project, repo)
            assert came.keys() == WANTED[repo] - {lacks}
            for name, path in came.items():
                assert path.read_bytes() == (tmp_path / "older" / repo / name).read_bytes()
            assert {p.name for p in folder.iterdir()} == COMMON | {"manifest.json"}
            for name in COMMON - {lacks}:
                assert (folder / name).read_bytes() == came[name].read_bytes()
            assert read_json(folder / "manifest.json")["bos_token_id"] == 0
            mine = Tokenizer.from_file(str(folder / "tokenizer.json"))
            whole = Tokenizer.from_file(str(served / repo / "tokenizer.json"))
            text = "Thanks a million, Zoë!"
            encodings = [t.encode(text, add_special_tokens=False) for t in (mine, whole)]
            assert encodings[0].ids == encodings[1].ids


@pytest.mark.parametrize(
    ("fault", "environment", "says", "way_out"),
    [
        (
            Fault("short", on="get", files="*.safetensors", size=1000),
            {},
            "full length",
            "run again",
        ),
        (None, {"HF_ENDPOINT": "http://127.0.0.1:1"}, "http://127.0.0.1:1", "source: {path: ...}"),
    ],
    ids=["short", "unreachable"],
)
def test_fault_is_one_sentence_and_the_next_run_goes_on(
    project: Project,
    hub: Hub,
    served: Path,
    fault: Fault | None,
    environment: dict[str, str],
    says: str,
    way_out: str,
) -> None:
    hub.faults = {PYTHIA: fault} if fault else {}
    target, folder = manifest(project, PYTHIA), model_folders(project)[PYTHIA]
    run = project.snakemake(target, **{"HF_ENDPOINT": hub.url} | environment)
    hub.faults = {}
    assert run.code != 0, run.text
    said = run.sentence("fetch_model")
    assert said.endswith(".") and ". " not in said
    assert PYTHIA in said and says in said and way_out in said
    assert run.text.splitlines()[-1].startswith(f"fetch_model: {said}")
    assert "Traceback" not in run.text
    assert list(folder.rglob("*")) == []
    done = downloads(project, PYTHIA)
    for name, path in done.items():
        assert path.read_bytes() == (served / PYTHIA / name).read_bytes()
    assert "model.safetensors" not in done

    hub.requests.clear()
    project.build(target, HF_ENDPOINT=hub.url)
    assert got(hub.requests, PYTHIA) == sorted(WANTED[PYTHIA] - done.keys())
    weights = sha256(served / PYTHIA / "model.safetensors")
    assert read_json(folder / "manifest.json")["weights_sha256"] == weights
    assert sha256(folder / "model.safetensors") == weights
    assert {p.name for p in folder.iterdir()} == COMMON | {"manifest.json"}
