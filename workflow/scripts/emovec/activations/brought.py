"""Activations that someone else has captured, taken in as if they were captured here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emovec.activations.store import SCHEMA_VERSION, Activations, ActivationsWriter, check_finite
from emovec.errors import InputError

NOT_STATED = "not stated"


STATED = ("architecture", "license", "normalization", "prepend_bos", "template", "dtype", "suffix")


CENTERED = 1e-3  # largest mean over d_model, in lengths of the stream, that rounding leaves


def adopt(
    brought: Activations,
    path: Path,
    *,
    model: str,
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    positions: list[str],
    said: dict,
) -> None:
    """Write brought activations to `path` as if they had been captured here.

    Rows are matched to the prompt files by id. What the file states of itself holds; what it does
    not state is recorded as such.

    Parameters
    ----------
    said : what the configuration says: its entry of the model (space, prepend_bos, template,
        source), suffix, and the digests prompts_sha256 and probe_sha256 of its files.

    Raises
    ------
    InputError
        If a position, a prompt or a probe sentence is missing, comes twice or has another text,
        a value is not finite, or the file and the configuration contradict each other.
    """
    missing = [position for position in positions if position not in brought.positions]
    if missing:
        raise InputError(
            f"{brought.path} has no position {missing[0]!r} (it has "
            f"{', '.join(brought.positions)}): correct activations.positions."
        )
    if brought.n_layers < 1:
        raise InputError(f"{brought.path} has one depth alone: bring depths 0 to L.")
    rows = _rows_of(brought, prompts)
    own = {k: v for k, v in brought.attributes.items() if isinstance(v, str | int | float | bool)}
    _check_stated(brought, own, model, positions, said)
    n_depths, d_model = brought.n_layers + 1, brought.d_model
    digests = {
        f"{kind}_sha256": _digest(brought.path, kind, theirs, table, own, said)
        for kind, theirs, table in (
            ("prompts", brought.prompts.iloc[rows], prompts),
            ("probe", brought.sentences, probe),
        )
    }
    space = own.get("space", said["space"])
    attributes = dict.fromkeys(STATED, NOT_STATED) | own | digests
    attributes |= {"schema_version": SCHEMA_VERSION, "model": model, "source": said["source"]}
    attributes |= {"n_layers": n_depths - 1, "d_model": d_model, "space": space}
    whose = f"{brought.path} has a value", "bring activations without NaN and infinity"
    with ActivationsWriter(path, n_depths, d_model) as writer:
        writer.attributes(attributes)
        for position in positions:
            residual = _single(brought.residual(position)[rows])
            check_finite(residual, list(map(repr, prompts.id)), position, *whose)
            _check_space(brought.path, residual, position, space, model)
            writer.residual("prompts", position, len(rows))[...] = residual
        writer.table(
            "prompts", {c: prompts[c].tolist() for c in ("id", "topic", "emotion", "text")}
        )
        if brought.sentences is None:
            return
        for position in positions:
            sentences = _single(brought.probe(position, probe.id.tolist()))
            if len(sentences):
                check_finite(sentences, list(map(repr, probe.id)), position, *whose)
                _check_space(brought.path, sentences, position, space, model)
                writer.residual("probe", position, len(probe))[...] = sentences
        if "probe" in writer.file:
            writer.table("probe", {c: probe[c].tolist() for c in ("id", "text")})


def _rows_of(brought: Activations, prompts: pd.DataFrame) -> list[int]:
    probe = pd.Series() if brought.sentences is None else brought.sentences.id
    for kind, ids in (("prompt", brought.prompts.id), ("probe sentence", probe)):
        if len(twice := ids[ids.duplicated()]):
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
    for column in {"topic", "emotion"} & set(brought.prompts):  # prompts may have no topics
        differs = brought.prompts[column].to_numpy()[found] != prompts[column].to_numpy()
        if differs.any():
            key = prompts.id[int(np.flatnonzero(differs)[0])]
            raise InputError(
                f"{brought.path} has another {column} for the prompt {key!r} than the prompt file."
            )
    return found


def _check_stated(
    brought: Activations, own: dict, model: str, positions: list[str], said: dict
) -> None:
    keys = {name: f"models.{model}.{name}" for name in ("space", "prepend_bos", "template")}
    if "suffix" in positions:
        keys["suffix"] = "prompts.suffix"
    for name, key in keys.items():
        if own.get(name, said[name]) not in (said[name], NOT_STATED):
            raise InputError(
                f"{brought.path} states {name} {own[name]!r} and the config {said[name]!r}: "
                f"correct {key}, or bring activations that were read so."
            )


def _digest(
    path: Path, kind: str, theirs: pd.DataFrame | None, table: pd.DataFrame, own: dict, said: dict
) -> str:
    """The digest of the file of the sentences, if the brought file shows that it read them."""
    name = f"{kind}_sha256"
    if theirs is not None and "text" in theirs:
        text = theirs.set_index("id")["text"]
        for key, ours in zip(table.id, table.text, strict=True):
            if text.get(key, ours) != ours:
                raise InputError(
                    f"{path} has read another text for {key!r} than the file in the config holds "
                    f"({text[key]!r} instead of {ours!r}): bring activations of these sentences."
                )
        return said[name]
    if own.get(name, NOT_STATED) not in (said[name], NOT_STATED):
        raise InputError(
            f"{path} states that it read another file of {kind} ({name} is {own[name]} instead of "
            f"{said[name]}): bring activations of these sentences, or their texts as /{kind}/text."
        )
    return own.get(name, NOT_STATED)


def _check_space(path: Path, residual: np.ndarray, position: str, space: str, model: str) -> None:
    """Centred streams have no mean over d_model, and others have one."""
    lengths = np.sqrt(np.mean(np.square(residual, dtype="f8"), axis=-1))
    means = np.abs(residual.mean(-1, dtype="f8"))
    if not lengths.any():
        return
    found = "centered" if (means <= CENTERED * lengths).all() else "raw"
    if found != space:
        raise InputError(
            f"{path} is said to hold streams in the space {space}, and at position {position} "
            f"they are {found}: correct models.{model}.space and the attribute space of the file."
        )


def _single(residual: np.ndarray) -> np.ndarray:
    """As float32; what does not fit becomes infinite."""
    with np.errstate(over="ignore"):
        return residual.astype("f4")
