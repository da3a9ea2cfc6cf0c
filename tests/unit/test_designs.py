"""Designs of every size: any number of emotions, few topics, texts without words, no signal."""

from collections.abc import Callable
from pathlib import Path

import designs
import h5py
import numpy as np
import pandas as pd
import pytest
from emovec.audit import classifiers
from emovec.audit.audit import audit
from emovec.decoding import table
from emovec.decoding.table import decode_texts
from emovec.figures import style
from emovec.prompts.design import Design
from emovec.statistics.auroc import HeldOut
from library_run import LibraryRun
from matplotlib import pyplot as plt


@pytest.mark.parametrize("emotions", [1, 5, 10, pytest.param(32, marks=designs.at_night)])
def test_any_number_of_emotions_ends_in_a_page(
    emotions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if emotions > 10:  # two thousand classifiers, which other numbers of emotions try
        told = HeldOut(0.5, np.full(3, 0.5))
        for module in (classifiers, table):
            monkeypatch.setattr(module, "text_baseline", lambda *_: told)
    models = 2 if emotions == 5 else 1
    config = designs.write_design(tmp_path, emotions=emotions, models=models, topics=2)
    run = LibraryRun(tmp_path, config)
    assert set(run.tables["verdicts"].emotion.dropna()) == set(designs.names(emotions))
    pairs = emotions * (emotions - 1) // 2
    assert run.tables["multiverse"].model_b.isna().sum() == models * 6 * pairs
    for name, figure in run.figures():
        figure.canvas.draw()
        picture = figure.get_tightbbox()
        assert picture.width < 50 and picture.height < 50, name
        for axis in figure.axes:  # nothing has swallowed the panels
            assert not axis.axison or axis.get_window_extent().height > 50, name
        for legend in figure.legends:
            assert legend.get_window_extent().height < figure.bbox.height / 2, name
        plt.close(figure)
    page = run.report()
    assert all(name in page for name in designs.names(emotions))


def test_no_two_of_fifty_emotions_look_alike() -> None:
    emotions = designs.names(50)
    colours, markers = style.colours(emotions), style.markers(emotions)
    assert len({(colours[name], markers[name]) for name in emotions}) == 50


def marks(row: dict) -> str:
    return "🙂" * (1 + int(row["topic"][1:]))


@pytest.mark.parametrize(
    "text",
    [
        marks,
        lambda row: "🙂",
        lambda row: "?!" if row["emotion"] == "neutral" else row["text"],
        lambda row: row["text"] if row["emotion"] == "neutral" else "?!",
        lambda row: "?!" if row["topic"] != "t0" else row["text"],  # met in testing alone
        lambda row: row["topic"],  # every emotion's sentences are neutral's
        lambda row: "?!" if row["emotion"] in ("neutral", "anger") else row["text"],
    ],
)
@pytest.mark.parametrize("topics", [2, 3])
def test_texts_of_marks_alone_and_texts_that_do_not_differ(
    text: Callable[[dict], str], topics: int
) -> None:
    emotions = designs.names(3)
    rows = [row | {"text": text(row)} for row in designs.rows(emotions, topics)]
    prompts, probe = pd.DataFrame(rows), pd.DataFrame(designs.probe_rows(10))
    probe = probe.astype({name: int for name in probe if name.startswith("attr_")})
    audit(Design(prompts), probe, {}, emotions=emotions, neutral="neutral", seed=1)
    rng = np.random.default_rng(0)
    told = decode_texts(prompts, emotions, "neutral", n_folds=5, alpha=0.05, rng=rng)
    assert len(told) == 2 * 6 and told.auroc.between(0, 1).all()


@pytest.mark.parametrize("fault", ["emotion", "probe", "everything"])
def test_streams_that_do_not_vary(fault: str, tmp_path: Path) -> None:
    config = designs.write_design(tmp_path, emotions=2, models=1, topics=3)
    for name in config["models"]:
        with h5py.File(tmp_path / f"{name}.h5", "a") as file:
            classes = file["prompts/emotion"].asstr()[...]
            x = file["residual/last"][...]
            if fault == "emotion":
                x[classes == "anger"] = x[classes == "neutral"]
            if fault == "everything":
                x[:] = 1
            if fault != "emotion":
                file["probe/residual/last"][...] = 1
            file["residual/last"][...] = x
    run = LibraryRun(tmp_path, config)
    for _name, figure in run.figures():
        figure.canvas.draw()
        plt.close(figure)
    assert "<html" in run.report()


def test_choices_keep_no_null_that_they_did_not_draw(tmp_path: Path) -> None:
    config = designs.write_design(
        tmp_path, emotions=2, models=1, topics=6, normalization="LayerNorm"
    )
    table = LibraryRun(tmp_path, config).tables["multiverse"]
    assert set(table.space) == {"raw", "centered"}
    assert table[["null_low", "null_high", "gate_ok"]].isna().all(axis=None)
