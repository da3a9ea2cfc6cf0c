"""Control directions: what a model is steered with to see what any push of that length does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.registry import Kind, registry

Named = list[tuple[str, np.ndarray]]

SMALLEST_SIDE = 10  # sentences with and without an attribute


def _random(
    stream: np.ndarray, attributes: pd.DataFrame, count: int, rng: np.random.Generator
) -> Named:
    """Uniform on the sphere."""
    return [(f"random {i + 1}", rng.standard_normal(stream.shape[1:])) for i in range(count)]


def _covariance(
    stream: np.ndarray, attributes: pd.DataFrame, count: int, rng: np.random.Generator
) -> Named:
    """Random mixtures of the centred probe sentences, which lie where the stream varies."""
    if not len(stream):
        return []
    centred = stream - stream.mean(axis=0)
    mixed = np.einsum("cn,ndk->cdk", rng.standard_normal((count, len(stream))), centred)
    return [
        (f"covariance {i + 1}", mixture / np.sqrt(len(stream) - 1))
        for i, mixture in enumerate(mixed)
    ]


def _attribute(
    stream: np.ndarray, attributes: pd.DataFrame, count: int, rng: np.random.Generator
) -> Named:
    """Mean differences between probe sentences with an attribute and without it."""
    found = []
    for name in attributes if len(stream) else []:
        has = attributes[name].to_numpy() == 1
        if min(has.sum(), (~has).sum()) >= SMALLEST_SIDE:
            found.append((name, stream[has].mean(axis=0) - stream[~has].mean(axis=0)))
    return found[:count]


@dataclass(frozen=True)
class Control(Kind):
    """A kind of control direction.

    `make(stream, attributes, count, rng)` gives names and vectors `[depth, d_model]` from the
    probe's `stream[sentence, depth, d_model]` and its columns `attr_*`; none if it lacks them.
    """

    make: Callable[[np.ndarray, pd.DataFrame, int, np.random.Generator], Named]
    removable: bool = False  # whether there is much of it in a stream to project out


CONTROLS = registry(
    Control("random", "random directions", _random),
    Control(
        "covariance", "random directions that vary as the stream does", _covariance, removable=True
    ),
    Control("attribute", "ordinary attributes", _attribute),
)
