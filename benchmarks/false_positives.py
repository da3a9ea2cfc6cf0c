"""How often the tests find what is not there, and what is, in worlds with planted answers.

    python benchmarks/false_positives.py [--worlds 200] [--seed 0] [--workers 2]

Prints a Markdown table; docs/validation.md keeps one. Single tests are one emotion at one depth,
uncorrected, so that each world is one trial; all others count a world as soon as any emotion at any
depth gives the outcome. A test that is undefined in a world is no trial.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests")]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import worlds_cross  # noqa: E402
from emovec.between_models.compare import compare_models  # noqa: E402
from emovec.between_models.evidence import verdicts  # noqa: E402
from emovec.between_models.families import adjust_families  # noqa: E402
from emovec.between_models.pair import Plan  # noqa: E402
from emovec.within_model.compare import compare_emotions  # noqa: E402
from scipy.stats import binomtest  # noqa: E402

ALPHA, DEPTHS = 0.05, [0.5, 1.0]
SIZE = {
    "topics": 100, "probes": (400, 440), "widths": (72, 84), "latents": 48, "attributes": 22,
    "layers": 2, "s": 0.2,
}  # fmt: skip
CLASSES = [*worlds_cross.EMOTIONS, "neutral"]
KINDS = (*worlds_cross.KINDS, "leading")
QUESTIONS = {
    "one_signal": "single: sign-flip test in one model",
    "one_ridge": "single: ridge cosine against mismatched attributes",
    "one_wpc": "single: read-out cosine against mismatched attributes",
    "one_specific": "single: specificity of the ridge cosine",
    "one_transfer": "single: transfer against random directions",
    "signal": "sign-flip test of an emotion against neutral, in either model",
    "alignment": "aligned more than mismatched attributes, both ways and by both methods",
    "transfer": "transfers better than random directions, both ways",
    "specific": "more alike than different emotions are",
    "claimed": "verdict shared or common only",
    "shared": "verdict shared",
}


def world(kind: str, rng: np.random.Generator) -> worlds_cross.Pair:
    """A world of `worlds_cross`, or `leading`: private, all emotions in the first 3 latents."""
    if kind != "leading":
        return worlds_cross.pair(kind, rng, **SIZE)

    def emotions(_: str, rng: np.random.Generator, spectrum: np.ndarray, norm2: float) -> tuple:
        first = spectrum * (np.arange(len(spectrum)) < 3)
        count = len(worlds_cross.EMOTIONS)
        return tuple(worlds_cross.displacements(rng, count, first, norm2) for _ in "ab")

    with mock.patch.object(worlds_cross, "emotion_directions", emotions):
        return worlds_cross.pair("private", rng, **SIZE)


def single(table: pd.DataFrame, **where: object) -> bool | None:
    """Whether the one test of `table` with these values has p below the level."""
    for column, value in where.items():
        table = table[table[column] == value]
    [p] = table.p
    return None if np.isnan(p) else bool(p < ALPHA)


def any_defined(flags: pd.Series) -> bool | None:
    """Whether any flag is true; None if none is defined."""
    defined = flags.dropna()
    return bool(defined.any()) if len(defined) else None


def outcome(kind: str, seed: int) -> dict[str, bool | None]:
    """Whether each question is answered yes in one world; None if the test is undefined."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    pair = world(kind, rng)
    plan = Plan(worlds_cross.EMOTIONS, "neutral", "suffix", DEPTHS, shuffles=199, draws=999, grid=0)
    similarity, maps, decoding = compare_models(pair.a, pair.b, pair.probe, plan, rng)
    on_map = (pair.probe.half == "map").to_numpy()
    within = pd.concat(
        compare_emotions(
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
    emotion, last = worlds_cross.EMOTIONS[0], SIZE["layers"]
    at = {"emotion_a": emotion, "model_a": "a", "depth_a": last}
    mapped = {"contrast": emotion, "train_model": "a", "depth_train": last, "direction": "mapped"}
    return {
        "one_signal": single(signal, model="a", depth=last, emotion_a=emotion),
        "one_ridge": single(similarity, family="alignment", method="ridge", **at),
        "one_wpc": single(similarity, family="alignment", method="wpc", **at),
        "one_specific": single(similarity, family="specificity", method="ridge", **at),
        "one_transfer": single(decoding, **mapped),
        # two models are two families: the corrected level of each is half
        "signal": bool((signal.p_adjusted < ALPHA / 2).any()),
        "alignment": any_defined(found.aligned),
        "transfer": any_defined(found.transfers),
        "specific": any_defined(found.specific),
        "claimed": bool(found.verdict.isin(["shared", "common_only"]).any()),
        "shared": bool((found.verdict == "shared").any()),
    }


def rows(kind: str, found: pd.DataFrame) -> Iterator[str]:
    for question in QUESTIONS:
        start = f"| {kind.replace('_', ' ')} | {QUESTIONS[question]} |"
        defined = found[question].dropna()
        if not len(defined):
            yield f"{start} never defined | | |"
            continue
        count = int(defined.sum())
        interval = binomtest(count, len(defined)).proportion_ci()
        yield (
            f"{start} {count} of {len(defined)} | {count / len(defined):.3f} | "
            f"{interval.low:.3f} to {interval.high:.3f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=KINDS,
        default=["private", "no_signal", "unrelated", "partial", "shared"],
    )
    options = parser.parse_args()
    seeds = [options.seed * 10_000 + i for i in range(options.worlds)]
    print("| world | found | count | rate | 95 % interval |")
    print("|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(options.workers) as pool:
        for kind in options.kinds:
            found = pd.DataFrame(pool.map(outcome, repeat(kind), seeds, chunksize=5))
            print("\n".join(rows(kind, found)), flush=True)


if __name__ == "__main__":
    main()
