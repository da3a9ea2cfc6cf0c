"""Whole designs without any model: prompts, a probe and brought activations of any size."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

NIGHTLY = "NIGHTLY" in os.environ  # time for more cases
at_night = pytest.mark.skipif(not NIGHTLY, reason="takes minutes: make nightly runs it")
ATTRIBUTES = 8
WORDS = [
    "river",
    "window",
    "letter",
    "garden",
    "kettle",
    "market",
    "bridge",
    "ladder",
    "mirror",
    "basket",
]


def names(emotions: int) -> list[str]:
    """That many emotions, the study's three first."""
    known = ["gratitude", "anger", "apology"][:emotions]
    return [*known, *(f"emotion{k}" for k in range(4, emotions + 1))]


def rows(emotions: Sequence[str], topics: int) -> list[dict[str, str]]:
    """A prompt file: one sentence for every topic and class."""
    return [
        {
            "id": f"t{t}-{name}",
            "topic": f"t{t}",
            "emotion": name,
            "text": f"The {WORDS[t % 10]} of day {t} was {WORDS[(t + k) % 10]}, {name} said.",
        }
        for t in range(topics)
        for k, name in enumerate([*emotions, "neutral"])
    ]


def probe_rows(sentences: int) -> list[dict[str, str]]:
    """A probe file; the two halves alternate, and attributes vary within both."""
    rng = np.random.default_rng(1)
    return [
        {"id": f"p{i}", "text": f"Sentence {i} is about a {WORDS[i % 10]}.", "half": half}
        | {f"attr_{k}": str(rng.integers(2)) for k in range(ATTRIBUTES)}
        for i in range(sentences)
        for half in [("map", "control")[i % 2]]
    ]


def write_rows(path: Path, table: Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


def write_activations(
    path: Path,
    prompts: Sequence[dict[str, str]],
    probe: Sequence[dict[str, str]],
    *,
    depths: int = 3,
    d_model: int = 6,
    seed: int = 0,
    positions: Sequence[str] = ("last",),
    **attributes: str,
) -> None:
    """Streams in which every emotion has its own direction, and every attribute."""
    rng = np.random.default_rng(seed)
    emotions = list(dict.fromkeys(row["emotion"] for row in prompts))
    effects = dict(zip(emotions, rng.standard_normal((len(emotions), d_model)), strict=True))
    turns = rng.standard_normal((ATTRIBUTES, d_model))
    text = h5py.string_dtype("utf-8")
    with h5py.File(path, "w") as file:
        for column in {"id", "topic", "emotion"} & prompts[0].keys():
            file.create_dataset(f"prompts/{column}", data=[p[column] for p in prompts], dtype=text)
        file.create_dataset("probe/id", data=[p["id"] for p in probe], dtype=text)
        effect = np.array([effects[row["emotion"]] for row in prompts])
        told = np.array([[int(row[f"attr_{k}"]) for k in range(ATTRIBUTES)] for row in probe])
        for position in positions:
            for key, planted in (("residual", effect), ("probe/residual", told @ turns)):
                noise = rng.standard_normal((len(planted), depths, d_model))
                file[f"{key}/{position}"] = (planted[:, None] + 0.7 * noise).astype("f4")
        file.attrs.update(attributes)


def write_design(
    folder: Path, *, emotions: int, models: int, topics: int, **streams: object
) -> dict:
    """The files of a design in `folder`; returns its configuration, whose paths begin there."""
    classes = names(emotions)
    prompts, probe = rows(classes, topics), probe_rows(80)
    write_rows(folder / "prompts.csv", prompts)
    write_rows(folder / "probe.csv", probe)
    for k in range(models):
        write_activations(
            folder / f"m{k}.h5", prompts, probe,
            **{"depths": 3 + k % 2, "d_model": 6 + k // 2, "seed": k} | streams,
        )  # fmt: skip
    return {
        "experiment": "design",
        "prompts": {"file": "prompts.csv", "probe": "probe.csv", "emotions": classes},
        "models": {f"m{k}": {"source": {"activations": f"m{k}.h5"}} for k in range(models)},
        "activations": {"positions": [*streams.get("positions", ["last"])]},
        "statistics": {"permutations": 99, "depths": [0.5, 1.0]},
        "plots": {"dpi": 50},
    }
