"""How often the tests find what is not there, and what is, in worlds with planted answers.

    python benchmarks/false_positives.py [--worlds 200] [--seed 0] [--workers 2]

Prints a Markdown table; docs/validation.md keeps one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests")]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import worlds_cross  # noqa: E402
from emovec.cross import Plan, compare  # noqa: E402
from emovec.verdicts import adjust_families, verdicts  # noqa: E402
from emovec.within import within_model  # noqa: E402
from scipy.stats import binomtest  # noqa: E402

ALPHA, DEPTHS = 0.05, [0.5, 1.0]
SIZE = {
    "topics": 100, "probes": (400, 440), "widths": (72, 84), "latents": 48, "attributes": 22,
    "layers": 2, "s": 0.2,
}  # fmt: skip
CLASSES = [*worlds_cross.EMOTIONS, "neutral"]
QUESTIONS = {
    "signal": "sign-flip test of an emotion against neutral, in either model",
    "alignment": "aligned more than mismatched attributes, both ways and by both methods",
    "transfer": "transfers better than random directions, both ways",
    "specific": "more alike than different emotions are",
    "claimed": "verdict shared or common only",
    "shared": "verdict shared",
}


def outcome(kind: str, seed: int) -> dict[str, bool]:
    """Whether each question is answered yes for any emotion and depth of one world."""
    rng = np.random.default_rng([seed, worlds_cross.KINDS.index(kind)])
    pair = worlds_cross.pair(kind, rng, **SIZE)
    plan = Plan(worlds_cross.EMOTIONS, "neutral", "suffix", DEPTHS, shuffles=199, draws=999, grid=0)
    similarity, maps, decoding = compare(pair.a, pair.b, pair.probe, plan, rng)
    on_map = (pair.probe.half == "map").to_numpy()
    within = pd.concat(
        within_model(
            model.residual, model.probe[on_map], CLASSES, "neutral", rng, model=model.name,
            position="suffix", metrics=("lda",), flips=999, relabelings=1, splits=2,
            thresholds={"reliability": plan.thresholds.reliability},
        )
        for model in (pair.a, pair.b)
    )  # fmt: skip
    # one token in every sentence: before the first block nothing can be decoded
    start = [
        {"train_model": m, "test_model": m, "contrast": e, "direction": "depth0",
         "position": "suffix", "split": "topic", "auroc": 0.5, "null_high": 0.5}
        for m in "ab" for e in worlds_cross.EMOTIONS
    ]  # fmt: skip
    decoding = pd.concat([decoding, pd.DataFrame(start)], ignore_index=True)
    similarity, decoding = adjust_families(similarity, decoding)
    found = verdicts(similarity, maps, decoding, within, DEPTHS)
    signal = within[(within.stat == "norm2_u") & within.emotion_a.isin(worlds_cross.EMOTIONS)]
    return {
        # two models are two families: the corrected level of each is half
        "signal": bool((signal.p_adjusted < ALPHA / 2).any()),
        "alignment": bool(found.aligned.fillna(False).any()),
        "transfer": bool(found.transfers.fillna(False).any()),
        "specific": bool(found.specific.fillna(False).any()),
        "claimed": bool(found.verdict.isin(["shared", "common_only"]).any()),
        "shared": bool((found.verdict == "shared").any()),
    }


def rows(kind: str, found: pd.DataFrame) -> Iterator[str]:
    for question in QUESTIONS:
        count = int(found[question].sum())
        interval = binomtest(count, len(found)).proportion_ci()
        yield (
            f"| {kind.replace('_', ' ')} | {QUESTIONS[question]} | {count} of {len(found)} | "
            f"{count / len(found):.3f} | {interval.low:.3f} to {interval.high:.3f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument(
        "--kinds", nargs="+", default=["private", "no_signal", "unrelated", "partial", "shared"]
    )
    options = parser.parse_args()
    seeds = [options.seed * 10_000 + i for i in range(options.worlds)]
    print("| world | found, for any emotion and depth | count | rate | 95 % interval |")
    print("|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(options.workers) as pool:
        for kind in options.kinds:
            found = pd.DataFrame(pool.map(outcome, repeat(kind), seeds, chunksize=5))
            print("\n".join(rows(kind, found)), flush=True)


if __name__ == "__main__":
    main()
