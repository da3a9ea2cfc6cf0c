"""Experiments with less than the shipped ones have: one model, two emotions, no probe."""

from pathlib import Path

import h5py
import pandas as pd
import pytest
from emovec.io.files import read_json, sha256
from emovec.vectors.directions import EmotionVectors
from emovec.vectors.exported import load_vectors
from project import Project

pytest.importorskip("torch")


def test_one_model_is_compared_with_its_twin_alone(alone: Project) -> None:
    cross = pd.read_csv(alone.results / "cross_model_similarity.csv")
    assert set(cross.model_a) | set(cross.model_b) == {"one", "one@twin"}


def test_japanese_alone_has_the_plain_names(alone: Project) -> None:
    text = (alone.results / "report.md").read_text()
    assert text.startswith("# one における感情の方向\n") and "](plots/" in text
    assert "比べる組がない" in text or "回転コピーに限られる" in text  # one model has no pair
    assert "残差ストリーム" in (alone.results / "report.html").read_text()
    assert "この実行では試していない。" in (alone.results / "findings.txt").read_text()
    assert not list(alone.results.rglob("*_ja*"))


def test_position_without_a_probe_has_the_raw_metric_alone(alone: Project) -> None:
    within = pd.read_csv(alone.results / "within_model/one.csv")
    assert set(within.metric[within.position == "emotion_word"]) == {"raw"}
    assert set(within.metric[within.position == "last"]) == {"raw", "zstd", "lda"}


def test_vectors_are_exported_with_their_card(alone: Project) -> None:
    folder = alone.results / "exports/one"
    card = read_json(folder / "card.json")
    names = {file["name"]: file["sha256"] for file in card["files"]}
    assert set(names) | {"card.json"} == {path.name for path in folder.iterdir()}
    assert len(names) == 1 + 3 * 2
    assert names == {name: sha256(folder / name) for name in names}
    [manifest] = alone.folder.glob("resources/models/*/manifest.json")
    exported = load_vectors(folder / "vectors.safetensors", model=manifest.parent, space="raw")
    own = EmotionVectors.read(alone.results / "emotion_vectors/one_vectors.h5")
    assert exported.emotions == own.emotions == ["anger", "apology"] == list(card["emotions"])
    assert (exported.vectors["last"] == own.vectors["last"]).all()
    # random weights know nothing, and the card says so
    anger = card["emotions"]["anger"]
    assert card["untrained"] and anger["recommended"]["depth"] is None
    assert "untrained" in anger["flags"][0]
    decoding = pd.read_csv(alone.results / "decoding/one.csv")
    here = (decoding.contrast == "anger") & (decoding.depth_test == 1) & (decoding.split == "topic")
    for metric in ("raw", "lda"):
        [said] = [
            row
            for row in anger["decoding"]
            if (row["depth"], row["split"], row["metric"]) == (1, "topic", metric)
        ]
        assert said["auroc"] == decoding.auroc[here & (decoding.metric == metric)].item()


def test_nothing_is_exported_if_no_format_is_named(alone: Project, tmp_path: Path) -> None:
    project = alone.copy(tmp_path / "project")
    project.config["exports"] = {"formats": []}
    assert not any("Exporting" in message for message in project.planned())


def test_activations_without_a_probe_give_raw_cosines_and_no_map(
    alone: Project, tmp_path: Path
) -> None:
    project = alone.copy(tmp_path / "project")
    with (
        h5py.File(project.results / "activations/one.h5") as source,
        h5py.File(project.folder / "mine.h5", "w") as mine,
    ):
        for position in source["residual"]:
            mine[f"residual/{position}"] = source[f"residual/{position}"][...]
        for column in ("id", "topic", "emotion"):
            mine[f"prompts/{column}"] = source[f"prompts/{column}"][...]
    project.config["models"]["brought"] = {"source": {"activations": "mine.h5"}}
    project.build(*(f"results/tests/{n}.csv" for n in ("verdicts", "cross_model_similarity")))
    cross = pd.read_csv(project.results / "cross_model_similarity.csv")
    pair = cross[(cross.model_a == "one") & (cross.model_b == "brought")]
    assert set(pair.method) == {"raw"}
    assert pair.value[pair.depth_a > 0].between(0.999, 1.001).all()  # the same activations
    assert not (pd.read_csv(project.results / "verdicts.csv").model_b == "brought").any()


def test_without_a_neutral_class_all_is_taken_against_the_mean_of_all(
    python: str, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project")
    project.python = python
    project.config["prompts"]["neutral"] = None
    project.config["components"] = {"models": ["one"], "ablated": 1}
    made = ("components/one.csv", "token_projections/one.csv", "exports/one/card.json")
    project.build(*(f"results/tests/{name}" for name in made))
    emotions = {"gratitude", "anger", "apology"}
    tokens = pd.read_csv(project.results / "token_projections/one.csv")
    assert set(tokens["class"]) == set(tokens.direction) == emotions
    parts = pd.read_csv(project.results / "components/one.csv")
    assert set(parts.against) == {"emotions"} and set(parts.emotion) == emotions
    sums = parts.groupby(["metric", "emotion"]).value.sum(min_count=1).dropna()
    assert sums.round(4).eq(1).all()  # shares of a direction
    card = read_json(project.results / "exports/one/card.json")
    assert card["reading"]["definition"].endswith("less the mean of all emotions")
    vectors = EmotionVectors.read(project.results / "emotion_vectors/one_vectors.h5")
    total = abs(vectors.vectors["last"].sum(axis=0)).max()
    assert total < 1e-5 * abs(vectors.vectors["last"]).max()
