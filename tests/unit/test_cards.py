"""The card recommends a depth only where the tables give it reason to, and names what is wrong."""

import json

import numpy as np
import pandas as pd
import pytest
from emovec.vectors.card import card, flags, recommended_depth, steering_chosen

DEPTHS = [2, 4, 6]


def reliable(values: list[float], gates: list[bool], metric: str = "raw") -> pd.DataFrame:
    return pd.DataFrame(
        {"metric": metric, "stat": "reliability", "depth": DEPTHS, "value": values}
        | {"ci_low": 0.0, "ci_high": 1.0, "p_adjusted": 0.01, "gate_ok": gates, "flag": ""}
    )


def decoded(**auroc: list[float]) -> pd.DataFrame:
    """AUROC at each depth by split; 0.5 before the first block."""
    rows = [
        {"direction": "native", "depth_test": depth, "split": split, "auroc": value}
        for split, values in auroc.items()
        for depth, value in zip(DEPTHS, values, strict=True)
    ]
    rows += [{"direction": "depth0", "depth_test": 0, "split": s, "auroc": 0.5} for s in auroc]
    table = pd.DataFrame(rows)
    p = np.where(table.auroc > 0.6, 0.001, 0.5)
    return table.assign(
        contrast="joy", metric="raw", ci_low=0.4, ci_high=1.0, null_high=0.6, p_adjusted=p
    )


TEXTS = pd.DataFrame(
    {
        "direction": ["nuisance", "bag_of_words", "bag_of_words"],
        "split": ["topic", "topic", "phrase"],
        "contrast": "joy",
        "auroc": [0.52, 0.7, 0.65],
        "ci_low": [0.45, 0.6, 0.5],
        "ci_high": [0.6, 0.8, 0.8],
    }
)
NO_ROGUE = pd.DataFrame({"depth": DEPTHS, "flag": ""})


@pytest.mark.parametrize(
    ("gates", "auroc", "depth"),
    [
        ([True, True, True], {"topic": [0.8, 0.95, 0.9], "phrase": [0.7, 0.75, 0.85]}, 6),
        ([True, True, False], {"topic": [0.8, 0.95, 0.9], "phrase": [0.7, 0.75, 0.85]}, 4),
        ([True, True, True], {"topic": [0.8, 0.95, 0.9], "phrase": [0.7, 0.55, 0.5]}, 2),
        ([True, True, True], {"topic": [0.9, 0.9, 0.9]}, 2),  # the shallowest of equals
        ([True, True, True], {"topic": [0.5, 0.55, 0.5]}, None),
        ([False, False, False], {"topic": [0.9, 0.9, 0.9]}, None),
    ],
)
def test_recommended_depth_is_reliable_and_decodes_in_every_split(
    gates: list[bool], auroc: dict[str, list[float]], depth: int | None
) -> None:
    table = reliable([0.9, 0.9, 0.9], gates)
    assert recommended_depth(table, decoded(**auroc), 0.05) == depth


def test_another_metrics_gate_does_not_count() -> None:
    table = reliable([0.9, 0.9, 0.9], [True] * 3, metric="lda")
    assert recommended_depth(table, decoded(topic=[0.9, 0.9, 0.9]), 0.05) is None


def test_clean_emotion_has_no_flag() -> None:
    assert flags(decoded(topic=[0.9] * 3), TEXTS, NO_ROGUE, 4, untrained=False) == []


def test_each_confound_is_a_sentence() -> None:
    table = decoded(topic=[0.9, 0.68, 0.9])
    table.loc[table.direction == "depth0", "auroc"] = 0.75
    texts = TEXTS.assign(ci_low=0.51)
    rogue = NO_ROGUE.assign(flag=["", "rogue_dominated", ""])
    said = flags(table, texts, rogue, 4, untrained=True)
    starts = ("The model is untrained", "Tokens alone", "Length, commas", "With the topic", "One")
    assert [s.startswith(start) for s, start in zip(said, starts, strict=True)] == [True] * 5
    assert all(sentence.endswith(".") for sentence in said)
    assert "0.75 at depth 0, beyond 0.60" in said[1]


def test_card_is_plain_json_with_undefined_as_null() -> None:
    norms = pd.DataFrame(
        {"emotion": "joy", "position": "last", "norm": "l2", "value": [0.0, 1.0], "chance": np.nan}
    )
    within = reliable([np.nan, 0.9, 0.8], [False, True, True]).assign(
        emotion_a="joy", emotion_b=np.nan, position="last"
    )
    within["depth"] = within.depth.astype("Int64")  # as tables are read
    whitened = decoded(topic=[0.9, 0.99, 0.85]).assign(metric="lda")  # the vectors are raw
    tables = {
        "norms": norms,
        "within": within,
        "decoding": pd.concat([decoded(topic=[0.9, 0.8, 0.85]), whitened]),
        "texts": TEXTS,
    }
    owner = {"model": "m", "space": "raw", "position": "last", "schema_version": 1}
    content = card(
        owner, {}, tables, ["joy"], np.array([1.0, np.nan]), [], alpha=0.05, untrained=False
    )
    back = json.loads(json.dumps(content, allow_nan=False))
    assert back == content
    assert back["stream_norm"] == [1.0, None]
    joy = back["emotions"]["joy"]
    assert joy["norm_by_chance"] == [None, None]
    assert joy["reliability"]["raw"][0]["value"] is None
    # depth 2 decodes better, but is not reliable
    assert joy["recommended"]["depth"] == 6
    assert joy["recommended"]["auroc"] == {"topic": 0.85}
    assert {row["metric"] for row in joy["decoding"]} == {"raw", "lda"}
    assert joy["recommended"]["reliability"] == 0.8


def test_steering_gives_the_factor_of_the_exported_vector() -> None:
    choice = {"depth": 4, "strength": 0.5, "score": 2.0, "kl": 0.3, "within_max_kl": True}
    rows = [
        {"kind": kind, "direction": name, "depth": depth, "strength": strength, "alpha": alpha}
        for kind, name, depth, strength, alpha in [
            ("emotion", "joy", 4, 0.5, 7.0),
            ("emotion", "joy", 4, 1.0, 14.0),
            ("emotion", "joy", 2, 0.5, 3.0),
            ("emotion", "fear", 4, 0.5, 9.0),
            ("random", "joy", 4, 0.5, 11.0),
        ]
    ]
    read_outs = pd.DataFrame(rows).assign(operation="add", sign=1)
    assert steering_chosen("joy", choice | {"cells": []}, read_outs) == choice | {"alpha": 7.0}
