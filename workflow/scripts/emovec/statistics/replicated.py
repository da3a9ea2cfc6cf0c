"""A number with its values on all but a part of the data, so that a difference has an error too.

Two numbers from the same topics, by way of maps fitted on the same folds, are replicated together:
their difference is replicated as the differences are (jackknife, Quenouille 1956, Tukey 1958).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from emovec.statistics.arrays import Floats, Mask
from emovec.statistics.clustered import clustered_error


@dataclass(frozen=True)
class Replicated:
    """A number, without each topic, and where a map is fitted without each fold of its fit."""

    value: float
    left_out: Floats  # [topic]
    refitted: Floats = field(default_factory=lambda: np.empty(0))  # [fold]

    def __sub__(self, other: Replicated) -> Replicated:
        return Replicated(
            self.value - other.value,
            self.left_out - other.left_out,
            self.refitted - other.refitted,
        )

    def of_topics(self, near: Mask) -> tuple[Floats, Floats]:
        """What topics contribute to the error, clustered by `near[topic, topic]`; its degrees."""
        return clustered_error(self.left_out, near)

    @property
    def of_map(self) -> float:
        """What the map contributes."""
        folds = len(self.refitted)
        return float(np.sqrt((folds - 1) * np.var(self.refitted))) if folds else 0.0

    def error(self, near: Mask) -> tuple[Floats, Floats]:
        """The standard error and its degrees of freedom, by Satterthwaite 1946."""
        (error, df), of_map = self.of_topics(near), self.of_map
        if not len(self.refitted):
            return error, df
        both = np.hypot(error, of_map)
        shares = error**4 / df + of_map**4 / (len(self.refitted) - 1)
        return both, both**4 / shares if shares > 0.0 else df

    def interval(self, near: Mask, alpha: float) -> tuple[float, float]:
        """At 1 − alpha, by Student's t."""
        error, df = self.error(near)
        reach = stats.t.ppf(1.0 - alpha / 2, df) * error
        return float(self.value - reach), float(self.value + reach)
