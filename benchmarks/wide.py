"""A whole run with many models and many emotions: its time, its memory and the size of its files.

    python benchmarks/wide.py [--models 10] [--emotions 32] [--depths 12] [--width 256] [--cores 2]

Made-up activations of the shipped sentences (resources/prompts/spectrum.csv, 60 topics) enter the
workflow as brought ones; in all models the emotions are alike in part. Prints minutes, the rules
that took longest, the largest memory of a job, and the size of tables and page.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests")]

import h5py  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from project import Project  # noqa: E402

POSITION = "mean"
LATENTS = 60  # in which the sentences of all models lie


def bring(
    path: Path, prompts: pd.DataFrame, probe: pd.DataFrame, depths: int, width: int, seed: int
) -> None:
    """Streams of one model: what sentences mean, what they feel, and noise, in axes of its own."""
    alike, own = np.random.default_rng(0), np.random.default_rng(seed)
    scale = 1 / np.sqrt(np.arange(1, LATENTS + 1))
    meaning = alike.normal(size=(len(prompts) + len(probe), LATENTS)) * scale
    emotions = [name for name in prompts.emotion.unique() if name != "neutral"]
    shared, private = (rng.normal(size=(len(emotions), LATENTS)) * scale for rng in (alike, own))
    felt = (prompts.emotion.to_numpy()[:, None] == emotions) @ (shared + private)
    with h5py.File(path, "w") as file:
        found = np.empty((len(meaning), depths + 1, width), "f4")
        for depth in range(depths + 1):
            axes = own.normal(size=(LATENTS, width)) / np.sqrt(LATENTS)
            states = meaning.copy()
            states[: len(prompts)] += 0.5 * depth / depths * felt
            found[:, depth] = states @ axes + 0.3 * own.normal(size=(len(states), width))
        file[f"residual/{POSITION}"] = found[: len(prompts)]
        file[f"probe/residual/{POSITION}"] = found[len(prompts) :]
        for column in ("id", "topic", "emotion"):
            file[f"prompts/{column}"] = prompts[column].tolist()
        file["probe/id"] = probe.id.tolist()


def megabytes(paths: list[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (
        ("models", 10), ("emotions", 32), ("depths", 12), ("width", 256), ("cores", 2),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder", type=Path, default=Path("build/wide"))
    asked = parser.parse_args()
    project = Project(
        asked.folder,
        {
            "experiment": "wide",
            "prompts": {
                "file": "resources/prompts/spectrum.csv",
                "probe": "resources/prompts/probe.csv",
                "ratings": str(ROOT / "resources/ratings.csv"),
            },
            "activations": {"positions": [POSITION]},
            "statistics": {"position": POSITION},
            "models": {},
        },
    )
    prompts, probe = (
        pd.read_csv(project.folder / f"resources/prompts/{name}.csv")
        for name in ("spectrum", "probe")
    )
    emotions = [name for name in prompts.emotion.unique() if name != "neutral"][: asked.emotions]
    prompts = prompts[prompts.emotion.isin([*emotions, "neutral"])]
    project.config["prompts"]["emotions"] = emotions
    for number in range(asked.models):
        name = f"model-{number}"
        path = project.folder / f"{name}.h5"
        bring(path, prompts, probe, asked.depths, asked.width, number + 1)
        project.config["models"][name] = {"source": {"activations": path.name}}
    started = time.time()
    project.build(cores=asked.cores)
    print(f"minutes: {(time.time() - started) / 60:.1f}")
    results = project.folder / "results/wide"
    cost = pd.DataFrame(json.loads((results / "provenance.json").read_text())["cost"])
    print(cost.to_string(index=False))
    print(f"tables, MB: {megabytes([*results.rglob('*.csv')]):.1f}")
    print(f"pages, MB: {megabytes([*results.glob('report*.html')]):.1f}")


if __name__ == "__main__":
    main()
