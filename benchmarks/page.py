"""How large the page of a large run is, and how fast a browser shows it.

    python benchmarks/page.py [--models 10] [--topics 250] [--steered 1] [--repeats 3]

Tables of as many rows as such a run has, filled with random numbers, go through the code that
makes the page: every pair of models, 13 to 31 depths, two positions, tokens of the sentences that
are shown, texts of the steered models. Each picture of the report is a figure drawn from these
tables. Prints bytes and milliseconds, in headless Chromium with an empty profile; the number of
prompts enters by the degrees of freedom alone, because no panel holds prompts one by one.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator
from itertools import combinations, pairwise, product
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts")]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from emovec.explorer.explore import panels  # noqa: E402
from emovec.explorer.panel import Panel  # noqa: E402
from emovec.explorer.texts import steered_texts  # noqa: E402
from emovec.figures.style import save  # noqa: E402
from emovec.figures.within_model import similarity_by_depth  # noqa: E402
from emovec.io.tables import COLUMNS  # noqa: E402
from emovec.models.depths import nearest_depths  # noqa: E402
from emovec.prompts.sentences import read_prompts  # noqa: E402
from emovec.report.page import LOOK_AROUND, to_html  # noqa: E402
from emovec.vectors.token_projections import selected  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
EMOTIONS = ["gratitude", "anger", "apology"]
CLASSES = [*EMOTIONS, "neutral"]
POSITIONS = ["last", "suffix"]
PRIMARY = [0.25, 0.5, 0.75, 0.92]
RNG = np.random.default_rng(0)
PER_MODEL, BETWEEN = 5, 10  # pictures of a report
# Milliseconds from an action to the last change of a panel that follows it.
UNTIL_QUIET = """(panel, act) => new Promise((done) => {
  const start = performance.now();
  let last = start;
  const watch = new MutationObserver(() => { last = performance.now(); });
  watch.observe(panel, {childList: true, subtree: true, attributes: true, characterData: true});
  act();
  const wait = setInterval(() => {
    // 0 if nothing was to be done within three seconds
    if (performance.now() - last < (last === start ? 3000 : 400)) return;
    clearInterval(wait);
    watch.disconnect();
    done(last - start);
  }, 50);
})"""


def table(kind: str, keys: pd.DataFrame, topics: int) -> pd.DataFrame:
    """Rows with these keys and every other column of the table: a number and what goes with it."""
    value = RNG.normal(0.5, 0.1, len(keys))
    width = 2 / np.sqrt(topics)
    gate = RNG.random(len(keys)) < 0.7
    filled = pd.DataFrame(
        {
            "value": value, "ci_low": value - width, "ci_high": value + width,
            "null_low": -width, "null_high": width, "null": "label permutation",
            "p": RNG.uniform(0, 1, len(keys)), "p_adjusted": RNG.uniform(0, 1, len(keys)),
            "gate_ok": gate, "flag": np.where(gate, None, "not reliable enough"),
        }
    )  # fmt: skip
    own = filled.columns.difference(keys.columns)
    return pd.concat([keys, filled[own]], axis=1).reindex(columns=COLUMNS[kind])


def frame(rows: Iterator[tuple], columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


def within_rows(layers: dict[str, int]) -> Iterator[tuple]:
    for model, last in layers.items():
        yield from (
            (model, position, depth, metric, a, b, stat)
            for position, depth, metric, (a, b), stat in product(
                POSITIONS, range(last + 1), ("raw", "zstd", "lda"), combinations(EMOTIONS, 2),
                ("cos_naive", "cos_u"),
            )
        )  # fmt: skip


def cross_rows(layers: dict[str, int]) -> Iterator[tuple]:
    pairs = [*combinations(layers, 2), *((model, f"{model}@twin") for model in layers)]
    for a, b in pairs:
        last = layers[a], layers[b.partition("@")[0]]
        grid = list(product(*(np.linspace(0, n, 10).round().astype(int) for n in last)))
        few = list(product(*(nearest_depths(PRIMARY, n) for n in last)))[::5]
        same = [(depth, depth) for depth in range(min(last) + 1)]
        for emotion in EMOTIONS:
            for method, family, places in (
                ("wpc", "exploratory", grid), ("wpc", "alignment", few),
                ("ridge", "alignment", few), ("procrustes", None, few),
            ):  # fmt: skip
                yield from ((a, b, "suffix", *p, emotion, method, "cos_u", family) for p in places)
            for position in POSITIONS:
                yield from ((a, b, position, *p, emotion, "raw", "cos_naive", None) for p in same)
        yield from ((a, b, "suffix", *p, None, "cka_debiased", "cka", None) for p in grid)


def verdict_rows(models: list[str]) -> Iterator[tuple]:
    for (a, b), emotion, depth in product(combinations(models, 2), EMOTIONS, PRIMARY):
        reason = f"It matches the {emotion} of the other no better than ordinary attributes do."
        yield (emotion, a, b, "suffix", depth, *[True] * 6, "inconclusive", reason)


def token_table(model: str, last: int) -> pd.DataFrame:
    """Words, as a tokenizer would give them, of the sentences that a run shows."""
    prompts = selected(read_prompts(ROOT / "resources/prompts/baseline.csv", EMOTIONS, "neutral"))
    keys = product(nearest_depths(PRIMARY, last), EMOTIONS, prompts.itertuples())
    rows = [
        (depth, direction, prompt.emotion, prompt.topic, f" {word}")
        for depth, direction, prompt in keys
        for word in f"{prompt.text} That is all there is to say about it .".split()
    ]
    found = frame(iter(rows), "depth direction class topic text")
    return found.assign(model=model, projection=RNG.normal(size=len(found)) * 2)


def texts(model: str) -> pd.DataFrame:
    """As many texts as the default experiment writes with one model."""
    openings = pd.DataFrame({"id": [f"o{i}" for i in range(24)]})
    openings["text"] = [f"Opening number {i} of a text that goes on" for i in range(24)]
    kinds = [("none", "", "", 0.0, 0.0)]
    kinds += [
        ("add", "emotion", emotion, strength, sign)
        for emotion, strength, sign in product(EMOTIONS, (0.25, 0.5, 1.0), (-1.0, 1.0))
    ]
    kinds += [("add", "random", f"random_{i}", 0.5, 1.0) for i in range(20)]
    kinds += [("remove", "emotion", emotion, 0.0, 0.0) for emotion in EMOTIONS]
    rows = product(kinds, openings.id, (0, 1))
    scores = frame(
        ((*kind, opening, sample) for kind, opening, sample in rows),
        "operation kind direction strength sign opening sample",
    ).assign(
        depth=15, vader=0.1, text="and so it went on, as such things do, until the evening." * 2
    )
    targets = {"gratitude": "joy", "anger": "anger", "apology": "sadness"}
    for target in targets.values():
        scores[f"nade_{target}"] = RNG.random(len(scores))
    return steered_texts(scores, openings, model, targets)


def pictures(within: pd.DataFrame, models: list[str], folder: Path) -> list[str]:
    """Lines of Markdown, one for each picture that a report would hold."""
    lines = []
    for model in models:
        name = f"{model}.png"
        own = within[within.model == model]
        save(similarity_by_depth(own, EMOTIONS, model, 0.05), folder / name, 150)
        lines += [f"![{model}]({name})\n"] * PER_MODEL
    return lines + lines[:BETWEEN]


def make(arguments: argparse.Namespace, folder: Path) -> tuple[Path, list[Panel]]:
    """The page in `folder`."""
    depths = np.linspace(12, 30, arguments.models).round().astype(int)
    layers = {f"model-{i}": int(last) for i, last in enumerate(depths)}
    models = list(layers)
    keys = frame(within_rows(layers), "model position depth metric emotion_a emotion_b stat")
    within = table("within_model_similarity", keys, arguments.topics)
    keys = frame(
        cross_rows(layers), "model_a model_b position depth_a depth_b emotion_a method stat family"
    )
    cross = table("cross_model_similarity", keys.assign(emotion_b=keys.emotion_a), arguments.topics)
    verdicts = frame(verdict_rows(models), " ".join(COLUMNS["verdicts"]))
    shown = panels(
        {"within": within, "cross": cross, "verdicts": verdicts},
        [token_table(model, last) for model, last in layers.items()],
        [texts(model) for model in models[: arguments.steered]],
        models, EMOTIONS, "95 %", "suffix",
    )  # fmt: skip
    lines = ["# A large run\n", "## Pictures\n", *pictures(within, models, folder)]
    page = folder / "report.html"
    page.write_text(to_html("\n".join([*lines, "## Look around\n", LOOK_AROUND]), folder, shown))
    return page, shown


def measure(page: Page, address: str) -> dict[str, float]:
    """Milliseconds of loading, of drawing the first panel, and the longest of changing a control.

    Panels near what is seen are drawn before a reader comes to them.
    """
    page.goto(address)
    found = {
        "loaded (DOMContentLoaded)": page.evaluate(
            "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        )
    }
    watched = f"(panel) => ({UNTIL_QUIET})(panel, () => panel.scrollIntoView())"
    for panel in page.query_selector_all(".panel"):
        name = panel.get_attribute("id").removeprefix("look-")
        drawn = panel.evaluate(watched)
        found.setdefault("first panel drawn, after a jump to it", drawn)
        act = """() => {
          s.selectedIndex = (s.selectedIndex + 1) % s.length;
          s.dispatchEvent(new Event('change', {bubbles: true}));
        }"""
        change = f"(s) => ({UNTIL_QUIET})(s.closest('.panel'), {act})"
        controls = panel.query_selector_all("select")
        found[f"{name}: slowest control changed"] = max(c.evaluate(change) for c in controls)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    defaults = {"models": 10, "topics": 250, "steered": 1, "repeats": 3}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        page, shown = make(arguments, Path(name))
        size = page.stat().st_size
        print(f"| what | measured |\n|---|--:|\n| the page | {size / 2**20:.1f} MiB |")
        for panel, (start, end) in zip(shown, pairwise(places(page.read_text())), strict=True):
            print(f"| {panel.name}: {len(panel.rows)} rows | {(end - start) / 2**20:.2f} MiB |")
        with sync_playwright() as started:
            runs = []
            for _ in range(arguments.repeats):
                browser = started.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
                )
                new = browser.new_page(viewport={"width": 1280, "height": 844})
                runs.append(measure(new, page.as_uri()))
                browser.close()
        for what in runs[0]:
            middle = statistics.median(run[what] for run in runs)
            print(f"| {what} | {middle:.0f} ms |")


def places(html: str) -> list[int]:
    """Where each panel begins, and where the last one ends."""
    starts = [found.start() for found in re.finditer('<section class="panel"', html)]
    return [*starts, html.rindex("</section>")]


if __name__ == "__main__":
    main()
