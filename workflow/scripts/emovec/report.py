"""The written report: facts drawn from the tables of one run, put into words by a template."""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from markdown_it import MarkdownIt


def describe(
    provenance: dict,
    audit: dict,
    norms: pd.DataFrame,
    within: pd.DataFrame,
    cross: pd.DataFrame,
    models: Sequence[str],
) -> dict:
    """All that the template says, from the tables of one run."""
    config = provenance["config"]
    emotions, primary = config["prompts"]["emotions"], config["statistics"]["position"]
    positions = list(dict.fromkeys(norms.position))
    described = []
    for name in models:
        attributes = provenance["activations"][name]
        described.append(
            {
                "name": name,
                **{k: attributes.get(k, "unknown") for k in ("architecture", "space", "license")},
                **{k: attributes[k] for k in ("n_layers", "d_model")},
                "within": {p: within_facts(within, name, p, emotions) for p in positions},
                "rogue": rogue_lines(within, name, positions),
                "peaks": {p: peaks(norms, name, p) for p in positions},
            }
        )
    raw = {p: raw_facts(cross, p, emotions) for p in positions} if len(models) > 1 else {}
    return {
        "experiment": config["experiment"],
        "emotions": emotions,
        "classes": [*emotions, config["prompts"]["neutral"]],
        "positions": positions,
        "primary": primary,
        "audit": audit,
        "models": described,
        "raw": raw,
        "provenance": provenance,
        "glance": [
            *(within_line(model, primary) for model in described),
            *raw_lines(raw.get(primary, [])),
        ],
    }


def within_line(model: dict, position: str) -> str:
    """The answer for one model in one sentence."""
    facts = model["within"][position]
    reliable = [fact for fact in facts if fact["gate"]]
    if not reliable:
        return (
            f"**{model['name']}**: no two emotions have vectors reliable enough to be compared; "
            "their cosines cannot be told from noise."
        )
    listed = ", ".join(
        f"{fact['pair']} {number(fact['unbiased'])} "
        f"({number(fact['ci_low'])} to {number(fact['ci_high'])})"
        for fact in reliable
    )
    distinct = sum(fact["ci_high"] < 1 for fact in reliable)
    return (
        f"**{model['name']}**: {distinct} of {len(facts)} pairs of emotions point in directions "
        f"that are distinct (corrected cosine below 1 with its whole interval): {listed}."
    )


def raw_lines(facts: list[dict]) -> list[str]:
    """What the study's comparison between models can say."""
    defined = [fact for fact in facts if fact["defined"]]
    if not facts:
        return []
    if not defined:
        return ["**Between models**: raw cosines are undefined, because no two models are as wide."]
    inside = sum(fact["defined"] - fact["outside"] for fact in defined)
    total = sum(fact["defined"] for fact in defined)
    return [
        f"**Between models**: {inside} of {total} raw cosines lie in the band of unrelated "
        "vectors. They cannot be told from chance, and could not be if everything were shared."
    ]


def rogue_lines(within: pd.DataFrame, model: str, positions: Sequence[str]) -> list[str]:
    """A sentence wherever single dimensions decide the raw cosines."""
    lines = []
    for position in positions:
        found = [fact for fact in dominated(within, model, position) if fact["depths"]]
        if found:
            listed = ", ".join(
                f"{f['emotion']} at {f['depths']} of {f['of']} depths" for f in found
            )
            lines.append(
                f"Read at {position}, one dimension holds more than half of the squared length of "
                f"the vector ({listed}): raw cosines there speak of that dimension alone."
            )
    return lines


def within_facts(within: pd.DataFrame, model: str, position: str, emotions: Sequence[str]) -> list:
    """For each pair of emotions: mean naive and unbiased cosine with null, interval and gate."""
    rows = within[
        (within.model == model) & (within.position == position) & (within.metric == "raw")
        & within.depth.isna()
    ]  # fmt: skip
    facts = []
    for a, b in combinations(emotions, 2):
        pair = rows[(rows.emotion_a == a) & (rows.emotion_b == b)].set_index("stat")
        naive, unbiased = pair.loc["cos_naive"], pair.loc["cos_u"]
        facts.append(
            {
                "pair": f"{a} – {b}",
                "naive": naive.value,
                "null_low": naive.null_low,
                "null_high": naive.null_high,
                "p": naive.p_adjusted,
                "chance": bool(naive.null_low <= naive.value <= naive.null_high),
                "unbiased": unbiased.value,
                "ci_low": unbiased.ci_low,
                "ci_high": unbiased.ci_high,
                "gate": unbiased.gate_ok is True or unbiased.gate_ok == "True",
            }
        )
    return facts


def dominated(within: pd.DataFrame, model: str, position: str) -> list[dict]:
    """Emotions whose vector lies mostly in one dimension, over the depths where that is so."""
    rows = within[
        (within.model == model) & (within.position == position) & (within.metric == "raw")
        & (within.stat == "rogue_share1")
    ]  # fmt: skip
    return [
        {
            "emotion": emotion,
            "depths": int((group.value > 0.5).sum()),
            "of": int(group.value.notna().sum()),
            "largest": group.value.max(),
        }
        for emotion, group in rows.groupby("emotion_a", sort=False)
    ]


def peaks(norms: pd.DataFrame, model: str, position: str) -> list[dict]:
    """Where each emotion vector is longest, and longest against what noise would give."""
    rows = norms[(norms.model == model) & (norms.position == position) & (norms.norm == "l2")]
    found = []
    for emotion, group in rows.groupby("emotion", sort=False):
        ratio = group.value / group.chance
        longest = group.loc[group.value.idxmax()]
        clearest = group.loc[ratio.idxmax()] if ratio.notna().any() else longest
        found.append(
            {
                "emotion": emotion,
                "longest": int(longest.depth),
                "norm": longest.value,
                "clearest": int(clearest.depth),
                "ratio": ratio.max(),
                "last": int(group.depth.max()),
            }
        )
    return found


def raw_facts(cross: pd.DataFrame, position: str, emotions: Sequence[str]) -> list[dict]:
    """For each pair of models and emotion: mean raw cosine, and how many depths leave the band."""
    rows = cross[
        (cross.method == "raw") & (cross.stat == "cos_naive") & (cross.position == position)
        & (cross.emotion_a == cross.emotion_b)
    ]  # fmt: skip
    facts = []
    for (a, b), pair in rows.groupby(["model_a", "model_b"], sort=False):
        for emotion in emotions:
            line = pair[pair.emotion_a == emotion]
            defined = line[line.value.notna()]
            outside = (defined.value < defined.null_low) | (defined.value > defined.null_high)
            facts.append(
                {
                    "models": f"{a} × {b}",
                    "emotion": emotion,
                    "defined": len(defined),
                    "mean": defined.value.mean() if len(defined) else np.nan,
                    "outside": int(outside.sum()),
                    "band": defined.null_high.max() if len(defined) else np.nan,
                    "why": "" if len(defined) else line.flag.iloc[0],
                }
            )
    return facts


def render(template: str, context: dict) -> str:
    """Fill one of the templates; a name that the context lacks is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "p": p_value}
    text = environment.get_template(template).render(context)
    return re.sub(r"\n{3,}", "\n\n", text)


def number(value: float, digits: int = 2) -> str:
    """A number for a reader; undefined is said, and a minus is a minus."""
    if value is None or pd.isna(value):
        return "undefined"
    return f"{value:.{digits}f}".replace("-", "−")


def p_value(value: float) -> str:
    if value is None or pd.isna(value):
        return "undefined"
    return f"{value:.4f}" if value < 0.01 else f"{value:.2f}"


def to_html(markdown: str, folder: str | Path) -> str:
    """One page that needs no other file: pictures named relative to `folder` go inside."""
    body = MarkdownIt("commonmark").enable("table").render(markdown)

    def inline(match: re.Match) -> str:
        path = Path(folder) / match[1]
        kind = mimetypes.guess_type(path.name)[0]
        return f'src="data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"'

    body = re.sub(r'src="([^":]+)"', inline, body)
    title = re.search(r"<h1>(.*?)</h1>", body)
    return render("page.html.j2", {"title": title[1] if title else "Report", "body": body})
