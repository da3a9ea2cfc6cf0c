"""The report says what its tables say: change a cell, and the sentence changes."""

import copy
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import MappingProxyType

import emovec
import numpy as np
import pandas as pd
import pytest
from emovec.between_models.thresholds import Thresholds
from emovec.between_models.verdict import VERDICTS
from emovec.io.tables import COLUMNS, typed
from emovec.report.answers import first_screen, grade, lines
from emovec.report.components import component_facts, look_facts, loss_facts
from emovec.report.contents import describe
from emovec.report.geometry import (
    distance_facts,
    place_facts,
    place_lines,
    plane_facts,
    rating_facts,
    rating_lines,
)
from emovec.report.page import to_html
from emovec.report.readings import reading_facts
from emovec.report.render import render
from emovec.report.steering import describe_steering, examples
from emovec.report.trajectories import appearance_facts
from emovec.report.within_model import readable
from emovec.robustness.multiverse_between import between_models
from emovec.robustness.multiverse_within import mark_study
from emovec.robustness.published import compare_published
from emovec.steering.changes import ALL, READ_OUTS, TEXTS
from emovec.wording.language import read_catalog, speak
from emovec.wording.numbers import interval, number, p_value, percent, span
from PIL import Image

EMOTIONS = ["gratitude", "anger", "apology"]
LIBRARY = Path(emovec.__file__).parent
PAIRS = [("gratitude", "anger"), ("gratitude", "apology"), ("anger", "apology")]
MODELS = ["one", "two"]
TARGETS = {"gratitude": "joy", "anger": "anger", "apology": "sadness"}


def table(kind: str, rows: list[dict]) -> pd.DataFrame:
    return typed(rows, kind)


def run() -> tuple[dict, dict, dict[str, pd.DataFrame]]:
    """Provenance, audit and tables of a run with two models, with numbers told apart."""
    return copy.deepcopy(_run())


@cache
def _run() -> tuple[dict, dict, dict[str, pd.DataFrame]]:
    config = {
        "experiment": "tests", "seed": 1,
        "statistics": {"position": "last", "alpha": 0.05, "thresholds": asdict(Thresholds())},
        "prompts": {"emotions": EMOTIONS, "neutral": "neutral"},
    }  # fmt: skip
    attributes = {"architecture": "gpt2", "space": "raw", "license": "MIT", "n_layers": 2}
    attributes["weights_sha256"] = "w"
    provenance = {
        "config": config, "run_at": "now", "emovec": "0", "revision": None, "versions": {"a": "1"},
        "activations": {name: attributes | {"d_model": 8} for name in MODELS},
        "models": {"file": {"weights_sha256": "w", "weights": {"Q4_K": 0.63, "F32": 0.37}}},
    }  # fmt: skip
    audit = {"topics": 12, "unit": "topic", "matched": True, "left_out": 0, "prompts": 48,
             "probe": 34, "findings": []}  # fmt: skip
    interval = {
        "ci_low": 0.11,
        "ci_high": 0.88,
        "null_low": 0.2,
        "null_high": 0.7,
        "p_adjusted": 0.03,
    }
    within = [
        {"model": m, "position": "last", "metric": metric, "stat": stat, "value": value,
         "emotion_a": a, "emotion_b": b, "gate_ok": True} | interval
        for m in MODELS for a, b in PAIRS
        for metric, stat, value in (
            ("raw", "cos_naive", 0.71), ("raw", "cos_u", 0.62), ("lda", "cos_u", 0.53),
            ("lda", "distinct", 0.54),
        )
    ]  # fmt: skip
    norms = [
        {"model": m, "position": "last", "depth": d, "emotion": e, "norm": "l2",
         "value": 1.0 + d, "chance": 0.5}
        for m in MODELS for e in EMOTIONS for d in range(3)
    ]  # fmt: skip
    pair = {"model_a": "one", "model_b": "two", "position": "last", "depth_a": 1, "depth_b": 1,
            "relative_depth_a": 0.5, "relative_depth_b": 0.5}  # fmt: skip
    cross = [
        pair | interval | {"emotion_a": e, "emotion_b": e, "method": method, "stat": stat,
                           "value": value, "family": family, "gate_ok": True}
        for e in EMOTIONS
        for method, stat, value, family in (
            ("raw", "cos_naive", 0.019, ""), ("wpc", "cos_u", 0.44, "sensitivity"),
            ("ridge", "cos_u", 0.55, "sensitivity"), ("canonical", "cos_s", 0.74, ""),
            ("canonical", "cos_s_own", 0.64, ""),
        )
    ]  # fmt: skip
    maps = [pair | {"method": "ridge", "r2_loo": 0.33, "r2_null_high": 0.01, "p": 0.001}]
    gains = {
        f"over_{other}{part}": value + shift
        for other, value in (("words", 0.06), ("depth0", 0.24), ("untrained", 0.15))
        for part, shift in (("", 0), ("_low", -0.03), ("_high", 0.03), ("_p", 0.31))
    }
    decoding = [
        {"train_model": m, "test_model": m, "direction": "native", "contrast": "gratitude-anger",
         "position": "last", "depth_test": 1, "split": "topic", "metric": metric, "auroc": value,
         "se": 0.02} | gains | interval
        for m in MODELS for metric, value in (("raw", 0.83), ("lda", 0.97))
    ]  # fmt: skip
    decoding += [
        decoding[-1] | {"direction": "depth0", "depth_test": 0, "auroc": 0.57},
        {"direction": "bag_of_words", "contrast": "gratitude-anger", "split": "phrase",
         "auroc": 0.96},
    ]  # fmt: skip
    judged = {
        "model_a": "one", "model_b": "two", "position": "last", "cosine": 0.75, "ci_low": 0.66,
        "ci_high": 0.82, "own_cosine": 0.14, "own_low": 0.07, "own_high": 0.18, "matched": 0.91,
        "least_cosine": 0.4, "bound": 0.2, "verdict": "common_only", "reason": "own_small",
        "decodes": True, "agree": 3, "compared": 4,
    }  # fmt: skip
    verdicts = [judged | {"emotion": e} for e in [*EMOTIONS, ""]]
    tables = {
        "within": table("within_model_similarity", within),
        "norms": table("layer_norms", norms),
        "cross": table("cross_model_similarity", cross),
        "maps": table("maps", maps),
        "decoding": table("decoding", decoding),
        "verdicts": table("verdicts", verdicts),
    }
    tables["published"] = compare_published(tables["within"], tables["cross"])
    alone = [
        {"model": m, "position": position, "space": "raw", "metric": "lda", "precision": "float32",
         "estimator": "unbiased", "emotion_a": a, "emotion_b": b, "value": value}
        for m in MODELS for a, b in PAIRS for position, value in (("last", 0.12), ("suffix", 0.29))
    ]  # fmt: skip
    pairs = between_models(tables["cross"], MODELS, [0.5])
    tables["multiverse"] = pd.concat([table("multiverse", alone), pairs], ignore_index=True)
    tables["ways"] = table("ways", [
        {"model": m, "way": way, "stat": stat, "emotion_a": e, "value": value, "ci_low": 0.6,
         "ci_high": 0.8, "null_low": 0.2, "null_high": 0.3, "flag": ""}
        for m in MODELS for e in EMOTIONS
        for way, stat, value in (("mean", "auroc", 0.7), ("logistic", "with_mean", 0.74))
    ])  # fmt: skip
    moved = {
        "value": 0.61,
        "ci_low": 0.5,
        "ci_high": 0.7,
        "moved": -0.0213,
        "moved_low": -0.0345,
        "moved_high": 0.0067,
        "precision": "q4_0",
        "emotion_a": EMOTIONS[0],
        "gate_ok": True,
    }
    tables["precision"] = table("precision", [
        {"model": m} | moved | {"stat": stat} | ({"emotion_b": EMOTIONS[1]} if pair else {})
        for m in MODELS for stat, pair in (("cosine", True), ("auroc", False), ("stream", False))
    ] + [moved | {"model": "one", "model_b": "two", "stat": "between"}])  # fmt: skip
    return provenance, audit, tables


def written(
    provenance: dict,
    audit: dict,
    tables: dict[str, pd.DataFrame],
    *,
    language: str = "en",
    models: Sequence[str] = tuple(MODELS),
    untrained: Sequence[str] = (),
    steering: Sequence[tuple] = (),
    classifiers: Mapping[str, dict] = MappingProxyType({}),
    **more: object,
) -> str:
    speak(language)
    try:
        facts = describe(provenance, audit, tables, models=models, untrained=untrained)
        told = [describe_steering(*of, EMOTIONS, TARGETS, 0.05, classifiers) for of in steering]
        return rendered(facts, tables["verdicts"], told, **more)
    finally:
        speak("en")


def rendered(facts: dict, verdicts: pd.DataFrame, steering: Sequence[dict], **more: object) -> str:
    glance = [*facts["glance"], *(model["glance"] for model in steering)]
    _, scores, _, openings = steered()
    steering = [model | {"examples": examples(scores, openings)} for model in steering]
    context = {"titles": {"last": "last token"}, "steering": steering, "glance": glance}
    context |= {"readings": []}
    context |= {"components": [], "decomposed": [], "losses": [], "geometry": False}
    context |= {"looks": [], "appearing": [], "cost": []}
    context |= first_screen(facts, verdicts, steering)
    return render("report.md.j2", facts | context | {"lang": "", "other_languages": []} | more)


def test_examples_stand_side_by_side_below_their_openings() -> None:
    _, scores, _, openings = steered()
    both = pd.concat([scores, scores.assign(opening="b", text="Nothing.")])
    openings = pd.concat([openings, openings.assign(id="b", text="She wrote:")])
    found = examples(both, openings)
    assert found["openings"] == ["He looked up and said,", "She wrote:"]
    labels, texts = zip(*found["texts"], strict=True)
    assert labels[:4] == ("not steered", "a control direction", "+ gratitude", "− gratitude")
    assert texts[2] == ["It was gratitude.", "Nothing."]


def asked() -> list[dict]:
    """Rows of asking, before which nothing was steered; more than adding for anger alone."""
    condition = {"model": "one", "source": "one", "scope": "new", "strength": 0.0, "chosen": True}
    rows = []
    for way, extra in (("instruct", 7.0), ("precede", 18.0)):
        for name in EMOTIONS:
            target, mine = TARGETS[name], f"logp_{name}"
            more = 0.61 if name == "anger" else -0.62
            rows.append(condition | {
                "operation": way, "direction": "neutral", "sign": 0, "measure": mine,
                "reading": READ_OUTS, "value": 0.04, "ci_low": -0.11, "ci_high": 0.21})  # fmt: skip
            for measure, reading, value, p in (
                (mine, READ_OUTS, 0.91, np.nan),
                (f"{mine}.over_control", READ_OUTS, 0.82, 0.013),
                (f"{mine}.own", READ_OUTS, 0.73, 0.014),
                (f"{mine}.over_added", READ_OUTS, more, 0.5),
                ("extra_tokens", READ_OUTS, extra, np.nan),
                (f"nade_{target}.over_control", TEXTS, 0.064, 0.016),
                (f"nade_{target}.own", TEXTS, 0.055, 0.017 if name == "anger" else 0.77),
                ("log_perplexity", TEXTS, 0.29, np.nan),
            ):
                rows.append(condition | {
                    "operation": way, "direction": name, "sign": 1, "measure": measure,
                    "reading": reading, "value": value, "ci_low": value - 0.05,
                    "ci_high": value + 0.05, "p": p, "p_adjusted": p})  # fmt: skip
    return rows


def steered() -> tuple[pd.DataFrame, pd.DataFrame, dict, pd.DataFrame]:
    """Effects, scores, choice and openings of one steered model, with numbers told apart."""
    condition = {"model": "one", "source": "one", "scope": "new", "depth": 1, "strength": 0.5}
    values = {"ci_low": 1.23, "ci_high": 2.34, "null_low": -0.45, "null_high": 0.56, "p": 0.012}
    effects = [
        condition | values | {"operation": operation, "direction": emotion, "sign": sign,
                              "measure": measure, "reading": reading, "value": value, "null": ALL,
                              "p_adjusted": 0.012 if measure.startswith("logp") else np.nan}
        for e, emotion in enumerate(EMOTIONS)
        for operation, sign in (("add", 1), ("add", -1), ("remove", 0))
        for measure, reading, value in (
            *((f"logp_{other}", READ_OUTS, sign * (1.7 - 2 * e)) for other in EMOTIONS),
            *((f"{kind}_logp_{emotion}", READ_OUTS, 0.78)
              for kind in ("slope", "linearity", "anti_steerable")),
            (f"logp_{emotion}.own", READ_OUTS, 0.93 * sign),
            (f"read_{emotion}.own", TEXTS, 0.37), (f"read_{emotion}", TEXTS, 0.43),
            ("kl", READ_OUTS, 0.31), (f"nade_{TARGETS[emotion]}", TEXTS, -0.19),
        )
    ]  # fmt: skip
    carried = [row | {"source": "two", "value": 0.87} for row in effects]
    effects += asked()
    scores = [
        {"operation": operation, "kind": kind, "direction": name, "depth": 1, "strength": 0.5,
         "sign": sign, "opening": "a", "sample": 0, "text": f"It was {name}.", "empty_text": False,
         "degenerate": sign < 0} | dict.fromkeys([f"nade_{t}" for t in TARGETS.values()], 0.1)
        for operation, kind, name, sign in (
            ("none", "baseline", "baseline", 0), ("add", "covariance", "covariance 0", 1),
            *(("add", "emotion", e, sign) for e in EMOTIONS for sign in (1, -1)),
        )
    ]  # fmt: skip
    choice = {"depth": 1, "strength": 0.5, "max_kl": 0.25, "within_max_kl": True,
              "cells": [{"depth": 1, "score": 2.71}, {"depth": 2, "score": 1.41}]}  # fmt: skip
    openings = pd.DataFrame({"id": ["a"], "text": ["He looked up and said,"]})
    return table("steering", effects + carried), pd.DataFrame(scores), choice, openings


@pytest.mark.parametrize(
    ("name", "column", "old", "new", "shown"),
    [
        ("within", "value", 0.53, 0.4321, "0.43"),
        ("within", "value", 0.54, 0.3456, "gratitude – anger 0.35 ["),
        ("within", "value", 0.71, 0.7654, "0.77"),
        ("within", "ci_high", 0.88, 0.9321, "0.93"),
        ("within", "p_adjusted", 0.03, 0.0721, "no, p = 0.07"),
        ("cross", "value", 0.44, 0.3777, "0.38"),
        ("cross", "value", 0.74, 0.8123, "| 0.81 ["),
        ("cross", "value", 0.64, 0.5678, "| 0.57 ["),
        ("cross", "value", 0.55, 0.6543, "0.65"),
        ("cross", "value", 0.019, 0.0567, "0.0567"),
        ("maps", "r2_loo", 0.33, 0.2468, "0.25"),
        ("decoding", "auroc", 0.97, 0.9223, "0.92"),
        ("decoding", "over_words", 0.06, 0.0712, "| 0.07 [0.03, 0.09], p = 0.37 |"),
        ("decoding", "flag", pd.NA, "not_informative", "| not informative |"),
        ("norms", "value", 3.0, 7.891, "7.89"),
        ("verdicts", "verdict", "common_only", "not_shared", "gratitude not shared, cosine 0.75 ["),
        ("verdicts", "cosine", 0.75, 0.5432, "cosine 0.54 ["),
        ("verdicts", "own_cosine", 0.14, 0.1654, "correspond little (0.17, 0.07 to 0.18)"),
        ("verdicts", "agree", 3, 2, "| 2 of 4 |"),
    ],
)
def test_changed_cell_changes_the_text(
    name: str, column: str, old: object, new: object, shown: str
) -> None:
    provenance, audit, tables = run()
    before = written(provenance, audit, tables)
    changed = copy.deepcopy(tables)
    changed[name][column] = changed[name][column].replace(old, new)
    after = written(provenance, audit, changed)
    assert shown not in before and shown in after


def test_unreliable_directions_are_not_called_distinct() -> None:
    provenance, audit, tables = run()
    assert "3 of 3 pairs of emotions are shown to be distinct" in written(provenance, audit, tables)
    tables["within"]["gate_ok"] = False
    text = written(provenance, audit, tables)
    assert "shown to be distinct" not in text
    assert "no two emotions have directions reliable enough" in text


def test_nothing_found_with_an_untrained_model_is_a_headline() -> None:
    for untrained, found in ([], True), (["two"], False):
        glance = describe(*run(), models=MODELS, untrained=untrained)["glance"]
        assert any("one × two" in line for line in glance) == found
        assert any("Raw cosines between models" in line for line in glance) == found


def test_distinct_is_what_the_test_shows() -> None:
    provenance, audit, tables = run()
    tables["within"]["p_adjusted"] = 0.051
    assert "0 of 3 pairs of emotions are shown to be distinct" in written(provenance, audit, tables)


def test_audit_findings_stand_near_the_top() -> None:
    provenance, audit, tables = run()
    text = written(provenance, audit | {"findings": [{"code": "no_phrases"}]}, tables)
    assert text.index("The prompts have no column phrase") < text.index("## Models")


def test_page_holds_its_pictures(tmp_path) -> None:
    Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    page = to_html("# Title\n\n![what to see](a.png)\n\n*Had it been no.*\n", tmp_path)
    assert 'width="3" height="2" src="data:image/webp;base64,' in page
    assert "<figcaption>Had it been no.</figcaption>" in page
    assert "<title>Title</title>" in page and "http:" not in page and "https:" not in page


def test_what_is_folded_opens_by_its_first_line_and_holds_all_that_follows() -> None:
    provenance, audit, tables = run()
    markdown = written(provenance, audit, tables)
    page = to_html(markdown, ".")
    folded = re.findall(
        r'<details class="more"><summary>(.*?)</summary>(.*?)</details>', page, re.S
    )
    titles = [title for title, _ in folded]
    assert titles[: len(MODELS)] == [
        f"The study's figures of {name}, and what its raw cosines rest on" for name in MODELS
    ]
    assert all(inside.count("<figure>") == 4 for _, inside in folded[: len(MODELS)])
    assert "&lt;!--" not in page


@pytest.mark.parametrize("code", ["en", "ja"])
def test_intervals_spans_and_signed_directions_stay_on_one_line(code: str) -> None:
    speak(code)
    cells = ["+ gratitude", interval(0.5, -0.1, 0.9), span(-1, 1), "− 3 or 4"]
    speak("en")
    page = to_html("|a|b|c|d|\n|---|---|---|---|\n| " + " | ".join(cells) + " |\n", ".")
    assert re.findall('<span class="interval">(.*?)</span>', page) == cells[:3]


@pytest.mark.parametrize("untrained", [[], ["two"]])
def test_no_table_of_the_report_is_empty(untrained: list[str]) -> None:
    """A name that a template sets must not hide one that it is given."""
    provenance, audit, tables = run()
    markdown = written(provenance, audit, tables, untrained=untrained)
    assert len(re.findall(r"^\|-", markdown, re.M)) > 10
    assert not re.findall(r"^(\|.*)\n\|-[-|]*\n(?!\|)", markdown, re.M)


def test_sentences_hold_no_measured_number() -> None:
    """Numbers with two or more decimals come from tables."""
    for path in (LIBRARY / "report/templates").glob("*.md.j2"):
        assert not re.findall(r"\d+\.\d{2,}", path.read_text()), path.name
    for sentence, other in read_catalog(LIBRARY / "wording/locale/ja/report.po").items():
        assert not re.findall(r"\d+\.\d{2,}", sentence + other), sentence


def numbers(text: str) -> Counter:
    """How often each number with decimals stands in a text, with its sign."""
    return Counter(re.findall(r"[−±×-]?\d+\.\d+", text))


@pytest.mark.parametrize("change", ["none", "no signal", "one model", "nothing steered"])
def test_japanese_report_has_the_same_numbers_and_no_english_prose(change: str) -> None:
    provenance, audit, tables = run()
    audit["findings"] = [{"code": "few_topics", "n": 12, "units": "topics", "limit": 70}]
    tables["verdicts"]["verdict"], tables["verdicts"]["reason"] = "inconclusive", "not_shown"
    tables["cross"]["flag"], tables["cross"]["reliability_a"] = "reliability_a;no_controls", 0.21
    effects, scores, choice, openings = steered()
    if change == "no signal":
        tables["within"]["gate_ok"] = tables["cross"]["gate_ok"] = False
        effects["p"] = effects["p_adjusted"] = 0.5
        choice["within_max_kl"] = False
    steering = [] if change == "nothing steered" else [(effects, scores, choice, openings)]
    options = {"steering": steering, "models": MODELS[: 1 if change == "one model" else 2]}
    english, japanese = (
        written(provenance, audit, tables, language=code, **options) for code in ("en", "ja")
    )
    assert numbers(japanese) == numbers(english) and len(numbers(english)) > 15
    assert "残差ストリーム" in japanese
    names = r"```[^`]*```|`[^`]*`|\]\(.*?\)|<!--.*?-->|It was .*|He looked .*|last token"
    assert not re.findall(r"[a-z]{2,} [a-z]{2,}", re.sub(names, "", japanese))


def test_classifiers_of_the_config_stand_in_the_report() -> None:
    provenance, audit, tables = run()
    effects, scores, choice, openings = steered()
    judged = effects[effects.measure == f"nade_{TARGETS['anger']}"]
    judged = judged.assign(measure="mine_fury", value=0.1234)
    effects = pd.concat([effects, judged], ignore_index=True)
    classifiers = {"mine": {"targets": {"anger": "fury"}}}
    told = (effects, scores, choice, openings)
    text = written(provenance, audit, tables, steering=[told], classifiers=classifiers)
    (line,) = [line for line in text.splitlines() if line.startswith("| + anger | mine | fury |")]
    assert "0.12 [1.23, 2.34]" in line
    assert "| mine |" not in written(provenance, audit, tables, steering=[told])


def answered(language: str = "en", *, steer: bool = True, **changes: object) -> list[str]:
    """The four answers, after columns of the verdicts were given other values."""
    speak(language)
    try:
        provenance, audit, tables = run()
        tables["verdicts"] = tables["verdicts"].assign(**changes)
        context = describe(provenance, audit, tables, models=MODELS, untrained=[])
        told = [describe_steering(*steered(), EMOTIONS, TARGETS, 0.05)] if steer else []
        return lines(first_screen(context, tables["verdicts"], told)["answers"])
    finally:
        speak("en")


def test_four_answers_follow_from_the_tables() -> None:
    apart, shared, act, where = answered(verdict="shared", p_common=0.001, p_specific=0.002)
    assert apart.endswith("Yes: all 6 pairs point in different directions. (fairly sure)")
    assert shared.endswith("all 3 emotions, including each one's own part. (fairly sure)")
    assert act.endswith("In part: 1 of 3 make their emotion's words more likely. (fairly sure)")
    assert where.endswith("Nowhere reliable. (open)")
    assert answered(verdict="common", p_common=1e-4)[1].endswith("own part is open. (sure)")
    assert answered(verdict="inconclusive")[1].endswith("This run cannot tell. (a hint)")
    assert answered(verdict="inconclusive", ci_low=0.3)[1].endswith("cannot tell. (open)")
    some = ["shared", "inconclusive", "shared", "shared"]
    found = answered(verdict=some, p_specific=0.01)[1]
    assert found.endswith("In part: 2 of 3 are shown to be shared. (fairly sure)")
    assert answered(verdict="not_shared")[1].endswith("nearly unrelated. (fairly sure)")
    assert answered(steer=False)[2].endswith("Not tried in this run. (open)")


def acting(p: Mapping[str, float] = MappingProxyType({})) -> dict:
    """What the report says of steering where some measures have another p, over the grid."""
    effects, *rest = steered()
    more = effects[effects.strength == 0.5].assign(strength=1.0, p_adjusted=1.0)
    effects = pd.concat([effects, more], ignore_index=True)  # a cell in which nothing is seen
    for measure, value in p.items():
        effects.loc[effects.measure.str.endswith(measure), "p_adjusted"] = value
    return describe_steering(effects, *rest, EMOTIONS, TARGETS, 0.05)


def test_effect_is_the_emotions_own_only_beside_the_other_emotions() -> None:
    for found, told in (
        (acting(), [True, True]),
        (acting({".own": 0.2}), [True, False]),
        (acting({"logp_gratitude": 0.2}), [False, False]),
    ):
        first = found["facts"][0]
        assert [first["causal"], first["specific"]] == told
    assert "words of its own emotion more likely" in acting()["glance"]
    assert (
        "is not shown to do so more than the other emotions' directions"
        in acting({".own": 0.2})["glance"]
    )
    assert "is shown for gratitude" in acting({"logp_gratitude": 0.2})["glance"]


def test_reader_is_told_which_emotions_no_judge_finds_in_the_examples() -> None:
    effects, *rest = steered()
    effects.loc[effects.measure == "nade_joy", "value"] = 1.5
    told = describe_steering(effects, *rest, EMOTIONS, TARGETS, 0.05)["to_expect"]
    assert told.startswith("A classifier detects the emotion in the texts for gratitude.")
    assert "recognise anger, apology" in told
    assert "recognise gratitude, anger, apology" in acting()["to_expect"]
    effects = effects[effects.measure != "nade_anger"]
    unjudged = describe_steering(effects, *rest, EMOTIONS, TARGETS, 0.05)["to_expect"]
    assert unjudged.endswith("recognise apology in these examples.")


def test_what_other_emotions_do_too_is_told_by_number() -> None:
    context = describe(*run(), models=MODELS, untrained=[])
    told = first_screen(context, run()[2]["verdicts"], [acting({".own": 0.2})])
    assert lines(told["answers"])[2].endswith(
        "1 of 3 raise their words; not shown beyond other emotions. (fairly sure)"
    )


def test_an_answer_has_at_most_twelve_words() -> None:
    for verdict in VERDICTS:
        for one in answered(verdict=verdict, p_common=0.01, p_specific=0.01):
            assert len(one.split("?")[1].split("(")[0].split()) <= 12


def test_answers_come_in_japanese() -> None:
    for options in ({}, {"steer": False}, *({"verdict": verdict} for verdict in VERDICTS)):
        english, japanese = (answered(language, **options) for language in ("en", "ja"))
        for one, other in zip(english, japanese, strict=True):
            assert Counter(re.findall("[0-9]+", one)) == Counter(re.findall("[0-9]+", other))
            assert not re.search(r"[a-z]{2,} [a-z]{2,}", other)


def test_parts_are_named_with_their_share_and_what_else_they_write() -> None:
    shared = {"model": "one", "position": "last", "depth": 3, "metric": "lda", "gate_ok": True,
              "emotion": "anger", "against": "neutral", "ci_low": 0.1, "ci_high": 0.3}  # fmt: skip
    rows = [
        shared | {"part": "head", "block": 2, "head": 1, "value": 0.21, "p_adjusted": 0.01,
                  "role": "own", "null_high": 0.05},
        shared | {"part": "mlp", "block": 1, "value": -0.1, "p_adjusted": 0.02},
        shared | {"part": "embedding", "block": -1, "value": 0.01, "p_adjusted": 0.6},
    ]  # fmt: skip
    (fact,) = component_facts([table("components", rows)], 0.05)
    assert (fact["beyond"], fact["of"], fact["ruled"], fact["counts"]["own"]) == (2, 3, True, 1)
    (writer,) = fact["writers"]  # what writes against the direction is counted, not named
    assert writer["name"] == "head 2.1" and writer["says"]
    provenance, audit, tables = run()
    facts = {"components": [fact], "decomposed": ["one"]}
    text = written(provenance, audit, tables, **facts)
    assert "| one | 3 | anger | 2 of 3 | 1, 0, 0, 0 | head 2.1 0.21 [0.10, 0.30] (" in text
    facts["components"] = component_facts(
        [table("components", [row | {"role": "", "null_high": None} for row in rows])], 0.05
    )
    text = written(provenance, audit, tables, **facts)
    assert "| 0, ?, ?, 0 (too few reliable attributes) | head 2.1" in text


def test_what_writing_heads_look_at_is_told_beside_the_neutral_sentence() -> None:
    part = {"model": "one", "metric": "lda", "against": "neutral", "emotion": "anger",
            "part": "head", "gate_ok": True, "block": 2, "depth": 3}  # fmt: skip
    shares = table("components", [
        part | {"head": 1, "value": 0.2, "p_adjusted": 0.01},
        part | {"head": 0, "value": 0.3, "p_adjusted": 0.2},
    ])  # fmt: skip
    seen = table("attention", [
        {"model": "one", "emotion": "anger", "block": 2, "head": head, "span": span,
         "attention": 0.31, "value": 0.25, "ci_low": 0.2, "ci_high": 0.3, "p_adjusted": p}
        for head in (0, 1) for span, p in (("word", 0.01), ("punctuation", 0.5), ("first", 0.5))
    ])  # fmt: skip
    (fact,) = look_facts([shares], [seen], 0.05)
    text = written(*run(), looks=[fact], decomposed=["one"], components=[])
    line = "| one | anger | head 2.1 | 0.31 (0.25 [0.20, 0.30]*) |0.31 (0.25 [0.20, 0.30]) |"
    assert line not in text  # it stands where parts are told
    facts = {"components": component_facts([shares], 0.05), "decomposed": ["one"]}
    assert line in written(*run(), looks=[fact], **facts)


def test_where_an_emotion_appears_is_told_at_one_depth_and_counted_at_all() -> None:
    def row(aligned: str, depth: int, value: float, p: float, **more: object) -> dict:
        return {
            "model": "one", "direction": "anger", "against": "neutral", "words": "all",
            "aligned": aligned, "place": -1 if aligned == "word" else 0, "depth": depth,
            "relative_depth": depth / 4, "value": value, "ci_low": value - 0.5,
            "ci_high": value + 0.5, "null_high": 0.9, "p_adjusted": p, "gate_ok": True,
        } | more  # fmt: skip

    kinds = ("word", "rise", "reach")
    rows = [row(kind, depth, depth, 0.01) for kind in kinds for depth in (1, 2, 3)]
    rows += [row("reach", 2, 0.4, 0.3, words="implicit", null_high=None)]
    # beats flipped signs, and ordinary attributes at two depths alone
    rows = [r | {"null_high": 1.5} if r["aligned"] == "rise" else r for r in rows]
    (fact,) = appearance_facts([table("trajectories", rows)], 0.5, 0.05)
    text = written(*run(), appearing=[fact])
    assert (
        "| one | 2 | anger | 2.0 [1.5, 2.5]* | 2.0 [1.5, 2.5]* | 2.0 [1.5, 2.5]* "
        "| 0.4 [−0.1, 0.9] | 2 of 3; 3 of 3 |" in text
    )


def test_tokens_that_are_read_are_drawn_in_brackets() -> None:
    rows = [
        {"model": "one", "position": position, "prompt_id": "007", "token": i, "text": text,
         "read": i in read}
        for position, read in (("last", [3]), ("suffix", [4, 5]))
        for i, text in enumerate(["<s>", "So", " |*", ".", "\n", None])
    ]  # fmt: skip
    provenance, audit, tables = run()
    titles = {"last": "last token", "suffix": "after a suffix"}
    read = [table("readings", [row | {"model": name} for row in rows]) for name in MODELS]
    read[1].loc[read[1].position == "suffix", "read"] = True
    facts = {"titles": titles, "readings": reading_facts(read)}
    text = written(provenance, audit, tables, **facts)
    assert "| one, two | last token | \\<s\\>So \\|\\*⟦.⟧↵ |" in text
    assert "| one | after a suffix | \\<s\\>So \\|\\*.⟦↵⟧⟦⟧ |" in text
    assert "| two | after a suffix | ⟦\\<s\\>⟧⟦So⟧⟦ \\|\\*⟧⟦.⟧⟦↵⟧⟦⟧ |" in text
    assert "⟦" not in written(provenance, audit, tables)


def lost_without(**together: object) -> list[dict]:
    """Facts of one emotion that loses 0.4 of its direction without a head and an MLP."""
    shared = {"model": "one", "direction": "anger", "gate_ok": True, "n_topics": 24,
              "method": "mean", "outcome": "projection"}  # fmt: skip
    rows = [
        shared | {"kind": "chosen", "part": "head", "block": 2, "head": 1, "share": 0.1,
                  "flag": "attention_sink"},
        shared | {"kind": "chosen", "part": "mlp", "block": 4, "share": 0.2, "flag": ""},
        shared | {"kind": "together", "emotion": "anger", "value": 0.4, "ci_low": 0.3,
                  "ci_high": 0.5, "null_high": 0.1, "n_null": 20, "p_adjusted": 0.048} | together,
        shared | {"kind": "specific", "emotion": "anger", "value": 0.2, "ci_low": 0.1,
                  "ci_high": 0.3, "p_adjusted": 0.02},
        shared | {"kind": "agreement", "value": 0.6, "ci_low": 0.4, "ci_high": 0.8,
                  "p_adjusted": 0.01},
    ]  # fmt: skip
    other = {"value": 0.35, "ci_low": 0.25, "ci_high": 0.45, "p_adjusted": 0.048}
    said = {"outcome": "words", "value": 1.5, "ci_low": 1.1, "ci_high": 1.9}
    rows += [rows[2] | {"method": "resample"} | other, rows[2] | said]
    return loss_facts([table("ablations", rows)], 0.05)


def test_what_is_lost_without_parts_is_told_with_interval_and_null() -> None:
    provenance, audit, tables = run()
    [fact] = lost_without()
    assert fact["lost"] and fact["blocks"] == (2, 4)

    def told(**together: object) -> str:
        part = {"model": "one", "depth": 3, "metric": "lda", "against": "neutral", "gate_ok": True,
                "emotion": "anger", "part": "mlp", "block": 1}  # fmt: skip
        facts = {"components": component_facts([table("components", [part])], 0.05)}
        facts |= {"decomposed": ["one"], "losses": lost_without(**together)}
        return written(provenance, audit, tables, **facts)

    text = told()
    assert "**one, anger**: MLP 4, head 2.1." in text
    assert "Without them 0.40 [0.30, 0.50] of it is lost on 24 other topics, " in text
    assert "at most 0.10 (p 0.048). They carry it." in text
    assert "Beyond what other emotions lose: 0.20 [0.10, 0.30] (p 0.020)." in text
    assert "head 2.1 looks mostly at the first token." in text
    other = "With what they put out in another sentence: 0.35 [0.25, 0.45] (p 0.048)"
    assert f"{other}. As the next token its words lose 1.50 [1.10, 1.90] nats (p 0.048)." in text
    assert f"{other}, which is another answer." in told(p_adjusted=0.2)
    assert "They carry it." not in told(p_adjusted=0.2) + told(ci_low=-0.1)
    assert "too few other parts" in told(null_high=None, p_adjusted=None)
    assert "Without them" not in told(gate_ok=False)
    assert not lost_without(p_adjusted=None)[0]["lost"]


def test_where_is_answered_by_what_goes_without_its_writers() -> None:
    context = {"models": [{"name": "one", "untrained": False, "within": {"last": []},
                           "readable": {"n": 2, "of": 4, "p": 0.01}}],
               "primary": "last", "alpha": 0.05, "neutral": "", "one_direction": False}  # fmt: skip
    verdicts = run()[2]["verdicts"]

    def answer(losses: list[dict]) -> tuple[str, str]:
        found = first_screen(context, verdicts, [], losses=losses)["answers"][-1]
        return found.text, found.grade

    text = "Blocks 2–4; 1 of 1 fade without their largest writers."
    assert answer(lost_without()) == (text, "likely")
    assert answer([]) == answer(lost_without(p_adjusted=0.3)) == ("Readable at 2 of 4 depths.",
                                                                  "likely")  # fmt: skip


def test_geometry_is_told_with_its_verdict_and_numbers() -> None:
    provenance, audit, tables = run()
    assert "lie to one another" not in written(provenance, audit, tables)
    pair = {"model_a": "one", "model_b": "two", "n_emotions": 8}
    cells = {"ci_low": 0.1, "ci_high": 0.9, "p_adjusted": 0.0123}
    between = table(
        "geometry_between",
        [
            pair | cells | {"stat": "own", "value": 0.5, "verdict": "with_text"},
            pair | cells | {"stat": "share_beyond_text", "value": 0.04},
            pair | cells | {"stat": "distances", "value": 0.43},
            pair | cells | {"stat": "distances_ceiling", "value": 0.65, "p_adjusted": np.nan},
        ],
    )
    rows = [
        {"model": "one", "source": source, "depth": 2, "stat": "valence", "value": value} | cells
        for source, value in (("model", 0.7), ("trimmed", 0.65), ("words", 0.6))
    ]
    rows += [
        {"model": "one", "source": "model", "depth": 2, "stat": "first", "value": 1.0},
        cells | {"model": "one", "depth": 2, "stat": "plane", "value": 0.55, "null_low": 0.2,
                 "null_high": 0.4, "p": 0.0011},
    ]  # fmt: skip
    rows.append({"model": "one", "source": "model", "depth": 2, "stat": "reliable", "value": 6})
    within = table("geometry", [row | {"n_emotions": 8} for row in rows])
    text = written(
        provenance, audit, tables, geometry=True, places=place_facts(between, ["one", "two"]),
        planes=plane_facts(within, ["one"]), ratings=rating_facts(within, ["one"]),
        distances=distance_facts(between, ["one", "two"]),
    )  # fmt: skip
    assert "| one × two | shared as far as the text goes | 0.50 [0.10, 0.90] | 0.012 |" in text
    assert "| one × two | 0.43 [0.10, 0.90] | 0.012 | 0.65 [0.10, 0.90] |" in text
    assert "| one | 2 | 0.55 [0.10, 0.90] | 0.20 to 0.40 | 0.0011 |" in text
    known = "| one | 6 of 8 | valence | 2 | 0.70 [0.10, 0.90] | 0.012 | 0.65 [0.10, 0.90] |"
    assert f"{known} 0.60 [0.10, 0.90] |" in text
    [line] = rating_lines(rating_facts(within, ["one"]), [])
    assert "6 of 8 emotions" in line and "valence r = 0.70 [0.10, 0.90], p = 0.012" in line
    beyond = pair | cells | {"stat": "beyond_text", "value": 0.3, "p_adjusted": 0.02}
    for table_, more in (
        (between, "(cosine 0.50 [0.10, 0.90], p = 0.012)."),
        (typed([*between.to_dict("records"), beyond], "geometry_between"),
         "0.30 [0.10, 0.90], p = 0.020, which is 0.04 [0.10, 0.90] of what is shared)."),
    ):  # fmt: skip
        facts = place_facts(table_, ["one", "two"])
        [line] = place_lines(facts, [])
        assert line.endswith(more)
        assert place_lines(facts, ["two"]) == []


@pytest.mark.parametrize(
    ("code", "says", "sure"),
    [
        ("beyond_text", "Yes: they place 8 emotions alike, beyond what words explain.", "likely"),
        ("with_text", "As far as words go: they place 8 emotions alike.", "sure"),
        ("shared", "They place 8 emotions alike; beyond words, not shown for all.", "sure"),
        ("not_shared", "No: the places of 8 emotions are nearly unrelated.", "likely"),
        ("inconclusive", "This run cannot tell.", "open"),
    ],
)
def test_many_emotions_answer_whether_models_share_them(code: str, says: str, sure: str) -> None:
    provenance, audit, tables = run()
    facts = describe(provenance, audit, tables, models=MODELS, untrained=[])
    fact = {"pair": tuple(MODELS), "code": code, "emotions": 8}
    fact |= {"own": {"p": 0.0004}, "beyond_text": {"p": 0.01}}
    answer = first_screen(facts, tables["verdicts"], [], [fact])["answers"][1]
    assert (answer.text, answer.grade) == (says, sure)
    assert len(says.split()) <= 12


@pytest.mark.parametrize(
    ("code", "verdict", "title"),
    [
        ("with_text", "inconclusive", "one and two place 8 emotions alike"),
        ("with_text", "shared", "one and two share emotion directions"),
        ("not_shared", "inconclusive", "one and two do not place 8 emotions alike"),
        ("inconclusive", "inconclusive",
         "Emotion directions in one and two: whether they are shared is open"),
    ],
)  # fmt: skip
def test_title_says_what_the_answer_below_it_says(code: str, verdict: str, title: str) -> None:
    provenance, audit, tables = run()
    facts = describe(provenance, audit, tables, models=MODELS, untrained=[])
    fact = {"pair": tuple(MODELS), "code": code, "emotions": 8}
    fact |= {"own": {"p": 0.0004}, "beyond_text": {"p": 0.01}}
    verdicts = tables["verdicts"].assign(verdict=verdict)
    assert first_screen(facts, verdicts, [], [fact])["headline"] == title


def test_readable_is_where_all_emotions_are_reliable() -> None:
    rows = [
        {"model": "one", "position": "last", "metric": metric, "stat": "reliability",
         "emotion_a": e, "depth": depth, "gate_ok": gate, "p_adjusted": 0.001 * depth}
        for e in EMOTIONS for depth in range(4)
        for metric, gate in (("raw", True), ("lda", depth > 1 or (depth, e) == (1, "anger")))
    ]  # fmt: skip
    within = table("within_model_similarity", rows)
    assert readable(within, "one", "last", EMOTIONS) == {"n": 2, "of": 4, "p": 0.003}
    assert readable(within, "two", "last", EMOTIONS)["n"] == 0
    raw = within[within.metric == "raw"]
    assert readable(raw, "one", "last", EMOTIONS)["n"] == 4


@pytest.mark.parametrize(
    ("p", "hint", "expected"),
    [
        ([0.0001, 0.0009], False, "sure"), ([0.0001, 0.04], True, "likely"),
        ([0.0001, 0.05], True, "hint"), ([], True, "hint"), ([], False, "open"),
        ([0.01, np.nan], False, "open"),
    ],
)  # fmt: skip
def test_grade_is_that_of_the_weakest_assertion(p: list, hint: bool, expected: str) -> None:
    assert grade(p, 0.05, hint=hint) == expected


def test_reports_of_two_languages_lead_to_each_other() -> None:
    english = written(*run())
    other = {"code": "ja", "name": "日本語", "markdown": "report_ja.md"}
    both = written(*run(), other_languages=[other])
    assert both == "[日本語](report_ja.md)\n\n" + english
    assert '<a href="report_ja.html">日本語</a>' in to_html(both.split("![")[0], ".")


def test_published_figures_stand_beside_this_runs() -> None:
    _, _, tables = run()
    within = tables["within"].replace({"model": {"one": "gpt2"}})
    found = compare_published(within, tables["cross"])
    assert len(found) == 18
    found = found[found.kind == "within"].set_index(["model_a", "emotion_a", "emotion_b"])
    row = found.loc[("gpt2", "gratitude", "anger")]
    assert (row.published, row.this_run, row.corrected) == (0.5479, 0.71, 0.62)
    assert found.loc[("pythia-160m", "gratitude", "anger")].flag == "not_in_run"


def test_the_studys_own_choice_is_marked_once_per_model_and_pair() -> None:
    rows = [
        {"model": m, "position": p, "space": s, "metric": "raw", "estimator": e}
        for m, spaces in (("ln", ["raw", "centered"]), ("rms", ["raw"]))
        for s in spaces for p in ("last", "suffix") for e in ("naive", "unbiased")
    ]  # fmt: skip
    marked = mark_study(table("multiverse", rows))
    chosen = marked[marked.study][["model", "position", "space", "estimator"]].values.tolist()
    assert chosen == [["ln", "last", "centered", "naive"], ["rms", "last", "raw", "naive"]]


def pairs(method: str, stat: str, a: str, b: str, values: list[float], **more) -> list[dict]:
    """One emotion in two models by depth; a has 4 layers and b has 2."""
    layers, rows = {"one": 4, "two": 2}, []
    for depth, value in enumerate(values):
        other = depth if method == "raw" else depth * layers[b] // layers[a]
        row = {"model_a": a, "model_b": b, "position": "last", "method": method, "stat": stat}
        row |= {"depth_a": depth, "depth_b": other, "emotion_a": "anger", "emotion_b": "anger"}
        row |= {"relative_depth_a": depth / layers[a], "relative_depth_b": other / layers[b]}
        row |= {"value": value, "ci_low": value - 0.1, "ci_high": value + 0.1}
        rows.append(row | {"null_low": -0.3, "null_high": 0.3} | more)
    return rows


def test_choices_between_models_are_those_of_the_comparison() -> None:
    raw = pairs("raw", "cos_naive", "one", "two", [np.nan, 0.01, 0.05])
    tested = {"gate_ok": True, "family": "sensitivity"}
    wpc = pairs("wpc", "cos_u", "one", "two", [0, 0.5, 0.7, 0, 0], **tested)[1:3]
    wpc[0]["gate_ok"] = False
    back = pairs("ridge", "cos_u", "two", "one", [0, 0.4, 0.6], **tested)[1:2]
    others = pairs("wpc", "cos_u", "one", "two", [0.9], family="exploratory")
    others += pairs("wpc", "cos_u", "one", "two", [0.9], family="control")
    others += pairs("wpc", "cos_u", "one", "two", [0.9], model_b="one@twin")
    cross = table("cross_model_similarity", raw + wpc + back + others)
    found = between_models(cross, ["one", "two"], [0.25, 0.5])
    assert list(found) == list(COLUMNS["multiverse"])
    assert len(found) == 3 + 3 + 2
    at = found.set_index(["metric", found.relative_depth.astype(float).fillna(-1)])
    assert (at.loc[("raw", 0.25), "value"], at.loc[("raw", 0.5), "value"]) == (0.01, 0.05)
    study = at.loc[("raw", -1)]
    assert study.value == 0.01  # the study never saw the last depth
    assert (
        found.study.sum() == 1 and study.study and study.flag == "mean_over_depths;undefined_depths"
    )
    assert (study.n_depths, study.n_undefined) == (2, 1)
    mean = at.loc[("wpc", -1)]
    assert mean.value == pytest.approx(0.6) and not mean.gate_ok
    assert (mean.ci_low, mean.ci_high) == pytest.approx((0.4, 0.8))
    # the map from the second model to the first is named by the depths of the first
    assert at.loc[("ridge", 0.5), ["model", "model_b", "value"]].tolist() == ["two", "one", 0.4]
    assert set(found.estimator[found.metric == "raw"]) == {"naive"}


def test_choices_between_models_are_counted_in_the_text() -> None:
    provenance, audit, tables = run()
    text = written(provenance, audit, tables)
    # each emotion at one depth and as a mean, by three methods
    assert "18 of 18 aligned cosines pass their gate; these range from 0.44 to 0.74, and 6" in text
    tables["multiverse"].loc[tables["multiverse"].metric == "wpc", "gate_ok"] = False
    tables["multiverse"]["null_high"] = 0.5
    text = written(provenance, audit, tables)
    assert "12 of 18 aligned cosines pass their gate; these range from 0.55 to 0.74, and 12" in text
    tables["multiverse"] = tables["multiverse"].iloc[:0]
    assert "multiverse_pairs.png" not in written(provenance, audit, tables)


def test_number_formats_are_told_with_what_they_move() -> None:
    provenance, audit, tables = run()
    text = written(provenance, audit, tables)
    assert "| one | gpt2 | 2 | 8 | Q4_K 63 %, F32 37 % | raw | MIT |" in text
    assert "| one | q4_0 | 0.6100 [0.5000, 0.7000] |  | −0.021 [−0.035, 0.007] (gratit" in text
    assert "| one × two | q4_0 |  |  | −0.021 [−0.035, 0.007] (gratitude) |  |" in text
    line = (
        "**one** in other number formats: the cosine of two emotions that moves farthest moves by"
    )
    assert text.count(line) == 2  # among the findings and in its section
    assert "in q4_0; the choice of position moves such a cosine by 0.170 on average." in text
    del tables["precision"]
    text = written(provenance, audit, tables)
    assert "number format" not in text and "q4_0" not in text


def test_the_text_states_the_level_of_the_config() -> None:
    provenance, audit, tables = run()
    assert "Brackets are 95 % intervals" in written(provenance, audit, tables)
    assert "within ±1.96/√d" in written(provenance, audit, tables)
    provenance["config"]["statistics"]["alpha"] = 0.1
    text = written(provenance, audit, tables)
    assert "Brackets are 90 % intervals" in text and "95 %" not in text
    assert "within ±1.64/√d" in text and "beyond 10 % of the test families" in text


def test_numbers_for_readers() -> None:
    assert percent(1 - 0.05) == "95 %" and percent(1 - 0.001) == "99.9 %"
    assert number(-0.123) == "−0.12" and number(np.nan) == "undefined"
    assert p_value(0.0012) == "0.0012" and p_value(0.2) == "0.20"
    assert p_value(0.00005) == "0.0001" and p_value(9.7e-6) == "1e−5"
    assert p_value(0.0) == "5e−324"
