"""The mean over topics of paired differences, some of which may be missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.clustered import clusters
from emovec.statistics.resampling import (
    Tail,
    band,
    jackknife_interval,
    max_t,
    p_value,
    sign_flips,
)

LEAST_TOPICS = 6  # with fewer, sign flips could not show anything


@dataclass(frozen=True)
class Paired:
    """Of each difference `[...]`; NaN where fewer than LEAST_TOPICS topics have it."""

    value: Floats
    low: Floats
    high: Floats
    p: Floats
    p_adjusted: Floats  # for all of them, by max-T
    count: NDArray[np.int_]  # topics that have it
    null: tuple[Floats, Floats] | None  # where 1 − alpha of the flipped means lie, if asked for

    def columns(self) -> dict[str, NDArray]:
        """The columns of a table with a row for each difference."""
        named = {
            "value": self.value, "ci_low": self.low, "ci_high": self.high, "p": self.p,
            "p_adjusted": self.p_adjusted, "n_topics": self.count,
        }  # fmt: skip
        named |= dict(zip(("null_low", "null_high"), self.null or (), strict=False))
        return {name: values.ravel() for name, values in named.items()}


def mean_difference(
    d: Floats, near: Mask, alpha: float, draws: int, rng: np.random.Generator, tail: Tail, *,
    banded: bool = False,
) -> Paired:  # fmt: skip
    """The mean of `d[topic, ...]`, NaN where a topic lacks it.

    The interval is a clustered jackknife over topics, the null flips signs, those of `near` topics
    (`[topic, topic]`) together.
    """
    here = np.isfinite(d)
    count = here.sum(0)
    enough = count >= LEAST_TOPICS
    told = np.where(here, d, 0)
    total = told.sum(0)
    value = np.where(enough, ratio(total, count), np.nan)
    left = np.moveaxis(ratio(total - told, count - here), 0, -1)  # as it is without a topic
    interval = jackknife_interval(value, left, alpha, near=near)
    n_clusters, cluster = clusters(near)
    together = np.zeros((n_clusters, *value.shape))
    np.add.at(together, cluster, told)
    null = np.tensordot(sign_flips(n_clusters, draws, rng).astype(float), together, 1)
    null /= np.where(enough, count, np.nan)
    low, high = (np.where(enough, one, np.nan) for one in interval)
    return Paired(
        value, low, high, p_value(value, null, tail), max_t(value, null, tail), count,
        band(null, alpha) if banded else None,
    )  # fmt: skip
