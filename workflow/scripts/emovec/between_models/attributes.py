"""The ruler of a comparison: contrasts of ordinary attributes of the probe, such as past tense.

Attributes go through the same map and the same unbiased products as the emotions. How well one
corresponds to itself in the other model says what the comparison can find; what two unrelated
attributes give says how large a cosine means nothing. Neither is a test: an emotion is no draw
from the attributes.

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


def mismatched_cosines(cosines: Floats, contrasts: Contrasts) -> Floats:
    """Those of `cosines[attribute, attribute]` whose attributes are not alike, and defined."""
    found = cosines[contrasts.mismatched]
    return found[np.isfinite(found)]
