"""Canonical read-outs of two models: axes in which each corresponds to one of the other.

Whitened read-outs of both models are correlated over the probe, C = P S Qᵀ (canonical correlation,
Hotelling 1936; of principal components, Raghu et al. 2017, arXiv:1706.05806). Axes that correspond
only by chance are not cut off, they count for little: S is taken from sentences that P and Q were
not fitted on. The fits without each fold of the sentences are kept, so that what a cosine owes to
the choice of sentences can be told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emovec.between_models.maps import Decomposition
from emovec.errors import InputError
from emovec.statistics.arrays import Floats

FOLDS = 10  # of the map half; fold i holds the sentences i, i + FOLDS, …
MOST = 128  # read-outs of a model, and at most a sixth of the sentences


@dataclass(frozen=True)
class Whitened:
    """Read-outs of one model at one depth: fit 0 is that of all sentences, others leave one out."""

    basis: Floats  # [d, r], leading principal axes
    scores: Floats  # [sentence, r]
    means: Floats  # [fit, r]
    turns: Floats  # [fit, r, k], whitening within the basis

    def read(self, fit: int) -> Floats:
        """Read-outs `[sentence, k]` of the probe by one fit."""
        return (self.scores - self.means[fit]) @ self.turns[fit]


@dataclass(frozen=True)
class Canonical:
    """Maps of both models into common axes, scaled so that products are weighted by S."""

    a: Whitened
    b: Whitened
    turns_a: Floats  # [fit, k_a, k]
    turns_b: Floats  # [fit, k_b, k]
    strength: Floats  # [k], S: correlation of each pair of axes in sentences held out, at least 0

    def views(self, x_a: Floats, x_b: Floats) -> tuple[Floats, Floats]:
        """Contrasts `[..., d]` of both models in the common axes, `[fit, ..., k]` each."""
        return self.of_a(x_a), self.of_b(x_b)

    def of_a(self, x: Floats, fits: slice = slice(None)) -> Floats:
        """Contrasts `[..., d]` of the first model in the common axes, `[fit, ..., k]`."""
        return self._view(self.a, self.turns_a, x, fits)

    def of_b(self, x: Floats, fits: slice = slice(None)) -> Floats:
        return self._view(self.b, self.turns_b, x, fits)

    def _view(self, model: Whitened, turns: Floats, x: Floats, fits: slice) -> Floats:
        scores = (x @ model.basis).reshape(-1, model.basis.shape[1])
        axes = model.turns[fits] @ turns[fits] * np.sqrt(self.strength)
        return (scores @ axes).reshape(len(axes), *x.shape[:-1], -1)


def whiten(parts: Decomposition, most: int = MOST, folds: int = FOLDS) -> Whitened | None:
    """Whiten the leading components of one model; None if its sentences do not differ.

    Do it once for a model and depth: every comparison with another model uses it.
    """
    n = len(parts.u)
    k = min(most, n // 6, parts.s.size)
    if not k:
        return None
    kept = min(2 * k, parts.s.size)
    scores = parts.u[:, :kept] * parts.s[:kept]
    means, turns = [], []
    for rows in [np.ones(n, dtype=bool), *_training(n, folds)]:
        means.append(scores[rows].mean(axis=0))
        centred = scores[rows] - means[-1]
        values, axes = np.linalg.eigh(centred.T @ centred / (len(centred) - 1))
        turns.append(axes[:, : -k - 1 : -1] / np.sqrt(values[: -k - 1 : -1]))
    return Whitened(parts.vt[:kept].T, scores, np.array(means), np.array(turns))


def fit_canonical(a: Whitened, b: Whitened) -> Canonical:
    """Canonical axes of two models that read the same probe sentences.

    Raises
    ------
    InputError
        If the numbers of sentences differ.
    """
    n = len(a.scores)
    if n != len(b.scores):
        raise InputError(
            f"Read-outs need the same sentences in both models, not {n} and {len(b.scores)}."
        )
    folds = len(a.means) - 1
    turns_a, turns_b, held = [], [], 0.0
    for fit, rows in enumerate([np.ones(n, dtype=bool), *_training(n, folds)]):
        left, right = a.read(fit), b.read(fit)
        p, _, qt = np.linalg.svd(left[rows].T @ right[rows], full_matrices=False)
        turns_a.append(p)
        turns_b.append(qt.T)
        if fit:
            u, v = left[~rows] @ p, right[~rows] @ qt.T
            held = held + np.stack([(u * v).sum(0), (u * u).sum(0), (v * v).sum(0)])
    strength = np.maximum(held[0] / np.sqrt(held[1] * held[2]), 0.0)
    return Canonical(a, b, np.array(turns_a), np.array(turns_b), strength)


def _training(n: int, folds: int) -> list[Floats]:
    return [np.arange(n) % folds != fold for fold in range(folds)]
