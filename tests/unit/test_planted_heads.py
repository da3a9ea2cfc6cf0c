"""A head of a real model that writes a known direction is found and named, and no other is."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from designs import NIGHTLY
from scipy.stats import binom
from test_components import found_in, reader
from tiny import ARCHITECTURES, model_folder, write_normed

pytest.importorskip("torch")
from emovec.components.parts import parts_of, read_parts
from planted import plant, sentences

SEEDS = 50 if NIGHTLY else 3  # of each architecture
NORMED = ("gemma3", "olmo2", "qwen2")


@cache
def model(architecture: str, root: Path):
    if architecture in NORMED:
        folder = write_normed(architecture, root / architecture)
    else:
        folder = model_folder(architecture, root)
    return reader(folder, batch_tokens=4096)


def worlds(root: Path, gain: float, n_topics: int = 40):
    """For each architecture and seed its name, the planted part and the shares of the emotion."""
    for architecture in (*ARCHITECTURES, *NORMED):
        one = model(architecture, root)
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            block, head = int(rng.integers(3)), int(rng.integers(4))
            plant(one, seed, block, head, gain)
            texts = sentences(n_topics, rng)
            parts = parts_of(3, 4)
            x = np.empty((len(texts), len(parts), 32), "f4")
            for read in read_parts(one, one.plan("prompts", texts, None, texts, ["last"]), 3):
                x[read.rows] = read.residual
            _, shares, _ = found_in(x, rng)
            own = [(part.block, part.head) for part in parts].index((block, head))
            yield f"{architecture} {seed}", own, shares[0]


def test_a_planted_head_is_found_and_no_other(tiny_root: Path) -> None:
    """In each model the head is the largest; others are found as often as the level allows."""
    others = []
    for name, own, shares in worlds(tiny_root, gain=20):
        assert shares.value.sum() == pytest.approx(1), name
        assert shares.value.argmax() == own and shares.p_adjusted[own] < 0.05, name
        others.append((np.delete(shares.p_adjusted, own) < 0.05).any())
    assert sum(others) <= binom.ppf(0.99, len(others), 0.05)


def test_without_a_planted_head_none_is_found(tiny_root: Path) -> None:
    found = [(one.p_adjusted < 0.05).any() for _, _, one in worlds(tiny_root, gain=0)]
    assert sum(found) <= binom.ppf(0.99, len(found), 0.05)
