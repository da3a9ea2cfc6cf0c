"""How much of what tells emotions apart lies in one plane, as a circle of emotions would have it.

The two leading axes are those of the emotions' means on one half of the topics (the circumplex:
Russell 1980, J. Pers. Soc. Psychol. 39). How much they hold is judged on the other half, by mean
products over pairs of topics that share no head, so that neither what is noise nor what was fitted
to it counts (Walther et al. 2016, NeuroImage 137).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import ortho_group

from emovec.geometry.distances import blocks_left
from emovec.geometry.sharing import Split
from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.clustered import near_sums
from emovec.statistics.resampling import band, jackknife_interval, p_value


def plane_row(
    own: Floats, near: Mask, halves: Sequence[Split], draws: int, alpha: float,
    rng: np.random.Generator,
) -> dict:  # fmt: skip
    """The share of the two leading axes of `own[emotion, topic, d]`, beside that of random planes.

    Of what all K − 1 axes of the emotions hold. Random planes lie in their span too, and hold
    2/(K − 1) on average.
    """
    moment = _moment(own, near, halves)
    turned = ortho_group.rvs(len(moment), size=draws, random_state=rng).reshape(
        draws, *moment.shape
    )[..., :2]
    held = np.einsum("nai,ab,nbi->n", turned, moment, turned, optimize=True)
    null, value = ratio(held, np.trace(moment)), float(_share(moment))
    blocks = blocks_left(own.shape[1], rng)
    left = np.array(
        [_share(_moment(own, near, [one.without(b) for one in halves])) for b in blocks]
    )
    low, high = jackknife_interval(value, left, alpha)
    null_low, null_high = band(null, alpha)
    return {
        "stat": "plane", "value": value, "ci_low": float(low), "ci_high": float(high),
        "null_low": float(null_low), "null_high": float(null_high),
        "p": float(p_value(value, null)), "n_emotions": len(own),
    }  # fmt: skip


def _share(moment: Floats) -> Floats:
    return ratio(np.trace(moment[:2, :2]), np.trace(moment))


def _moment(own: Floats, near: Mask, halves: Sequence[Split]) -> Floats:
    """Second moments `[axis, axis]` of the emotions of one half on the axes of the other.

    NaN where a half is empty.
    """
    n_axes = min(len(own) - 1, own.shape[-1])
    moment = np.zeros((n_axes, n_axes))
    for split in halves:
        for fitted, judged in (split.topics, split.topics[::-1]):
            if not fitted.any():
                return np.full((n_axes, n_axes), np.nan)
            axes = np.linalg.svd(own[:, fitted].mean(axis=1), full_matrices=False)[2][:n_axes].T
            alike = near[:, judged][:, :, judged]
            along = own[:, judged] @ axes
            others = along.sum(axis=1, keepdims=True) - near_sums(alike, along)
            pairs = np.array([one.size - np.count_nonzero(one) for one in alike])
            others = ratio(others, pairs[:, None, None])
            moment += np.einsum("eia,eib->ab", along, others, optimize=True)
    return moment
