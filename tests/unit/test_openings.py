"""Openings and word sets: the shipped ones are fit, and others are refused in one sentence."""

from pathlib import Path

import pytest
import yaml
from emovec.errors import InputError
from emovec.prompts.openings import read_openings, read_words

EMOTIONS = ["gratitude", "anger", "apology"]
HEAD = "id,topic,text,half\n"
ROWS = "a,one,He said,choose\nb,two,She said,choose\nc,three,We said,report\nd,four,I said,report\n"


def test_shipped_openings_share_no_topic_and_no_emotional_word_with_the_prompts(root: Path) -> None:
    openings = read_openings(root / "resources/steering/openings.csv")
    assert len(openings) >= 40 and openings.half.value_counts().nunique() == 1
    topics = (root / "resources/prompts/baseline.csv").read_text()
    assert not any(f",{topic}," in topics for topic in openings.topic)
    words = read_words(root / "resources/steering/words.yaml", EMOTIONS)
    told = " ".join(openings.text).lower().split()
    assert not {w for emotion in EMOTIONS for w in words[emotion]} & set(told)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + ROWS.replace("a,one,He said,choose", "a,one,He said,neither"), "line 2 (id 'a')"),
        (HEAD + ROWS.replace("d,four,I said,report\n", ""), "two or more openings with half"),
        (HEAD + ROWS.replace("She said", " "), "has nothing in the column text"),
        (HEAD.replace(",half", "") + ROWS.replace(",choose", "").replace(",report", ""), "'half'"),
    ],
)
def test_openings_that_cannot_be_used(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "openings.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_openings(path)
    assert str(path) in str(caught.value) and says in str(caught.value)


def test_openings_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"correct steering\.openings in the config"):
        read_openings(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"gratitude": ["thanks"], "anger": ["rage"]}, "no words for the emotion 'apology'"),
        ({"gratitude": "thanks"}, "must hold sets of words"),
        ({"gratitude": []}, "must hold sets of words"),
        ({"gratitude": [7]}, "must hold sets of words"),
        (["thanks"], "must hold sets of words"),
    ],
)
def test_word_sets_that_cannot_be_used(tmp_path: Path, content: object, says: str) -> None:
    path = tmp_path / "words.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(InputError) as caught:
        read_words(path, EMOTIONS)
    assert str(path) in str(caught.value) and says in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: [b", "no YAML file"),
        ("[" * 5000, "no YAML file"),
        ("a: [b]\na: [c]\n", "the set 'a' again in line 2"),
    ],
)
def test_word_sets_that_are_no_yaml_or_not_there(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "words.yaml").write_text(content)
    with pytest.raises(InputError, match=says):
        read_words(tmp_path / "words.yaml", EMOTIONS)
    with pytest.raises(InputError, match=r"correct steering\.words in the config"):
        read_words(tmp_path / "none.yaml", EMOTIONS)
