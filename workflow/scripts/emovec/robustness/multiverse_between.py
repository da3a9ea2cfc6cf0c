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
from emovec.io.tables import COLUMNS
from emovec.models.depths import nearest_depth

STUDY = {"position": "last", "metric": "raw"}  # as a mean over depths


def between_models(
    cross: pd.DataFrame, models: Sequence[str], relative_depths: Sequence[float]
) -> pd.DataFrame:
    """Rows of multiverse.csv for every two of `models`, from all that was compared of them.

    Each method is given at the pre-registered depths, where both models have them, and as a mean:
    over these, or, for raw cosines, over all depths both models have but the last, as in the study.
    """
    pairs = cross[cross.model_a.isin(list(models)) & cross.model_b.isin(list(models))]
    pairs = pairs[(pairs.emotion_a == pairs.emotion_b)]
    pairs = pairs[~pairs.family.isin(["control", "exploratory"])]
    tables = [pd.DataFrame(columns=COLUMNS["multiverse"])]
    for metric, method in METHODS.items():
        rows = pairs[(pairs.method == method.column) & (pairs.stat == method.stat)]
        for key, line in rows.groupby(["model_a", "model_b", "position", "emotion_a"], sort=False):
            # depths are named by the model that comes first, whichever is mapped
            side = "a" if list(models).index(key[0]) < list(models).index(key[1]) else "b"
            line = line.sort_values("depth_a").assign(depth=line[f"depth_{side}"])
            line["relative_depth"] = line[f"relative_depth_{side}"]
            first = line[line.depth.isin(_primary(line, relative_depths))]
            names = [
                relative_depths[int(np.abs(np.array(relative_depths) - at).argmin())]
                for at in first.relative_depth
            ]
            mean = _mean(line[line.depth < line.depth.max()] if metric == "raw" else first)
            table = pd.concat([first.assign(relative_depth=names, study=False), mean])
            tables.append(table.assign(metric=metric, model=table.model_a))
    table = pd.concat(tables, ignore_index=True)
    table["estimator"] = np.where(table.metric == "raw", "naive", "unbiased")
    whole = (table[list(STUDY)] == pd.Series(STUDY)).all(axis=1) & table.relative_depth.isna()
    return table.assign(study=whole)[COLUMNS["multiverse"]]


def _primary(line: pd.DataFrame, relative_depths: Sequence[float]) -> set[int]:
    """The pre-registered depths of the model whose depths name those of the pair."""
    deepest = line.iloc[-1]
    if not deepest.depth:
        return {0}
    n_layers = round(deepest.depth / deepest.relative_depth)
    return {nearest_depth(t, n_layers) for t in relative_depths}


def _mean(line: pd.DataFrame) -> pd.DataFrame:
    """The mean over depths where the cosine is defined.

    Interval and null band span those of the depths, which errs on the wide side; the gate is open
    where all of theirs are.
    """
    if line.empty:
        return line
    defined = line.value.notna()
    why = "" if defined.any() else f"; {line.flag.iloc[0]}"
    gates = line.gate_ok.dropna().astype(str).eq("True")
    return line.iloc[:1].assign(
        relative_depth=np.nan,
        value=line.value.mean(),
        ci_low=line.ci_low.min(),
        ci_high=line.ci_high.max(),
        null_low=line.null_low.min(),
        null_high=line.null_high.max(),
        gate_ok=gates.all() if len(gates) else None,
        flag=f"mean over {defined.sum()} of {len(line)} depths{why}",
    )
