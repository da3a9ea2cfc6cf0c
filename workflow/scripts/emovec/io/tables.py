"""Tidy CSV tables: their columns, written in one form, read back exactly."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from emovec.errors import InputError
from emovec.io.files import whole

STATISTIC = ["value", "ci_low", "ci_high", "null_low", "null_high", "null", "p", "p_adjusted"]


COLUMNS = {
    "layer_norms": [
        "model", "position", "depth", "relative_depth", "emotion", "norm",
        "value", "chance", "flag",
    ],
    "within_model_similarity": [
        "model", "position", "depth", "relative_depth", "metric", "emotion_a", "emotion_b", "stat",
        *STATISTIC, "family", "n_topics", "gate_ok", "flag",
    ],
    "cross_model_similarity": [
        "model_a", "model_b", "position", "depth_a", "depth_b", "relative_depth_a",
        "relative_depth_b", "emotion_a", "emotion_b", "method", "stat",
        *STATISTIC, "family", "map_r2", "n_map", "gate_ok", "flag",
    ],
    "maps": [
        "model_a", "model_b", "position", "depth_a", "depth_b", "relative_depth_a",
        "relative_depth_b", "method", "k_or_alpha", "r2_loo", "r2_null_high", "p", "cka_debiased",
        "mknn", "mknn_chance", "n_map", "map_ok", "flag",
    ],
    "decoding": [
        "train_model", "test_model", "direction", "contrast", "position", "depth_train",
        "depth_test", "split", "auroc", "ci_low", "ci_high", "null_low", "null_high", "p",
        "p_adjusted", "n_test",
    ],
    "verdicts": [
        "emotion", "model_a", "model_b", "position", "relative_depth", "signal_ok", "map_ok",
        "confound_ok", "aligned", "specific", "transfers", "verdict", "reason",
    ],
    "multiverse": [
        "model", "position", "space", "metric", "estimator", "emotion_a", "emotion_b", "value",
        "ci_low", "ci_high", "study", "flag",
        "model_b", "relative_depth", "null_low", "null_high", "gate_ok",
    ],
    "published": [
        "kind", "model_a", "model_b", "emotion_a", "emotion_b", "published", "this_run",
        "null_low", "null_high", "corrected", "ci_low", "ci_high", "method", "flag",
    ],
    "steering": [
        "model", "source", "position", "scope", "depth", "relative_depth", "operation", "strength",
        "sign", "direction", "measure", "reading", *STATISTIC, "family", "n_openings",
        "n_controls", "chosen", "flag",
    ],
    "token_projections": [
        "model", "position", "depth", "relative_depth", "direction", "prompt_id", "class", "topic",
        "token", "text", "projection", "flag",
    ],
}  # fmt: skip


def write_table(frame: pd.DataFrame, path: str | Path, kind: str) -> None:
    """Write a table of `kind` with its columns in order; floats read back exactly.

    Raises
    ------
    ValueError
        If the frame has other columns than the table.
    """
    columns = COLUMNS[kind]
    if unknown := set(frame.columns) ^ set(columns):
        raise ValueError(f"{kind} has other columns than it should: {sorted(unknown)}")
    write_frame(frame[columns], path)


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write any frame in the form of all tables, whole or not at all.

    Cells are quoted where a column is called text: a carriage return ends a line otherwise.
    """
    quoting = csv.QUOTE_NONNUMERIC if "text" in frame else csv.QUOTE_MINIMAL
    with whole(path) as part:
        frame.to_csv(part, index=False, lineterminator="\n", quoting=quoting)


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table; empty cells are NaN, and "NA" is a text like any other.

    Raises
    ------
    InputError
        If the file is missing or is no table.
    """
    try:
        return pd.read_csv(path, dtype={"depth": "Int64"}, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a table ({error}): make it anew.") from error


def join_tables(paths: list[str | Path], path: str | Path) -> None:
    """Write tables of one kind one below the other."""
    with whole(path) as new, new.open("wb") as joined:
        for number, part in enumerate(paths):
            head, rows = Path(part).read_bytes().split(b"\n", 1)
            joined.write(rows if number else head + b"\n" + rows)
