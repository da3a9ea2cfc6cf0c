"""What is compared under every way to find a direction, where, and what is drawn for all models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.activations.streams import Streams
from emovec.between_models.thresholds import Thresholds
from emovec.io.seeds import generator
from emovec.models.depths import middle, nearest_depth
from emovec.prompts.splits import near_by_head
from emovec.robustness.agreement import Draws, Sample, draw
from emovec.robustness.ways import Way
from emovec.statistics.arrays import leading_axes
from emovec.statistics.folds import Folds, topic_folds

FEWEST_TOPICS = 8  # halves of four, of which a group of two can be left out


@dataclass(frozen=True)
class Design:
    """What all models share."""

    emotions: Sequence[str]
    neutral: bool  # whether a class is neutral
    position: str
    relative_depth: float
    limits: Thresholds
    draws: Draws
    folds: Folds

    @classmethod
    def of(
        cls,
        prompts: pd.DataFrame,
        probe: pd.DataFrame,
        classes: Sequence[str | None],
        statistics: dict,
        seed: int,
    ) -> Design:
        """From the `statistics` of the configuration; the last of `classes` is neutral or None."""
        *emotions, neutral = classes
        rng = generator(seed, "ways")
        near = near_by_head(prompts, emotions, neutral=neutral).any(axis=0)
        return cls(
            emotions,
            neutral is not None,
            statistics["position"],
            middle(statistics["depths"]),
            Thresholds(alpha=statistics["alpha"], **statistics["thresholds"]),
            draw(near, probe, len(emotions), rng),
            topic_folds(len(near), statistics["folds"], rng),
        )

    def undefined(self, way: Way, probe: int) -> str:
        """Why a way finds nothing of its own, or nothing; empty where it does."""
        if self.draws.kept.shape[1] < FEWEST_TOPICS:
            return "too_few_topics"
        if way.name == "others" and not self.neutral:
            return "as_mean"
        if way.name == "others" and len(self.emotions) == 1:
            return "one_emotion"
        return "no_probe" if way.needs_probe and not probe else ""

    @property
    def opposite(self) -> bool:
        """Whether emotions against the mean of all are the two ends of one direction."""
        return not self.neutral and len(self.emotions) == 2


def sample(streams: Streams, probe: pd.DataFrame, design: Design) -> tuple[Sample, int]:
    """A model at the depth where ways are compared, and which depth that is."""
    depth = nearest_depth(design.relative_depth, streams.n_layers)
    sentences = np.asarray(streams.residual[:, :, depth], dtype=float)
    read = np.asarray(streams.probe[:, depth], dtype=float)
    halves = probe["half"].to_numpy()[: len(read)]  # of no sentence where there is no probe
    fit, control = (read[halves == half] for half in ("map", "control"))
    # seen from the middle of the neutral sentences, as differences are anyway
    middle = sentences[-1].mean(axis=0)
    found = [one - middle for one in (sentences, fit, control)]
    return Sample(*found, leading_axes(fit)), depth
