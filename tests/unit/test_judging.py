"""Texts are judged as a reader would: clear ones, empty ones, and those that go in circles."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from emovec.steering import judges
from emovec.steering.judges import judge

SETS = {"gratitude": ["thank", "grateful"], "apology": ["sorry"]}
TEXTS = [
    "Thank you so much, I am so happy and grateful!",
    "I am furious, you ruined everything and I hate you.",
    "I feel so sad and lonely, she died and I cried all night.",
    "The train leaves at nine. Is it late?",
]


@pytest.fixture(scope="module")
def scores():
    return judge(TEXTS, SETS)


def test_clear_texts_are_told_by_both_scorers(scores) -> None:
    emotions = scores.filter(like="nade_").rename(columns=lambda c: c.removeprefix("nade_"))
    assert emotions.loc[:2].idxmax(axis=1).tolist() == ["joy", "anger", "sadness"]
    assert scores.vader[0] > 0.5 and (scores.vader[1:3] < -0.5).all() and scores.vader[3] == 0
    assert emotions.min().min() >= 0 and emotions.max().max() <= 1


def test_words_marks_and_repetitions_are_counted(scores) -> None:
    assert scores.words_gratitude.tolist() == pytest.approx([2 / 10, 0, 0, 0])
    assert scores.ends_exclamation.tolist() == [1, 0, 0, 0]
    assert scores.ends_question.tolist() == [0, 0, 0, 1]
    own = judge(["a b a b", "Sorry, SORRY - so sorry"], SETS)
    assert own.repeated.tolist() == pytest.approx([1 / 2, 2 / 4])
    assert own.distinct_2.tolist() == pytest.approx([2 / 3, 1])
    assert own.words_apology.tolist() == pytest.approx([0, 3 / 4])


def test_texts_of_nothing_are_counted_and_have_no_score() -> None:
    found = judge(["", " \n", "*** ---", "so so so so so so so so"], SETS)
    assert found.empty_text.tolist() == [1, 1, 1, 0]
    assert found.degenerate.tolist() == [0, 0, 0, 1]
    judged = found.drop(columns=["empty_text", "degenerate"])
    assert judged[:3].isna().all(axis=None) and judged[3:].notna().all(axis=None)


def test_a_text_is_judged_alone(scores) -> None:
    alone = judge([TEXTS[1]], SETS)
    np.testing.assert_array_equal(alone.iloc[0], scores.iloc[1])


def test_models_are_unpacked_whole_and_once(tmp_path: Path, monkeypatch) -> None:
    packed = tmp_path / "data/some/reg_joy.txt.gz"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(gzip.compress(b"tree\n" * 1000))
    monkeypatch.setattr(judges, "files", lambda package: tmp_path)
    judges._unpack_nade()
    plain = packed.with_suffix("")
    assert plain.read_bytes() == b"tree\n" * 1000 and plain.stat().st_mode & 0o444 == 0o444
    assert {path.name for path in packed.parent.iterdir()} == {packed.name, plain.name}
    plain.write_bytes(b"kept")
    judges._unpack_nade()
    assert plain.read_bytes() == b"kept"


def test_models_that_are_cut_short_leave_nothing(tmp_path: Path, monkeypatch) -> None:
    packed = tmp_path / "data/some/reg_joy.txt.gz"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(gzip.compress(np.random.default_rng(0).bytes(9999))[:500])
    monkeypatch.setattr(judges, "files", lambda package: tmp_path)
    with pytest.raises(EOFError):
        judges._unpack_nade()
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]
