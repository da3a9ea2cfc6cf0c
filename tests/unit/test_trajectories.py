"""Places at which sentences are lined up, and where a planted emotion is found along them."""

import numpy as np
import pandas as pd
import pytest
from emovec.components.trajectories import BEFORE, FEW_TOPICS, Grid, Ruler, lined_up, trajectories
from emovec.models.untrained import BOS, byte_tokenizer
from emovec.prompts.tokenizer import TextEncoder
from emovec.prompts.turns import Turn
from emovec.vectors.token_projections import UNDEFINED, Scales
from tiny import CHAT

CLASSES = ["joy", "fear", "neutral"]
GRID = Grid(3)
STATISTICS = {"alpha": 0.05, "permutations": 499, "thresholds": {"reliability": 0.5}}
WORD, DEPTHS, WIDTH = 7, 3, 16  # the token of the marked word; the emotion is there from depth 1 on


def test_places_of_a_sentence() -> None:
    """One token for each byte, a BOS first: eleven of the sentence, two of what follows."""
    encoded = TextEncoder(byte_tokenizer(), 0)("a thank bye.!?")
    weights = dict(zip(GRID.places, GRID.weights(encoded, 12, "thank"), strict=True))
    at = {place: np.flatnonzero(row).tolist() for place, row in weights.items()}
    assert at["word", 0] == [7] and at["word", -6] == [1] and at["word", 5] == [12]
    assert at["word", 6] == []  # no longer in the sentence
    assert at["tenth", 1] == [1, 2] and at["tenth", 10] == [12]
    assert at["suffix", 1] == [13] and at["suffix", 2] == [14] and at["suffix", 3] == []
    assert all(row.sum() == pytest.approx(1) for row in weights.values() if row.any())
    assert not any(GRID.weights(encoded, 12, "absent")[: len(GRID.places) - 13].ravel())


def test_places_of_a_sentence_in_a_chat() -> None:
    encode = TextEncoder(byte_tokenizer(), 0, Turn("m", CHAT, {"bos_token": BOS}))
    encoded = encode("a thank bye.")
    grid = Grid.like(encoded, 12, "reply_start")
    assert grid.n_suffix == len("\n[reply]\n")
    weights = dict(zip(grid.places, grid.weights(encoded, 12, "thank"), strict=True))
    pieces = encoded.pieces()
    text = {
        place: "".join(pieces[i] for i in np.flatnonzero(row)) for place, row in weights.items()
    }
    assert text["word", 0] == "k" and text["word", -6] == "a" and text["word", 5] == "."
    assert text["tenth", 1] == "a " and text["tenth", 10] == "."
    assert text["suffix", 1] == "\n" and text["suffix", 2] == "[" and text["suffix", 9] == "\n"
    assert Grid.like(encoded, 12, "user_end").n_suffix == 0
    assert Grid.like(encode("a thank bye. So."), 12, "suffix").n_suffix == len(" So.")


def test_what_follows_a_sentence_up_to_where_it_is_read() -> None:
    encoded = TextEncoder(byte_tokenizer(), 0)("a thank bye. So.")
    assert Grid.like(encoded, 12, "suffix").n_suffix == len(" So.")
    assert Grid.like(encoded, len(encoded.text), "last").n_suffix == 0


def world(
    rng: np.random.Generator, topics: int = 40, strength: float = 3.0, always: float = 0.0,
    other: float = 0.0,
) -> tuple:  # fmt: skip
    """Sentences of thirteen tokens and a suffix of three, read at every token.

    joy lies along one axis, from its word to the third token after it and at the end of the suffix;
    of every second topic, whose sentences are implicit, at the end alone. Besides, joy lies along
    it by `always` at every token, and fear by `other` at the end.
    """
    text = "a b c d e f g h i j k l m"[:13]
    encode = TextEncoder(byte_tokenizer(), 0)
    prompts = pd.DataFrame(
        [
            {"id": f"{t}-{c}", "topic": f"t{t}", "emotion": c, "text": text,
             "emotion_word": text[WORD - 1], "phrase": "implicit" if t % 2 else f"w{t}"}
            for t in range(topics) for c in CLASSES
        ]
    )  # fmt: skip
    encoded = [encode(text + "xyz") for text in prompts["text"]]
    streams = rng.normal(size=(len(prompts), 17, DEPTHS, WIDTH)).astype("f4")
    axis = np.eye(WIDTH)[3] * strength
    joy = np.flatnonzero(prompts["emotion"] == "joy")
    loud = joy[prompts["phrase"].iloc[joy] != "implicit"]
    streams[loud[:, None], np.arange(WORD, WORD + 4), 1:] += axis.astype("f4")
    streams[joy, 16, 1:] += axis.astype("f4")
    streams[joy, :, 1:] += (np.eye(WIDTH)[3] * always).astype("f4")
    fear = np.flatnonzero(prompts["emotion"] == "fear")
    streams[fear, 16, 1:] += (np.eye(WIDTH)[3] * other).astype("f4")
    streams[..., 0, :] = 1  # at depth 0 nothing differs
    residual = streams[:, 16].reshape(topics, 3, DEPTHS, WIDTH).swapaxes(0, 1)
    return prompts, encoded, streams, residual


def probe(
    rng: np.random.Generator, n: int = 120, attributes: int = 25, empty: int = 0
) -> tuple:  # fmt: skip
    labels = rng.integers(0, 2, (n, attributes))
    control = pd.DataFrame(labels, columns=[f"attr_{i}" for i in range(attributes)])
    stream = rng.normal(size=(n, DEPTHS, WIDTH))
    axes = rng.normal(size=(attributes, WIDTH))
    axes[:empty] = 0  # of these the streams hold nothing
    stream += 2 * np.einsum("na,am->nm", labels, axes)[:, None]
    return control, stream


def table_of(seed: int, empty: int = 0, **options: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    prompts, encoded, streams, residual = world(rng, **options)
    ruler = Ruler.of(*probe(rng, empty=empty), residual, rng)
    values = lined_up(enumerate(streams), encoded, prompts, Scales(residual), ruler, GRID)
    return trajectories(
        values, prompts, CLASSES, residual, ruler, GRID,
        primary=[2], statistics=STATISTICS, rng=rng,
    )  # fmt: skip


def test_planted_emotion_is_found_where_it_is() -> None:
    table = table_of(1)
    joy = table[(table.direction == "joy") & (table.depth == 2)].set_index(["aligned", "place"])
    every = joy[(joy.words == "all") & (joy.against == "neutral")]
    found = every[every.p_adjusted < 0.05].index.tolist()
    assert {("word", i) for i in range(4)} | {("suffix", 3)} <= set(found)
    assert not {("word", -1), ("word", 4), ("suffix", 1), ("tenth", 1), ("tenth", 10)} & set(found)
    # a direction of length 3 in noise of deviation 1, in every second topic and in all
    assert every.value["word", 2] == pytest.approx(1.5, abs=0.5)
    assert every.value["suffix", 3] == pytest.approx(3, abs=0.6)
    told = every.dropna(subset="value")
    assert (told.ci_low < told.value).all() and (told.ci_high > told.value).all()
    assert every.gate_ok.all() and (told.n_null == 25).all()
    assert (told.null_low == -told.null_high).all()
    assert {("rise", 0), ("reach", 0)} <= set(found)
    assert every.value["rise", 0] == pytest.approx(1.5, abs=0.5)
    assert every.value["reach", 0] == pytest.approx(3, abs=0.6)
    apart = {words: joy[joy.words == words].value["word", 1] for words in ("explicit", "implicit")}
    assert apart["explicit"] == pytest.approx(3, abs=0.7)
    assert apart["implicit"] == pytest.approx(0, abs=0.7)
    depths = table.groupby(["against", "words"]).depth.unique().map(list).to_dict()
    assert len(depths.pop(("neutral", "all"))) > 1
    assert set(map(tuple, depths.values())) == {(2,)}  # the primary one
    others = joy[joy.against == "emotions"]
    assert others.value["suffix", 3] == pytest.approx(3, abs=0.7) and others.null_high.isna().all()


def at(table: pd.DataFrame, aligned: str, place: int, against: str = "neutral") -> pd.Series:
    """The row of joy at depth 2."""
    rows = table[(table.direction == "joy") & (table.depth == 2) & (table.words == "all")]
    rows = rows[(rows.aligned == aligned) & (rows.place == place) & (rows.against == against)]
    (row,) = rows.to_dict("records")
    return row


def test_what_the_whole_sentence_has_is_no_rise() -> None:
    plain, moved = table_of(4), table_of(4, always=2.0)  # the same noise
    for place in (-2, 1):
        more = at(moved, "word", place)["value"] - at(plain, "word", place)["value"]
        assert more == pytest.approx(2, abs=0.8)  # in deviations of forty sentences
    assert at(moved, "word", -2)["p_adjusted"] < 0.05 < at(plain, "word", -2)["p_adjusted"]
    for change in ("rise", "reach"):
        more = at(moved, change, 0)["value"] - at(plain, change, 0)["value"]
        assert more == pytest.approx(0, abs=0.3)


def test_what_another_emotion_has_too_is_taken_off_against_the_emotions() -> None:
    table = table_of(5, other=2.0)
    assert at(table, "suffix", 3)["value"] == pytest.approx(3, abs=0.7)
    assert at(table, "suffix", 3, "emotions")["value"] == pytest.approx(1, abs=0.6)


def test_attributes_of_which_the_streams_hold_nothing_are_no_null() -> None:
    assert at(table_of(6, empty=4), "suffix", 3)["n_null"] == 21
    without = at(table_of(6, empty=8), "suffix", 3)  # too few are left
    assert without["n_null"] == 17 and np.isnan(without["null_high"])


def test_two_emotions_are_two_tests() -> None:
    """The smallest p of 499 draws is 1/500, twice that while the other emotion is not shown."""
    table = table_of(1)
    assert table.p.min() == pytest.approx(1 / 500)
    assert table.p_adjusted.min() == pytest.approx(2 / 500)


def test_what_is_not_there_is_told_so() -> None:
    table = table_of(2)
    start = table[table.depth == 0]
    assert start.value.isna().all() and set(start.flag) == {UNDEFINED}
    assert not start.gate_ok.any()
    late = table[(table.aligned == "word") & (table.place > BEFORE) & (table.depth == 1)]
    assert (late.n_topics == 0).all()
    few = table_of(3, topics=5)
    assert set(few.flag[few.depth == 1]) <= {FEW_TOPICS, UNDEFINED} and few.p.isna().all()


def test_level_without_an_emotion() -> None:
    """One corrected p in all places and depths of an emotion; two emotions, corrected too."""
    hits = 0
    for seed in range(60):
        table = table_of(100 + seed, topics=12, strength=0.0)
        own = table[(table.words == "all") & (table.against == "neutral")]
        hits += bool((own.p_adjusted < 0.05).any())
    assert hits <= 8  # of 60 at .05, beyond which chance goes once in a hundred
