"""Rows of ways.csv: one number for each emotion or pair, and their mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emovec.between_models.thresholds import Thresholds
from emovec.io.tables import SEPARATOR
from emovec.registry import Kind, registry
from emovec.statistics.arrays import Floats, mean_defined
from emovec.statistics.resampling import band, jackknife_interval

Interval = Callable[[Floats, float], tuple[float, float]]  # of values [1 + group] and alpha

FEWEST_DRAWS = 20  # of which a band is drawn

STATS = registry(
    Kind("auroc", "AUROC on held-out topics"),
    Kind("cosine", "cosine of two emotions"),
    Kind("with_mean", "cosine with the difference of means"),
    Kind("between", "one emotion in two models: cosine"),
)


@dataclass(frozen=True)
class Null:
    """What a number would be of things that have nothing to do with each other."""

    name: str
    single: Floats  # [draw], of one emotion or pair
    mean: Floats  # [draw], of the mean over emotions or pairs

    @classmethod
    def chance(cls, value: float) -> Null:
        """A value that is known."""
        return cls("chance", *[np.full(FEWEST_DRAWS, value)] * 2)

    @classmethod
    def of(cls, among: Floats, pairs: tuple) -> Null:
        """From values `[set, attribute, attribute]`, NaN where undefined, at those `pairs`."""
        values = among[(slice(None), *pairs)]
        means = mean_defined(values, axis=1)
        return cls("mismatched_attributes", values[~np.isnan(values)], means[~np.isnan(means)])

    @classmethod
    def across(cls, among: Floats) -> Null:
        """Of all pairs of two sets; a mean is of each attribute with one of the other set."""
        size = range(among.shape[-1])
        every = cls.of(among, tuple(np.indices(among.shape[-2:]).reshape(2, -1)))
        return cls(every.name, every.single, cls.of(among, (size, size)).mean)

    def cells(self, draws: Floats, alpha: float) -> dict:
        low, high = band(draws, alpha)
        n = {} if self.name == "chance" else {"n_null": len(draws)}
        return {"null": self.name, "null_low": low, "null_high": high} | n


def rows_of(
    stat: str,
    names: Sequence[tuple[str, str | None]],
    values: Floats | None,
    limits: Thresholds,
    null: Null | None,
    why: str = "",
    *,
    reliability: tuple[Floats, Floats] | None = None,
    interval: Interval | None = None,
) -> list[dict]:
    """One row for each of `names`, and one of no emotion for their mean.

    Parameters
    ----------
    values : [1 + group, name]
        Of all topics and without each group; None where undefined, for the reason `why`.
    reliability : [1 + group, name] each
        Of the two directions; where a lower bound is below the threshold there is no value.
    interval : low and high of the values `[1 + group]` of one name; that of cosines if absent.
    """
    if not names:
        return []
    keys = [{"stat": stat, "emotion_a": a, "emotion_b": b} for a, b in [*names, (None, None)]]
    if values is None:
        return [key | {"flag": why} for key in keys]
    known = ~np.isnan(values).any(axis=0)
    cells: list[dict] = [{} for _ in names]
    for side, one in zip("ab", reliability or (), strict=False):
        low, _ = jackknife_interval(one[0], one[1:].T, 2 * limits.alpha)
        known &= low >= limits.reliability
        for cell, *both in zip(cells, one[0], low, strict=True):
            cell |= zip((f"reliability_{side}", f"reliability_low_{side}"), both, strict=True)
    of_mean = values[:, known].mean(axis=1) if known.any() else np.full(len(values), np.nan)
    every = np.column_stack([values, of_mean])
    fine = [*known, known.any()]
    rows = []
    for i, (key, cell) in enumerate(zip(keys, [*cells, {}], strict=True)):
        whole = i == len(names)
        flags = [] if fine[i] else ["not_reliable"]
        flags += ["mean_of_reliable"] if whole and fine[i] and not known.all() else []
        row = key | cell
        if null and len(draws := null.mean if whole else null.single) >= FEWEST_DRAWS:
            row |= null.cells(draws, limits.alpha)
        else:
            flags.append("no_controls")
        if fine[i]:
            low, high = (interval or _of_cosine)(every[:, i], limits.alpha)
            flags += [] if low == low else ["not_informative"]
            row |= {"value": every[0, i], "ci_low": low, "ci_high": high}
        rows.append(row | {"flag": SEPARATOR.join(flags)})
    return rows


def _of_cosine(values: Floats, alpha: float) -> tuple[float, float]:
    low, high = jackknife_interval(values[0], values[1:], alpha)
    return float(low), float(high)
