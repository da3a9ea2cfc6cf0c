"""How often two emotions of one model are called distinct, by the cosine of their directions.

    python benchmarks/distinct_level.py [--worlds 200] [--seed 0] [--workers 2]

Prints a Markdown table; docs/validation.md keeps one. Worlds are those of `false_positives.py` with
two emotions that share a direction in part; at a cosine of 1 they are one, and every finding errs.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests")]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import worlds_cross  # noqa: E402
from emovec.between_models.thresholds import DEFAULTS  # noqa: E402
from emovec.statistics import metrics  # noqa: E402
from emovec.statistics.clustered import near_topics  # noqa: E402
from emovec.within_model.distinct import distinct  # noqa: E402
from scipy.stats import binomtest  # noqa: E402

COSINES, TOPICS = (1.0, 0.95, 0.9, 0.8, 0.6), (84, 168)
SIZE = {
    "probes": (720, 10), "widths": (110,), "latents": 80, "attributes": 26, "layers": 2, "s": 0.1,
    "heads": 15, "models": 1, "emotions": 2,
}  # fmt: skip


def outcome(cosine: float, topics: int, seed: int) -> tuple[bool, float]:
    """Whether the two emotions of one world are called distinct, and their estimated cosine."""
    rng = np.random.default_rng([seed, topics, int(100 * cosine)])
    world = worlds_cross.pair("common", rng, cosine=cosine, topics=topics, **SIZE)
    probe, residual = world.a.probe[: SIZE["probes"][0]], world.a.residual
    x = [
        metrics.fit("lda", probe[:, depth]).apply(residual[:, :, depth])
        for depth in range(1, SIZE["layers"] + 1)
    ]
    one, other = ([at[emotion] - at[-1] for at in x] for emotion in (0, 1))
    near = tuple(near_topics(topics, heads) for heads in world.heads)
    found = distinct(one, other, near, rng, margin=DEFAULTS.margin, flips=999)
    return found.p < DEFAULTS.alpha, found.cosine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    seeds = [options.seed * 10_000 + i for i in range(options.worlds)]
    print("| cosine | topics | mean estimate | called distinct | 95 % interval |")
    print("|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(options.workers) as pool:
        for cosine in COSINES:
            for topics in TOPICS:
                found = list(pool.map(outcome, repeat(cosine), repeat(topics), seeds, chunksize=5))
                count, mean = sum(one for one, _ in found), np.nanmean([c for _, c in found])
                interval = binomtest(count, len(found)).proportion_ci()
                print(
                    f"| {cosine} | {topics} | {mean:.2f} | {count / len(found):.3f} | "
                    f"{interval.low:.3f} to {interval.high:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
