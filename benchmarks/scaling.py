"""How the statistics after capture grow with topics and depths.

    python benchmarks/scaling.py [--topics 168] [--depths 2] [--width 576] [--flips 999]

Prints processor seconds at 1, 2, 4 and 8 times as many topics, and at as many times the depths,
with the ratio of each step: 2 where time is linear. Below as many topics as a model has dimensions
sign flips run in as many dimensions as topics, and are faster than that.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests")]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import worlds_cross  # noqa: E402
from emovec.between_models.compare import compare_models  # noqa: E402
from emovec.between_models.pair import Plan  # noqa: E402
from emovec.decoding.table import decode_model  # noqa: E402
from emovec.within_model.compare import compare_emotions  # noqa: E402

CLASSES = [*worlds_cross.EMOTIONS, "neutral"]
TIMES = (1, 2, 4, 8)


def tasks(topics: int, depths: int, width: int, flips: int) -> dict[str, Callable[[], object]]:
    """The three comparisons, on a world of these sizes with every depth pre-registered."""
    pair = worlds_cross.pair(
        "shared", np.random.default_rng(0), topics=topics, probes=(400, 440),
        widths=(width, width), latents=min(width, 100), attributes=22, layers=depths,
    )  # fmt: skip
    on_map = (pair.probe.half == "map").to_numpy()
    relative = [(depth + 1) / depths for depth in range(depths)]
    prompts = pd.DataFrame(
        [
            {"topic": topic, "emotion": name, "text": name}
            for topic in range(topics)
            for name in CLASSES
        ]
    )
    plan = Plan(
        worlds_cross.EMOTIONS, "neutral", "suffix", relative, shuffles=9, draws=flips, grid=0
    )
    a = pair.a
    return {
        "within a model": lambda: compare_emotions(
            a.residual, a.probe[on_map], CLASSES, "neutral", np.random.default_rng(0),
            model="a", position="suffix", flips=flips,
        ),
        "decoding": lambda: decode_model(
            a, prompts, CLASSES, position="suffix", relative_depths=relative, n_folds=5,
            draws=flips, alpha=0.05, rng=np.random.default_rng(0),
        ),
        "between models": lambda: compare_models(
            pair.a, pair.b, pair.probe, plan, np.random.default_rng(0)
        ),
    }  # fmt: skip


def seconds(task: Callable[[], object]) -> float:
    started = time.process_time()
    task()
    return time.process_time() - started


def report(what: str, sizes: list[dict[str, int]]) -> None:
    """One line for each comparison: seconds at each size, then the ratios of the steps."""
    found = [{name: seconds(task) for name, task in tasks(**size).items()} for size in sizes]
    for name in found[0]:
        line = [times[name] for times in found]
        ratios = [later / earlier for earlier, later in pairwise(line)]
        columns = [f"{value:.2f}" for value in line] + [f"{value:.1f}" for value in ratios]
        print(f"| {what} | {name} | {' | '.join(columns)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("topics", 168), ("depths", 2), ("width", 576), ("flips", 999)):
        parser.add_argument(f"--{name}", type=int, default=default)
    base = vars(parser.parse_args())
    for task in tasks(8, 1, 16, 9).values():
        task()  # what is done once in a process is not timed
    header = [f"{times}×, s" for times in TIMES] + [
        f"{times}×/{times // 2}×" for times in TIMES[1:]
    ]
    print(f"| times | task | {' | '.join(header)} |\n|{'---|' * (len(header) + 2)}")
    for what in ("topics", "depths"):
        report(what, [base | {what: times * base[what]} for times in TIMES])


if __name__ == "__main__":
    main()
