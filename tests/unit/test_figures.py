"""Pictures in another language: every glyph is there, and English pictures stay as they were."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.figures.between_models import transfer
from emovec.figures.study import layer_norms
from emovec.figures.style import save, style
from emovec.wording import language
from matplotlib import pyplot as plt

EMOTIONS = ["gratitude", "anger"]


@pytest.fixture(autouse=True)
def english_again():
    yield
    language.speak("en")


def norms() -> pd.DataFrame:
    depth = np.tile(np.arange(4), 2)
    return pd.DataFrame(
        {
            "emotion": np.repeat(EMOTIONS, 4), "position": "suffix", "depth": depth, "norm": "l2",
            "value": 0.01 * 10.0**depth, "chance": 0.001 * 10.0**depth,
        }
    )  # fmt: skip


def png(path: Path, code: str) -> bytes:
    language.speak(code)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(layer_norms(norms(), EMOTIONS, "model"), path, 60)
    return path.read_bytes()


def test_a_second_language_leaves_the_first_as_it_was(tmp_path: Path) -> None:
    before, japanese, after = (png(tmp_path / "a.png", code) for code in ("en", "ja", "en"))
    assert before == after
    assert before != japanese


@pytest.mark.parametrize("home", ["figures", "remarks"])
def test_every_japanese_sentence_has_its_glyphs(home: str) -> None:
    sentences = language.read_catalog(language.LOCALE / "ja" / f"{home}.po").values()
    language.speak("ja")
    style()
    figure = plt.figure()
    figure.text(0, 0, "\n".join(sentences), parse_math=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()
    plt.close(figure)


def test_transfer_is_over_the_depths_of_the_model_that_is_read() -> None:
    depths = {"deep": [8, 15, 23], "flat": [1, 2, 3]}
    table = pd.DataFrame(
        [
            {
                "direction": "mapped", "split": "topic", "train_model": train, "test_model": test,
                "contrast": emotion, "depth_test": depth, "auroc": 0.8, "ci_low": 0.7,
                "ci_high": 0.9, "null_low": 0.4, "null_high": 0.6,
            }
            for train, test in [("flat", "deep"), ("deep", "flat")]
            for emotion in EMOTIONS
            for depth in depths[test]
        ]
    )  # fmt: skip
    figure = transfer(table, EMOTIONS, 0.05)
    figure.canvas.draw()
    for axis, model in zip(figure.axes[-2:], depths, strict=True):
        assert [int(label.get_text()) for label in axis.get_xticklabels()] == depths[model]
    plt.close(figure)
