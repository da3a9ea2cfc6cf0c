"""Synthetic residual streams with planted answers, for one model.

A world has n topics, each with one sentence in every class. The sentences of a topic share a part
of their noise, the emotions have effects δ against neutral with planted lengths and cosines, and
the probe sentences have the same covariance and no effect. Lengths are given as s = ‖δ‖²/T with T
the trace of the noise covariance of one sentence.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLASSES = ["gratitude", "anger", "apology", "neutral"]
NEUTRAL = "neutral"


@dataclass(frozen=True)
class World:
    x: Floats  # [class, topic, d_model], in the order of CLASSES
    probe: Floats  # [sentence, d_model]
    effects: Floats  # [class, d_model]; that of neutral is 0
    trace: float  # T, of the noise of one sentence


def seeds(*fixed: int) -> list[int]:
    """The given seeds and a fresh one; pytest prints it in the name of a test that fails."""
    # all processes of one run agree on it; set it to repeat a run
    fresh = os.environ.setdefault("FRESH_SEED", str(np.random.SeedSequence().generate_state(1)[0]))
    return [*fixed, int(fresh)]


def paired(
    rng: np.random.Generator,
    *,
    n: int = 70,
    d: int = 256,
    s: float = 0.1,
    cos: float = 0.3,
    topic_share: float = 0.5,
    spectrum: str = "1/i",
    n_probe: int = 600,
) -> World:
    """Three emotions with equal effects `s` and all pairwise cosines `cos`; s = 0: no signal.

    `topic_share` is the part of the variance that the classes of a topic have in common.
    """
    variance = np.ones(d) if spectrum == "isotropic" else 1 / np.arange(1, d + 1)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0] if spectrum != "isotropic" else np.eye(d)
    root = (turn * np.sqrt(variance)).T  # rows: principal axes
    trace = variance.sum()
    topic = np.sqrt(topic_share) * rng.standard_normal((1, n, d))
    own = np.sqrt(1 - topic_share) * rng.standard_normal((len(CLASSES), n, d))
    effects = np.sqrt(s * trace) * np.vstack([equiangular(rng, 3, cos, d), np.zeros(d)])
    x = (topic + own) @ root + effects[:, None]
    return World(x, rng.standard_normal((n_probe, d)) @ root, effects, float(trace))


def equiangular(rng: np.random.Generator, count: int, cos: float, d: int) -> Floats:
    """Unit vectors[count, d] in random directions with every pairwise cosine exactly `cos`."""
    gram = np.full((count, count), cos) + (1 - cos) * np.eye(count)
    values, vectors = np.linalg.eigh(gram)
    root = vectors * np.sqrt(np.clip(values, 0, None))  # −1/(count − 1) is singular, and legal
    return root @ np.linalg.qr(rng.standard_normal((d, count)))[0].T


def rogue(
    rng: np.random.Generator,
    *,
    n: int = 70,
    d: int = 256,
    s: float = 0.1,
    cos: float = 0.2,
    deviation: float = 30.0,
    offset: float = 1.0,
) -> World:
    """A paired world, one dimension of which has `deviation` times the standard deviation.

    Neutral lies `offset` of its standard deviations away there, as by another final token.
    """
    plain = paired(rng, n=n, d=d, s=s, cos=cos, spectrum="isotropic", topic_share=0.0)
    x, probe, effects = plain.x.copy(), plain.probe.copy(), plain.effects.copy()
    x[:, :, 7] = deviation * rng.standard_normal(x.shape[:2])
    probe[:, 7] = deviation * rng.standard_normal(len(probe))
    effects[:, 7] = 0
    x[-1, :, 7] += offset * deviation
    return World(x, probe, effects, plain.trace)


def texts(rng: np.random.Generator, n: int, words: dict[str, str]) -> dict[str, list[str]]:
    """n sentences for each class, of the same random words but for one: `words[class]`."""
    filler = ["house", "river", "train", "paper", "garden", "window", "bridge", "kettle"]
    return {
        name: [" ".join([*rng.permutation(filler)[:5], word]) + "." for _ in range(n)]
        for name, word in words.items()
    }
