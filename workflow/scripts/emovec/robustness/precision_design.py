"""The headline numbers that are compared between number formats, and what all models share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.between_models.thresholds import Thresholds
from emovec.io.seeds import generator
from emovec.models.depths import middle
from emovec.prompts.splits import near_by_head
from emovec.statistics.arrays import Mask
from emovec.statistics.folds import Folds, topic_folds
from emovec.statistics.replicated import Replicated


@dataclass(frozen=True)
class Design:
    """What is the same in every model and format."""

    emotions: Sequence[str]
    neutral: bool  # whether a class is neutral
    position: str
    relative_depths: Sequence[float]
    limits: Thresholds
    near: Mask  # [emotion, topic, topic], topics that share a lexical head
    folds: Folds

    @classmethod
    def of(
        cls,
        prompts: pd.DataFrame,
        classes: Sequence[str | None],
        statistics: dict,
        seed: int,
    ) -> Design:
        """From the `statistics` of the configuration; the last of `classes` is neutral or None."""
        *emotions, neutral = classes
        near = near_by_head(prompts, emotions, neutral=neutral)
        return cls(
            emotions,
            neutral is not None,
            statistics["position"],
            statistics["depths"],
            Thresholds(alpha=statistics["alpha"], **statistics["thresholds"]),
            near,
            topic_folds(near.shape[-1], statistics["folds"], generator(seed, "precision")),
        )

    @property
    def middle(self) -> float:
        """The relative depth where emotions are decoded."""
        return middle(self.relative_depths)

    @property
    def opposite(self) -> bool:
        """Whether emotions against the mean of all are the two ends of one direction."""
        return not self.neutral and len(self.emotions) == 2

    def alone(self, number: Replicated, near: Mask) -> dict:
        """The cells of a number of both formats together."""
        low, high = number.interval(near, self.limits.alpha)
        return {"value": number.value, "ci_low": low, "ci_high": high}

    def moved(self, own: Replicated, other: Replicated, near: Mask) -> dict:
        """The cells of a number in the model's own format and in another."""
        found = {}
        for name, one in (("value", own), ("other", other), ("moved", other - own)):
            prefix = "ci" if name == "value" else name
            low, high = one.interval(near, self.limits.alpha)
            found |= {name: one.value, f"{prefix}_low": low, f"{prefix}_high": high}
        defined = np.isfinite([own.value, other.value]).all()
        return found | {"flag": "" if defined else "norm_not_positive"}
