"""How the change of an emotion's words grows with the strength of steering."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from emovec.steering.changes import READ_OUTS, changes, estimates, usable
from emovec.steering.controls import CONTROLS
from emovec.steering.directions import EMOTION


def dose_response(read_outs: pd.DataFrame, emotions: Sequence[str], alpha: float) -> pd.DataFrame:
    """How each opening's change grows with strength, per depth and emotion.

    `slope` is the mean slope through 0 over the strengths added, in nats per median length of the
    stream, against the slopes of controls; `linearity` the share of the mean curve over signed
    strength that a line through 0 explains; `anti_steerable` the share of openings with a negative
    slope over signed strength (Tan et al. 2024), with a Clopper–Pearson interval.
    """
    words = [f"logp_{emotion}" for emotion in emotions]
    less = changes(read_outs, words)
    added = less[less.operation == "add"]
    rows = []
    for depth, cell in added.groupby("depth", sort=True):
        signed = cell.assign(dose=(cell.strength * cell.sign).astype(float))
        controls = {
            kind: slopes(signed[signed.kind == kind], words).groupby("direction").mean()
            for kind in CONTROLS
            if (signed.kind == kind).any()
        }
        nulls = usable(controls)
        for emotion, word in zip(emotions, words, strict=True):
            own = signed[(signed.kind == EMOTION) & (signed.direction == emotion)]
            each = slopes(own, [word])[word].to_numpy()
            raised = slopes(own[own.sign == 1], [word])[word].to_numpy()
            at = {
                "depth": depth,
                "operation": "add",
                "direction": emotion,
                "reading": READ_OUTS,
                "n_openings": len(each),
            }
            rows += [
                at | {"measure": f"slope_{word}"} | found
                for found in estimates(
                    raised, {kind: null[word].to_numpy() for kind, null in nulls.items()}, 1, alpha
                )
            ]
            curve = own.groupby("dose")[word].mean()
            against = int((each < 0).sum())
            low, high = _share_interval(against, len(each), alpha)
            rows.append(at | {"measure": f"linearity_{word}", "value": _linearity(curve)})
            rows.append(
                at
                | {
                    "measure": f"anti_steerable_{word}",
                    "value": against / len(each),
                    "ci_low": low,
                    "ci_high": high,
                }
            )
    return pd.DataFrame(rows)


def slopes(rows: pd.DataFrame, words: Sequence[str]) -> pd.DataFrame:
    """Least-squares slopes through 0 over `dose`, per direction and opening."""
    weighted = rows[list(words)].mul(rows.dose, axis=0)
    keys = [rows.direction, rows.opening]
    return weighted.groupby(keys, sort=False).sum().div(
        (rows.dose**2).groupby(keys, sort=False).sum(), axis=0
    )  # fmt: skip


def _linearity(curve: pd.Series) -> float:
    dose, change = curve.index.to_numpy(float), curve.to_numpy(float)
    slope = (dose * change).sum() / (dose**2).sum()
    total = (change**2).sum()
    return float(1 - ((change - slope * dose) ** 2).sum() / total) if total > 0 else np.nan


def _share_interval(count: int, n: int, alpha: float) -> tuple[float, float]:
    interval = stats.binomtest(count, n).proportion_ci(1 - alpha, method="exact")
    return float(interval.low), float(interval.high)
