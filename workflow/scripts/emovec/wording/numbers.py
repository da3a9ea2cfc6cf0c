"""Numbers and lists as a reader meets them."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from emovec.wording.language import _

SMALLEST = 5e-324  # that a computer tells from 0


def number(value: float, digits: int = 2) -> str:
    """A number for a reader; undefined is said, and a minus is a minus."""
    if value is None or pd.isna(value):
        return _("undefined")
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def percent(share: float) -> str:
    """A share in per cent, such as 95 % or 99.9 %."""
    return f"{100 * share:g} %"


def p_value(value: float) -> str:
    """A p with enough digits to be told from the usual levels, and never as nought."""
    if value is None or pd.isna(value):
        return _("undefined")
    if value < 0.00005:
        digits, exponent = f"{max(value, SMALLEST):.0e}".split("e")
        return f"{digits}e−{-int(exponent)}"
    digits = 4 if value < 0.01 else 3 if value < 0.1 else 2
    return f"{value:.{digits}f}"


def span(low: float, high: float, digits: int = 2) -> str:
    """From one number to another."""
    return _("{low} to {high}").format(low=number(low, digits), high=number(high, digits))


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """A number with its interval."""
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def part(n: int, of: int) -> str:
    return _("{n} of {of}").format(n=n, of=of)


def listed(items: Iterable[object]) -> str:
    return _(", ").join(map(str, items))


def clauses(items: Iterable[str]) -> str:
    return _("; ").join(items)
