"""Pictures in another language: every glyph is there, and English pictures stay as they were."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.figures.components import shares_and_losses
from emovec.figures.maps import maps, transfer
from emovec.figures.study import layer_norms
from emovec.figures.style import FEW, save, style
from emovec.figures.trajectories import along_sentences
from emovec.io.tables import typed
from emovec.wording import language
from matplotlib import pyplot as plt
from PIL import Image

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


@pytest.mark.parametrize("flat", [[1, 2, 3], [1, 1, 2]])  # the latter: one is nearest to two
def test_transfer_is_beside_the_own_direction_in_the_same_coordinates(flat: list[int]) -> None:
    """Over the depths of the model that is read; decoding inside it is in other coordinates."""
    depths = {"deep": [8, 15, 23], "flat": flat}
    rows = [
        {
            "direction": "mapped", "split": "topic", "train_model": train, "test_model": test,
            "contrast": emotion, "depth_train": at, "depth_test": depth, "position": "suffix",
            "auroc": 0.8, "ci_low": 0.7, "ci_high": 0.9, "null_low": 0.4, "null_high": 0.6,
        }
        for train, test in [("flat", "deep"), ("deep", "flat")]
        for emotion in EMOTIONS
        for at, depth in zip(depths[train], depths[test], strict=True)
    ]  # fmt: skip
    columns = {"train_model": "model_a", "test_model": "model_b", "depth_train": "depth_a",
               "depth_test": "depth_b", "contrast": "emotion_a"}  # fmt: skip
    cross = pd.DataFrame(rows).rename(columns=columns)
    cross = cross.assign(stat="efficiency", value=np.where(cross.depth_b == 23, np.nan, 0.75))
    inside = [row | {"direction": "native", "train_model": row["test_model"], "auroc": 0.6}
              for row in rows]  # fmt: skip
    figure = transfer(pd.DataFrame(rows + inside), cross, EMOTIONS, 0.05)
    figure.canvas.draw()
    for axis, model in zip(figure.axes[-2:], depths, strict=True):
        assert [int(label.get_text()) for label in axis.get_xticklabels()] == depths[model]
        carried, own = (line.get_ydata() for line in axis.lines[:2])
        np.testing.assert_allclose(carried, 0.8)
        np.testing.assert_allclose(own, [0.9, 0.9, np.nan if model == "deep" else 0.9])
    plt.close(figure)
    others = [f"e{number}" for number in range(FEW)]
    first = [row for row in rows if row["contrast"] == EMOTIONS[0]]
    many = [row | {"contrast": name} for row in first for name in others]
    figure = transfer(pd.DataFrame(rows + many), cross, [*EMOTIONS, *others], 0.05)
    figure.canvas.draw()
    for axis, model in zip(figure.axes[:2], depths, strict=True):
        assert [int(label.get_text()) for label in axis.get_xticklabels()] == depths[model]
    plt.close(figure)


def test_maps_have_one_scale_that_holds_all_cosines() -> None:
    """Whichever pair has none."""
    pairs = [("a", "b", np.nan), ("a", "c", -0.62), ("b", "c", 0.3)]
    cross = pd.DataFrame(
        [
            {"family": "exploratory", "model_a": a, "model_b": b, "emotion_a": "anger",
             "emotion_b": "anger", "depth_a": at, "depth_b": 1, "value": value}
            for a, b, value in pairs
            for at in (1, 2)
        ]
    )  # fmt: skip
    known = typed(
        [
            {"model_a": a, "model_b": b, "method": "ridge", "relative_depth_a": at, "r2_loo": 0.3,
             "r2_null_high": 0.1}
            for a, b, _ in pairs
            for at in (0.5, 1)
        ],
        "maps",
    )  # fmt: skip
    figure = maps(known, cross, ["anger"], [], 0.05)
    figure.canvas.draw()
    drawn = [axis.collections[0] for axis in figure.axes[1:4]]
    assert {one.get_clim() for one in drawn} == {(-0.7, 0.7)}
    plt.close(figure)


def test_losses_are_drawn_with_their_null_and_the_chosen_named() -> None:
    shared = {"share": 0.1, "value": 0.2, "ci_low": 0.1, "ci_high": 0.3}
    shared |= {"method": "mean", "outcome": "projection"}
    rows = []
    for emotion in EMOTIONS:
        own = shared | {"direction": emotion, "gate_ok": emotion == "anger"}
        null = {"null_low": -0.1, "null_high": 0.15}
        rows += [own | null | {"kind": "chosen", "part": "head", "block": 3, "head": 2},
                 own | null | {"kind": "control", "part": "mlp", "block": 1},
                 own | {"kind": "together", "emotion": emotion, "value": 0.5}]  # fmt: skip
        rows += [row | {"method": "resample", "value": 0.4} for row in rows[-3:]]
        rows.append(rows[-1] | {"outcome": "words", "value": 9})
    figure = shares_and_losses(typed(rows, "ablations"), EMOTIONS, "model", 0.05)
    gratitude, anger = figure.axes
    assert [text.get_text() for text in anger.texts] == ["3.2"]
    [crosses] = [line for line in anger.lines if line.get_marker() == "x"]
    assert crosses.get_ydata().tolist() == [0.4]
    assert anger.patches[0].get_bbox().intervaly.tolist() == [-0.1, 0.15]
    assert "0.50" in anger.get_title() and not gratitude.axison
    assert [text.get_text() for text in gratitude.texts] == ["gratitude: not reliable enough"]
    plt.close(figure)
    figure = shares_and_losses(
        typed([row | {"gate_ok": False} for row in rows], "ablations"), EMOTIONS, "model", 0.05
    )
    assert "known well enough" in figure.axes[0].texts[0].get_text()
    plt.close(figure)


def test_places_of_a_sentence_are_coloured_where_they_beat_their_nulls() -> None:
    def row(place: int, depth: int, **more: object) -> dict:
        return {
            "model": "one", "direction": "anger", "against": "neutral", "words": "all",
            "aligned": "word", "place": place, "depth": depth, "relative_depth": depth / 2,
            "value": 1.0 + place, "ci_low": 0.5, "ci_high": 3, "null_low": -0.2, "null_high": 0.2,
            "p_adjusted": 0.01, "gate_ok": True, "n_topics": 40,
        } | more  # fmt: skip

    rows = [
        row(0, 1), row(1, 1, p_adjusted=0.3), row(2, 1, null_high=9), row(3, 1, n_topics=9),
        row(0, 2), row(1, 2), row(2, 2, gate_ok=False), row(0, 1, aligned="rise"),
    ]  # fmt: skip
    figure = along_sentences(typed(rows, "trajectories"), ["anger"], "one", 0.5, 0.05)
    assert "1 of 1 emotions rise at their word, 0 of 1" in figure.get_suptitle()
    curve, image = figure.axes[:2]
    drawn = image.images[0].get_array().filled(np.nan)
    assert np.isfinite(drawn).tolist() == [[True, False, False], [True, True, False]]
    assert (
        len(curve.lines[1].get_xdata()) == 3
    )  # where few sentences have a token there is no curve
    plt.close(figure)


def test_rare_colours_of_a_scale_are_kept(tmp_path: Path) -> None:
    figure, [axis, scale] = plt.subplots(1, 2, width_ratios=[30, 1], figsize=(12, 3))
    axis.imshow(np.random.default_rng(0).random((40, 400)), "viridis", aspect="auto")
    scale.imshow(np.linspace(-1, 1, 200)[:, None], "PuOr", aspect="auto")
    for one in (axis, scale):
        one.axis("off")
    figure.savefig(tmp_path / "whole.png", dpi=80, bbox_inches="tight")
    save(figure, tmp_path / "saved.png", 80)
    whole, saved = (
        np.asarray(Image.open(tmp_path / f"{name}.png").convert("RGB")).astype(int)
        for name in ("whole", "saved")
    )
    assert abs(whole - saved).max() < 30
