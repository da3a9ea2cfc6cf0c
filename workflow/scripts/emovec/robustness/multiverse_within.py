"""How much a number owes to choices: the headline cosines in a model under every analysis.

A specification is a position, a space, a metric, an estimator and a number format (Steegen et al.
2016, multiverse analysis; Simonsohn, Simmons & Nelson 2020, specification curve).
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
    load: Callable[..., tuple[np.ndarray, np.ndarray]],
    positions: Sequence[str],
    classes: Sequence[str | None],
    *,
    model: str,
    alpha: float,
    near: Mask,
    seed: int,
    precisions: Sequence[str] = (),
) -> pd.DataFrame:
    """Every specification of one model; the study's own is marked.

    LayerNorm sees nothing of a vector's mean over d_model, so that its models have the space in
    which each vector is less that mean, besides their own. In other number formats there is their
    own space alone.

    Parameters
    ----------
    within : the table of the model in its own space.
    attributes : those of its activations: space and, where known, normalization and dtype.
    load : residual `[class, topic, depth, d_model]` and probe `[sentence, depth, d_model]` at a
        position, and in one of `precisions` if that is given; called where they are needed.
    near : topics that share a lexical head in each emotion, `[emotion, topic, topic]`.
    """
    space, dtype = attributes["space"], attributes.get("dtype", "not stated")
    tables, others = [specifications(within, space, dtype)], []
    for position in positions:
        of = {
            "classes": classes,
            "model": model,
            "position": position,
            "alpha": alpha,
            "near": near,
        }
        if space == "raw" and attributes.get("normalization") == "LayerNorm":
            residual, probe = (x - x.mean(-1, keepdims=True) for x in load(position))
            rng = generator(seed, "multiverse", model, position)
            tables.append(specifications(means(residual, probe, rng, **of), "centered", dtype))
        for precision in precisions:
            rng = generator(seed, "multiverse", model, position, precision)
            found = means(*load(position, precision), rng, **of)
            others.append(specifications(found, space, precision))
    table = mark_study(pd.concat(tables, ignore_index=True))
    return pd.concat([table, *others], ignore_index=True)


def specifications(within: pd.DataFrame, space: str, precision: str) -> pd.DataFrame:
    """The means over depths in a within-model table, one row per specification and pair.

    Null band and gate are left to that table: each belongs to its own statistic and space.
    """
    rows = within[within.depth.isna() & within.stat.isin(list(ESTIMATORS))]
    table = rows.assign(
        space=space, estimator=rows.stat.map(ESTIMATORS), precision=precision, study=False,
        null_low=np.nan, null_high=np.nan, gate_ok=None,
    )  # fmt: skip
    return typed(table.reindex(columns=list(COLUMNS["multiverse"])), "multiverse")


def means(
    residual: np.ndarray,
    probe: np.ndarray,
    rng: np.random.Generator,
    *,
    classes: Sequence[str | None],
    **of: object,
) -> pd.DataFrame:
    """The within-model table of streams of which only means over depths will be kept."""
    return compare_emotions(
        residual,
        probe,
        classes,
        classes[-1],
        rng,
        # only means and jackknife intervals are kept, which no draw enters
        flips=1,
        relabelings=1,
        splits=1,
        **of,
    )


def mark_study(table: pd.DataFrame) -> pd.DataFrame:
    """Mark the study's own choice; where its space is undefined (RMSNorm), the raw one is meant."""
    chosen = [pd.Series(dtype="boolean")]
    for _, own in table.groupby("model", sort=False):
        study = dict(STUDY)
        if study["space"] not in set(own.space):
            study["space"] = "raw"
        chosen.append((own[list(study)] == pd.Series(study)).all(axis=1))
    return table.assign(study=pd.concat(chosen).reindex(table.index))
