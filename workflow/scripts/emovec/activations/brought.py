"""Activations that someone else has captured, taken in as if they were captured here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emovec.activations.store import SCHEMA_VERSION, Activations, ActivationsWriter, check_finite
from emovec.errors import InputError


def adopt(
    brought: Activations,
    path: Path,
    *,
    model: str,
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    positions: list[str],
    attributes: dict,
) -> None:
    """Write brought activations to `path` as if they had been captured here.

    Rows are matched to the prompt files by id; the file's own attributes are kept where they do
    not say something else than `attributes`.

    Raises
    ------
    InputError
        If a position, a prompt or a probe sentence lacks or comes twice, or a value is not finite.
    """
    missing = [position for position in positions if position not in brought.positions]
    if missing:
        raise InputError(
            f"{brought.path} has no position {missing[0]!r} (it has "
            f"{', '.join(brought.positions)}): correct activations.positions."
        )
    rows = _rows_of(brought, prompts)
    n_depths, d_model = brought.n_layers + 1, brought.d_model
    own = {"architecture": "unknown", "license": "not stated", "dtype": "float32"}
    own |= {k: v for k, v in brought.attributes.items() if isinstance(v, str | int | float | bool)}
    own |= {"schema_version": SCHEMA_VERSION, "model": model}
    whose = f"{brought.path} has a value", "bring activations without NaN and infinity"
    with ActivationsWriter(path, n_depths, d_model) as writer:
        writer.attributes(own | {"n_layers": n_depths - 1, "d_model": d_model} | attributes)
        for position in positions:
            residual = _single(brought.residual(position)[rows])
            check_finite(residual, list(map(repr, prompts.id)), position, *whose)
            writer.residual("prompts", position, len(rows))[...] = residual
        writer.table(
            "prompts", {c: prompts[c].tolist() for c in ("id", "topic", "emotion", "text")}
        )
        if brought.probe_ids is None:
            return
        for position in positions:
            sentences = _single(brought.probe(position, probe.id.tolist()))
            if len(sentences):
                check_finite(sentences, list(map(repr, probe.id)), position, *whose)
                writer.residual("probe", position, len(probe))[...] = sentences
        if "probe" in writer.file:
            writer.table("probe", {c: probe[c].tolist() for c in ("id", "text")})


def _rows_of(brought: Activations, prompts: pd.DataFrame) -> list[int]:
    for kind, ids in (("prompt", brought.prompts.id), ("probe sentence", brought.probe_ids or [])):
        if len(twice := pd.Series(ids)[pd.Series(ids).duplicated()]):
            raise InputError(
                f"{brought.path} has two rows for the {kind} {twice.iloc[0]!r}: remove one."
            )
    rows = {key: row for row, key in enumerate(brought.prompts.id)}
    if missing := [key for key in prompts.id if key not in rows]:
        raise InputError(
            f"{brought.path} lacks the prompt {missing[0]!r}: bring activations of every prompt in "
            "prompts.file, or correct that key of the config."
        )
    found = [rows[key] for key in prompts.id]
    for column in ("topic", "emotion"):
        differs = brought.prompts[column].to_numpy()[found] != prompts[column].to_numpy()
        if differs.any():
            key = prompts.id[int(np.flatnonzero(differs)[0])]
            raise InputError(
                f"{brought.path} has another {column} for the prompt {key!r} than the prompt file."
            )
    return found


def _single(residual: np.ndarray) -> np.ndarray:
    """As float32; what does not fit becomes infinite."""
    with np.errstate(over="ignore"):
        return residual.astype("f4")
