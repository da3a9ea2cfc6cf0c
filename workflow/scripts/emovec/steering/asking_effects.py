"""What asking does: beside its control, beside the other emotions, and beside adding directions.

All differences are paired over openings, with t intervals and t tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from emovec.prompts.openings import PLAIN
from emovec.statistics.corrections import holm
from emovec.steering.asking import WAYS
from emovec.steering.changes import changes, estimates
from emovec.steering.directions import EMOTION
from emovec.steering.families import OWN

OVER_CONTROL = ".over_control"  # ends a measure less what the control before the opening does


OVER_ADDED = ".over_added"  # less what adding the direction does


PRICE, EXTRA = "log_perplexity", "extra_tokens"


TESTED = {OVER_CONTROL: 1, OWN: 1, OVER_ADDED: 0}  # the predicted sign, 0 for none


Changes = Mapping[tuple[str, str], pd.DataFrame]  # (kind, direction): [opening, measure]


def asking_effects(
    table: pd.DataFrame,
    measures: Sequence[str],
    families: Mapping[str, Sequence[tuple[str, str]]],
    choice: Mapping,
    emotions: Sequence[str],
    alpha: float,
    reading: str,
) -> pd.DataFrame:
    """One row per way to ask, emotion or control, and measure; as `effects` takes its table.

    `value` is the mean change from the baseline. For the measures of `families`, which asking for
    their emotion should raise, there are three more rows: `{measure}.over_control`, less what the
    control does; `{measure}.own`, less what asking for the other emotions does on average; and
    `{measure}.over_added`, that own part less the own part of adding the direction as chosen
    (without other emotions, `over_control` less what adding does). `log_perplexity.over_added` is
    what asking costs more than adding. p is of a t test over openings, one-sided but for
    `over_added`; `p_adjusted` is Holm's over the ways and measures of a family.
    """
    measures = [*measures, *([EXTRA] if EXTRA in table else [])]
    less = changes(table, measures)
    added = _each(
        less[
            (less.operation == "add") & (less.kind == EMOTION) & (less.sign == 1)
            & (less.depth == choice["depth"]) & (less.strength == choice["strength"])
        ],
        measures,
    )  # fmt: skip
    rows = []
    for way in WAYS:
        own = _each(less[less.operation == way], measures)
        for (kind, name), values in own.items():
            at = {"operation": way, "direction": name, "sign": int(kind == EMOTION)}
            at |= {"strength": 0.0, "reading": reading, "family": ""}
            rows += [at | {"measure": m} | _mean(values[m], alpha) for m in measures]
            if kind != EMOTION:
                continue
            for family, targets in families.items():
                for measure in (m for emotion, m in targets if emotion == name):
                    for part, found in _parts(own, added, name, measure):
                        told = {
                            "measure": measure + part,
                            "family": family.replace("steering", "asking"),
                        }
                        rows.append(at | told | _mean(found, alpha, TESTED[part]))
            if PRICE in measures and (kind, name) in added:
                more = values[PRICE] - added[kind, name][PRICE]
                rows.append(at | {"measure": PRICE + OVER_ADDED} | _mean(more, alpha, 0))
    found = pd.DataFrame(rows)
    found["p_adjusted"] = np.nan
    part = found.measure.str.extract(r"(\.\w+)$")[0]
    for _, tests in found[found.family != ""].groupby(["family", part], sort=False):
        found.loc[tests.index, "p_adjusted"] = holm(tests.p)
    return found


def _each(rows: pd.DataFrame, measures: Sequence[str]) -> Changes:
    return {
        name: own.set_index("opening")[list(measures)].sort_index()
        for name, own in rows.groupby(["kind", "direction"], sort=False)
    }


def _parts(
    own: Changes, added: Changes, name: str, measure: str
) -> Iterator[tuple[str, pd.Series]]:
    """What asking for the emotion `name` does to a measure, less what else does."""
    asked = own[EMOTION, name][measure]
    others = [one for one in own if one[0] == EMOTION and one[1] != name]
    part = None
    if (PLAIN, PLAIN) in own:
        part = asked - own[PLAIN, PLAIN][measure]
        yield OVER_CONTROL, part
    if others:
        part = asked - sum(own[one][measure] for one in others) / len(others)
        yield OWN, part
    if part is None or not {(EMOTION, name), *others} <= added.keys():
        return
    steered = added[EMOTION, name][measure]
    if others:
        steered = steered - sum(added[one][measure] for one in others) / len(others)
    yield OVER_ADDED, part - steered


def _mean(values: pd.Series, alpha: float, towards: int | None = None) -> dict[str, object]:
    """Mean and interval, with the p of a t test unless `towards` is None."""
    [found] = estimates(values.to_numpy(), {}, 0, alpha)
    seen = values.dropna().to_numpy()
    error = seen.std(ddof=1) / np.sqrt(len(seen)) if len(seen) > 1 else 0.0
    if towards is None or not error > 0:
        return found
    t = found["value"] / error
    p = stats.t.sf(towards * t if towards else abs(t), len(seen) - 1) * (1 if towards else 2)
    return found | {"p": float(p)}
