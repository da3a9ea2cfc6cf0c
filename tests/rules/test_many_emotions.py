"""Models that read the shipped sentences on many emotions come out of the workflow as planted."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import worlds_many
from designs import NIGHTLY
from project import CONFIG, ROOT, Project

FEW = ["gratitude", "anger", "apology", "joy", "sadness", "fear", "disgust", "calm"]
FOUND = {
    "echo": {"with_text"},
    "shared": {"beyond_text"},
    "private": {"with_text", "shared"},  # the text is shared, and may leave too wide an interval
    "habit": {"with_text", "shared"},
    "deaf": {"inconclusive"},
}
TABLE = "results/tests/geometry_between.csv"


def bring(path: Path, sentences: worlds_many.Sentences, model: worlds_many.Brought) -> None:
    with h5py.File(path, "w") as file:
        for position in model.prompts:
            file[f"residual/{position}"] = model.prompts[position].astype("f4")
            file[f"probe/residual/{position}"] = model.probe[position].astype("f4")
        for column in ("id", "topic", "emotion"):
            file[f"prompts/{column}"] = sentences.prompts[column].tolist()
        file["probe/id"] = sentences.probe_ids


@pytest.mark.parametrize("kind", FOUND if NIGHTLY else ["echo"])
def test_what_is_shared_is_told_from_what_the_words_tell(kind: str, tmp_path: Path) -> None:
    """All 32 emotions at night, else eight."""
    project = Project(tmp_path / "project", CONFIG)
    prompts, probe = (
        pd.read_csv(ROOT / f"resources/prompts/{name}.csv") for name in ("spectrum", "probe")
    )
    emotions = [e for e in prompts.emotion.unique() if e != "neutral"] if NIGHTLY else FEW
    sentences = worlds_many.Sentences(prompts, probe, emotions)
    models = sentences.models(np.random.default_rng(1), kind)
    for name, model in zip("ab", models, strict=True):
        bring(project.folder / f"{name}.h5", sentences, model)
    project.config |= {
        "prompts": {
            "file": "resources/prompts/spectrum.csv",
            "probe": "resources/prompts/probe.csv",
            "emotions": emotions,
        },
        "activations": {"positions": ["mean", "suffix"]},
        "statistics": {"position": "suffix", "depths": [1.0], "permutations": 999},
        "models": {name: {"source": {"activations": f"{name}.h5"}} for name in "ab"},
    }
    project.build(TABLE)
    found = pd.read_csv(project.folder / TABLE).set_index("stat")
    assert found.verdict["own"] in FOUND[kind]
    left = found.loc["share_beyond_text"]
    if kind == "echo":  # as the features do not tell how rare the words are, a little is left
        assert abs(left.value) < 0.1
    if kind == "shared":
        assert found.value["beyond_text"] == pytest.approx(1, abs=0.15)
