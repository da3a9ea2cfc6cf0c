"""What emotions do to their own measures, whole and less what the other emotions do, and its null.

The null of all emotions together is the same numbers with control directions in their places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from emovec.statistics.resampling import max_t

OWN = ".own"  # ends a measure that is less what the other emotions do to it; in no name of one


def stand_ins(controls: np.ndarray, kinds: Sequence[str], emotions: int) -> np.ndarray:
    """Controls in the places of emotions: `[draw, emotion, ...]` from `controls[control, ...]`.

    There is a draw for each control, and each control stands once in every place. All places of a
    draw hold controls of one of the `kinds[control]`, as emotions are of one kind; neighbours in
    their list may be alike and are kept apart.
    """
    drawn = []
    for kind in dict.fromkeys(kinds):
        own = controls[np.asarray(kinds) == kind]
        apart = max(1, len(own) // emotions)
        drawn.append(np.stack([np.roll(own, -i * apart, axis=0) for i in range(emotions)], 1))
    return np.concatenate(drawn)


def less_others(values: np.ndarray, place: int) -> np.ndarray:
    """`values[..., emotion]` of the emotion at `place` less the mean of the others."""
    others = np.delete(values, place, axis=-1)
    return values[..., place] - others.mean(axis=-1)


def parts(values: np.ndarray, targets: Sequence[tuple[int, int]]) -> np.ndarray:
    """What each target gains, `[..., target, cell, part]`; the parts are whole and own.

    Parameters
    ----------
    values : [..., emotion, measure, cell]
    targets : (emotion, measure) by place. A single emotion has no own part.
    """
    found = []
    for emotion, measure in targets:
        column = np.moveaxis(values[..., measure, :], -2, -1)  # [..., cell, emotion]
        own = [less_others(column, emotion)] if column.shape[-1] > 1 else []
        found.append(np.stack([column[..., emotion], *own], axis=-1))
    return np.stack(found, axis=-3)


def corrected(
    effects: np.ndarray,
    controls: np.ndarray,
    kinds: Sequence[str],
    targets: Sequence[tuple[int, int]],
) -> np.ndarray:
    """p `[target, cell, part]` that an emotion raises its measure no more than a control does.

    Adjusted by max-T over the targets and the whole grid of cells, each part for itself: which
    cell one looks at afterwards is free (Westfall & Young 1993).

    Parameters
    ----------
    effects : [emotion, measure, cell], means over openings.
    controls : [control, measure, cell], the same of control directions, each of `kinds[control]`.
    """
    observed = parts(effects, targets)
    null = parts(stand_ins(controls, kinds, len(effects)), targets)
    return np.stack(
        [max_t(observed[..., part], null[..., part]) for part in range(observed.shape[-1])], -1
    )
