"""Do two emotions of one model have different directions?

Two things must hold. Sign flips between the two emotions say that they differ at all; a cosine
below a margin by its whole interval says that they differ by more than nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from emovec.statistics import metrics, unbiased
from emovec.statistics.arrays import Floats, Mask
from emovec.statistics.clustered import clustered_error, clusters, cross_u, reliability
from emovec.statistics.corrections import holm
from emovec.statistics.resampling import flipped_norm2, max_t, sign_flips
from emovec.statistics.unbiased import cosine
from emovec.within_model.measure import Plan


@dataclass(frozen=True)
class Distinct:
    """How different two emotions are in one model, all depths given taken together."""

    cosine: float  # ratio of sums over depths; NaN where a norm is not positive
    low: float  # interval at 1 − 2 alpha, clustered by heads
    high: float
    p_flips: float  # largest over depths; the larger of flips by either emotion's heads
    p_margin: float  # one-sided: the cosine is at least the margin

    @property
    def p(self) -> float:
        """Of both together."""
        return float(np.maximum(self.p_flips, self.p_margin))


def distinct(
    x: Sequence[Floats],
    y: Sequence[Floats],
    near: tuple[Mask, Mask],
    rng: np.random.Generator,
    *,
    margin: float = 0.9,
    alpha: float = 0.05,
    flips: int = 9_999,
) -> Distinct:
    """Compare two emotions less neutral, `x[depth][topic, q]` and `y` likewise, in one metric.

    Parameters
    ----------
    near
        Which topics `[topic, topic]` share a lexical head in either emotion; they are flipped
        together, and their products are left out.
    margin
        The cosine from which on directions are as good as one.
    """
    p_flips = max(_p_flips(x, y, one, rng, flips) for one in near)
    either = near[0] | near[1]
    a, b = np.concatenate(x, axis=-1), np.concatenate(y, axis=-1)
    products = [cross_u(p, q, either) for p, q in ((a, b), (a, a), (b, b))]
    value = cosine(*(whole for whole, _ in products))
    deleted = cosine(*(left for _, left in products))
    error, df = clustered_error(deleted, either)
    reach = stats.t.ppf(1.0 - alpha, df) * error
    with np.errstate(divide="ignore"):
        t = (value - margin) / error
    return Distinct(
        cosine=float(value),
        low=float(value - reach),
        high=float(value + reach),
        p_flips=p_flips,
        p_margin=float(stats.t.cdf(t, df)),
    )


def _p_flips(
    x: Sequence[Floats],
    y: Sequence[Floats],
    near: Mask,
    rng: np.random.Generator,
    flips: int,
) -> float:
    """max-T over depths of the squared distance, whole heads flipped together."""
    n_heads, head = clusters(near)
    signs = sign_flips(n_heads, flips, rng)
    of_heads = (np.arange(n_heads)[:, None] == head).astype(float)
    apart = [(of_heads @ (one - other))[None] for one, other in zip(x, y, strict=True)]
    null = np.concatenate([flipped_norm2(d, signs) for d in apart], axis=1)
    observed = np.array([(d.sum(axis=1) ** 2).sum() for d in apart])
    return float(max_t(observed, null).min())


def distinct_rows(
    residual: NDArray,
    probe: NDArray,
    metric: str,
    depths: Sequence[int],
    plan: Plan,
    rng: np.random.Generator,
) -> list[dict]:
    """Rows `distinct` of within_model_similarity.csv: every pair of emotions, depths together.

    The gate is open where both directions are reliable, clusters counted.
    """
    differences = []
    for depth in depths:
        x = metrics.fit(metric, probe[:, depth]).apply(residual[:, :, depth])
        differences.append(unbiased.differences(x, plan.weights))
    together = np.concatenate(differences, axis=-1)
    known, _ = reliability(together, plan.near, plan.alpha)
    rows = []
    for a, b in plan.pairs.T:
        x, y = ([one[emotion] for one in differences] for emotion in (a, b))
        found = distinct(
            x, y, (plan.near[a], plan.near[b]), rng,
            margin=plan.margin, alpha=plan.alpha, flips=len(plan.signs),
        )  # fmt: skip
        rows.append(
            {
                "emotion_a": plan.emotions[a],
                "emotion_b": plan.emotions[b],
                "stat": "distinct",
                "value": found.cosine,
                "ci_low": found.low,
                "ci_high": found.high,
                "null": "margin",
                "null_high": plan.margin,
                "p": found.p,
                "gate_ok": bool(min(known[a], known[b]) >= plan.reliability),
                "flag": "" if np.isfinite(found.cosine) else "norm_not_positive",
                "n_depths": len(depths),
            }
        )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_adjusted"] = p
    return rows
