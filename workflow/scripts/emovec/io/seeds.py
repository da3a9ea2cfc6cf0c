"""Random numbers that depend on the seed of the config and on what they are for alone."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """The generator of one job: independent of all others, the same in every run.

    >>> int(generator(1, "a").integers(100)) == int(generator(1, "a").integers(100))
    True
    """
    digest = hashlib.sha256("/".join(names).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.default_rng([seed, *words])
