"""Carry directions of one model into the residual stream of another."""

from __future__ import annotations

import numpy as np

from emovec.between_models.maps import fit_ridge
from emovec.errors import InputError
from emovec.steering.directions import Directions, unit


def carry(directions: Directions, source: np.ndarray, target: np.ndarray, depth: int) -> Directions:
    """Directions of a model at its one depth, mapped to `depth` of another.

    The map is a ridge regression from `source[sentence, d_a]` to `target[sentence, d_b]`, the same
    neutral sentences in both; the target is standardised for the fit, so that no rogue dimension
    decides the penalty, and scaled back. Emotions and controls go through the same map.

    Raises
    ------
    InputError
        If there are no probe sentences to fit a map on.
    """
    if not len(source) or len(source) != len(target):
        raise InputError(
            f"{directions.metadata['source']} and {directions.metadata['model']} have no probe "
            "sentences in common at this position: steering across models needs them."
        )
    scale = target.std(axis=0, dtype=float)
    scale = np.where(scale > 1e-6 * np.abs(target).max(axis=0), scale, 0)
    ridge = fit_ridge(source.astype(float), target.astype(float) / np.where(scale > 0, scale, 1))
    mapped = directions.vectors[:, 0].astype(float) @ ridge.weights * scale
    found = unit(
        directions.metadata | {"r2_loo": ridge.r2_loo},
        [depth],
        directions.kinds,
        directions.names,
        mapped[:, None],
    )
    return found
