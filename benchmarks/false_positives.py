"""How often verdicts between models find what is not there, and what is, in planted worlds.

    python benchmarks/false_positives.py [--worlds 200] [--seed 0] [--workers 2] [--only private]

Prints a Markdown table; docs/validation.md keeps one. Truth is the cosine of the very directions
of a world, not its kind: a claim of sharing is false where that is at most the cosine of interest,
one of absence where it exceeds the bound of equivalence. Errors count a world as soon as any
emotion of any pair of models has one; what is found counts emotions.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations, repeat
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests")]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import worlds_cross  # noqa: E402
from emovec.between_models.compare import compare_models  # noqa: E402
from emovec.between_models.pair import Plan  # noqa: E402
from emovec.between_models.thresholds import Thresholds  # noqa: E402
from emovec.between_models.verdict import SHARING, judge_models  # noqa: E402
from emovec.statistics.clustered import near_topics  # noqa: E402
from scipy.stats import binomtest  # noqa: E402

DEPTHS = (0.5, 1.0)
SIZE = {
    "probes": (720, 720), "widths": (110, 130), "latents": 80, "attributes": 26, "layers": 2,
    "s": 0.1, "heads": 15, "topics": 84,
}  # fmt: skip
WORLDS = {
    "private": {},
    "private, 168 topics": {"topics": 168},
    "private, 1 emotion": {"emotions": 1},
    "private, 8 emotions": {"emotions": 8},
    "private, 4 models": {"models": 4},
    "private, emotions in latents of one model": {"kind": "private_b"},
    "private, heavy tails": {"heavy": True},
    "private, a rogue dimension": {"rogue": True},
    "private, one writer's habit": {"habit": 1.0},
    "no signal": {"kind": "no_signal"},
    "no signal, heavy tails, 168 topics": {"kind": "no_signal", "heavy": True, "topics": 168},
    "unrelated": {"kind": "unrelated"},
    "2 leading components": {"kind": "leading", "components": 2},
    "3 leading components": {"kind": "leading", "components": 3},
    "6 leading components": {"kind": "leading", "components": 6},
    "2 leading components, strong": {"kind": "leading", "components": 2, "s": 0.5, "topics": 168},
    "3 leading components, strong": {"kind": "leading", "components": 3, "s": 0.5, "topics": 168},
    "6 leading components, strong": {"kind": "leading", "components": 6, "s": 0.5, "topics": 168},
    "partial, cosine 0.3": {"kind": "partial", "cosine": 0.3},
    "partial, cosine 0.3, 168 topics": {"kind": "partial", "cosine": 0.3, "topics": 168},
    "partial, cosine 0.4, 168 topics": {"kind": "partial", "cosine": 0.4, "topics": 168},
    "partial, cosine 0.6": {"kind": "partial", "cosine": 0.6},
    "partial, cosine 0.6, 168 topics": {"kind": "partial", "cosine": 0.6, "topics": 168},
    "partial, cosine 0.6, 168 topics, 8 emotions": {
        "kind": "partial", "cosine": 0.6, "topics": 168, "emotions": 8,
    },
    "partial, cosine 0.6, 168 topics, 4 models": {
        "kind": "partial", "cosine": 0.6, "topics": 168, "models": 4,
    },
    "partial, cosine 0.6, 168 topics, heavy tails": {
        "kind": "partial", "cosine": 0.6, "topics": 168, "heavy": True,
    },
    "common only": {"kind": "common", "cosine": 0.7},
    "common only, 168 topics": {"kind": "common", "cosine": 0.7, "topics": 168},
    "shared": {"kind": "shared"},
    "shared, a rogue dimension": {"kind": "shared", "rogue": True},
    "twin": {"kind": "twin"},
}  # fmt: skip
QUESTIONS = {
    "false_sharing": "shared or common, though the cosine is not above the limit",
    "false_shared": "shared, though the cosine of the own part is not above the limit",
    "false_absence": "not shared, though the cosine is beyond the bound",
    "false_transfer": "decodes in the other model, though the cosine is within ±0.05",
    "common": "shared or common, among emotions whose cosine is above the limit",
    "shared": "shared, among emotions whose own cosine is above the limit",
    "absent": "not shared, among emotions whose cosine is within the bound",
    "transfer": "decodes in the other model, among emotions whose cosine is above the limit",
}


def judged(world: worlds_cross.Pair, rng: np.random.Generator) -> pd.DataFrame:
    """Verdicts on every pair of models with the truth beside them."""
    emotions = [f"emotion{i}" for i in range(len(world.heads))]
    plan = Plan(emotions, "neutral", "suffix", DEPTHS, draws=999, shuffles=1, grid=0)
    near = np.stack([near_topics(len(one), one) for one in world.heads])
    pairs = list(combinations(range(len(world.streams)), 2))
    similarity, decoding, truths = [], [], []
    for a, b in pairs:
        models = (world.streams[i] for i in (a, b))
        one, _, transfer = compare_models(*models, world.probe, plan, rng, near)
        similarity.append(one)
        decoding.append(transfer)
        truth = world.truth(a, b)
        truths.append(pd.DataFrame({"truth": truth.common, "own_truth": truth.specific}))
    tables = (pd.concat(found, ignore_index=True) for found in (similarity, decoding))
    _, _, found = judge_models(*tables)
    found = found[found.emotion != ""].reset_index(drop=True)
    return found.join(pd.concat(truths, ignore_index=True))


def outcome(name: str, seed: int) -> dict[str, tuple[int, int]]:
    """For each question, how many of how many trials in one world."""
    options = SIZE | {"kind": "private"} | WORLDS[name]
    rng = np.random.default_rng([seed, *name.encode()])
    found = judged(worlds_cross.pair(options.pop("kind"), rng, **options), rng)
    sharing, shared = found.verdict.isin(SHARING), found.verdict == "shared"
    absent = found.verdict == "not_shared"
    limits = Thresholds()
    large = found.truth > limits.cosine_of_interest
    own_large = found.own_truth > limits.cosine_of_interest
    near_0 = found.truth.abs() < limits.equivalence
    transfers = found.decodes.fillna(False).astype(bool)
    unrelated = found.truth.abs() < 0.05
    return {
        "false_sharing": (int((sharing & ~large).any()), int((~large).any())),
        "false_shared": (int((shared & ~own_large).any()), int((~own_large).any())),
        "false_absence": (int((absent & ~near_0).any()), int((~near_0).any())),
        "false_transfer": (int((transfers & unrelated).any()), int(unrelated.any())),
        "common": (int((sharing & large).sum()), int(large.sum())),
        "shared": (int((shared & own_large & large).sum()), int((own_large & large).sum())),
        "absent": (int((absent & near_0).sum()), int(near_0.sum())),
        "transfer": (int((transfers & large).sum()), int(large.sum())),
    }


def rows(name: str, found: list[dict[str, tuple[int, int]]]) -> Iterator[str]:
    for question, text in QUESTIONS.items():
        count, trials = np.sum([one[question] for one in found], axis=0)
        if trials:
            interval = binomtest(int(count), int(trials)).proportion_ci()
            yield (
                f"| {name} | {text} | {count} of {trials} | {count / trials:.3f} | "
                f"{interval.low:.3f} to {interval.high:.3f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", nargs="*", choices=WORLDS, default=list(WORLDS), metavar="WORLD")
    options = parser.parse_args()
    seeds = [options.seed * 10_000 + i for i in range(options.worlds)]
    print("| world | found | count | rate | 95 % interval |")
    print("|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(options.workers) as pool:
        for name in options.only:
            found = list(pool.map(outcome, repeat(name), seeds, chunksize=5))
            print("\n".join(rows(name, found)), flush=True)


if __name__ == "__main__":
    main()
