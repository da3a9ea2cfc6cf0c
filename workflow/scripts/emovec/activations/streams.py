"""Controls made from a model's own activations, for which the answer is known.

`{model}@twin` is the same model in another basis: everything is shared, yet no axis corresponds.
`{model}@shuffled` has its class labels permuted inside each topic: nothing is there to be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import ortho_group

from emovec.activations.store import open_activations
from emovec.io.seeds import generator

TWIN, SHUFFLED = "twin", "shuffled"


def split_name(name: str) -> tuple[str, str]:
    """The model and the control in a name such as `gpt2@twin`; the control may be empty."""
    model, _, control = name.partition("@")
    return model, control


def rotate(
    residual: np.ndarray, probe: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays `[…, d_model]` times one random orthogonal matrix (Haar measure)."""
    q = ortho_group.rvs(residual.shape[-1], random_state=rng)
    return residual @ q.astype(residual.dtype), probe @ q.astype(probe.dtype)


def shuffle_labels(residual: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Permute the classes of `[class, topic, depth, d_model]` inside each topic."""
    n_classes, n_topics = residual.shape[:2]
    order = rng.permuted(np.tile(np.arange(n_classes)[:, None], n_topics), axis=0)
    return residual[order, np.arange(n_topics)]


def load_streams(
    path: str | Path,
    name: str,
    position: str,
    classes: Sequence[str],
    probe_ids: list[str],
    seed: int,
) -> Streams:
    """The residual streams of a model, or of the control that its name asks for.

    Raises
    ------
    InputError
        If the file is no activations file, or lacks a class or a probe sentence.
    """
    activations = open_activations(path)
    residual = activations.by_class(position, list(classes))
    probe = activations.probe(position, probe_ids)
    control = split_name(name)[1]
    if control == TWIN:
        residual, probe = rotate(residual, probe, generator(seed, name))
    elif control == SHUFFLED:
        residual = shuffle_labels(residual, generator(seed, name))
    return Streams(name, residual, probe, activations.n_layers)


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
