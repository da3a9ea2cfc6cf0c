"""Models in several number formats, from their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from emovec.activations.store import check_same_sentences, open_activations
from emovec.activations.streams import Streams, load_together
from emovec.io.tables import typed
from emovec.prompts.sentences import map_half
from emovec.robustness.precision_between import precision_between
from emovec.robustness.precision_design import Design
from emovec.robustness.precision_within import precision_within


def precision_of(
    own: Sequence[str | Path],
    others: Mapping[str, Sequence[str | Path]],
    names: Sequence[str],
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    classes: Sequence[str | None],
    statistics: dict,
    seed: int,
) -> pd.DataFrame:
    """Rows of precision.csv: of one model, or of one emotion in two models.

    Parameters
    ----------
    own, names : activations of one model or two, in the format of the experiment.
    others : those of the same models in each other format.
    classes : neutral last, or None.
    statistics : those of the configuration.

    Raises
    ------
    InputError
        If the activations were made of different sentences.
    """
    files = [*own, *(path for paths in others.values() for path in paths)]
    check_same_sentences([open_activations(path) for path in files])
    design, fit = Design.of(prompts, classes, statistics, seed), map_half(probe)

    def load(paths: Sequence[str | Path]) -> list[Streams]:
        return load_together(paths, names, design.position, classes, fit, seed)

    here, rows = load(own), []
    place = dict(zip(("model", "model_b"), names, strict=False)) | {"position": design.position}
    for precision, paths in others.items():
        there = load(paths)
        if len(names) == 1:
            found = precision_within(here[0], there[0], design)
        else:
            found = precision_between(tuple(here), tuple(there), design)
        rows += [place | {"precision": precision} | row for row in found]
    return typed(rows, "precision").assign(n_topics=design.near.shape[-1])
