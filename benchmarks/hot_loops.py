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
from emovec.alignment import u_cross
from emovec.inference import flipped_inner_u, loo_inner_u, sign_flips

TOPICS, WIDTH, FLIPS = 168, 576, 200


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    d, other = rng.standard_normal((2, TOPICS, WIDTH))
    gram = d @ d.T
    signs = sign_flips(TOPICS, FLIPS, rng)

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
        f"{FLIPS} sign flips": (lambda: flipped_inner_u(gram, signs), flips_by_loop),
        f"{TOPICS} topics left out": (lambda: loo_inner_u(gram), left_out_by_loop),
        "one cross-model product": (lambda: u_cross(d, other), lambda: u_loop(d, other)),
    }
    print("| task | loop / vectorised, median | least | most |")
    print("|---|---|---|---|")
    for name, (fast, slow) in tasks.items():
        ratios = []
        for _ in range(options.rounds):
            quick, a = seconds(fast)
            plain, b = seconds(slow)
            np.testing.assert_allclose(np.ravel(a), np.ravel(b), rtol=1e-8, atol=1e-9)
            ratios.append(plain / quick)
        print(f"| {name} | {np.median(ratios):.0f} | {min(ratios):.0f} | {max(ratios):.0f} |")


if __name__ == "__main__":
    main()
