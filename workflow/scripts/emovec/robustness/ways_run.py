"""Ways to find a direction in the models of an experiment, from their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from emovec.activations.streams import load_together
from emovec.robustness.way_design import Design
from emovec.robustness.ways_between import ways_between
from emovec.robustness.ways_within import ways_within


def ways_of(
    paths: Sequence[str | Path],
    names: Sequence[str],
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    classes: Sequence[str | None],
    statistics: dict,
    seed: int,
) -> pd.DataFrame:
    """Rows of ways.csv: of one model, or of one emotion in two models.

    Parameters
    ----------
    paths, names : of one model or two.
    classes : neutral last, or None.
    statistics : those of the configuration.

    Raises
    ------
    InputError
        If the activations were made of different sentences.
    """
    design = Design.of(prompts, probe, classes, statistics, seed)
    streams = load_together(paths, names, design.position, classes, probe.id.tolist(), seed)
    return (ways_within if len(streams) == 1 else ways_between)(*streams, probe, design)
