"""How often a comparison of many emotions finds what is not there, and what is, in planted worlds.

    python benchmarks/geometry_level.py [--worlds 200] [--seed 0] [--workers 2] [--only echo]

Prints a Markdown table; docs/validation.md keeps one. Sentences have features of the text with a
1/i spectrum, half of whose variance is the topic's, and a meaning of their own beside it; both
models read both, half of their variance from the text, with 30 % noise of their own. Emotions move
the features of the text, some sentences by one of eight words, and move the models besides.
Worlds "in the shipped sentences" are those of tests/worlds_many.py: the text is real, and models
hold its words weighted by how rare they are.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests")]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import worlds_many  # noqa: E402
from emovec.activations.streams import Streams  # noqa: E402
from emovec.between_models.thresholds import DEFAULTS  # noqa: E402
from emovec.geometry.between import (  # noqa: E402
    VERDICTS,
    Texts,
    compare_geometry,
    judge_geometry,
    share,
)
from emovec.geometry.distances import Apart, compare  # noqa: E402
from emovec.geometry.features import text_features, word_counts  # noqa: E402
from emovec.geometry.sharing import Read, own_parts, splits  # noqa: E402
from emovec.io.tables import typed  # noqa: E402
from emovec.prompts.design import in_cells  # noqa: E402
from emovec.prompts.splits import near_by_head, writers  # noqa: E402
from emovec.statistics.arrays import Floats  # noqa: E402
from emovec.statistics.clustered import near_topics  # noqa: E402
from scipy.stats import binomtest  # noqa: E402

TOPICS, PROBE, LATENTS, FEATURES, HEADS = 60, 700, 60, 50, 8
STRENGTH = 0.1  # squared displacement over the variance
# cosine of what the models hold beyond the text; whether the text tells emotions; options
WORLDS = {
    "no signal": (None, False, {}),
    "private": (0.0, False, {}),
    "private, the text tells": (0.0, True, {}),
    "echo": (None, True, {}),
    "echo, 24 topics": (None, True, {"topics": 24}),
    "one habit for each writer": (None, False, {"habit": True}),
    "one habit for each writer, the text tells": (None, True, {"habit": True}),
    "cosine 0.15": (0.15, True, {}),
    "cosine 0.3": (0.3, True, {}),
    "shared": (1.0, True, {}),
}
WORLDS |= {
    f"{name}, 32 emotions": (*WORLDS[name][:2], WORLDS[name][2] | {"emotions": 32})
    for name in ("no signal", "private", "private, the text tells", "echo",
                 "one habit for each writer", "one habit for each writer, the text tells",
                 "cosine 0.15", "cosine 0.3", "shared")
}  # fmt: skip

SHIPPED = {f"{kind}, in the shipped sentences": kind for kind in worlds_many.KINDS[:-1]}
EMOTIONS = ["gratitude", "anger", "apology", "joy", "sadness", "fear", "disgust", "calm"]

# here every emotion is as strong; the gate is for models that hold none
KNOWN = pd.DataFrame({"model": ["a", "b"], "stat": "reliable", "value": 6})


def world(
    rng: np.random.Generator,
    cosine: float | None,
    told: bool,
    *,
    emotions: int = 8,
    topics: int = TOPICS,
    habit: bool = False,
) -> tuple[Read, Read, Texts]:
    """Two models and what is known of their sentences."""
    latent, feature = (1 / np.sqrt(np.arange(1, n + 1)) for n in (LATENTS, FEATURES))
    spread = (latent**2).sum()

    def displaced(count: int, spectrum: Floats, part: float) -> Floats:
        drawn = rng.standard_normal((count, len(spectrum))) * spectrum
        return drawn * np.sqrt(part * (spectrum**2).sum() / (drawn**2).sum(axis=1, keepdims=True))

    def drawn(classes: int, count: int, spectrum: Floats) -> Floats:
        topic, own = (rng.standard_normal((n, count, len(spectrum))) for n in (1, classes))
        return np.sqrt(0.5) * (topic + own) * spectrum

    text, probe = drawn(emotions + 1, topics, feature), drawn(1, PROBE, feature)[0]
    head = np.stack(
        [
            np.where(
                rng.random(topics) < 0.33,
                HEADS + np.arange(topics),
                rng.permutation(topics) % HEADS,
            )
            for _ in range(emotions)
        ]
    )
    if told:
        text[:-1] += displaced(emotions, feature, STRENGTH)[:, None]
        for e in range(emotions):
            marked = head[e] < HEADS
            text[e, marked] += displaced(HEADS, feature, STRENGTH / 2)[head[e, marked]]
    weights = rng.standard_normal((FEATURES, LATENTS)) * latent
    weights *= np.sqrt(0.5 * spread / ((feature[:, None] * weights) ** 2).sum())
    meaning, meant = (
        np.sqrt(0.5) * drawn(n, m, latent) for n, m in ((emotions + 1, topics), (1, PROBE))
    )
    writer = np.arange(topics) % 2
    if habit:
        for one in (0, 1):
            meaning[:-1, writer == one] += displaced(emotions, latent, STRENGTH)[:, None]
    own = [displaced(emotions, latent, STRENGTH * (cosine is not None)) for _ in range(2)]
    if cosine:
        own[1] = cosine * own[0] + np.sqrt(1 - cosine**2) * own[1]
    reads = []
    for moved in own:
        sentences, control = text @ weights + meaning, probe @ weights + meant[0]
        sentences[:-1] += moved[:, None]
        reads.append(
            Read(
                *(
                    (one + np.sqrt(0.3 * spread / LATENTS) * rng.standard_normal(one.shape))
                    / latent
                    for one in (sentences, control)
                )
            )
        )
    near = np.stack([near_topics(topics, one) for one in head])
    known = Texts(Read(text, probe), near, writer, rng.standard_normal((emotions, 2)))
    return *reads, known


@cache
def shipped() -> tuple[pd.DataFrame, worlds_many.Sentences]:
    """The probe, and the sentences of eight emotions."""
    prompts, probe = (
        pd.read_csv(ROOT / f"resources/prompts/{name}.csv") for name in ("spectrum", "probe")
    )
    return probe, worlds_many.Sentences(prompts, probe, EMOTIONS)


def compared(kind: str, rng: np.random.Generator) -> pd.DataFrame:
    """What the workflow finds in two models that read the shipped sentences."""
    probe, sentences = shipped()
    prompts, classes = sentences.prompts, [*EMOTIONS, "neutral"]
    control = (probe.half == "control").to_numpy()

    def cells(rows: Floats) -> Floats:
        found = in_cells(prompts, classes, rows.reshape(len(rows), -1))
        return found.reshape(*found.shape[:2], *rows.shape[1:])

    streams, starts = [], []
    for name, model in zip("ab", sentences.models(rng, kind), strict=True):
        streams.append(Streams(name, cells(model.prompts["suffix"]), model.probe["suffix"], 1))
        mean = cells(model.prompts["mean"])
        starts.append(Read(mean[:, :, 0], model.probe["mean"][control, 0]))
    counts = word_counts(prompts, classes, probe.text[control].tolist())
    enough = len(classes) * (mean.shape[1] // 2) + control.sum() // 2
    texts = Texts(
        text_features(counts, starts, enough),
        near_by_head(prompts, EMOTIONS),
        writers(prompts),
        np.zeros((len(EMOTIONS), 0)),
    )
    a, b = streams
    return compare_geometry((a, b), EMOTIONS, texts, probe, [1.0], DEFAULTS, 999, rng)


def outcome(name: str, seed: int) -> dict[str, object]:
    """The verdict on one world, and which tests reject."""
    rng = np.random.default_rng([seed, *name.encode()])
    pair = {"model_a": "a", "model_b": "b"}
    table = compared(SHIPPED[name], rng) if name in SHIPPED else drawn_world(name, rng)
    table = table[table.emotion.isna()]
    judged = judge_geometry(table, KNOWN, pd.DataFrame([pair | {"matched": 1.0}]), DEFAULTS)
    found = judged.set_index("stat")
    return {
        "verdict": found.verdict["own"],
        **{stat: found.p[stat] < DEFAULTS.alpha for stat in found.index[found.p.notna()]},
    }


def drawn_world(name: str, rng: np.random.Generator) -> pd.DataFrame:
    """What is found in a world that is drawn whole."""
    cosine, told, options = WORLDS[name]
    *models, texts = world(rng, cosine, told, **options)
    rows = share(*models, texts, DEFAULTS, 999, rng)
    aparts = [Apart.of([own_parts(one.sentences)], texts.near) for one in models]
    halves = splits(len(texts.writers), 0, rng, texts.writers)
    rows += compare(*aparts, halves, 999, DEFAULTS.alpha, rng).values()
    pair = {"model_a": "a", "model_b": "b"}
    return typed([pair | row for row in rows], "geometry_between")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument(
        "--only",
        nargs="*",
        choices=WORLDS | SHIPPED,
        default=list(WORLDS | SHIPPED),
        metavar="WORLD",
    )
    options = parser.parse_args()
    seeds = [options.seed * 10_000 + i for i in range(options.worlds)]
    stats = ("own", "beyond_ratings", "beyond_text", "distances")
    print("| world |", " | ".join(stats), "|", " | ".join(VERDICTS), "|")
    print("|---" * (1 + len(stats) + len(VERDICTS)) + "|", flush=True)
    with ProcessPoolExecutor(options.workers) as pool:
        for name in options.only:
            found = list(pool.map(outcome, repeat(name), seeds))
            cells = []
            for stat in stats:
                count = sum(bool(one.get(stat)) for one in found)
                interval = binomtest(count, len(found)).proportion_ci()
                cells.append(
                    f"{count / len(found):.3f} ({interval.low:.3f} to {interval.high:.3f})"
                )
            verdicts = Counter(one["verdict"] for one in found)
            cells += [str(verdicts[verdict]) for verdict in VERDICTS]
            print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
