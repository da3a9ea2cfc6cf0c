"""Carry directions of one model into the residual stream of another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emovec.activations.store import Activations, check_same_sentences
from emovec.between_models.maps import fit_ridge
from emovec.errors import InputError
from emovec.models.depths import nearest_depth
from emovec.prompts.sentences import attributes_of
from emovec.steering.directions import Directions, make_directions, unit
from emovec.vectors.directions import EmotionVectors


def carried(
    source: Activations,
    target: Activations,
    vectors: EmotionVectors,
    probe: pd.DataFrame,
    *,
    position: str,
    depth: int,
    controls: int,
    rng: np.random.Generator,
) -> Directions:
    """The directions of `source`, and its controls, at `depth` of `target`.

    They are made at the depth of `source` that is nearest, relative to its number of layers; the
    map is fitted on the half `map` of the probe.
    """
    check_same_sentences([source, target])
    start = nearest_depth(depth / target.n_layers, source.n_layers)
    streams = [model.probe(position, probe.id.tolist()) for model in (source, target)]
    found = make_directions(
        dict(zip(vectors.emotions, vectors.vectors[position], strict=True)),
        streams[0],
        attributes_of(probe),
        [start],
        controls,
        rng,
        {
            "model": target.model,
            "source": source.model,
            "source_depth": start,
            "position": position,
            "n_layers": target.n_layers,
        },
    )
    fit = (probe.half == "map").to_numpy()
    return carry(found, streams[0][fit, start], streams[1][fit, depth], depth)


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
