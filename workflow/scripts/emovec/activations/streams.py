"""The activations of a model at one position, as the analysis takes them: the one door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from emovec.activations.copies import copied
from emovec.activations.store import open_activations


def load_streams(
    path: str | Path,
    name: str,
    position: str,
    classes: Sequence[str],
    probe_ids: list[str],
    seed: int,
) -> Streams:
    """The residual streams of a model, or of the control copy that its name asks for.

    Raises
    ------
    InputError
        If the file is no activations file, or lacks a class or a probe sentence.
    """
    activations = open_activations(path)
    residual = activations.by_class(position, list(classes))
    probe = activations.probe(position, probe_ids)
    return Streams(name, *copied(name, residual, probe, seed), activations.n_layers)


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
