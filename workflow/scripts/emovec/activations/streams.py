"""The activations of a model at one position, as the analysis takes them: the one door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from emovec.activations.copies import copied
from emovec.activations.store import check_same_sentences, open_activations
from emovec.prompts.design import with_reference, written


def load_streams(
    path: str | Path,
    name: str,
    position: str,
    classes: Sequence[str | None],
    probe_ids: list[str],
    seed: int,
) -> Streams:
    """The residual streams of a model, or of the control copy that its name asks for.

    The last of `classes` is what emotions are taken against: the neutral one, or None for the mean
    of the others, which a copy whose labels are shuffled leaves as it is.

    Raises
    ------
    InputError
        If the file is no activations file, or lacks a class or a probe sentence.
    """
    activations = open_activations(path)
    residual = activations.by_class(position, written(classes))
    residual, probe = copied(name, residual, activations.probe(position, probe_ids), seed)
    return Streams(name, with_reference(residual, classes), probe, activations.n_layers)


def load_together(paths: Sequence[str | Path], names: Sequence[str], *of: object) -> list[Streams]:
    """The streams of several models, each by `load_streams`, which read the same sentences.

    Raises
    ------
    InputError
        If the files were made of different sentences.
    """
    check_same_sentences([open_activations(path) for path in paths])
    return [load_streams(path, name, *of) for path, name in zip(paths, names, strict=True)]


@dataclass(frozen=True)
class Streams:
    """Residual streams of one model at one position. Arrays may be on disk (h5py datasets)."""

    name: str
    residual: ArrayLike  # [class, topic, depth, d_model]; emotions in order, neutral last
    probe: ArrayLike  # [sentence, depth, d_model]
    n_layers: int

    @property
    def width(self) -> int:
        """d_model."""
        return int(np.shape(self.residual)[-1])
