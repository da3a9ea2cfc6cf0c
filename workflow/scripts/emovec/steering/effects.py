"""What steering does: effects paired over openings, against controls that push equally hard.

An effect is a mean over openings of a measure under a condition less the same under the baseline,
with a t interval over openings. `changes` says what its null is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from emovec.io.tables import typed
from emovec.statistics.resampling import max_t
from emovec.steering.changes import READ_OUTS, TEXTS, changes, estimates, usable
from emovec.steering.conditions import CONDITION_COLUMNS
from emovec.steering.controls import CONTROLS
from emovec.steering.directions import EMOTION
from emovec.steering.dose import dose_response
from emovec.steering.judges import JUDGES, PLAIN


def effects(
    table: pd.DataFrame,
    measures: Sequence[str],
    emotions: Sequence[str],
    alpha: float,
    kind_of_reading: str,
    targets: Collection[tuple[str, str]] = (),
) -> pd.DataFrame:
    """One row per emotion condition, measure and kind of control.

    `table` holds one row per condition and opening (and `sample`, 0 alone). `value` is the mean
    change over openings; `null_low` and `null_high` hold the central 1 − alpha of the controls'.
    p is one-sided for `targets[emotion, measure]`, which adding the vector should raise and
    subtracting it lower, and two-sided for everything else.
    """
    less = changes(table, measures)
    rows = []
    cells = less[less.operation != "none"].groupby(["depth", "operation", "strength"], sort=True)
    for (depth, operation, strength), cell in cells:
        nulls = {
            kind: cell[cell.kind == kind].groupby("direction", sort=False)[list(measures)].mean()
            for kind in CONTROLS
        }
        nulls = usable({kind: null.to_numpy() for kind, null in nulls.items()})
        own = cell[(cell.kind == EMOTION) & cell.direction.isin(list(emotions))]
        for (direction, sign), condition in own.groupby(["direction", "sign"], sort=False):
            at = {
                "depth": depth,
                "operation": operation,
                "strength": strength,
                "sign": sign,
                "direction": direction,
                "reading": kind_of_reading,
            }
            for place, measure in enumerate(measures):
                towards = sign if (direction, measure) in targets else 0
                rows += [
                    at | {"measure": measure} | found
                    for found in estimates(
                        condition[measure].to_numpy(), nulls, place, towards, alpha
                    )
                ]
    return pd.DataFrame(rows)


def adjust(
    table: pd.DataFrame,
    shown: pd.DataFrame,
    targets: Collection[tuple[str, str]],
    choice: dict,
) -> pd.Series:
    """p of the primary tests, adjusted for all of them by max-T over the control directions.

    Primary are, at the chosen depth and strength, each emotion with each sign on its own measures
    `targets[emotion, measure]`, one-sided. One family per kind of control.
    """
    less = changes(table, sorted({measure for _, measure in targets}))
    cell = less[
        (less.operation == "add")
        & (less.depth == choice["depth"])
        & (less.strength == choice["strength"])
    ]
    means = cell.groupby(["kind", "direction", "sign"], sort=False)[
        sorted({measure for _, measure in targets})
    ].mean()
    adjusted = pd.Series(np.nan, index=shown.index)
    members = [(emotion, measure, sign) for emotion, measure in targets for sign in (1, -1)]
    observed = np.array([s * means.loc[(EMOTION, e, s), m] for e, m, s in members])
    nulls = usable(
        {
            kind: np.stack([s * means.xs(kind, level="kind")[m] for _, m, s in members], axis=1)
            for kind in CONTROLS
            if kind in means.index.get_level_values("kind")
        }
    )
    at_choice = (
        (shown.operation == "add")
        & (shown.depth == choice["depth"])
        & (shown.strength == choice["strength"])
    )
    for kind, drawn in nulls.items():
        here = at_choice & (shown.null == kind)
        for (emotion, measure, sign), p in zip(members, max_t(observed, drawn), strict=True):
            rows = (shown.direction == emotion) & (shown.measure == measure) & (shown.sign == sign)
            adjusted[rows & here] = p
    return adjusted


TEXT_MEASURES = (
    "log_perplexity", "repeated", "distinct_2", "empty_text", "degenerate", *PLAIN,
    "ends_period", "ends_exclamation", "ends_question",
)  # fmt: skip


def steering_table(
    read_outs: pd.DataFrame,
    scores: pd.DataFrame,
    carried: dict[str, pd.DataFrame],
    report: Sequence[str],
    choice: dict,
    emotions: Sequence[str],
    targets: dict[str, dict[str, str]],
    alpha: float,
) -> pd.DataFrame:
    """The rows of `steering/{model}.csv`, all on the openings `report`.

    Parameters
    ----------
    carried : read-outs of directions that came from another model, by its name.
    targets : for each judge that knows emotions, the prefix of its columns of `scores`, which of
        its labels stands for an emotion; not for every emotion there is one.

    `source` is left empty for the model's own directions.
    """
    words = [f"logp_{emotion}" for emotion in emotions]
    parts = []

    def add(table: pd.DataFrame, measures, reading, wanted, family, source=np.nan):
        found = effects(table, measures, emotions, alpha, reading, wanted)
        found["p_adjusted"] = adjust(table, found, wanted, choice) if wanted else np.nan
        found["family"] = np.where(found.p_adjusted.notna(), family, "")
        parts.append(found.assign(source=source))

    own = read_outs[read_outs.opening.isin(list(report))]
    on_words = {(emotion, word) for emotion, word in zip(emotions, words, strict=True)}
    add(own, [*words, "kl"], READ_OUTS, sorted(on_words), "steering read-outs")
    parts.append(dose_response(own, emotions, alpha).assign(source=np.nan, family=""))

    texts = scores.assign(log_perplexity=-scores.log_probability)
    prefixes = ("words_", *(f"{judge}_" for judge in (*JUDGES, *targets)))
    counted = [column for column in texts if column.startswith(prefixes)]
    on_texts = sorted(
        [(emotion, f"words_{emotion}") for emotion in emotions]
        + [
            (emotion, f"{judge}_{labels[emotion]}")
            for judge, labels in targets.items()
            for emotion in emotions
            if emotion in labels
        ]
    )
    measures = [*TEXT_MEASURES, *counted]
    add(texts[texts["sample"] == 0], measures, TEXTS, on_texts, "steering texts")
    if (texts["sample"] > 0).any():
        means = (
            texts[texts["sample"] > 0]
            .groupby([*CONDITION_COLUMNS, "opening"], sort=False)[measures]
            .mean()
            .reset_index()
        )
        add(means, measures, "sampled texts", [], "")
    for source, table in carried.items():
        there = table[table.opening.isin(list(report))]
        add(there, [*words, "kl"], READ_OUTS, sorted(on_words), "carried directions", source)

    found = pd.concat(parts, ignore_index=True)
    at_choice = (found.depth == choice["depth"]) & (
        found.strength.isna() | (found.strength == choice["strength"]) | (found.operation != "add")
    )
    flags = np.where(
        found.value.isna(),
        "no_value",
        np.where(found.null.isna() | (found.null == ""), "no_controls", ""),
    )
    found = found.assign(chosen=at_choice, flag=flags)
    return typed(found, "steering")
