"""What a run cost, by rule, from Snakemake's benchmark files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

SHOWN = 10  # rules that a reader is told one by one
WIDTH = 20  # characters of the longest bar


def costs(folder: Path) -> list[dict]:
    """The most expensive rules and the rest together, as each job ran last.

    Each: `rule`, `jobs`, `seconds`, `core_seconds`, `mb` (peak memory of a job) and a `bar` as long
    as its part of all seconds. Jobs whose file has no numbers, as of a moment, count as 0.

    Parameters
    ----------
    folder : where benchmark files are, `{rule}/{job}.tsv` or `{rule}.tsv`.
    """
    tables = [
        pd.read_csv(path, sep="\t", na_values=["-", "NA"]).assign(
            rule=path.relative_to(folder).with_suffix("").parts[0]
        )
        for path in sorted(folder.rglob("*.tsv"))
    ]
    if not tables:
        return []
    every = pd.concat(tables).groupby("rule").agg(
        jobs=("s", "size"), seconds=("s", "sum"), core_seconds=("cpu_time", "sum"),
        mb=("max_rss", "max"),
    )  # fmt: skip
    every = every.sort_values("seconds", ascending=False, kind="stable").fillna(0)
    rest = every.iloc[SHOWN:]
    if len(rest):
        rest = rest.agg({"jobs": "sum", "seconds": "sum", "core_seconds": "sum", "mb": "max"})
        every = pd.concat([every.iloc[:SHOWN], rest.rename("").to_frame().T])
    most = every["seconds"].max()
    return [
        {"rule": rule, "bar": "█" * round(WIDTH * row["seconds"] / most) if most else ""} | row
        for rule, row in every.to_dict("index").items()
    ]
