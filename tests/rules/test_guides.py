"""The guides for models, prompts and activations of one's own, followed literally."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from emovec.activations.store import open_activations
from emovec.io.files import read_json
from guide import blocks, follow, programs
from hub_server import serve
from project import ROOT, Project
from repositories import write_repositories
from tiny import model_folder, write_gguf

pytest.importorskip("torch")
GUIDES = ROOT / "docs"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return Project(tmp_path / "clone").folder


def test_own_models(clone: Path, tiny_root: Path, tmp_path: Path) -> None:
    """From the hub (a stand-in on the loopback interface), a folder and a GGUF file."""
    shutil.copytree(model_folder("gpt_neo", tiny_root), clone / "models/mine")
    write_gguf(clone / "models/mine.gguf")
    served = tmp_path / "served"
    [config] = [yaml.safe_load(b.text) for b in blocks(GUIDES / "own-models.md") if b.file]
    from_hub = {k: m for k, m in config["models"].items() if "hub" in m["source"]}
    write_repositories(served, {"models": from_hub})
    quiet = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_TOKEN": ""}
    with serve(served) as hub:
        planned, _ = follow(GUIDES / "own-models.md", clone, HF_ENDPOINT=hub.url, **quiet)
    assert "write_report" in planned
    shapes = {
        name: (one.attributes["architecture"], one.n_layers, one.d_model)
        for name in ("pythia-160m", "folder", "gguf")
        for one in [open_activations(clone / f"results/mine/activations/{name}.h5")]
    }
    assert shapes == {
        "pythia-160m": ("gpt_neox", 2, 32),
        "folder": ("gpt_neo", 3, 32),
        "gguf": ("llama", 3, 32),
    }
    assert len(list((clone / "results/mine/emotion_vectors").iterdir())) == 3


@pytest.fixture(scope="module")
def corpora(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide to prompts of one's own, followed to its end."""
    folder = Project(tmp_path_factory.mktemp("corpora") / "clone").folder
    follow(GUIDES / "own-prompts.md", folder, **programs(python))
    return folder / "results"


def test_own_emotions_in_another_language(corpora: Path) -> None:
    results = corpora / "ja"
    audit = json.loads((results / "prompts/audit.json").read_text())
    assert audit["classes"] == {"joy": 6, "fear": 6, "neutral": 6}
    assert audit["findings"]  # six topics are too few, and it says so
    within = pd.read_csv(results / "within_model/tiny.csv")
    assert set(within.position) == {"last_content", "suffix"}
    pairs = within[within.stat == "cos_u"][["emotion_a", "emotion_b"]].drop_duplicates()
    assert pairs.to_numpy().tolist() == [["joy", "fear"]]
    activations = open_activations(results / "activations/tiny.h5")
    assert activations.prompts.text.str.endswith("。").all()  # final marks are no content
    assert np.isfinite(activations.residual("last_content")).all()


@pytest.mark.parametrize(
    ("experiment", "unit", "used", "left_out", "contrasts"),
    [
        ("ja", "topic", 6, 0, {"joy", "fear", "joy-fear", "common"}),
        ("honesty", "topic", 4, 0, {"positive", "common"}),
        (
            *("labelled", "sentence", 3, 1),
            {"Grief-stricken", "elated", "Grief-stricken-elated", "common"},
        ),
        ("emotions", "sentence", 3, 1, {"Grief-stricken", "elated", "plain", "common"}),
        ("stories", "topic", 3, 1, {"喜び", "common"}),
    ],
)
def test_corpora_of_every_shape(
    corpora: Path, experiment: str, unit: str, used: int, left_out: int, contrasts: set[str]
) -> None:
    audit = read_json(corpora / experiment / "prompts/audit.json")
    assert (audit["unit"], audit["topics"], audit["left_out"]) == (unit, used, left_out)
    within = pd.read_csv(corpora / experiment / "within_model/tiny.csv")
    own = within[(within.model == "tiny") & within.emotion_b.isna()]
    assert set(within.n_topics) == {used} and contrasts <= set(own.emotion_a)


def test_names_of_any_script_are_kept_in_tables_and_plain_in_files(corpora: Path) -> None:
    stories = corpora / "stories"
    assert set(pd.read_csv(stories / "layer_norms/tiny.csv").emotion) == {"喜び"}
    assert "class-1.gguf" in {path.name for path in (stories / "exports/tiny").iterdir()}
    read = open_activations(stories / "activations/tiny.h5")
    assert read.attributes["mean_from"] == 12
    assert read.by_class("mean", ["喜び", "平静"]).shape[:2] == (2, 3)  # of seven stories
    assert len(read.prompts) == 7 and "海" not in set(read.prompts.topic)


def test_own_activations(clone: Path, python: str, tiny_root: Path) -> None:
    folder = model_folder("gpt2", tiny_root)
    shutil.copytree(folder, clone / "models/mine")
    follow(GUIDES / "own-activations.md", clone, **programs(python))
    brought = open_activations(clone / "results/mine/activations/mine.h5")
    assert set(pd.read_csv(clone / "results/mine/decoding/mine.csv").direction) == {
        "native",
        "depth0",
    }
    # the script of the guide reads what the workflow itself reads
    from emovec.activations.capture import Reader
    from emovec.models.loading import load_model
    from emovec.prompts.tokenizer import load_encoder

    encode = load_encoder(
        folder / "tokenizer.json", read_json(folder / "manifest.json")["bos_token_id"], True, "mine"
    )
    reader = Reader("mine", load_model(folder), encode, " x", 2048, centered=False)
    texts, ids = brought.prompts.text.tolist(), brought.prompts.id.tolist()
    own = np.empty_like(brought.residual("last"))
    for _, _, rows, residual in reader.read(reader.plan("prompts", texts, None, ids, ["last"])):
        own[rows] = residual
    np.testing.assert_allclose(brought.residual("last"), own, rtol=1e-4, atol=1e-6)
