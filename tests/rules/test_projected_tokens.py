"""The table of tokens holds what the activations say, for models that can be run."""

import h5py
import numpy as np
import pandas as pd
import pytest
from emovec.io.tables import read_table
from emovec.vectors.token_projections import SENTENCES
from project import Project

pytest.importorskip("torch")


def test_last_tokens_are_the_held_out_sentences(finished: Project) -> None:
    """Worked out anew, sentence by sentence, from the file of activations."""
    table = pd.read_csv(finished.results / "token_projections/one.csv")
    with h5py.File(finished.results / "activations/one.h5") as file:
        ids, topics, classes = (
            file[f"prompts/{c}"].asstr()[...] for c in ("id", "topic", "emotion")
        )
        residual = file["residual/suffix"][...].astype(float)
    assert table.topic.nunique() == SENTENCES // 4 and set(table.topic) <= set(topics)
    assert set(table["class"]) == set(classes)
    last = table.groupby(["prompt_id", "depth", "direction"]).projection.last()
    assert len(last) == len(table.prompt_id.unique()) * len(table.depth.unique()) * 3
    for (prompt, depth, emotion), value in last.items():
        [row] = np.flatnonzero(ids == prompt)
        others = topics != topics[row]
        neutral = residual[others & (classes == "neutral"), depth]
        vector = residual[others & (classes == emotion), depth].mean(0) - neutral.mean(0)
        spread = (neutral @ vector).std(ddof=1)
        expected = (residual[row, depth] - neutral.mean(0)) @ vector / spread
        assert value == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_tokens_are_the_sentence_with_its_suffix(finished: Project) -> None:
    table = read_table(finished.results / "token_projections/two.csv", "token_projections")
    one = table[(table.depth == table.depth.max()) & (table.direction == "anger")]
    texts = one.groupby("prompt_id").text.sum()
    prompts = pd.read_csv(finished.folder / finished.config["prompts"]["file"], index_col="id")
    assert (texts == prompts.text[texts.index] + " That is all there is to say about it.").all()
