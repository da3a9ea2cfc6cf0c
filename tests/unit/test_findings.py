"""The report says what its tables say: change a cell, and the sentence changes."""

import copy

import numpy as np
import pandas as pd
import pytest
from emovec.findings import describe
from emovec.multiverse import mark_study
from emovec.published import compare
from emovec.report import render, to_html
from emovec.tables import COLUMNS
from emovec.words import number, p_value

EMOTIONS = ["gratitude", "anger", "apology"]
PAIRS = [("gratitude", "anger"), ("gratitude", "apology"), ("anger", "apology")]
MODELS = ["one", "two"]


def table(kind: str, rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows).reindex(columns=COLUMNS[kind])


def run() -> tuple[dict, dict, dict[str, pd.DataFrame]]:
    """Provenance, audit and tables of a run with two models, with numbers told apart."""
    config = {
        "experiment": "tests", "seed": 1, "statistics": {"position": "last", "alpha": 0.05},
        "prompts": {"emotions": EMOTIONS, "neutral": "neutral"},
    }  # fmt: skip
    attributes = {"architecture": "gpt2", "space": "raw", "license": "MIT", "n_layers": 2}
    provenance = {
        "config": config, "run_at": "now", "emovec": "0", "revision": None, "versions": {"a": "1"},
        "activations": {name: attributes | {"d_model": 8} for name in MODELS},
    }  # fmt: skip
    audit = {"topics": 12, "probe": 34, "findings": []}
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
            ("raw", "cos_naive", 0.71), ("raw", "cos_u", 0.62), ("lda", "cos_u", 0.53)
        )
    ]  # fmt: skip
    norms = [
        {"model": m, "position": "last", "depth": d, "emotion": e, "norm": "l2",
         "value": 1.0 + d, "chance": 0.5}
        for m in MODELS for e in EMOTIONS for d in range(3)
    ]  # fmt: skip
    pair = {"model_a": "one", "model_b": "two", "position": "last", "depth_a": 1, "depth_b": 1}
    cross = [
        pair | interval | {"emotion_a": e, "emotion_b": e, "method": method, "stat": stat,
                           "value": value, "family": family, "gate_ok": True}
        for e in EMOTIONS
        for method, stat, value, family in (
            ("raw", "cos_naive", 0.019, ""), ("wpc", "cos_u", 0.44, "alignment"),
            ("ridge", "cos_u", 0.55, "alignment"),
        )
    ]  # fmt: skip
    maps = [pair | {"method": "ridge", "r2_loo": 0.33, "r2_null_high": 0.01, "map_ok": True}]
    decoding = [
        {"train_model": m, "test_model": m, "direction": "native", "contrast": "gratitude-anger",
         "position": "last", "depth_test": 1, "split": "topic", "auroc": 0.97} | interval
        for m in MODELS
    ]  # fmt: skip
    verdicts = [
        pair | {"emotion": e, "relative_depth": 0.5, "verdict": "common_only", "reason": "So."}
        for e in EMOTIONS
    ]
    tables = {
        "within": table("within_model_similarity", within),
        "norms": table("layer_norms", norms),
        "cross": table("cross_model_similarity", cross),
        "maps": table("maps", maps),
        "decoding": table("decoding", decoding),
        "verdicts": table("verdicts", verdicts),
    }
    tables["published"] = compare(tables["within"], tables["cross"])
    return provenance, audit, tables


def written(provenance: dict, audit: dict, tables: dict[str, pd.DataFrame]) -> str:
    context = describe(provenance, audit, tables, models=MODELS, untrained=[])
    return render("report.en.md.j2", context | {"titles": {"last": "last token"}})


@pytest.mark.parametrize(
    ("name", "column", "old", "new", "shown"),
    [
        ("within", "value", 0.53, 0.4321, "0.43"),
        ("within", "value", 0.71, 0.7654, "0.77"),
        ("within", "ci_high", 0.88, 0.9321, "0.93"),
        ("cross", "value", 0.44, 0.3777, "0.38"),
        ("cross", "value", 0.55, 0.6543, "0.65"),
        ("cross", "value", 0.019, 0.0567, "0.0567"),
        ("maps", "r2_loo", 0.33, 0.2468, "0.25"),
        ("decoding", "auroc", 0.97, 0.9123, "0.91"),
        ("norms", "value", 3.0, 7.891, "7.89"),
        ("verdicts", "verdict", "common_only", "not_shared", "not shared at 1 of 1 depths"),
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
    assert "3 of 3 pairs of emotions are distinct directions" in written(provenance, audit, tables)
    tables["within"]["gate_ok"] = False
    text = written(provenance, audit, tables)
    assert "are distinct directions" not in text
    assert "no two emotions have directions reliable enough" in text


def test_aligned_cosines_without_their_gate_are_not_read() -> None:
    provenance, audit, tables = run()
    assert "Aligned cosines are 0.44 to 0.44" in written(provenance, audit, tables)
    tables["cross"]["gate_ok"] = False
    text = written(provenance, audit, tables)
    assert "Aligned cosines are" not in text
    assert "No aligned cosine passes its gate" in text


def test_interval_that_reaches_one_is_not_distinct() -> None:
    provenance, audit, tables = run()
    tables["within"]["ci_high"] = 1.02
    assert "0 of 3 pairs of emotions are distinct" in written(provenance, audit, tables)


def test_audit_findings_stand_near_the_top() -> None:
    provenance, audit, tables = run()
    text = written(provenance, audit | {"findings": ["The classes differ in length."]}, tables)
    assert text.index("The classes differ in length.") < text.index("## Models")


def test_page_holds_its_pictures(tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    page = to_html("# Title\n\n![what to see](a.png)\n", tmp_path)
    assert 'src="data:image/png;base64,iVBORw==" alt="what to see"' in page
    assert "<title>Title</title>" in page and "http" not in page


def test_published_figures_stand_beside_this_runs() -> None:
    _, _, tables = run()
    within = tables["within"].replace({"model": {"one": "gpt2"}})
    found = compare(within, tables["cross"])
    assert len(found) == 18
    found = found[found.kind == "within"].set_index(["model_a", "emotion_a", "emotion_b"])
    row = found.loc[("gpt2", "gratitude", "anger")]
    assert (row.published, row.this_run, row.corrected) == (0.5479, 0.71, 0.62)
    assert found.loc[("pythia-160m", "gratitude", "anger")].flag == "not in this run"


def test_the_studys_own_choice_is_marked_once_per_model_and_pair() -> None:
    rows = [
        {"model": m, "position": p, "space": s, "metric": "raw", "estimator": e}
        for m, spaces in (("ln", ["raw", "centered"]), ("rms", ["raw"]))
        for s in spaces for p in ("last", "suffix") for e in ("naive", "unbiased")
    ]  # fmt: skip
    marked = mark_study(table("multiverse", rows))
    chosen = marked[marked.study][["model", "position", "space", "estimator"]].values.tolist()
    assert chosen == [["ln", "last", "centered", "naive"], ["rms", "last", "raw", "naive"]]


def test_numbers_for_readers() -> None:
    assert number(-0.123) == "−0.12" and number(np.nan) == "undefined"
    assert p_value(0.0012) == "0.0012" and p_value(0.2) == "0.20"
