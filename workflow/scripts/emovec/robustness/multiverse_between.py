"""How much a number owes to choices: one emotion in two models under every analysis.

A specification is a position, a depth and a method. All come from cross_model_similarity.csv, where
each has its null: independent directions for the raw cosine, mismatched control attributes for the
others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.between_models.methods import METHODS
from emovec.io.tables import COLUMNS, SEPARATOR, typed

STUDY = {"position": "last", "metric": "raw"}  # as a mean over depths


def between_models(
    cross: pd.DataFrame, models: Sequence[str], relative_depths: Sequence[float]
) -> pd.DataFrame:
    """Rows of multiverse.csv for every two of `models`, from all that was compared of them.

    Each method is given at the pre-registered depths, those of the claims, and as a mean:
    over these, or, for raw cosines, over all depths both models have but the last, as in the study.
    """
    order = list(models)
    pairs = cross[cross.model_a.isin(order) & cross.model_b.isin(order)]
    pairs = pairs[pairs.emotion_a == pairs.emotion_b]
    pairs = pairs[~pairs.family.isin(["control", "exploratory"])]
    # depths are named by the model that comes first, whichever is mapped
    first = pairs.model_a.map(order.index) < pairs.model_b.map(order.index)
    pairs = pairs.assign(
        pair=[frozenset(one) for one in zip(pairs.model_a, pairs.model_b, strict=True)],
        depth=pairs.depth_a.where(first, pairs.depth_b),
        relative_depth=pairs.relative_depth_a.where(first, pairs.relative_depth_b),
    )
    planned = pairs[pairs.family == "sensitivity"].groupby("pair").depth.agg(set)
    tables = [typed([], "multiverse")]
    directions = {name: method for name, method in METHODS.items() if not method.whole}
    for metric, method in directions.items():
        rows = pairs[(pairs.method == method.column) & (pairs.stat == method.stat)]
        groups = rows.groupby(["model_a", "model_b", "position", "emotion_a"], sort=False)
        for _key, line in groups:
            line = line.sort_values("depth_a")
            here = line[line.depth.isin(planned.get(line.pair.iloc[0], ()))]
            names = [
                relative_depths[int(np.abs(np.array(relative_depths) - at).argmin())]
                for at in here.relative_depth
            ]
            mean = _mean(line[line.depth < line.depth.max()] if metric == "raw" else here)
            table = pd.concat([here.assign(relative_depth=names, study=False), mean])
            tables.append(table.assign(metric=metric, model=table.model_a))
    table = pd.concat(tables, ignore_index=True)
    table["estimator"] = np.where(table.metric == "raw", "naive", "unbiased")
    whole = (table[list(STUDY)] == pd.Series(STUDY)).all(axis=1) & table.relative_depth.isna()
    table = table.assign(study=whole).reindex(columns=list(COLUMNS["multiverse"]))
    return typed(table, "multiverse")


def _mean(line: pd.DataFrame) -> pd.DataFrame:
    """The mean over depths where the cosine is defined.

    Interval and null band span those of the depths, which errs on the wide side; the gate is open
    where all of theirs are.
    """
    if line.empty:
        return line
    defined = line.value.notna()
    flags = ["mean_over_depths"]
    if not defined.all():
        flags.append("undefined_depths")
    if not defined.any():
        flags.append(line.flag.iloc[0])
    gates = line.gate_ok.dropna()
    return line.iloc[:1].assign(
        relative_depth=np.nan,
        value=line.value.mean(),
        ci_low=line.ci_low.min(),
        ci_high=line.ci_high.max(),
        null_low=line.null_low.min(),
        null_high=line.null_high.max(),
        gate_ok=gates.all() if len(gates) else None,
        n_depths=len(line),
        n_undefined=(~defined).sum(),
        flag=SEPARATOR.join(flags),
    )
