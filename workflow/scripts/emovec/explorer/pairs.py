"""Two of many emotions: their sentences side by side, and how alike they are in each model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pandas as pd

from emovec.explorer.panel import Choice, Column, Panel
from emovec.wording.language import _

N_TOPICS = 8  # as many as a reader looks at


def pairs_panel(
    prompts: pd.DataFrame, within: pd.DataFrame, models: Sequence[str], emotions: Sequence[str],
    position: str,
) -> Panel:  # fmt: skip
    """Cards of the first sentences of two emotions on one topic, with the pair's cosines."""
    first = prompts.drop_duplicates(["topic", "emotion"])
    first = first[first.topic.isin(first.topic.unique()[:N_TOPICS])]
    by_emotion = dict(list(first.groupby("emotion", sort=False)))
    cosines = within[
        (within.stat == "cos_u") & within.depth.isna() & (within.position == position)
        & (within.metric == ("lda" if (within.metric == "lda").any() else "raw"))
    ].set_index(["model", "emotion_a", "emotion_b"])["value"]  # fmt: skip
    names = {model: f"cosine in {model}" for model in models}  # none of the other columns
    rows = []
    for a, b in combinations(emotions, 2):
        told = {name: cosines.get((model, a, b)) for model, name in names.items()}
        rows += [
            {"pair": f"{a} – {b}", "topic": one.topic, "direction": one.emotion,
             "said": one.emotion, "text": one.text} | told
            for emotion in (a, b)
            for one in by_emotion[emotion].itertuples()
        ]  # fmt: skip
    return Panel(
        "pairs",
        _("Two emotions side by side"),
        _(
            "What two emotions were written as, and the cosine of their directions in each model, "
            "averaged over depths. Emotions that are alike in a model may be alike in their words."
        ),
        pd.DataFrame(rows).astype(dict.fromkeys(names.values(), float)),
        [Choice("pair", _("emotions")), Choice("topic", _("Topic"))],
        [Column(name, model, 2) for model, name in names.items()],
        "cards",
    )
