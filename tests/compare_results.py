"""Compare the tables of two result folders: python tests/compare_results.py OLD NEW

Rows are matched by the columns that name them, rows that share a name by their order. Numbers agree
to 1e-9, every other cell is the same text. Prints each difference; the exit code is 1 if there are
any.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

TOLERANCE = 1e-9
SHOWN = 3  # pairs of cells of one column
KEYS = {
    "model", "model_a", "model_b", "train_model", "test_model", "source", "position", "scope",
    "space", "metric", "estimator", "method", "stat", "direction", "contrast", "split", "emotion",
    "emotion_a", "emotion_b", "depth", "depth_a", "depth_b", "depth_train", "depth_test",
    "relative_depth", "operation", "kind", "strength", "sign", "measure", "reading", "opening",
    "sample", "study", "check", "statistic", "prompt_id", "token", "null",
}  # fmt: skip


def differences(old: Path, new: Path) -> Iterator[str]:
    """One line for each table, row or column that differs between two result folders."""
    before, after = ({p.relative_to(f).as_posix() for p in f.rglob("*.csv")} for f in (old, new))
    yield from (f"{name}: only in {old}" for name in sorted(before - after))
    yield from (f"{name}: only in {new}" for name in sorted(after - before))
    if not before & after:
        yield f"{old} and {new} have no table in common"
    for name in sorted(before & after):
        yield from (f"{name}: {line}" for line in in_table(read(old / name), read(new / name)))


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def in_table(old: pd.DataFrame, new: pd.DataFrame) -> Iterator[str]:
    """The same for one table, all cells as text."""
    yield from (f"column {c} is gone" for c in old.columns.difference(new.columns))
    yield from (f"column {c} is new" for c in new.columns.difference(old.columns))
    columns = [c for c in old.columns if c in new.columns]
    old, new = matched(old[columns], new[columns])
    if len(old) != len(new):
        yield f"{len(old)} rows that have no other became {len(new)}"
        return
    for column in columns:
        a, b = old[column].to_numpy(), new[column].to_numpy()
        x, y = (pd.to_numeric(pd.Series(side), errors="coerce").to_numpy(float) for side in (a, b))
        with np.errstate(invalid="ignore"):
            away = np.abs(x - y)
        numbers = np.isfinite(away)
        if (far := numbers & (away > TOLERANCE)).any():
            yield f"{column}: {far.sum()} numbers differ, by {away[far].max():.2g} at most"
        other = pd.Series([(a[i], b[i]) for i in np.flatnonzero(~numbers & (a != b))], dtype=object)
        counts = other.value_counts()
        for (was, is_), count in counts.head(SHOWN).items():
            yield f"{column}: {was!r} became {is_!r} in {count} rows"
        if len(counts) > SHOWN:
            yield f"{column}: {len(counts) - SHOWN} other pairs of cells differ"


def matched(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both, each beside the other of its name; those without one in their order."""
    old, new = named(old), named(new)
    both = old.index.intersection(new.index, sort=False)
    # what is left may have other names for the same things
    rest = [table[~table.index.isin(both)] for table in (old, new)]
    if len(rest[0]) != len(rest[1]):
        return rest[0], rest[1]
    return pd.concat([old.reindex(both), rest[0]]), pd.concat([new.reindex(both), rest[1]])


def named(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an index of its keys, numbers in one form, and a count within equal ones."""
    keys = table[[c for c in table.columns if c in KEYS]].copy()
    for column in keys:
        number = pd.to_numeric(keys[column], errors="coerce").astype(float)
        keys[column] = keys[column].where(number.isna(), number.round(9).astype(str))
    count = keys.groupby(list(keys)).cumcount() if len(keys.columns) else range(len(keys))
    return table.set_index(pd.MultiIndex.from_frame(keys.assign(**{"": count})))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    given = parser.parse_args()
    found = list(differences(given.old, given.new))
    print("\n".join(found) or "No table differs.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
