"""Numbers as a reader meets them."""

from __future__ import annotations

import pandas as pd


def number(value: float, digits: int = 2) -> str:
    """A number for a reader; undefined is said, and a minus is a minus."""
    if value is None or pd.isna(value):
        return "undefined"
    return f"{value:.{digits}f}".replace("-", "−")


def percent(share: float) -> str:
    """A share in per cent, such as 95 % or 99.9 %."""
    return f"{100 * share:g} %"


def p_value(value: float) -> str:
    if value is None or pd.isna(value):
        return "undefined"
    return f"{value:.4f}" if value < 0.01 else f"{value:.2f}"
