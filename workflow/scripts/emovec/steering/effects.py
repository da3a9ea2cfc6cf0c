"""What steering does: effects paired over openings, against controls that push equally hard.

An effect is a mean over openings of a measure under a condition less the same under the baseline,
with a t interval over openings. `changes` says what its null is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emovec.io.tables import typed
from emovec.steering.asking import WAYS
from emovec.steering.asking_effects import EXTRA, asking_effects
from emovec.steering.changes import ALL, READ_OUTS, TEXTS, changes, estimates, kinds_of, usable
from emovec.steering.conditions import CONDITION_COLUMNS
from emovec.steering.controls import CONTROLS
from emovec.steering.directions import EMOTION
from emovec.steering.dose import dose_response
from emovec.steering.families import OWN, corrected, less_others, stand_ins
from emovec.steering.judges import JUDGES, PLAIN


def effects(
    table: pd.DataFrame,
    measures: Sequence[str],
    emotions: Sequence[str],
    alpha: float,
    kind_of_reading: str,
    targets: Sequence[tuple[str, str]] = (),
) -> pd.DataFrame:
    """One row per emotion condition, measure and kind of control.

    `table` holds one row per condition and opening (and `sample`, 0 alone). `value` is the mean
    change over openings; `null_low` and `null_high` hold the central 1 − alpha of the controls'.

    The measures of `targets`, pairs of an emotion and a measure, are those that adding its vector
    should raise and subtracting it lower: their p is one-sided, all others' are two-sided. Where
    something is added they have a second row, `{measure}.own`: the change less what the vectors
    of the other emotions do on average.
    """
    less = changes(table, measures)
    rows = []
    cells = less[less.operation != "none"].groupby(["depth", "operation", "strength"], sort=True)
    for (depth, operation, strength), cell in cells:
        nulls = usable(
            {
                kind: cell[cell.kind == kind].groupby("direction", sort=True)[list(measures)].mean()
                for kind in CONTROLS
            }
        )
        own = cell[(cell.kind == EMOTION) & cell.direction.isin(list(emotions))]
        for sign, signed in own.groupby("sign", sort=False):
            by_emotion = _aligned(signed, measures, emotions)
            for direction in dict.fromkeys(signed.direction):
                at = {
                    "depth": depth,
                    "operation": operation,
                    "strength": strength,
                    "sign": sign,
                    "direction": direction,
                    "reading": kind_of_reading,
                }
                for column, measure in enumerate(measures):
                    wanted = (direction, measure) in targets
                    place = emotions.index(direction)
                    values = by_emotion[:, column]
                    null = {kind: every[measure].to_numpy() for kind, every in nulls.items()}
                    shown = [(measure, values[:, place], null)]
                    if wanted and operation == "add" and len(emotions) > 1:
                        apart = {
                            kind: less_others(
                                stand_ins(null[kind], kinds_of(every), len(emotions)), place
                            )
                            for kind, every in nulls.items()
                        }
                        shown.append((measure + OWN, less_others(values, place), apart))
                    rows += [
                        at | {"measure": name} | found
                        for name, *given in shown
                        for found in estimates(*given, sign if wanted else 0, alpha)
                    ]
    return pd.DataFrame(rows)


def _aligned(signed: pd.DataFrame, measures: Sequence[str], emotions: Sequence[str]) -> np.ndarray:
    """Changes `[opening, measure, emotion]`; NaN for an emotion that is not there."""
    at = ["opening", "sample"] if "sample" in signed else ["opening"]
    wide = signed.set_index([*at, "direction"])[list(measures)].unstack("direction")
    columns = pd.MultiIndex.from_product([measures, emotions])
    values = wide.reindex(columns=columns).to_numpy(float)
    return values.reshape(-1, len(measures), len(emotions))


def adjust(
    table: pd.DataFrame, shown: pd.DataFrame, emotions: Sequence[str],
    targets: Sequence[tuple[str, str]],
) -> pd.Series:  # fmt: skip
    """p of the rows of `shown` that are primary tests, adjusted for all depths and strengths.

    Primary is what adding each emotion does to its own measures, and what subtracting it does, a
    family each; so is the own part of that. One family per kind of control, of all cells in which
    every control was read.
    """
    measures = list(dict.fromkeys(measure for _, measure in targets))
    places = [(emotions.index(emotion), measures.index(measure)) for emotion, measure in targets]
    less = changes(table, measures)
    added = less[less.operation == "add"]
    means = added.groupby(["kind", "sign", "direction", "depth", "strength"], sort=False)[
        measures
    ].mean()
    grids = {
        at: rows.droplevel(["kind", "sign"]).unstack(["depth", "strength"]).sort_index()
        for at, rows in means.groupby(["kind", "sign"])
    }
    nulls = usable({kind: grids[kind, 1] for kind in CONTROLS if (kind, 1) in grids})
    found = []
    for sign in (1, -1):
        if (EMOTION, sign) not in grids:
            continue
        own = grids[EMOTION, sign].reindex(list(emotions))
        for kind, null in nulls.items():
            cells = [c for c in null[measures[0]] if null[measures[0]][c].notna().all()]
            if not cells:
                continue
            raised, controls = (sign * _grid(rows, measures, cells) for rows in (own, null))
            p = corrected(raised, controls, kinds_of(null), places)
            found += [
                (direction, measure + ("", OWN)[part], *cell, sign, kind, p[target, at, part])
                for target, (direction, measure) in enumerate(targets)
                for at, cell in enumerate(cells)
                for part in range(p.shape[-1])
            ]
    if not found:
        return pd.Series(np.nan, shown.index)
    keys = ["direction", "measure", "depth", "strength", "sign", "null"]
    adjusted = pd.DataFrame(found, columns=[*keys, "p_adjusted"]).assign(operation="add")
    joined = shown[[*keys, "operation"]].merge(adjusted, how="left", on=[*keys, "operation"])
    return joined.p_adjusted.set_axis(shown.index)


def _grid(rows: pd.DataFrame, measures: Sequence[str], cells: Sequence[tuple]) -> np.ndarray:
    """`[direction, measure, cell]` of a table with a column for each measure and cell."""
    columns = pd.MultiIndex.from_tuples(cells)
    return np.stack([rows[m].reindex(columns=columns).to_numpy(float) for m in measures], axis=1)


def pooled(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows against all kinds of control together, or against the one kind there is."""
    return rows[rows.null == ALL] if (rows.null == ALL).any() else rows


def searched(effects: pd.DataFrame, direction: str, measure: str, sign: int = 1) -> float:
    """The smallest corrected p over all depths and strengths of what adding a direction does."""
    rows = effects[
        (effects.operation == "add") & (effects.sign == sign)
        & (effects.direction == direction) & (effects.measure == measure)
    ]  # fmt: skip
    return float(pooled(rows).p_adjusted.min())


READ = "read_"  # begins the measures that the model itself reads from a text


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
    asked: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The rows of `steering/{model}.csv`, all on the openings `report`.

    Parameters
    ----------
    carried : read-outs of directions that came from another model, by its name.
    targets : for each judge that knows emotions, the prefix of its columns of `scores`, which of
        its labels stands for an emotion; not for every emotion there is one.
    asked : read-outs of asking, if that was done; its texts are among those of `scores`.

    `source` is left empty for the model's own directions.
    """
    words = [f"logp_{emotion}" for emotion in emotions]
    found = []

    def add(table: pd.DataFrame, measures, reading, families: dict[str, list], source=np.nan):
        wanted = [target for family in families.values() for target in family]
        asking = table.operation.isin(list(WAYS))
        if asking.any():
            given = (table, measures, families, choice, emotions, alpha, reading)
            found.append(asking_effects(*given).assign(source=source))
            table = table[~asking]
        rows = effects(table, measures, emotions, alpha, reading, wanted)
        rows = rows.assign(source=source, family="", p_adjusted=np.nan)
        for family, own in families.items():
            p = adjust(table, rows, emotions, own)
            rows.loc[p.notna(), "family"] = family
            rows["p_adjusted"] = p.fillna(rows.p_adjusted)
        found.append(rows)

    own = read_outs[read_outs.opening.isin(list(report))]
    on_words = list(zip(emotions, words, strict=True))
    if asked is not None:
        own = pd.concat([own, asked], ignore_index=True).fillna({EXTRA: 0})
    add(own, [*words, "kl"], READ_OUTS, {"steering read-outs": on_words})
    found.append(dose_response(own, emotions, alpha).assign(source=np.nan, family=""))

    texts = scores.assign(log_perplexity=-scores.log_probability)
    prefixes = ("words_", READ, *(f"{judge}_" for judge in (*JUDGES, *targets)))
    counted = [column for column in texts if column.startswith(prefixes)]
    judged = [(emotion, f"words_{emotion}") for emotion in emotions] + [
        (emotion, f"{judge}_{labels[emotion]}")
        for judge, labels in targets.items()
        for emotion in emotions
        if emotion in labels
    ]
    back = [(emotion, f"{READ}{emotion}") for emotion in emotions]
    measures = [*TEXT_MEASURES, *counted]
    greedy = texts[texts["sample"] == 0]
    add(greedy, measures, TEXTS, {"steering read-back": back, "steering texts": judged})
    if (texts["sample"] > 0).any():
        means = (
            texts[texts["sample"] > 0]
            .groupby([*CONDITION_COLUMNS, "opening"], sort=False)[measures]
            .mean()
            .reset_index()
        )
        add(means, measures, "sampled texts", {})
    for source, table in carried.items():
        there = table[table.opening.isin(list(report))]
        add(there, [*words, "kl"], READ_OUTS, {"carried directions": on_words}, source)

    joined = pd.concat(found, ignore_index=True)
    asking = joined.operation.isin(list(WAYS))
    at_choice = (joined.depth == choice["depth"]) & (
        joined.strength.isna()
        | (joined.strength == choice["strength"])
        | (joined.operation != "add")
    )
    flags = np.where(
        joined.value.isna(),
        "no_value",
        np.where((joined.null.isna() | (joined.null == "")) & ~asking, "no_controls", ""),
    )
    joined = joined.assign(chosen=at_choice | asking, flag=flags)
    return typed(joined, "steering")
