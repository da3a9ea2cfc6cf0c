"""Corpora of any shape: what is analysed of them, and that the shape alone changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import designs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from emovec.activations.store import open_activations
from emovec.audit.audit import audit
from emovec.errors import InputError
from emovec.prompts import loaders
from emovec.prompts.design import Design, cell_places, cells_of, in_cells
from emovec.prompts.sentences import read_design
from emovec.prompts.splits import near_by_head, splits
from emovec.statistics.unbiased import differences, inner_u, products
from library_run import LibraryRun

CLASSES = ["joy", "fear", "none"]


def table(*cells: tuple[str, str], **columns: list[str]) -> pd.DataFrame:
    """A sentence for each (topic, class), whose text is its id."""
    rows = pd.DataFrame(cells, columns=["topic", "emotion"])
    rows["id"] = rows["text"] = [f"s{i}" for i in range(len(rows))]
    return rows.assign(**columns)


def every(*topics: str) -> list[tuple[str, str]]:
    return [(topic, name) for topic in topics for name in CLASSES]


# What is used of a file


def test_topics_without_a_class_are_left_out() -> None:
    found = Design.of(table(("c", "joy"), *every("a", "b"), ("d", "joy"), ("d", "fear")), CLASSES)
    assert found.prompts.topic.unique().tolist() == ["a", "b"]
    assert (found.unit, found.matched, found.n_units, found.left_out) == ("topic", True, 2, 2)
    assert found.empty == (("c", "fear"), ("c", "none"), ("d", "none"))


def test_without_topics_the_ith_sentences_of_the_classes_are_a_unit() -> None:
    rows = table(*every("a", "b"), ("a", "joy")).drop(columns="topic")
    found = Design.of(rows, CLASSES)
    assert (found.unit, found.matched, found.n_units, found.left_out) == ("sentence", False, 2, 1)
    assert found.prompts.text.tolist() == [f"s{i}" for i in range(6)]


def test_groups_are_units_and_are_matched_if_classes_share_them() -> None:
    rows = table(*every("a", "b"), ("a", "joy"), ("c", "joy"))
    shared = Design.of(rows.rename(columns={"topic": "group"}), CLASSES)
    assert (shared.unit, shared.matched, shared.left_out) == ("group", True, 1)
    assert shared.prompts.text.tolist() == ["s0", "s6", "s1", "s2", "s3", "s4", "s5"]
    own = rows.assign(group=rows.topic + rows.emotion).drop(columns="topic")
    apart = Design.of(own, CLASSES)
    assert (apart.unit, apart.matched, apart.n_units, apart.left_out) == ("group", False, 2, 1)
    assert apart.prompts.text.tolist() == shared.prompts.text.tolist()


def test_cells_hold_the_mean_of_their_sentences() -> None:
    rows = table(*every("a", "b"), ("b", "fear"), ("a", "other"), ("b", "fear"))
    values = np.arange(len(rows), dtype="f4")[:, None] * [1, 10]
    found = in_cells(rows, CLASSES, values)
    assert found[..., 0].tolist() == [[0, 3], [1, np.float32((4 + 6 + 8) / 3)], [2, 5]]
    assert (found[..., 1] == 10 * found[..., 0]).all() and found.shape == (3, 2, 2)
    assert cells_of(rows, "fear", "text") == [["s1"], ["s4", "s6", "s8"]]
    assert cell_places(rows, CLASSES)[-2:].tolist() == [[-1, 0], [1, 1]]
    with pytest.raises(ValueError, match="no 'none' sentence of topic 'b'"):
        in_cells(rows.drop(5), CLASSES, values[:-1])


def test_heads_of_several_sentences_hold_topics_together() -> None:
    rows = table(
        *[(topic, name) for topic in "abcd" for name in ("joy", "joy", "none")],
        phrase=[
            *("glad", "merry", ""), *("merry", "implicit", ""), *("happy", "", ""),
            *("", "implicit", ""),
        ],
    )  # fmt: skip
    [near] = near_by_head(rows, ["joy"])
    assert near.astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    test = splits(rows, ("joy", "none"), 3, np.random.default_rng(0))["phrase"].test[:, 0]
    fold = test.argmax(axis=0)
    assert test.sum() == 4 and fold[0] == fold[1] and len(set(fold[[0, 2, 3]])) == 3


# Through the whole analysis


def run(folder: Path, shape: Callable[[list[dict]], list[dict]]) -> LibraryRun:
    """A small experiment, one model and its copies, whose prompts are given another shape."""
    config = designs.write_design(folder, emotions=2, models=1, topics=6)
    rows, probe = shape(designs.rows(designs.names(2), 7)), designs.probe_rows(80)
    designs.write_rows(folder / "prompts.csv", rows)
    read = rows if shape not in (whole, partly) else designs.rows(designs.names(2), 7)
    designs.write_activations(folder / "m0.h5", read, probe)
    return LibraryRun(folder, config)


def whole(rows: list[dict]) -> list[dict]:
    return [row for row in rows if row["topic"] != "t6"]


def partly(rows: list[dict]) -> list[dict]:
    """One sentence a cell, but a topic that lacks a class."""
    return [row | {"replicate": "1"} for row in rows if row["id"] != "t6-neutral"]


def test_numbered_sentences_and_a_topic_without_a_class_change_no_table(tmp_path: Path) -> None:
    found = []
    for shape in (whole, partly):
        folder = tmp_path / shape.__name__
        folder.mkdir()
        done = run(folder, shape)
        tables = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
        found.append({name: tables[name] for name in tables if name[:2] != "pr"})
    assert found[0] == found[1] and len(found[0]) > 5
    told = [done.audit.summary[key] for key in ("unit", "topics", "left_out")]
    assert told == ["topic", 6, 1]
    left = {"code": "incomplete", "n": 1, "units": "topics", "unit": "t6", "name": "neutral"}
    assert left in done.audit.findings


def replicated(rows: list[dict]) -> list[dict]:
    """One to three sentences a cell."""
    return [
        row
        | {"id": f"{row['id']}-{k}", "text": f"{row['text']} So it was {k}.", "replicate": str(k)}
        for number, row in enumerate(whole(rows))
        for k in range(1 + number % 3)
    ]  # fmt: skip


def unrelated(rows: list[dict]) -> list[dict]:
    """No topics, and one class has a sentence more."""
    return [
        {key: row[key] for key in row if key != "topic"}
        for row in rows
        if row["id"] not in ("t6-neutral", "t6-anger")
    ]


def grouped(rows: list[dict]) -> list[dict]:
    """Two sentences in each group of a class."""
    return [
        {key: row[key] for key in row if key != "topic"}
        | {"group": f"{row['emotion']} {int(row['topic'][1:]) // 2}"}
        for row in whole(rows)
    ]


SAID = {
    replicated: "The unit of every test is the topic: 6 written in every class were used, 0 left",
    unrelated: "The unit of every test is the sentence: 6 of every class were used, 1 left out.",
    grouped: "The unit of every test is the group of sentences: 3 of every class were used, 0 left",
}


@pytest.mark.parametrize("shape", SAID)
def test_every_shape_ends_in_a_page_that_states_its_unit(shape: Callable, tmp_path: Path) -> None:
    done = run(tmp_path, shape)
    units = 3 if shape is grouped else 6
    assert set(done.tables["within"].n_topics) == {units}
    assert set(done.tables["decoding"].n_test[done.tables["decoding"].split == "topic"]) == {
        2 * units
    }
    page = done.report()
    assert SAID[shape] in page
    assert ("Sentences are not matched" in page) == (shape is not replicated)
    brought = open_activations(tmp_path / "m0.h5")
    own = done._streams("m0", "last", done.fit).residual
    cell = brought.prompts.emotion.eq("anger") & brought.prompts.id.str.startswith("t5-")
    if shape is replicated:
        expected = brought.residual("last")[cell.to_numpy()].mean(axis=0)
        np.testing.assert_allclose(own[1, 5], expected, rtol=1e-5)


def test_unrelated_sentences_in_any_order_give_the_same_length_on_average() -> None:
    """The squared length of a difference: without matched topics it is unbiased, and noisier."""
    rng = np.random.default_rng(0)
    n, effect, found = 20, np.full(5, 0.3), []
    for _ in range(800):
        topics = 2 * rng.standard_normal((2, n, 5))  # what sentences on a topic have in common
        noise = rng.standard_normal((2, n, 5))
        noise[0] += effect
        apart = topics + noise
        turned = np.stack([apart[0], apart[1, rng.permutation(n)]])
        worlds = topics[:1] + noise, apart, turned
        found.append([inner_u(products(differences(x, [[1, -1]])))[0, 0] for x in worlds])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(len(found))
    assert (np.abs(mean - effect @ effect) < 4 * error).all()
    assert (error[1:] > 2 * error[0]).all()


def test_units_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    rows = [row for row in designs.rows(["joy"], 3) if row["id"] not in ("t0-joy", "t2-neutral")]
    designs.write_rows(tmp_path / "prompts.csv", rows)
    with pytest.raises(InputError) as caught:
        read_design(tmp_path / "prompts.csv", ["joy"], "neutral")
    assert "1 topic with every class" in str(caught.value)
    assert "no 'joy' in 't0', no 'neutral' in 't2'" in str(caught.value)
    probe = pd.DataFrame(designs.probe_rows(8)).astype({f"attr_{k}": int for k in range(8)})
    few = unrelated(designs.rows(["joy"], 7))
    designs.write_rows(tmp_path / "prompts.csv", few)
    found = audit(
        read_design(tmp_path / "prompts.csv", ["joy"], "neutral"), probe, {},
        emotions=["joy"], neutral="neutral", seed=1,
    )  # fmt: skip
    assert {"code": "surplus", "n": 1, "units": "sentences", "least": 6} in found.findings


# Without a neutral class


def without_neutral(
    folder: Path, emotions: int, models: int = 1, topics: int = 8
) -> tuple[LibraryRun, str]:
    """A small experiment whose emotions are compared with one another alone, and its page."""
    folder.mkdir(exist_ok=True)
    config = designs.write_design(folder, emotions=emotions, models=models, topics=topics)
    config["prompts"]["neutral"] = None
    done = LibraryRun(folder, config)
    for _name, figure in done.figures():
        figure.canvas.draw()
        plt.close(figure)
    return done, done.report()


def test_emotions_are_taken_against_the_mean_of_all_of_their_topic(tmp_path: Path) -> None:
    done, page = without_neutral(tmp_path, 3, models=2)
    brought = open_activations(tmp_path / "m0.h5")
    cells = brought.by_class("last", done.emotions)
    streams = done._streams("m0", "last", done.fit)
    np.testing.assert_allclose(streams.residual[-1], cells.mean(axis=0), rtol=1e-6)
    copy = done._streams("m0@shuffled", "last", done.fit)
    np.testing.assert_allclose(copy.residual[-1], streams.residual[-1], rtol=1e-6)
    assert not np.allclose(copy.residual[:-1], streams.residual[:-1])
    assert "resid_all_emotions" in page and "resid_neutral" not in page


def test_what_holds_of_any_emotions_is_no_number(tmp_path: Path) -> None:
    done, _ = without_neutral(tmp_path / "three", 3)
    within = done.tables["within"]
    fixed = within.flag == "by_construction"
    assert set(within.stat[fixed]) == {"common_share"} and within.value[fixed].isna().all()
    cosines = within[within.stat == "cos_u"]
    assert set(cosines.null) == {"equidistant"} and set(cosines.null_low) == {-0.5}
    assert "neutral" not in set(within.emotion_a) and not within.family.str.contains("neut").any()

    done, page = without_neutral(tmp_path / "two", 2)
    within = done.tables["within"]
    fixed = within.flag == "by_construction"
    pairs = {"cos_naive", "cos_u", "kappa", "ip_u", "distinct"}
    assert set(within.stat[fixed]) == {"common_share", *pairs}
    numbers = ["value", "ci_low", "ci_high", "null_low", "null_high", "p", "p_adjusted"]
    assert within.loc[fixed, numbers].isna().all(axis=None)
    length = within[within.stat.eq("norm2_u") & within.emotion_a.eq("gratitude-anger")]
    assert length.p.notna().all()  # that the two differ is told
    assert "the two ends of one direction" in page


def test_each_claim_between_models_is_of_own_parts(tmp_path: Path) -> None:
    done, _ = without_neutral(tmp_path, 3, models=2)
    claims = done.tables["cross"][done.tables["cross"].method == "canonical"]
    assert "cos_s_own" not in set(claims.stat)
    of_emotions = claims[claims.emotion_a.isin(done.emotions) & claims.depth_a.isna()]
    assert set(of_emotions.family) == {"specific"} and not of_emotions.empty
    twin = done.tables["verdicts"][done.tables["verdicts"].model_b == "m0@twin"]
    assert set(twin.verdict) <= {"shared", "inconclusive"} and twin.own_cosine.isna().all()
    assert twin.cosine.between(0.9, 1.1).all()
    decoded = done.tables["decoding"]
    sizes = decoded.groupby("contrast").n_test.unique()
    assert sizes["anger"].tolist() == [24] and sizes["gratitude-anger"].tolist() == [16]


def test_every_two_emotions_are_audited(tmp_path: Path) -> None:
    done, _ = without_neutral(tmp_path, 3)
    compared = done.audit.confounds.query("check == 'length' and statistic == 'smd_words'")
    assert compared.scope.tolist() == [
        "gratitude vs anger", "gratitude vs apology", "anger vs apology"
    ]  # fmt: skip
    assert list(done.audit.summary["classes"]) == done.emotions


def test_heads_of_all_emotions_count_where_each_is_taken_against_all() -> None:
    rows = table(
        *[(topic, name) for topic in "abc" for name in ("joy", "fear")],
        phrase=["glad", "afraid", "glad", "scared", "merry", "scared"],
    )
    own, all_of_them = (
        near_by_head(rows, ["joy", "fear"], neutral=neutral).astype(int).tolist()
        for neutral in ("none", None)
    )
    assert own == [[[1, 1, 0], [1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1], [0, 1, 1]]]
    assert all_of_them == [[[1, 1, 0], [1, 1, 1], [0, 1, 1]]] * 2


# Corpora as people have them

PAIRS = [["I was honest.", "I lied."], ["I told all.", "I hid it."]]
CORPORA = {
    "list of pairs": ("pairs", "x.json", json.dumps(PAIRS)),
    "entries": (
        "pairs",
        "x.jsonl",
        "\n".join(json.dumps({"positive": a, "negative": b}) for a, b in PAIRS),
    ),
    "table of pairs": (
        "pairs", "x.csv", "\n".join(["positive,negative", *map(",".join, PAIRS)]),
    ),
    "labels": (
        "labelled",
        "x.csv",
        "text,label\nI was honest.,positive\nI lied.,negative\nI hid it.,negative\n"
        "I told all.,positive\n",
    ),
    "stories": (
        "stories",
        "x.jsonl",
        "\n".join(
            json.dumps({"emotion": name, "topic": f"t{i % 2}", "index": i, "text": f"{text} {i}"})
            for i in range(4)
            for name, text in (("positive", "I was honest."), ("negative", "I lied."))
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("corpus", CORPORA)
def test_usual_corpora_become_prompt_files(corpus: str, tmp_path: Path) -> None:
    shape, name, text = CORPORA[corpus]
    (tmp_path / name).write_text(text, encoding="utf-8")
    loaders.load(shape, tmp_path / name).to_csv(tmp_path / "prompts.csv", index=False)
    found = read_design(tmp_path / "prompts.csv", ["positive"], "negative")
    assert (found.n_units, found.left_out) == (2, 0)
    assert found.unit == ("sentence" if shape == "labelled" else "topic")
    cells = [cells_of(found.prompts, name, "text") for name in ("positive", "negative")]
    expected = [[[PAIRS[unit][side]] for unit in range(2)] for side in range(2)]
    if shape == "stories":
        expected = [[[f"{text} {i + 2 * k}" for k in range(2)] for i in range(2)]
                    for text in ("I was honest.", "I lied.")]  # fmt: skip
    assert cells == expected


@pytest.mark.parametrize(
    ("shape", "name", "text", "says"),
    [
        ("labelled", "x.csv", "text,class\nI lied.,a\n", "no 'label' in its first row (it has"),
        ("pairs", "x.jsonl", '{"positive": "a", "negative": "b"}\n{"positive": "a"}', "in row 2"),
        ("stories", "x.json", "[{]", "cannot be read"),
        ("stories", "absent.json", None, "cannot be read"),
    ],
)  # fmt: skip
def test_corpus_that_cannot_be_loaded(
    shape: str, name: str, text: str | None, says: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        loaders.load(shape, tmp_path / name)
    assert says in str(caught.value) and str(tmp_path / name) in str(caught.value)
