"""Changes against no steering, and what control directions change: the null of each.

The null of a mean change is the same mean for control directions of the same length at the same
depth, for each kind of control and for all kinds together. A control has no sign of its own, so
that the controls' changes are the null of +v and of −v alike; pushing in any direction makes most
words less likely, and both would share that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from emovec.errors import InputError
from emovec.statistics.resampling import band, p_value
from emovec.steering.conditions import CONDITION_COLUMNS

READ_OUTS, TEXTS = "read-outs", "texts"


FEWEST = 10  # control directions that make a null


ALL = "all"


def changes(table: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Each measure less its value under the baseline, per condition, opening and sample."""
    at = ["opening", "sample"] if "sample" in table else ["opening"]
    before = table[table.operation == "none"].set_index(at)[list(measures)]
    rows = pd.MultiIndex.from_frame(table[at]) if len(at) > 1 else table[at[0]]
    less = table[list(measures)].to_numpy(float) - before.loc[rows].to_numpy(float)
    return table[[*CONDITION_COLUMNS, *at]].assign(**dict(zip(measures, less.T, strict=True)))


def check_texts(scores: pd.DataFrame, limit: float, path: str) -> None:
    """Refuse texts that are mostly nothing: a score of nothing is no result.

    Raises
    ------
    InputError
        If more than `limit` of the baseline's texts are empty or degenerate, or of all texts empty.
    """
    baseline = scores[scores.operation == "none"]
    bad = float(((baseline.empty_text + baseline.degenerate) > 0).mean())
    empty = float(scores.empty_text.mean())
    if bad > limit or empty > limit:
        raise InputError(
            f"{path}: {bad:.0%} of the texts without steering are empty or degenerate and "
            f"{empty:.0%} of all texts are empty, more than steering.max_empty ({limit:.0%}): "
            "raise it if the model cannot write, or write other openings."
        )


def _mean(values: np.ndarray, alpha: float) -> dict[str, float]:
    """Mean and t interval over openings; undefined openings are left out."""
    values = values[np.isfinite(values)].astype(float)
    if len(values) < 2:
        return {"value": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n_openings": len(values)}
    mean = values.mean()
    half = stats.t.ppf(1 - alpha / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    low, high = mean - half, mean + half
    return {"value": mean, "ci_low": low, "ci_high": high, "n_openings": len(values)}


def usable(nulls: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The kinds with enough controls, and all of these together if there are several.

    Rows are told by kind and direction.
    """
    enough = {kind: null for kind, null in nulls.items() if len(null) >= FEWEST}
    found = {kind: pd.concat({kind: null}, names=["kind"]) for kind, null in enough.items()}
    return found | ({ALL: pd.concat(found.values())} if len(found) > 1 else {})


def kinds_of(null: pd.DataFrame) -> np.ndarray:
    """The kind of each control of one null."""
    return null.index.get_level_values("kind").to_numpy()


def _null(
    value: float, null: np.ndarray, towards: int, kind: str, alpha: float
) -> dict[str, object]:
    own = null[np.isfinite(null)]
    if len(own) < FEWEST or not np.isfinite(value):
        return {"null_low": np.nan, "null_high": np.nan, "null": "", "p": np.nan, "n_controls": 0}
    low, high = band(own, alpha)
    p = (
        p_value(towards * value, towards * own, "upper")
        if towards
        else p_value(value, own, "two-sided")
    )
    return {
        "null_low": float(low),
        "null_high": float(high),
        "null": kind,
        "p": float(p),
        "n_controls": len(own),
    }


def estimates(
    values: np.ndarray, nulls: Mapping[str, np.ndarray], towards: int, alpha: float
) -> list[dict[str, object]]:
    """The mean of `values[opening]` against each kind's `nulls[kind][direction]`.

    `towards` is the predicted sign of the change, 0 for none.
    """
    found = _mean(values, alpha)
    return [
        found | _null(found["value"], null, towards, kind, alpha)
        for kind, null in (nulls or {"": np.empty(0)}).items()
    ]
