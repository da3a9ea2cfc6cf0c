"""What readers look around in of sentences: those that were read, and those that were written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.explorer.panel import Choice, Column, Panel
from emovec.steering.asking import WAYS
from emovec.steering.judges import JUDGES, PLAIN, TARGETED
from emovec.wording.language import N_, _

CONTROLS = N_("control directions")


NOT_JUDGED = [
    "model", "opening", "direction", "sign", "strength", "said", "depth", "sample", "text",
]  # fmt: skip


BEYOND = N_(
    "How far each token lies along an emotion's direction, beyond the neutral sentence of "
    "its topic at the same place, in standard deviations of neutral sentences. The "
    "direction was fitted without the topic. Topics are those nearest to the median of "
    "all, so neither the best nor the worst. If the direction meant nothing, the sentence "
    "of its emotion would look like the others."
)


WITHOUT = N_(  # a neutral class
    "How far each token lies along an emotion's direction, beyond the mean of all emotions of "
    "its topic at the same place, in standard deviations of all sentences. The "
    "direction was fitted without the topic. Topics are those nearest to the median of "
    "all, so neither the best nor the worst. If the direction meant nothing, the sentence "
    "of its emotion would look like the others."
)


def tokens_panel(tokens: pd.DataFrame) -> Panel:
    """Sentences coloured by how far each token is along a direction."""
    keys = ["model", "depth", "direction", "topic", "class"]
    # the middle of a model first: there emotions stand out most from a sentence's other words
    middle = (tokens.relative_depth - 0.5).abs()
    tokens = tokens.iloc[np.argsort(middle, kind="stable")]
    tokens = tokens.assign(text=tokens.text.fillna(""), depth=tokens.depth.astype(str))
    sentences = tokens.groupby(keys, sort=False)
    rows = sentences.agg(tokens=("text", tuple), values=("beyond", list)).reset_index()
    return Panel(
        "tokens",
        _("Token by token"),
        _(WITHOUT if set(tokens["class"]) <= set(tokens["direction"]) else BEYOND),
        rows,
        [
            Choice("model", _("Model")), Choice("depth", _("Depth")),
            Choice("direction", _("Direction")), Choice("topic", _("Topic")),
            Choice("class", _("Class"), _("all")),
        ],
        [
            Column("class", _("class")), Column("place", _("token")),
            Column("token", _("text")), Column("value", _("standard deviations"), 2),
        ],
        "tokens",
    )  # fmt: skip


def written_texts(
    scores: pd.DataFrame, openings: pd.DataFrame, model: str, targets: dict[str, str]
) -> pd.DataFrame:
    """What one steered model wrote, with how it was judged.

    Texts without steering and without an emotion that was asked for fit every choice.
    """
    added, removed = scores.operation == "add", scores.operation == "remove"
    asked = scores.operation.isin(list(WAYS))
    emotion = scores.kind == "emotion"
    sign = scores.sign.map({1.0: "+", -1.0: "−"})
    said = pd.Series(_("not steered"), scores.index)
    said = said.mask(removed, scores.direction.map(_without, na_action="ignore"))
    said = said.mask(added, sign + " " + scores.direction)
    said = said.mask(asked & emotion, scores.direction + " · " + scores.operation.map(_way))
    said = said.mask(asked & ~emotion, scores.operation.map(_plain_way))
    judged = {f"{TARGETED.name}_{target}": target for target in dict.fromkeys(targets.values())}
    judged |= {name: _(JUDGES[name].title) for name in PLAIN}
    return pd.DataFrame(
        {
            "model": model,
            "opening": scores.opening.map(dict(zip(openings.id, openings.text, strict=True))),
            "direction": scores.direction.where(emotion, _(CONTROLS)).where(
                added | removed | (asked & emotion)
            ),
            "sign": sign.where(added),
            "strength": scores.strength.map("{:g}".format).where(added),
            "said": said,
            "depth": scores.depth.where(added | removed),
            "sample": scores["sample"],
            "text": scores.text.fillna(""),
            **{label: scores[column] for column, label in judged.items() if column in scores},
        }
    )


def _way(operation: str) -> str:
    return _(WAYS[operation].title) if operation in WAYS else ""


def _plain_way(operation: str) -> str:
    return _("{way}, without an emotion").format(way=_way(operation))


def _without(direction: str) -> str:
    return _("{direction}, projected out").format(direction=direction)


def texts_panel(texts: Sequence[pd.DataFrame]) -> Panel:
    """Steered texts side by side, from `written_texts`."""
    rows = pd.concat(texts, ignore_index=True)
    judged = [name for name in rows.columns if name not in NOT_JUDGED]
    return Panel(
        "texts",
        _("What steering writes"),
        _(
            "Continuations of one opening side by side; the grey ones are the model without "
            "steering, on its own or after a text without an emotion. If a direction caused "
            "nothing, its texts would read like those of control directions."
        ),
        rows,
        [
            Choice("model", _("Model")), Choice("opening", _("Opening")),
            Choice("direction", _("Direction"), _("all")), Choice("sign", _("Sign"), _("both")),
            Choice("strength", _("Strength"), _("all")),
        ],
        [
            Column("strength", _("strength")), Column("depth", _("depth"), 0),
            Column("sample", _("sample"), 0), *(Column(name, name, 2) for name in judged),
        ],
        "cards",
    )  # fmt: skip
