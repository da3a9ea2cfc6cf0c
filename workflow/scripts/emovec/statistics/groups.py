"""Groups of topics for a delete-a-group jackknife, and halves of them.

Where a statistic is too dear to be found again without each topic, it is found again without each
of a few groups; the values without each go into `resampling.jackknife_interval` as those of topics
would, with as many degrees of freedom as there are groups, less one (Kott 2001, The delete-a-group
jackknife, J. Off. Stat. 17).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emovec.statistics.arrays import Mask

GROUPS = 10


def topic_groups(near: Mask, rng: np.random.Generator, most: int = GROUPS) -> NDArray[np.intp]:
    """The group `[topic]` of each topic; at most `most` groups, of two topics or more each.

    Groups differ by one topic in size. Topics that are `near[topic, topic]` share a group as far as
    that leaves room: those with most neighbours are dealt first, each to the group that holds most
    of its neighbours.

    >>> apart = np.eye(4, dtype=bool)
    >>> [int(n) for n in np.bincount(topic_groups(apart, np.random.default_rng(0)))]
    [2, 2]
    """
    n = len(near)
    count = max(1, min(most, n // 2))
    room = np.full(count, n // count) + (np.arange(count) < n % count)
    group = np.full(n, -1)
    order = rng.permutation(n)
    for topic in order[np.argsort(-near[order].sum(axis=1), kind="stable")]:
        neighbours = group[near[topic] & (group >= 0)]
        drawn = np.bincount(neighbours, minlength=count) + room / (n + 1)  # ties: to the emptiest
        group[topic] = np.where(room > 0, drawn, -1).argmax()
        room[group[topic]] -= 1
    return group


def halves(n: int, rng: np.random.Generator) -> Mask:
    """A random half of n and the rest, `[2, n]`.

    >>> halves(5, np.random.default_rng(0)).sum(axis=1).tolist()
    [2, 3]
    """
    first = rng.permutation(n) < n // 2
    return np.stack([first, ~first])
