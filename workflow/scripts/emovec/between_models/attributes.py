"""The null for alignment: contrasts of ordinary attributes that should not correspond.

Is the emotion direction of model B closer to the mapped one of model A than two unrelated
attributes are, such as "in the past tense" in A and "about food" in B? Mismatched attributes go
through the same map and the same unbiased products as the emotions; matched ones show how well an
ordinary attribute corresponds. A null of random directions would have to guess how directions of
meaning lie in the spectrum; attributes are such directions.

The sentences are the control half of the probe, which no map was fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from emovec.errors import InputError
from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.unbiased import Views, cosine, reliability

SMALLEST_SIDE = 10


@dataclass(frozen=True)
class Contrasts:
    """Balanced contrasts of m binary attributes over n sentences."""

    names: tuple[str, ...]
    positive: Mask  # [m, n], sentences that have the attribute
    negative: Mask  # [m, n], as many that do not
    mismatched: Mask  # [m, m], ordered pairs of attributes that are not alike

    @property
    def floor(self) -> float:
        """The smallest p the null can give if every contrast is defined."""
        return 1.0 / (1.0 + self.mismatched.sum())


def balanced_contrasts(
    labels: ArrayLike,
    names: Sequence[str],
    side: int,
    rng: np.random.Generator,
    *,
    max_phi: float = 0.3,
) -> Contrasts:
    """Draw for each attribute as many sentences with it as without it, at most `side` of each.

    Attributes with fewer than 10 sentences on a side are left out. Pairs whose labels correlate
    beyond `max_phi` over the sentences are not mismatched.

    Parameters
    ----------
    labels : [n, m]
        0 or 1 for each sentence and attribute.
    side : int
        Sentences on each side; the number of topics, so that noise is that of the emotions.

    Raises
    ------
    InputError
        If a label is neither 0 nor 1.
    """
    table = np.asarray(labels, dtype=float)
    for column, name in zip(table.T, names, strict=True):
        if not np.isin(column, (0.0, 1.0)).all():
            raise InputError(
                f"The probe column {name} holds values other than 0 and 1: mark every sentence."
            )
    sizes = np.minimum(table.sum(axis=0), (1.0 - table).sum(axis=0))
    kept = np.flatnonzero(sizes >= SMALLEST_SIDE)
    groups = np.zeros((2, len(kept), len(table)), dtype=bool)
    for row, column in enumerate(kept):
        size = int(min(side, sizes[column]))
        for sign in (0, 1):
            members = np.flatnonzero(table[:, column] == 1 - sign)
            groups[sign, row, rng.choice(members, size, replace=False)] = True
    chosen = table[:, kept]
    alike = (
        np.abs(np.atleast_2d(np.corrcoef(chosen.T))) > max_phi if len(kept) else np.empty((0, 0))
    )
    return Contrasts(
        tuple(names[column] for column in kept),
        groups[0],
        groups[1],
        ~(alike.astype(bool) | np.eye(len(kept), dtype=bool)),
    )


def contrast_products(x: Floats, y: Floats, contrasts: Contrasts) -> Floats:
    """Unbiased products `[m, m]` of the contrasts of `x[n, q]` and of `y[n, q]`.

    Each is a mean over pairs of different sentences, group by group: what both models share
    because they read the same sentence is left out (the unpaired form of `inner_u`).
    """
    m = len(contrasts.names)
    groups = np.concatenate([contrasts.positive, contrasts.negative]).astype(float)
    same = (groups * np.einsum("nq,nq->n", x, y)) @ groups.T
    pairs = np.outer(groups.sum(axis=1), groups.sum(axis=1)) - groups @ groups.T
    means = ratio((groups @ x) @ (groups @ y).T - same, pairs)
    return means[:m, :m] + means[m:, m:] - means[:m, m:] - means[m:, :m]


def contrast_reliability(x: Floats, contrasts: Contrasts) -> tuple[Floats, Floats]:
    """Unbiased norm² `[m]` of each contrast of `x[n, q]` and its share of the naive norm²."""
    norm2 = np.diag(contrast_products(x, x, contrasts))
    side = contrasts.positive.sum(axis=1, keepdims=True)
    naive = (((contrasts.positive @ x - contrasts.negative @ x) / side) ** 2).sum(axis=1)
    return norm2, reliability(norm2, naive)


def control_cosines(views: Views, contrasts: Contrasts, least: float = 0.5) -> Floats:
    """Unbiased cosines `[attribute in a, attribute in b]`; arrays of `views` are `[n, q]`.

    NaN where a contrast falls short of the reliability `least`: a cosine of noise would only blur
    the null.
    """
    norm_a, reliable_a = contrast_reliability(views.of_a, contrasts)
    norm_b, reliable_b = contrast_reliability(views.right, contrasts)
    cosines = cosine(contrast_products(views.left, views.right, contrasts), norm_a[:, None], norm_b)
    usable = (reliable_a >= least)[:, None] & (reliable_b >= least)
    return np.where(usable, cosines, np.nan)


def mismatched_null(cosines: Floats, contrasts: Contrasts) -> Floats:
    """The null: cosines of mismatched attributes, undefined ones included, `[pair]`.

    The order of pairs is the same at every depth, so that a maximum over depths can be taken pair
    by pair.
    """
    return cosines[..., contrasts.mismatched]


def specificity(cosines: Floats) -> tuple[Floats, Floats]:
    """How far the diagonal stands out of `cosines[..., emotion_a, emotion_b]`.

    Returns
    -------
    overall : [...]
        Mean of the diagonal minus mean of the rest.
    each : [..., emotion]
        Each diagonal cell minus the mean of the rest of its row and column.
    """
    k = cosines.shape[-1]
    if k < 2:
        shape = cosines.shape[:-2]
        return np.full(shape, np.nan), np.full((*shape, k), np.nan)
    diagonal = np.diagonal(cosines, axis1=-2, axis2=-1)
    rest = cosines.sum(axis=-1) + cosines.sum(axis=-2) - 2.0 * diagonal
    each = diagonal - rest / (2 * (k - 1))
    return each.mean(axis=-1), each


def specificity_null(
    cosines: Floats, contrasts: Contrasts, emotions: int, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """`specificity` of attributes in a against other attributes in b, `[depth, draw]` each.

    Each draw takes 2 × `emotions` different attributes of `cosines[depth, m, m]`, half for a and
    half for b, the same at every depth; the second array is that of the first pair. NaN for draws
    with an undefined cell or with two attributes that are alike.
    """
    m = len(contrasts.names)
    if emotions < 2 or m < 2 * emotions:
        empty = np.full((len(cosines), draws), np.nan)
        return empty, empty
    chosen = rng.permuted(np.tile(np.arange(m), (draws, 1)), axis=1)
    rows, columns = chosen[:, :emotions, None], chosen[:, None, emotions : 2 * emotions]
    usable = np.where(contrasts.mismatched, cosines, np.nan)[:, rows, columns]
    overall, each = specificity(usable)
    return overall, each[..., 0]
