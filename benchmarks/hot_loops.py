"""The vectorised statistics against plain loops that compute the same numbers.

    python benchmarks/hot_loops.py [--rounds 5]

Both are timed in turn within one run; what counts is the ratio, not the seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from emovec.between_models.attributes import balanced_contrasts, control_cosines, mismatched_null
from emovec.statistics.resampling import flipped_norm2_u, sign_flips
from emovec.statistics.unbiased import Views, inner_u, left_out, products

TOPICS, WIDTH, FLIPS = 168, 576, 999
SENTENCES, ATTRIBUTES, READ_OUTS = 600, 22, 64


def seconds(function: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    started = time.perf_counter()
    found = function()
    return time.perf_counter() - started, found


def u_loop(x: np.ndarray, y: np.ndarray) -> float:
    """Mean product of rows of different topics, pair by pair."""
    total = 0.0
    for i in range(len(x)):
        for j in range(len(y)):
            if i != j:
                total += x[i] @ y[j]
    return total / (len(x) * (len(x) - 1))


def contrast_loop(x: np.ndarray, y: np.ndarray, a: tuple, b: tuple) -> float:
    """Product of a contrast of x and one of y over different sentences, group by group."""
    total = 0.0
    for sign_a, group_a in zip((1, -1), a, strict=True):
        for sign_b, group_b in zip((1, -1), b, strict=True):
            both = np.flatnonzero(group_a & group_b)
            product = x[group_a].sum(axis=0) @ y[group_b].sum(axis=0)
            product -= sum(x[i] @ y[i] for i in both)
            total += sign_a * sign_b * product / (group_a.sum() * group_b.sum() - len(both))
    return total


def null_loop(
    x: np.ndarray, y: np.ndarray, groups: list[tuple], mismatched: np.ndarray
) -> np.ndarray:
    """Cosines of mismatched attributes, pair by pair."""
    norms_x = [contrast_loop(x, x, one, one) for one in groups]
    norms_y = [contrast_loop(y, y, one, one) for one in groups]
    found = []
    for i, a in enumerate(groups):
        for j, b in enumerate(groups):
            if mismatched[i, j]:
                usable = norms_x[i] > 0 and norms_y[j] > 0
                product = contrast_loop(x, y, a, b)
                found.append(product / np.sqrt(norms_x[i] * norms_y[j]) if usable else np.nan)
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    d, other = rng.standard_normal((2, TOPICS, WIDTH))
    signs = sign_flips(TOPICS, FLIPS, rng)

    labels = rng.random((SENTENCES, ATTRIBUTES)) < 0.4
    contrasts = balanced_contrasts(labels, [str(i) for i in range(ATTRIBUTES)], TOPICS, rng)
    groups = list(zip(contrasts.positive, contrasts.negative, strict=True))
    effects = 0.5 * rng.standard_normal((2, ATTRIBUTES, READ_OUTS))
    x, y = labels @ effects + rng.standard_normal((2, SENTENCES, READ_OUTS))

    def mismatched() -> np.ndarray:
        cosines = control_cosines(Views(x, y, x), contrasts, least=-np.inf)
        return mismatched_null(cosines, contrasts)

    def flips_by_loop() -> np.ndarray:
        found = []
        for row in signs:
            total = (row[:, None] * d).sum(axis=0)
            found.append((total @ total - (d**2).sum()) / (TOPICS * (TOPICS - 1)))
        return np.array(found)

    def left_out_by_loop() -> np.ndarray:
        found = []
        for topic in range(TOPICS):
            kept = np.delete(d, topic, axis=0)
            total, n = kept.sum(axis=0), TOPICS - 1
            found.append((total @ total - (kept**2).sum()) / (n * (n - 1)))
        return np.array(found)

    tasks = {
        f"{FLIPS} sign flips": (lambda: flipped_norm2_u(d[None], signs), flips_by_loop),
        f"{TOPICS} topics left out": (lambda: inner_u(left_out(d[None])), left_out_by_loop),
        f"null of {ATTRIBUTES} mismatched attributes": (
            mismatched,
            lambda: null_loop(x, y, groups, contrasts.mismatched),
        ),
        "one cross-model product": (
            lambda: inner_u(products(d[None], other[None])),
            lambda: u_loop(d, other),
        ),
    }
    print("| task | loop / vectorised, median | least | most |")
    print("|---|---|---|---|")
    for name, (fast, slow) in tasks.items():
        fast()  # what is done once in a process is not timed
        ratios = []
        for _ in range(options.rounds):
            quick, a = seconds(fast)
            plain, b = seconds(slow)
            np.testing.assert_allclose(np.ravel(a), np.ravel(b), rtol=1e-8, atol=1e-9)
            ratios.append(plain / quick)
        print(f"| {name} | {np.median(ratios):.0f} | {min(ratios):.0f} | {max(ratios):.0f} |")


if __name__ == "__main__":
    main()
