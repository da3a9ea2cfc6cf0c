"""How far the headline numbers move in other number formats, beside what other choices do."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from emovec.models.precisions import PRECISIONS
from emovec.robustness.moves import CHOICES, WITHIN, moves
from emovec.wording.language import _
from emovec.wording.numbers import clauses, interval, listed, number

DIGITS = 3


def precision_facts(table: pd.DataFrame | None) -> list[dict]:
    """A row for each model, and pair of models, in each format; none without the table."""
    facts = []
    for (model, other, precision), own in (
        []
        if table is None
        else table.groupby(["model", "model_b", "precision"], sort=False, dropna=False)
    ):
        pair = isinstance(other, str)
        cosine = _farthest(own, "between" if pair else "cosine")
        facts.append(
            {
                "model": f"{model} × {other}" if pair else model,
                "pair": pair,
                "precision": PRECISIONS[precision].title,
                "stream": _extreme(own[own.stat == "stream"], "idxmax"),
                "direction": _extreme(_open(own[own.stat == "direction"]), "idxmin"),
                "cosine": cosine,
                "auroc": _farthest(own, "auroc"),
            }
        )
    return facts


def precision_lines(facts: Sequence[dict], multiverse: pd.DataFrame) -> list[str]:
    """One sentence for each model: how far its cosines move, and which choice moves them most."""
    lines = []
    for model in dict.fromkeys(fact["model"] for fact in facts if not fact["pair"]):
        told = [
            _("{moved} in {precision}").format(moved=fact["cosine"]["moved"], precision=_(title))
            for fact, title in ((one, one["precision"]) for one in facts if one["model"] == model)
            if fact["cosine"]
        ]
        if not told:
            continue
        own = multiverse[(multiverse.model == model) & multiverse.model_b.isna()]
        own = own.assign(about=own.emotion_a + " – " + own.emotion_b)
        by = {choice: far for choice, far in moves(own, WITHIN, ["about"]).items() if far == far}
        by = {choice: far for choice, far in by.items() if choice != "precision"}
        most = max(by, key=by.__getitem__, default=None)
        said = [
            _("the cosine of two emotions that moves farthest moves by {told}").format(
                told=listed(told)
            )
        ]
        if most:
            said.append(
                _("the choice of {choice} moves such a cosine by {by} on average").format(
                    choice=_(CHOICES[most]), by=number(by[most], DIGITS)
                )
            )
        line = _("**{model}** in other number formats: {said}.")
        lines.append(line.format(model=model, said=clauses(said)))
    return lines


def _open(rows: pd.DataFrame) -> pd.DataFrame:
    """Those that pass their gate, if any does."""
    passed = rows.gate_ok.eq(True).to_numpy(bool, na_value=False)
    return rows[passed] if passed.any() else rows


def _farthest(own: pd.DataFrame, stat: str) -> dict | None:
    """The number of one kind that moves farthest."""
    rows = _open(own[(own.stat == stat) & own.moved.notna()])
    if rows.empty:
        return None
    row = rows.loc[rows.moved.abs().idxmax()]
    names = dict.fromkeys([row.emotion_a, row.emotion_b])
    return {
        "of": " – ".join(name for name in names if isinstance(name, str)),
        "moved": interval(row.moved, row.moved_low, row.moved_high, DIGITS),
    }


def _extreme(rows: pd.DataFrame, which: str) -> str:
    rows = rows[rows.value.notna()]
    if rows.empty:
        return ""
    row = rows.loc[getattr(rows.value, which)()]
    return interval(row.value, row.ci_low, row.ci_high, DIGITS + 1)
