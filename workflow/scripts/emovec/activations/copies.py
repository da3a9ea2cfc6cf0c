"""Control copies of a model, made from its own activations: for each the answer is known.

A copy is named `{model}@{kind}`. Beside copies, an untrained model (a source of its own) is a
control: it has learnt nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emovec.registry import Kind, registry

if TYPE_CHECKING:
    import numpy as np

    Arrays = tuple[np.ndarray, np.ndarray]


def rotate(residual: np.ndarray, probe: np.ndarray, rng: np.random.Generator) -> Arrays:
    """Both arrays `[…, d_model]` times one random orthogonal matrix (Haar measure)."""
    from scipy.stats import ortho_group

    q = ortho_group.rvs(residual.shape[-1], random_state=rng)
    return residual @ q.astype(residual.dtype), probe @ q.astype(probe.dtype)


def shuffle_labels(residual: np.ndarray, probe: np.ndarray, rng: np.random.Generator) -> Arrays:
    """Permute the classes of `residual[class, topic, depth, d_model]` inside each topic."""
    import numpy as np

    n_classes, n_topics = residual.shape[:2]
    order = rng.permuted(np.tile(np.arange(n_classes)[:, None], n_topics), axis=0)
    return residual[order, np.arange(n_topics)], probe


@dataclass(frozen=True)
class Copy(Kind):
    """How a copy is made of `residual[class, topic, depth, d_model]` and of the probe's."""

    make: Callable[[np.ndarray, np.ndarray, np.random.Generator], Arrays]
    beside_model: bool  # compared with its model, not measured alone as another model is


COPIES = registry(
    # everything is shared, yet no axis corresponds
    Copy("twin", "rotated twin", rotate, beside_model=True),
    # nothing is there to be found
    Copy("shuffled", "shuffled labels", shuffle_labels, beside_model=False),
)


def copies(model: str, *, beside_model: bool) -> list[str]:
    """The names of a model's copies of one use."""
    return [f"{model}@{kind.name}" for kind in COPIES.values() if kind.beside_model == beside_model]


def split_name(name: str) -> tuple[str, str]:
    """The model and the kind of copy in a name such as `gpt2@twin`; empty for the model itself."""
    model, _, kind = name.partition("@")
    return model, kind


def is_copy(name: str) -> bool:
    return bool(split_name(name)[1])


def copied(name: str, residual: np.ndarray, probe: np.ndarray, seed: int) -> Arrays:
    """The arrays of the copy that a name asks for; of the model itself as they are."""
    from emovec.io.seeds import generator

    kind = split_name(name)[1]
    return COPIES[kind].make(residual, probe, generator(seed, name)) if kind else (residual, probe)
