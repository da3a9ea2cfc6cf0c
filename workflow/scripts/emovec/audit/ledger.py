"""What the checks of an audit have in common: limits, rows, findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import pandas as pd

from emovec.io.tables import COLUMNS, typed

Z = 2.58  # two-sided 99 %


LIMITS: dict[str, float] = {
    "near_duplicate": 0.6,  # Jaccard of shingles: about two changed words in fourteen
    "near_duplicate_same_topic": 0.75,  # classes of one topic share its words on purpose
    "smd": 0.1,  # of a length; the usual limit for balanced groups
    "balance": 0.1,  # difference between shares of sentences
    "first_word_distance": 0.1,
    "first_word_accuracy": 0.1,  # above 1 / number of classes
    "nuisance_auroc": 0.6,
    "min_tokens": 5,  # short sentences sit next to the first token, which is an outlier
    "min_topics": 70,
    "min_heads": 12,
    "max_head_share": 0.25,
    "min_probe": 600,
    "min_attributes": 20,
    "min_attribute_side": 80,
    "min_attribute_side_control": 40,
    "attribute_correlation": 0.7,
}


@dataclass
class Ledger:
    """Collects the rows and findings of all checks."""

    rows: list[tuple[str, str, str, str, float, float | None, bool | None]] = field(
        default_factory=list
    )
    findings: list[dict] = field(default_factory=list)

    def find(self, code: str, **values: object) -> None:
        """Add a finding: a code of `wording.remarks.FINDINGS` with the values of its places."""
        self.findings.append({"code": code, **values})

    def note(self, check: str, scope: str, statistic: str, value: float, model: str = "") -> None:
        self.rows.append((check, scope, model, statistic, float(value), None, None))

    def most(
        self, check: str, scope: str, statistic: str, value: float, limit: float, model: str = ""
    ) -> bool:
        """Record a value that should not exceed `limit`; return whether it does not."""
        ok = bool(value <= limit + 1e-12)
        self.rows.append((check, scope, model, statistic, float(value), float(limit), ok))
        return ok

    def least(self, check: str, scope: str, statistic: str, value: float, limit: float) -> bool:
        """Record a value that should reach `limit`; return whether it does."""
        ok = bool(value >= limit)
        self.rows.append((check, scope, "", statistic, float(value), float(limit), ok))
        return ok

    def table(self) -> pd.DataFrame:
        return typed(pd.DataFrame(self.rows, columns=list(COLUMNS["confounds"])), "confounds")


def pairs(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Every two classes."""
    return list(combinations(classes, 2))


def against(emotions: Sequence[str], neutral: str | None) -> list[tuple[str, str]]:
    """Every emotion and neutral, or every two emotions where no class is neutral."""
    return pairs(emotions) if neutral is None else [(name, neutral) for name in emotions]


def versus(a: str, b: str) -> str:
    """The scope of a comparison."""
    return f"{a} vs {b}"
