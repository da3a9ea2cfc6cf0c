"""The decoding table of one model: planted directions are found, absent ones are not."""

import numpy as np
import pandas as pd
import pytest
from emovec.activations.streams import Streams
from emovec.decoding.table import decode_model, decode_texts
from emovec.prompts.splits import splits

CLASSES = ["joy", "fear", "neutral"]
TOPICS = 40


def prompts() -> pd.DataFrame:
    words = {"joy": ["glad", "merry", "gay", "blithe"], "fear": ["afraid", "scared", "timid"]}
    rows = []
    for topic in range(TOPICS):
        for name in CLASSES:
            phrase = words[name][topic % len(words[name])] if name in words else ""
            text = f"We saw {phrase or 'some'} people near house {topic}."
            rows.append({"topic": str(topic), "emotion": name, "phrase": phrase, "text": text})
    return pd.DataFrame(rows)


def decoded(residual: np.ndarray, **changes: object) -> pd.DataFrame:
    settings = {
        "position": "last", "relative_depths": [0.5, 1.0], "n_folds": 4, "draws": 199,
        "alpha": 0.05, "rng": np.random.default_rng(0),
    }  # fmt: skip
    streams = Streams("m", residual, np.empty((0, 3, residual.shape[-1])), 2)
    return decode_model(streams, prompts(), CLASSES, **settings | changes)


def test_planted_direction_is_found_at_its_depth_alone() -> None:
    rng = np.random.default_rng(1)
    residual = rng.normal(size=(3, TOPICS, 3, 20))
    residual[0, :, 2, 0] += 4  # joy, at the last depth
    table = decoded(residual).set_index(["contrast", "split", "depth_test"])
    for split in ("topic", "phrase"):
        for contrast in ("joy", "joy-fear"):
            found = table.loc[(contrast, split, 2)]
            assert found.auroc > 0.95 and found.p_adjusted == 0.005
            assert found.ci_low > found.null_high
        assert table.loc[("joy", split, 1)].p_adjusted > 0.05
        assert table.loc[("fear", split, 2)].p_adjusted > 0.05


def test_rows_are_those_of_the_contract() -> None:
    table = decoded(np.random.default_rng(2).normal(size=(3, TOPICS, 3, 5)), direction="untrained")
    assert set(table.contrast) == {"joy", "fear", "joy-fear"}
    assert set(table.split) == {"topic", "phrase"}
    assert len(table) == 3 * 2 * (2 + 1)
    assert set(table.direction[table.depth_test > 0]) == {"untrained"}
    assert set(table.direction[table.depth_test == 0]) == {"depth0"}
    assert (table.train_model == "m").all() and (table.position == "last").all()


def test_without_phrases_there_is_no_such_split() -> None:
    table = prompts().drop(columns="phrase")
    assert set(splits(table, ("joy", "neutral"), 5, np.random.default_rng(0))) == {"topic"}


def test_words_tell_the_classes_apart_and_form_does_not() -> None:
    table = decode_texts(
        prompts(), ["joy", "fear"], "neutral", n_folds=4, alpha=0.05, rng=np.random.default_rng(0)
    ).set_index(["direction", "contrast", "split"])
    assert table.loc[("bag_of_words", "joy", "topic")].auroc == pytest.approx(1)
    assert table.loc[("bag_of_words", "joy", "phrase")].n_test == 2 * TOPICS
    # words that were never met leave all scores equal: nothing was measured, hence no interval
    unmet = table.loc[("bag_of_words", "joy-fear", "phrase")]
    assert unmet.auroc == 0.5 and np.isnan(unmet.ci_low)
    measured = table[table.ci_low.notna()]
    assert (measured.ci_low <= measured.auroc).all()
    assert (measured.auroc <= measured.ci_high).all()
