"""What steering does: effects paired over openings, against controls that push equally hard.

An effect is a mean over openings of a measure under a condition less the same under the baseline,
with a t interval over openings. Its null is the same mean for control directions of the same
length at the same depth, for each kind of control and for all kinds together. A control has no
sign of its own, so that the controls' changes are the null of +v and of −v alike; pushing in any
direction makes most words less likely, and both would share that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from emovec.errors import InputError
from emovec.io.tables import typed
from emovec.statistics.resampling import band, max_t, p_value
from emovec.steering.conditions import CONDITION_COLUMNS
from emovec.steering.controls import CONTROLS
from emovec.steering.directions import EMOTION
from emovec.steering.judges import JUDGES, PLAIN

READ_OUTS, TEXTS = "read-outs", "texts"


FEWEST = 10  # control directions that make a null


ALL = "all controls"


def null_name(kind: str) -> str:
    """What the table calls the null of one kind of control direction, or of all together."""
    return CONTROLS[kind].title if kind in CONTROLS else kind


def changes(table: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """Each measure less its value under the baseline, per condition, opening and sample."""
    at = ["opening", "sample"] if "sample" in table else ["opening"]
    before = table[table.operation == "none"].set_index(at)[list(measures)]
    rows = pd.MultiIndex.from_frame(table[at]) if len(at) > 1 else table[at[0]]
    less = table[list(measures)].to_numpy() - before.loc[rows].to_numpy()
    return table[[*CONDITION_COLUMNS, *at]].assign(**dict(zip(measures, less.T, strict=True)))


def check_texts(scores: pd.DataFrame, limit: float, path: str) -> None:
    """Refuse texts that are mostly nothing: a score of nothing is no result.

    Raises
    ------
    InputError
        If more than `limit` of the baseline's texts are empty or degenerate, or of all texts empty.
    """
    baseline = scores[scores.operation == "none"]
    bad = float(((baseline.empty_text + baseline.degenerate) > 0).mean())
    empty = float(scores.empty_text.mean())
    if bad > limit or empty > limit:
        raise InputError(
            f"{path}: {bad:.0%} of the texts without steering are empty or degenerate and "
            f"{empty:.0%} of all texts are empty, more than steering.max_empty ({limit:.0%}): "
            "raise it if the model cannot write, or write other openings."
        )


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
        nulls = _usable({kind: null.to_numpy() for kind, null in nulls.items()})
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
                found = _mean(condition[measure].to_numpy(), alpha)
                for kind, null in (nulls or {"": None}).items():
                    values = None if null is None else null[:, place]
                    towards = sign if (direction, measure) in targets else 0
                    rows.append(
                        at
                        | {"measure": measure}
                        | found
                        | _null(found["value"], values, towards, kind, alpha)
                    )
    return pd.DataFrame(rows)


def _mean(values: np.ndarray, alpha: float) -> dict[str, float]:
    """Mean and t interval over openings; undefined openings are left out."""
    values = values[np.isfinite(values)].astype(float)
    if len(values) < 2:
        return {"value": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n_openings": len(values)}
    mean = values.mean()
    half = stats.t.ppf(1 - alpha / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    low, high = mean - half, mean + half
    return {"value": mean, "ci_low": low, "ci_high": high, "n_openings": len(values)}


def _usable(nulls: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The kinds with enough controls, and all of these together if there are several."""
    enough = {kind: null for kind, null in nulls.items() if len(null) >= FEWEST}
    return enough | ({ALL: np.concatenate(list(enough.values()))} if len(enough) > 1 else {})


def _null(
    value: float, null: np.ndarray | None, towards: int, kind: str, alpha: float
) -> dict[str, object]:
    """`towards` is the predicted sign of the change, 0 for none."""
    own = np.empty(0) if null is None else null[np.isfinite(null)]
    if len(own) < FEWEST or not np.isfinite(value):
        return {"null_low": np.nan, "null_high": np.nan, "null": "", "p": np.nan, "n_controls": 0}
    low, high = band(own, alpha)
    p = (
        p_value(towards * value, towards * own, "upper")
        if towards
        else p_value(value, own, "two-sided")
    )
    return {
        "null_low": float(low),
        "null_high": float(high),
        "null": null_name(kind),
        "p": float(p),
        "n_controls": len(own),
    }


def dose_response(read_outs: pd.DataFrame, emotions: Sequence[str], alpha: float) -> pd.DataFrame:
    """How each opening's change grows with strength, per depth and emotion.

    `slope` is the mean slope through 0 over the strengths added, in nats per median length of the
    stream, against the slopes of controls; `linearity` the share of the mean curve over signed
    strength that a line through 0 explains; `anti_steerable` the share of openings with a negative
    slope over signed strength (Tan et al. 2024), with a Clopper–Pearson interval.
    """
    words = [f"logp_{emotion}" for emotion in emotions]
    less = changes(read_outs, words)
    added = less[less.operation == "add"]
    rows = []
    for depth, cell in added.groupby("depth", sort=True):
        signed = cell.assign(dose=cell.strength * cell.sign)
        slopes = {
            kind: _slopes(signed[signed.kind == kind], words).groupby("direction").mean()
            for kind in CONTROLS
            if (signed.kind == kind).any()
        }
        nulls = _usable({kind: found.to_numpy() for kind, found in slopes.items()}) or {"": None}
        for place, (emotion, word) in enumerate(zip(emotions, words, strict=True)):
            own = signed[(signed.kind == EMOTION) & (signed.direction == emotion)]
            each = _slopes(own, [word])[word].to_numpy()
            raised = _slopes(own[own.sign == 1], [word])[word].to_numpy()
            at = {
                "depth": depth,
                "operation": "add",
                "direction": emotion,
                "reading": READ_OUTS,
                "n_openings": len(each),
            }
            found = _mean(raised, alpha)
            for kind, null in nulls.items():
                values = None if null is None else null[:, place]
                rows.append(
                    at
                    | {"measure": f"slope_{word}"}
                    | found
                    | _null(found["value"], values, 1, kind, alpha)
                )
            curve = own.groupby("dose")[word].mean()
            against = int((each < 0).sum())
            low, high = _share_interval(against, len(each), alpha)
            rows.append(at | {"measure": f"linearity_{word}", "value": _linearity(curve)})
            rows.append(
                at
                | {
                    "measure": f"anti_steerable_{word}",
                    "value": against / len(each),
                    "ci_low": low,
                    "ci_high": high,
                }
            )
    return pd.DataFrame(rows)


def _slopes(rows: pd.DataFrame, words: Sequence[str]) -> pd.DataFrame:
    """Least-squares slopes through 0 over `dose`, per direction and opening."""
    weighted = rows[list(words)].mul(rows.dose, axis=0)
    keys = [rows.direction, rows.opening]
    return weighted.groupby(keys, sort=False).sum().div(
        (rows.dose**2).groupby(keys, sort=False).sum(), axis=0
    )  # fmt: skip


def _linearity(curve: pd.Series) -> float:
    dose, change = curve.index.to_numpy(float), curve.to_numpy(float)
    slope = (dose * change).sum() / (dose**2).sum()
    total = (change**2).sum()
    return float(1 - ((change - slope * dose) ** 2).sum() / total) if total > 0 else np.nan


def _share_interval(count: int, n: int, alpha: float) -> tuple[float, float]:
    interval = stats.binomtest(count, n).proportion_ci(1 - alpha, method="exact")
    return float(interval.low), float(interval.high)


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
    nulls = _usable(
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
        here = at_choice & (shown.null == null_name(kind))
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
        "no opening with a value",
        np.where(found.null.isna() | (found.null == ""), "no controls", ""),
    )
    found = found.assign(chosen=at_choice, flag=flags)
    return typed(found, "steering")
