"""How much a number owes to choices: the headline cosines in a model under every analysis.

A specification is a position, a space, a metric and an estimator (Steegen et al. 2016,
multiverse analysis; Simonsohn, Simmons & Nelson 2020, specification curve).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from emovec.io.seeds import generator
from emovec.io.tables import COLUMNS, typed
from emovec.statistics.arrays import Mask
from emovec.within_model.compare import compare_emotions

STUDY = {"position": "last", "space": "centered", "metric": "raw", "estimator": "naive"}


ESTIMATORS = {"cos_naive": "naive", "cos_u": "unbiased"}


def vary_choices(
    within: pd.DataFrame,
    attributes: dict,
    load: Callable[[str], tuple[np.ndarray, np.ndarray]],
    positions: Sequence[str],
    classes: Sequence[str | None],
    *,
    model: str,
    alpha: float,
    near: Mask,
    seed: int,
) -> pd.DataFrame:
    """Every specification of one model; the study's own is marked.

    LayerNorm sees nothing of a vector's mean over d_model, so that its models have the space in
    which each vector is less that mean, besides their own.

    Parameters
    ----------
    within : the table of the model in its own space.
    attributes : those of its activations: space and, where known, normalization.
    load : residual `[class, topic, depth, d_model]` and probe `[sentence, depth, d_model]` at a
        position; called where they are needed.
    near : topics that share a lexical head in each emotion, `[emotion, topic, topic]`.
    """
    tables = [specifications(within, attributes["space"])]
    if attributes["space"] == "raw" and attributes.get("normalization") == "LayerNorm":
        for position in positions:
            rng = generator(seed, "multiverse", model, position)
            of = {"model": model, "position": position, "alpha": alpha, "near": near}
            tables.append(centered(*load(position), classes, rng, **of))
    return mark_study(pd.concat(tables, ignore_index=True))


def specifications(within: pd.DataFrame, space: str) -> pd.DataFrame:
    """The means over depths in a within-model table, one row per specification and pair.

    Null band and gate are left to that table: each belongs to its own statistic and space.
    """
    rows = within[within.depth.isna() & within.stat.isin(list(ESTIMATORS))]
    table = rows.assign(
        space=space, estimator=rows.stat.map(ESTIMATORS), study=False,
        null_low=np.nan, null_high=np.nan, gate_ok=None,
    )  # fmt: skip
    return typed(table.reindex(columns=list(COLUMNS["multiverse"])), "multiverse")


def centered(
    residual: np.ndarray,
    probe: np.ndarray,
    classes: Sequence[str | None],
    rng: np.random.Generator,
    **of: object,
) -> pd.DataFrame:
    """The specifications in the space where each vector is less its mean over d_model."""
    tables = compare_emotions(
        residual - residual.mean(-1, keepdims=True),
        probe - probe.mean(-1, keepdims=True),
        classes,
        classes[-1],
        rng,
        # only means and jackknife intervals are kept, which no draw enters
        flips=1,
        relabelings=1,
        splits=1,
        **of,
    )
    return specifications(tables, "centered")


def mark_study(table: pd.DataFrame) -> pd.DataFrame:
    """Mark the study's own choice; where its space is undefined (RMSNorm), the raw one is meant."""
    chosen = [pd.Series(dtype="boolean")]
    for _, own in table.groupby("model", sort=False):
        study = dict(STUDY)
        if study["space"] not in set(own.space):
            study["space"] = "raw"
        chosen.append((own[list(study)] == pd.Series(study)).all(axis=1))
    return table.assign(study=pd.concat(chosen).reindex(table.index))
