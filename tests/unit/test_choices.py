"""Which choice moves a number, and figures of choices and pairs: what is drawn is in the table."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from emovec.figures import multiverse, similarity, study, style
from emovec.io.tables import typed
from emovec.robustness.moves import mover, moves
from emovec.wording import language
from emovec.wording.lines import broken
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt

EMOTIONS = ["gratitude", "anger"]
MODELS = ["one", "two", "noise"]


@pytest.fixture(autouse=True)
def english_and_closed():
    yield
    language.speak("en")
    plt.close("all")


def test_a_choice_moves_what_it_adds_with_all_others_equal() -> None:
    rows = [
        {"a": a, "b": b, "about": about, "value": 0.3 * (a == "x") + 0.1 * b + (about == "e")}
        for a, b, about in product("xy", (0, 1, 2), "ef")
    ]
    found = moves(pd.DataFrame(rows), ["a", "b"], ["about"])
    assert found == pytest.approx({"a": 0.3, "b": 0.4 / 3})
    assert mover([found, {"a": 0.4, "b": np.nan}]) == "a"
    assert mover([found, {"a": 0.1, "b": 0.2}]) is None


def test_a_choice_is_not_blamed_for_another_that_goes_with_it() -> None:
    """One method was tried at both positions, the other at one: only the method differs."""
    rows = [("last", "raw", 0.0), ("end", "raw", 0.0), ("end", "map", 0.7)]
    table = pd.DataFrame(rows, columns=["position", "method", "value"]).assign(about="e")
    assert moves(table, ["position", "method"], ["about"]) == {"position": 0.0, "method": 0.7}
    lone = moves(table[table.method == "map"], ["position", "method"], ["about"])
    assert np.isnan([*lone.values()]).all() and mover([lone]) is None


def between() -> pd.DataFrame:
    """Three pairs; whitened read-outs are lower, one emotion has a closed gate in one of them."""
    rows = [
        {
            "model": a, "model_b": b, "position": "suffix", "metric": metric, "emotion_a": emotion,
            "emotion_b": emotion, "relative_depth": depth, "study": False, "estimator": "unbiased",
            "value": value, "ci_low": value - 0.1, "ci_high": value + 0.1, "null_low": -0.3,
            "null_high": 0.2 + 0.1 * (metric == "wpc"),
            "gate_ok": not (metric == "wpc" and emotion == "anger" and b == "two"),
        }
        for a, b in combinations(MODELS, 2)
        for metric, emotion in product(("canonical", "wpc"), EMOTIONS)
        for depth, value in zip((0.5, 0.9, np.nan),
                                np.array([0.6, 0.7, 0.65]) - 0.4 * (metric == "wpc"), strict=True)
    ]  # fmt: skip
    raw = [row | {"metric": "raw", "value": np.nan, "gate_ok": None, "study": True,
                  "position": "last", "relative_depth": np.nan, "null_low": np.nan}
           for row in rows if row["metric"] == "wpc" and row["relative_depth"] == 0.5]  # fmt: skip
    return typed(rows + raw, "multiverse")


def named_rows(axis: plt.Axes) -> list[str]:
    return [label.get_text() for label in axis.get_yticklabels()]


def marks(axis: plt.Axes, y: float) -> list[tuple]:
    """Value, face and ends of every mark in a row."""
    lines = [one for one in axis.lines if abs(np.mean(one.get_ydata()) - y) < 0.45]
    values = [one for one in lines if len(one.get_xdata()) == 1]
    ends = [one for one in lines if len(one.get_xdata()) == 2]
    return [
        (float(one.get_xdata()[0]), one.get_markerfacecolor(), tuple(end.get_xdata()))
        for one, end in zip(values, ends, strict=True)
    ]


def test_choices_between_models_are_medians_and_ranges_of_the_table() -> None:
    table = between()
    figure = multiverse.choices_between(table, EMOTIONS, ["noise", "one", "two"], ["noise"])
    assert [axis.get_title() for axis in figure.axes[:3]] == [
        "one × two", "noise × one", "noise × two",
    ]  # fmt: skip
    assert "the method moves" in figure.get_suptitle() and "0.40" in figure.get_suptitle()
    axis = figure.axes[0]
    rows = {name: y for y, name in enumerate(named_rows(axis))}
    assert "raw cosine" in rows and "last token" in rows
    own = table[(table.model == "one") & (table.model_b == "two")]
    for name, metric in (("common axes", "canonical"), ("whitened read-outs", "wpc")):
        for k, (value, face, ends) in enumerate(marks(axis, rows[name])):
            here = own[(own.metric == metric) & (own.emotion_a == EMOTIONS[k])].value
            assert value == pytest.approx(here.median())
            assert ends == pytest.approx((here.min(), here.max()))
            assert (face == "white") == (metric == "wpc" and EMOTIONS[k] == "anger")
    # of the emotion with a closed gate, a row of both methods counts the other alone
    assert marks(axis, rows["0.5"])[1][0] == pytest.approx(0.6)
    assert marks(axis, rows["0.5"])[0][0] == pytest.approx(0.4)
    [primary, _] = marks(axis, rows["the primary choice"])
    assert primary[0] == pytest.approx(0.65) and primary[2] == pytest.approx((0.55, 0.75))
    bands = {round(bar.get_y() + bar.get_height() / 2): bar.get_bbox().intervalx.tolist()
             for bar in axis.patches if bar.get_height() == pytest.approx(0.86)}  # fmt: skip
    assert bands[rows["whitened read-outs"]] == pytest.approx([-0.3, 0.3])
    assert bands[rows["0.5"]] == pytest.approx([-0.3, 0.25])
    notes = {round(text.get_position()[1]): text.get_text() for text in axis.texts}
    assert notes[rows["method"]] == "moves it by 0.40"
    assert notes[rows["depth"]] == "moves it by 0.07"
    assert notes[rows["raw cosine"]] == notes[rows["the study's own choice"]] == "undefined"


def test_many_emotions_are_ticks_around_one_mark() -> None:
    many = [f"e{k}" for k in range(style.FEW + 1)]
    own = between()
    own = own[own.emotion_a == "gratitude"]
    table = pd.concat(
        [own.assign(emotion_a=name, value=own.value + 0.01 * k) for k, name in enumerate(many)]
    )
    axis = multiverse.choices_between(table, many, MODELS, []).axes[0]
    y = named_rows(axis).index("common axes")
    ticks = next(
        line for line in axis.lines if line.get_marker() == "|" and line.get_ydata()[0] == y
    )
    np.testing.assert_allclose(ticks.get_xdata(), 0.65 + 0.01 * np.arange(len(many)))
    assert any(list(line.get_xdata()) == pytest.approx([0.65 + 0.03]) for line in axis.lines
               if line.get_marker() == "o" and line.get_ydata()[0] == y)  # fmt: skip


def within(emotions: list[str], positions: tuple[str, ...] = ("last", "suffix")) -> pd.DataFrame:
    rows = []
    for k, (model, position, (a, b)) in enumerate(
        product(MODELS, positions, combinations(emotions, 2))
    ):
        for stat, metric in (("cos_naive", "raw"), ("cos_u", "raw"), ("cos_u", "lda")):
            value = 0.3 + 0.001 * k + 0.1 * (metric == "lda")
            rows.append(
                {
                    "model": model, "position": position, "emotion_a": a, "emotion_b": b,
                    "stat": stat, "metric": metric, "value": value, "ci_low": value - 0.1,
                    "ci_high": value + 0.1, "gate_ok": model != "noise",
                    "p_adjusted": 0.01 if model == "one" else 0.5,
                }
                | ({"null_low": 0.1, "null_high": 0.6} if stat == "cos_naive" else {})
            )  # fmt: skip
    return typed(rows, "within_model_similarity")


def test_similarity_has_a_dot_for_every_model_pair_position_and_kind() -> None:
    emotions = ["gratitude", "anger", "apology"]
    table = within(emotions)
    figure = similarity.similarity(table, emotions, MODELS, ["noise"], "suffix", 0.05)
    assert "Two emotions in one, two: corrected cosines from 0.40 to 0.41" in figure.get_suptitle()
    wanted = {0: ("suffix", "cos_u", "lda"), 1: ("suffix", "cos_naive", "raw"),
              2: ("last", "cos_u", "lda"), 3: ("last", "cos_naive", "raw")}  # fmt: skip
    for k, (position, stat, metric) in wanted.items():
        axis = figure.axes[k]
        rows = table[(table.position == position) & (table.stat == stat) & (table.metric == metric)]
        dots = [line for line in axis.lines if len(line.get_xdata()) == 1]
        assert [float(one.get_xdata()[0]) for one in dots] == rows.value.tolist()
        hollow = [one.get_markerfacecolor() == "white" for one in dots]
        told = rows.gate_ok if stat == "cos_u" else rows.p_adjusted < 0.05
        assert hollow == (~told.astype(bool)).tolist()
        bands = [bar.get_bbox().intervalx.tolist() for bar in axis.patches]
        assert bands == [[0.1, 0.6]] * (0 if stat == "cos_u" else len(rows))
    assert len(named_rows(figure.axes[0])) == 3


def test_similarity_of_many_pairs_is_a_matrix_with_both_kinds() -> None:
    emotions = [f"e{k}" for k in range(7)]
    table = within(emotions, ("suffix",))
    figure = similarity.similarity(table, emotions, MODELS, [], "suffix", 0.05)
    for axis, model in zip(figure.axes, MODELS, strict=False):
        grid = axis.images[0].get_array()
        for i, j in combinations(range(7), 2):
            own = table[(table.model == model) & (table.emotion_a == f"e{i}")
                        & (table.emotion_b == f"e{j}")].set_index(["stat", "metric"])  # fmt: skip
            assert grid[i, j] == own.value["cos_naive", "raw"]
            assert grid[j, i] == own.value["cos_u", "lda"]
        assert len(axis.lines) == {"one": 0, "two": 21, "noise": 42}[model]


def test_norms_are_drawn_in_units_of_noise_too() -> None:
    depth = np.arange(3.0)
    norms = pd.DataFrame(
        {"emotion": "anger", "position": "suffix", "depth": depth, "norm": "l2",
         "value": [0.0, 2.0, 6.0], "chance": [0.0, 1.0, 2.0]}
    )  # fmt: skip
    figure = study.layer_norms(norms, ["anger"], "one")
    norm, noise = (line.get_ydata().tolist() for line in figure.axes[0].lines[:2])
    assert (norm, noise) == ([2.0, 6.0], [1.0, 2.0])
    ratio, one = figure.axes[1].lines
    assert ratio.get_ydata().tolist() == [2.0, 3.0] and list(one.get_ydata()) == [1, 1]


def test_raw_cosines_fill_their_panel_and_undefined_pairs_are_named_below() -> None:
    def row(b: str, depth: int, **more: object) -> dict:
        return {"model_a": "one", "model_b": b, "method": "raw", "emotion_a": "anger",
                "emotion_b": "anger", "position": "last", "depth_a": depth} | more  # fmt: skip

    known = {"value": 0.05, "ci_low": -0.02, "ci_high": 0.1, "null_low": -0.08, "null_high": 0.08}
    missing = {"flag": "widths_differ", "d_model_a": 8, "d_model_b": 9}
    rows = [row("two", d, **known) for d in (1, 2)] + [row("noise", d, **missing) for d in (1, 2)]
    cross = typed(rows, "cross_model_similarity")
    figure = study.cross_model(cross, "anger", MODELS, 0.05)
    assert figure.axes[0].get_ylim() == pytest.approx((-0.105, 0.105))
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "one × two" in entries
    assert any("one × noise" in one and "8 and 9" in one for one in entries)
    alone = study.cross_model(cross[cross.value.isna()], "anger", MODELS, 0.05)
    assert "8 and 9" in alone.axes[0].texts[0].get_text()


@given(st.text(" abcdefg、。（）感情の方向", min_size=1), st.floats(0.2, 1))
def test_broken_lines_lose_nothing_but_spaces(text: str, share: float) -> None:
    assert "".join(broken(text, share).split()) == "".join(text.split())


@pytest.mark.parametrize("code", ["en", "ja"])
def test_no_label_of_a_saved_figure_leaves_the_picture(code: str, tmp_path) -> None:
    language.speak(code)
    figure, [[axis]] = style.subplots(1, 1, 4, 3)
    sentence = language._("its words more likely by (grey: control directions)")
    axis.set_xlabel(2 * sentence)
    axis.set_yticks([0.5], ["a name that takes room"])
    style.save(figure, tmp_path / "a.png", 60)
    box, edge = axis.xaxis.label.get_window_extent(), figure.bbox
    assert axis.xaxis.label.get_text().count("\n") >= 1
    assert edge.x0 <= box.x0 and box.x1 <= edge.x1


def test_many_pairs_share_two_panels() -> None:
    names = [f"m{k}" for k in range(6)]
    table = between()
    own = table[(table.model == "one") & (table.model_b == "two")]
    pairs = list(combinations(names, 2))
    tables = [
        own.assign(model=a, model_b=b, value=own.value + 0.001 * k)
        for k, (a, b) in enumerate(pairs)
    ]
    figure = multiverse.choices_between(pd.concat(tables), EMOTIONS, names, [names[0]])
    axes = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in axes] == [
        "10 pairs of models", "5 pairs with an untrained model",
    ]  # fmt: skip
    y = named_rows(axes[0]).index("common axes")
    ticks = next(line for line in axes[0].lines
                 if line.get_marker() == "|" and line.get_ydata()[0] == y)  # fmt: skip
    added = [0.001 * k for k, pair in enumerate(pairs) if names[0] not in pair]
    np.testing.assert_allclose(sorted(ticks.get_xdata()), sorted([0.65 + k for k in added] * 2))


@pytest.mark.parametrize("value", [-0.9, 1.2])
def test_every_mark_lies_inside_the_scale(value: float) -> None:
    table = between()
    table.loc[table.metric == "wpc", ["value", "gate_ok"]] = [value, False]
    figure = multiverse.choices_between(table, EMOTIONS, ["noise", "one", "two"], ["noise"])
    low, high = figure.axes[0].get_xlim()
    assert low < value < high
