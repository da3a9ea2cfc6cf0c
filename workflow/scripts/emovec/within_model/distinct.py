"""Do two emotions of one model have different directions?

Two things must hold. Sign flips between the two emotions say that they differ at all; a cosine
below a margin says that they differ by more than nothing: the ends of an interval on Fisher's z
lie below 1 whatever the cosine, so that "below 1 by its whole interval" is nearly always true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from emovec.statistics.arrays import Floats
from emovec.statistics.clustered import clustered_error, cross_u, near_topics
from emovec.statistics.resampling import flipped_norm2_u, max_t, sign_flips
from emovec.statistics.unbiased import cosine


@dataclass(frozen=True)
class Distinct:
    """How different two emotions are in one model, all depths given taken together."""

    cosine: float  # ratio of sums over depths; NaN where a norm is not positive
    low: float  # interval at 1 − 2 alpha, clustered by heads
    high: float
    p_flips: float  # largest over depths; the larger of flips by either emotion's heads
    p_margin: float  # one-sided: the cosine is at least the margin

    @property
    def p(self) -> float:
        """Of both together."""
        return float(np.maximum(self.p_flips, self.p_margin))


def distinct(
    x: Sequence[Floats],
    y: Sequence[Floats],
    heads: tuple[ArrayLike, ArrayLike],
    rng: np.random.Generator,
    *,
    margin: float = 0.9,
    alpha: float = 0.05,
    flips: int = 9_999,
) -> Distinct:
    """Compare two emotions less neutral, `x[depth][topic, q]` and `y` likewise, in one metric.

    Parameters
    ----------
    heads
        The lexical head of each topic's sentence in either emotion; topics of one head are flipped
        together, and their products are left out.
    margin
        The cosine from which on directions are as good as one.
    """
    topics = len(x[0])
    p_flips = max(_p_flips(x, y, np.asarray(way), rng, flips) for way in heads)
    near = near_topics(topics, *heads)
    a, b = np.concatenate(x, axis=-1), np.concatenate(y, axis=-1)
    products = [cross_u(p, q, near) for p, q in ((a, b), (a, a), (b, b))]
    value = cosine(*(whole for whole, _ in products))
    deleted = cosine(*(left for _, left in products))
    inside = abs(value) < 1.0 and bool((np.abs(deleted) < 1.0).all())
    scale, back = (np.arctanh, np.tanh) if inside else (np.asarray, float)
    error, df = clustered_error(scale(deleted), near)
    reach = stats.t.ppf(1.0 - alpha, df) * error
    with np.errstate(divide="ignore"):
        t = (scale(value) - scale(margin)) / error
    return Distinct(
        cosine=float(value),
        low=float(back(scale(value) - reach)),
        high=float(back(scale(value) + reach)),
        p_flips=p_flips,
        p_margin=float(stats.t.cdf(t, df)),
    )


def _p_flips(
    x: Sequence[Floats], y: Sequence[Floats], head: Floats, rng: np.random.Generator, flips: int
) -> float:
    """max-T over depths of the squared distance, whole heads flipped together."""
    blocks, block = np.unique(head, return_inverse=True)
    signs = sign_flips(len(blocks), flips, rng)[:, block]
    apart = [(one - other)[None] for one, other in zip(x, y, strict=True)]
    null = np.concatenate([flipped_norm2_u(d, signs) for d in apart], axis=1)
    whole = np.ones((1, len(block)), dtype=np.int8)
    observed = np.concatenate([flipped_norm2_u(d, whole)[0] for d in apart])
    return float(max_t(observed, null).min())
