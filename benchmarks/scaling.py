"""How the statistics after capture grow with topics, or with depths, each job on its own.

    python benchmarks/scaling.py [--topics 250] [--layers 2] [--width 576] [--draws 9999]
                                 [--times 10] [--grow topics] [--only decode_emotions …]

Two models of the simulated world `shared`, three emotions and neutral, as activations are brought:
float32, every depth read. Each job runs in a process of its own with one thread, once at the size
given and once at `--times` as many topics or layers; its processor seconds are those of the work,
its memory the peak of the process, with the libraries and both models' activations.
"""

from __future__ import annotations

import argparse
import os
import pickle
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests")]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import worlds_cross  # noqa: E402

EMOTIONS = worlds_cross.EMOTIONS
CLASSES = [*EMOTIONS, "neutral"]
DEPTHS = [0.25, 0.5, 0.75, 0.92]
PROBES = (800, 800)  # of the halves map and control, as in the probe that is shipped
WORDS = 3_000


def world(topics: int, layers: int, width: int, rng: np.random.Generator) -> worlds_cross.Pair:
    pair = worlds_cross.pair(
        "shared", rng, topics=topics, probes=PROBES, widths=(width, width),
        latents=min(width // 2, 100), attributes=22, layers=layers,
    )  # fmt: skip
    streams = [
        replace(one, residual=one.residual.astype("f4"), probe=one.probe.astype("f4"))
        for one in pair.streams
    ]
    return replace(pair, streams=tuple(streams))


def sentences(topics: int, rng: np.random.Generator) -> pd.DataFrame:
    """Twelve words for each class and topic, drawn as words are (Zipf), one of them the class's."""
    share = 1 / np.arange(1, WORDS + 1)
    drawn = rng.choice(WORDS, p=share / share.sum(), size=(len(CLASSES), topics, 12))
    drawn[..., 0] = WORDS + 10 * np.arange(len(CLASSES))[:, None] + drawn[..., 0] % 40
    rows = [
        {"topic": topic, "emotion": name, "text": " ".join(f"w{word}" for word in drawn[i, topic])}
        for topic in range(topics)
        for i, name in enumerate(CLASSES)
    ]
    return pd.DataFrame(rows).assign(id=[f"s{i}" for i in range(len(rows))])


def jobs(
    pair: worlds_cross.Pair, prompts: pd.DataFrame, draws: int
) -> dict[str, Callable[[], object]]:
    """What each rule of the workflow that computes statistics does, at one position."""
    from emovec.between_models.compare import compare_models
    from emovec.between_models.pair import Plan
    from emovec.between_models.raw_cosines import raw_cosines
    from emovec.between_models.thresholds import Thresholds
    from emovec.decoding.table import decode_model, decode_texts
    from emovec.geometry.between import Texts, compare_geometry
    from emovec.geometry.features import text_features, word_counts
    from emovec.geometry.matrices import matrices_at
    from emovec.geometry.within import describe_model
    from emovec.models.depths import nearest_depths
    from emovec.prompts.splits import near_by_head
    from emovec.robustness.multiverse_between import between_models
    from emovec.robustness.multiverse_within import means
    from emovec.robustness.way_design import Design
    from emovec.robustness.ways_between import ways_between
    from emovec.robustness.ways_within import ways_within
    from emovec.vectors.directions import emotion_vectors, norm_table
    from emovec.within_model.compare import compare_emotions

    a, b, probe = pair.a, pair.b, pair.probe
    alone = replace(a, probe=a.probe[(probe.half == "map").to_numpy()])
    plan = Plan(EMOTIONS, "neutral", "suffix", DEPTHS, shuffles=min(draws, 999), draws=draws)
    near = near_by_head(prompts, EMOTIONS)

    def rng() -> np.random.Generator:
        return np.random.default_rng(0)

    def within() -> object:
        return compare_emotions(
            alone.residual, alone.probe, CLASSES, "neutral", rng(), model="a", position="suffix",
            near=near, depths=nearest_depths(DEPTHS, a.n_layers), flips=draws,
        )  # fmt: skip

    def raw() -> pd.DataFrame:
        return raw_cosines(("a", "b"), a.residual, b.residual, EMOTIONS, "suffix", 0.05)

    def vectors() -> object:
        return norm_table(emotion_vectors(alone.residual), alone.residual, EMOTIONS)

    def geometry() -> object:
        counts = word_counts(prompts, CLASSES, []).sentences
        table = describe_model(
            alone, counts, None, EMOTIONS, [], np.empty((3, 0)), near, relative_depths=DEPTHS,
            draws=draws, alpha=0.05, least=0.5, rng=rng(),
        )  # fmt: skip
        return table, matrices_at(alone, near)

    def geometries() -> object:
        topics = len(near[0])
        counts = word_counts(prompts, CLASSES, np.resize(prompts.text, PROBES[1]).tolist())
        enough = len(CLASSES) * (topics // 2) + PROBES[1] // 2
        texts = Texts(text_features(counts, [], enough), near, None, np.empty((3, 0)))
        return compare_geometry((a, b), EMOTIONS, texts, probe, DEPTHS, Thresholds(), draws, rng())

    def design() -> Design:
        settings = {"position": "suffix", "depths": DEPTHS, "alpha": 0.05, "folds": 5}
        return Design.of(prompts, probe, CLASSES, settings | {"thresholds": {}}, 0)

    few = {"n_folds": 5, "alpha": 0.05}
    return {
        "compute_vectors": vectors,
        "compare_emotions": within,
        "decode_emotions": lambda: decode_model(
            alone, prompts, CLASSES, position="suffix", relative_depths=DEPTHS, draws=draws,
            rng=rng(), **few,
        ),
        "decode_texts": lambda: decode_texts(prompts, EMOTIONS, "neutral", rng=rng(), **few),
        "compare_models": lambda: (raw(), compare_models(a, b, probe, plan, rng(), near)),
        "vary_choices": lambda: means(
            *(x - x.mean(-1, keepdims=True) for x in (alone.residual, alone.probe)), rng(),
            classes=CLASSES, model="a", position="suffix", alpha=0.05, near=near,
        ),
        "vary_pairs": lambda: between_models(raw(), ["a", "b"], DEPTHS),
        "vary_ways, a model": lambda: ways_within(a, probe, design()),
        "vary_ways, a pair": lambda: ways_between(a, b, probe, design()),
        "estimate_geometry": geometry,
        "compare_geometry": geometries,
    }  # fmt: skip


def make(path: Path, sizes: dict[str, int], draws: int) -> list[str]:
    """Write a world of these sizes, and tell the names of the jobs."""
    rng = np.random.default_rng(0)
    topics = sizes["topics"]
    made = world(**sizes, rng=rng), sentences(topics, rng), draws
    with path.open("wb") as file:
        pickle.dump(made, file)
    return list(jobs(*made))


def measure(path: Path, name: str) -> tuple[float, float]:
    """Processor seconds and peak MiB of one job."""
    with path.open("rb") as file:
        job = jobs(*pickle.load(file))[name]
    started = time.process_time()
    job()
    seconds = time.process_time() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    sizes = {"topics": 250, "layers": 2, "width": 576}
    for name, default in (sizes | {"draws": 9_999, "times": 10}).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--grow", choices=("topics", "layers"), default="topics")
    parser.add_argument("--only", nargs="+", help="names of jobs")
    given = parser.parse_args()
    sizes = {name: getattr(given, name) for name in sizes}
    larger = sizes | {given.grow: given.times * sizes[given.grow]}
    print(f"| job | 1×, s | {given.times}×, s | ratio | 1×, MiB | {given.times}×, MiB |")
    print(f"|---|{'--:|' * 5}", flush=True)
    alone = {"max_workers": 1, "max_tasks_per_child": 1, "mp_context": get_context("spawn")}
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(**alone) as processes:
        paths = [Path(folder, name) for name in ("1", "n")]
        for path, size in zip(paths, (sizes, larger), strict=True):
            names = processes.submit(make, path, size, given.draws).result()
        for name in given.only or names:
            (one, less), (ten, more) = (
                processes.submit(measure, path, name).result() for path in paths
            )
            print(
                f"| {name} | {one:.2f} | {ten:.2f} | {ten / one:.1f} | {less:.0f} | {more:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
