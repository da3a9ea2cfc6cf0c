"""Panels hold the rows of the tables, in the order in which choices are offered."""

import json

import numpy as np
import pandas as pd
import pytest
from emovec.explorer.between_models import verdicts_panel
from emovec.explorer.components import parts_panel
from emovec.explorer.pairs import pairs_panel
from emovec.explorer.panel import encode, offered
from emovec.explorer.texts import tokens_panel
from emovec.io.tables import typed
from emovec.wording import language


@pytest.fixture
def japanese():
    language.speak("ja")
    yield
    language.speak("en")


def decoded(content: dict) -> list[dict]:
    """The rows of a panel as the page reads them."""
    content = json.loads(json.dumps(content))
    columns = {
        name: c.get("values") or [None if place < 0 else c["of"][place] for place in c["at"]]
        for name, c in content["data"].items()
    }
    return [{k: v[i] for k, v in columns.items()} for i in range(content["rows"])]


def test_columns_come_back() -> None:
    rows = pd.DataFrame(
        {
            "number": [1.23456, np.nan, -1e-7], "text": ["b", None, "a"],
            "list": [[1.0, np.nan], [2.0, 3.00001], [0.0]],
            "tuple": [("x", " y"), ("x", " y"), ("z",)],
        }
    )  # fmt: skip
    found = json.loads(json.dumps(encode(rows)))
    assert found["number"]["values"] == [1.235, None, -1e-7]
    assert found["text"] == {"of": ["b", "a"], "at": [0, -1, 1]}
    assert found["list"]["values"] == [[1.0, None], [2.0, 3.0], [0.0]]
    assert found["tuple"] == {"of": [["x", " y"], ["z"]], "at": [0, 0, 1]}


def test_offered_first_is_first_and_the_rest_stays() -> None:
    rows = pd.DataFrame({"a": ["z", "y", "x", "y"], "b": [1, 2, 3, 4]})
    assert offered(rows, a=["y"]).b.tolist() == [2, 4, 1, 3]
    assert offered(rows, a=["x", "y"], b=[4]).b.tolist() == [3, 4, 2, 1]


def tokens() -> pd.DataFrame:
    rows = [
        ("m", depth, "joy", topic, kind, i, text, depth + i)
        for depth in (2, 5) for topic in ("tea", "sea") for kind in ("joy", "neutral")
        for i, text in enumerate(["So", None, f" {topic}"], start=1)
    ]  # fmt: skip
    columns = ["model", "depth", "direction", "topic", "class", "token", "text", "beyond"]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[0, "beyond"] = np.nan
    table["relative_depth"] = table["depth"] / 10
    return typed(table, "token_projections")


def test_sentences_hold_their_tokens_in_order_the_middle_of_the_model_first() -> None:
    rows = decoded(tokens_panel(tokens()).content())
    assert [row["depth"] for row in rows] == ["5"] * 4 + ["2"] * 4
    assert rows[0]["tokens"] == ["So", "", " tea"] and rows[0]["values"] == [6, 7, 8]
    assert rows[4]["values"] == [None, 4, 5]
    assert {(row["topic"], row["class"]) for row in rows} == {
        (topic, kind) for topic in ("tea", "sea") for kind in ("joy", "neutral")
    }


def test_reasons_and_verdicts_are_told_in_the_language_spoken(japanese: None) -> None:
    row = {"emotion": "anger", "model_a": "a", "model_b": "b", "decodes": True}
    row |= {"verdict": "not_shared", "reason": "small", "agree": 0, "compared": 4}
    verdicts = typed([row], "verdicts")
    [row] = decoded(verdicts_panel(verdicts, ["a", "b"]).content())
    assert row["verdict"] == "非共有" and row["decodes"] == "はい"
    assert row["reason"].startswith("コサイン類似度が小さい")
    assert row["emotion"] == "anger" and row["models"] == "a × b"


def test_two_emotions_stand_side_by_side_with_their_cosine_in_each_model() -> None:
    prompts = pd.DataFrame(
        [
            {"topic": f"t{t}", "emotion": name, "text": f"{name} {t} {i}"}
            for t in range(20) for name in ("joy", "fear", "hope", "calm") for i in range(2)
        ]
    )  # fmt: skip
    row = {"position": "last", "metric": "lda", "stat": "cos_u", "depth": None}
    within = typed(
        [
            row | {"model": "topic", "emotion_a": "joy", "emotion_b": "fear", "value": 0.25},
            row | {"model": "topic", "emotion_a": "joy", "emotion_b": "fear", "depth": 3},
        ],
        "within_model_similarity",
    )
    panel = pairs_panel(prompts, within, ["topic", "text"], ["joy", "fear", "hope"], "last")
    rows = decoded(panel.content())
    assert [choice.column for choice in panel.choices] == ["pair", "topic"]
    assert len(rows) == 3 * 2 * 8
    own = [r for r in rows if r["pair"] == "joy – fear" and r["topic"] == "t3"]
    assert [r["text"] for r in own] == ["joy 3 0", "fear 3 0"]
    names = [column.name for column in panel.columns]
    assert [own[0][name] for name in names] == [0.25, None]


def test_map_of_parts_is_shaded_within_each_model() -> None:
    part = {"metric": "lda", "against": "neutral", "emotion": "joy", "part": "head", "head": 0,
            "gate_ok": True, "ci_low": 0, "ci_high": 1}  # fmt: skip
    shares = [
        typed([part | {"model": m, "block": b, "value": v, "p_adjusted": p} for b, v, p in of],
              "components")
        for m, of in {"a": [(0, 0.1, 0.2), (1, -0.05, 0.01)], "b": [(0, 0.4, 0.01)]}.items()
    ]  # fmt: skip
    look = {"emotion": "joy", "head": 0, "block": 1, "model": "a"}
    looks = typed(
        [look | {"span": s, "attention": v} for s, v in (("word", 0.3), ("first", 0.6))],
        "attention",
    )
    typical = typed(
        [
            look | {"part": "head", "rank": rank, "text": text}
            for rank, text in ((2, "y"), (1, "x"))
        ],
        "typical",
    )
    rows = decoded(parts_panel(shares, [looks], [typical], 0.05).content())
    assert [row["shade"] for row in rows] == [1, -0.5, 1]
    assert [row["sure"] for row in rows] == [0, 1, 1]
    assert [row["word"] for row in rows] == [None, 0.3, None] and rows[1]["first"] == 0.6
    assert [row["sentences"] for row in rows] == ["", "x / y", ""]
