"""Unbiased products and errors where topics come in clusters, such as those of one lexical head.

Two topics are `near` if their noise may be the same: a topic and itself, topics written with one
head, by one writer. Products of mean contrasts leave pairs of near topics out, whether within a
model or between two that read the same sentences (crossvalidated distances, Walther et al. 2016,
NeuroImage 137), and errors sum over the same pairs: delete-one-topic values give the influence of
each topic (Efron & Stein 1981), the sum of its products over near pairs is their variance for any
number of ways of clustering (Cameron, Gelbach & Miller 2011, J. Bus. Econ. Stat. 29).
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.sparse import csr_array

from emovec.statistics.arrays import Floats, Mask, ratio

SMALL, MANY = 2**16, 20  # pairs of topics; how much longer a product takes if it is one of few


def near_topics(topics: int, *labels: ArrayLike) -> Mask:
    """Which `[topic, topic]` share a label of any of the ways of clustering; each is near itself.

    >>> near_topics(3, ["sorry", "sorry", "guilt"]).astype(int).tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    near = np.eye(topics, dtype=bool)
    for way in labels:
        label = np.asarray(way)
        near |= label[:, None] == label
    return near


def clusters(near: Mask) -> tuple[int, NDArray[np.int_]]:
    """How many clusters topics come in, one way of clustering, and the number of each topic's.

    >>> clusters(near_topics(3, ["sorry", "guilt", "sorry"]))[1].tolist()
    [0, 1, 0]
    """
    found, cluster = np.unique(near.argmax(axis=1), return_inverse=True)
    return len(found), cluster


def cross_u(x: Floats, y: Floats, near: Mask) -> tuple[Floats, Floats]:
    """Mean of `x[i] · y[j]` over topics that are not near, whole and without each topic in turn.

    `x` and `y` are `[..., topic, q]`, `near` is symmetric, `[..., topic, topic]`. Gives `[...]`
    and `[..., topic]`; NaN where no pair of topics is left.
    """
    of_near = near_sums(near, y)
    row = _rows(x, y.sum(axis=-2, keepdims=True) - of_near)
    column = row if x is y else _rows(x.sum(axis=-2, keepdims=True) - near_sums(near, x), y)
    apart = near.shape[-1] - near.sum(axis=-1)
    total, pairs = row.sum(axis=-1), apart.sum(axis=-1)
    left = total[..., None] - row - column
    return ratio(total, pairs), ratio(left, pairs[..., None] - 2.0 * apart)


def weights(near: Mask) -> Floats | csr_array:
    """`near[topic, other]` as numbers to multiply with: sparse where that is faster."""
    if near.size <= SMALL or MANY * np.count_nonzero(near) >= near.size:
        return near.astype(float)
    places = np.flatnonzero(near)  # ten times as fast as by row and column
    return csr_array((np.ones(len(places)), np.divmod(places, near.shape[1])), near.shape)


def near_sums(near: Mask, x: Floats) -> Floats:
    """Sums `[..., topic, q]` of `x[..., topic, q]` over the topics near to each.

    `near` is `[topic, topic]`, or has leading axes that are the last ones of x before its topics.
    """
    if near.shape[-1] ** 2 <= SMALL:
        return near.astype(float) @ x
    lead = near.shape[:-2]
    x = np.broadcast_to(x, np.broadcast_shapes(x.shape, (*lead, 1, 1)))
    sums = np.empty(x.shape)
    for place in np.ndindex(lead):
        here = (..., *place, slice(None), slice(None))
        rows = np.moveaxis(x[here], -2, 0)
        found = weights(near[place]) @ rows.reshape(len(rows), prod(rows.shape[1:]))
        sums[here] = np.moveaxis(found.reshape(rows.shape), 0, -2)
    return sums


def _rows(x: Floats, y: Floats) -> Floats:
    return np.einsum("...iq,...iq->...i", x, y)


def naive_norm2(x: Floats) -> tuple[Floats, Floats]:
    """Squared length of the mean of `x[..., topic, q]`, whole and without each topic in turn."""
    n, total = x.shape[-2], x.sum(axis=-2)
    left = ((total[..., None, :] - x) ** 2).sum(axis=-1)
    return (total**2).sum(axis=-1) / n**2, left / (n - 1) ** 2


def clustered_error(deleted: Floats, near: Mask) -> tuple[Floats, Floats]:
    """Standard error `[...]` from delete-one-topic values `[..., topic]`, and its degrees.

    `near` is `[..., topic, topic]`. Never below the plain jackknife. Clusters count as n²/#near,
    which is their number if they are of one size and less if a few are large; without clusters it
    is n.
    """
    n = deleted.shape[-1]
    influence = deleted - deleted.mean(axis=-1, keepdims=True)
    clusters = n**2 / near.sum(axis=(-2, -1))
    plain = (influence**2).sum(axis=-1)
    joint = (influence * near_sums(near, influence[..., None])[..., 0]).sum(axis=-1)
    correction = clusters / np.maximum(clusters - 1.0, 1.0) * (n - 1) / n
    variance = np.maximum(plain, joint * correction)
    return np.sqrt(variance * (n - 1) / n), clusters - 1.0


def reliability(x: Floats, near: Mask, alpha: float) -> tuple[Floats, Floats]:
    """The share of signal in the squared length of mean contrasts, and its lower bound.

    `x[..., topic, q]` give `[...]` each: U/‖v‖², the expected squared cosine between the mean and
    what it estimates, and the bound that is too high with probability `alpha`.
    """
    (whole, left), (length, shorter) = cross_u(x, x, near), naive_norm2(x)
    value = ratio(whole, length)
    error, df = clustered_error(ratio(left, shorter), near)
    return value, value - stats.t.ppf(1.0 - alpha, df) * error
