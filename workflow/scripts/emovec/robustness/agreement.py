"""How well directions agree that one way finds in different halves of the topics.

Directions of different halves share no sentence, so that sampling noise does not make them alike;
it makes them unlike, which the agreement of one direction with itself in the other half corrects
(Spearman 1904). What directions that have nothing to do with each other give is told by sets of
ordinary attributes of the probe, which take the places of the emotions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emovec.between_models.attributes import SMALLEST_SIDE
from emovec.prompts.sentences import attributes_of
from emovec.robustness.ways import Way
from emovec.statistics.arrays import Floats, Mask, ratio
from emovec.statistics.groups import halves, topic_groups

SPLITS = 5  # into halves
SETS = 99  # of attributes
LARGEST_SET = 8
MAX_PHI = 0.3  # correlation of the labels of two attributes from which on they are alike


@dataclass(frozen=True)
class AttributeSet:
    """Attributes in the places of the emotions: sentences of two halves of the control half."""

    attributes: NDArray[np.intp]  # their numbers
    positive: NDArray[np.intp]  # [half, attribute, n], sentences that have it
    negative: NDArray[np.intp]  # [half, attribute, n], as many that do not


@dataclass(frozen=True)
class Draws:
    """What is drawn for all models alike."""

    groups: NDArray[np.intp]  # [topic], of the jackknife
    halves: list[Mask]  # [2, topic] each
    sets: list[AttributeSet]
    others: NDArray[
        np.intp
    ]  # [set], another set with no attribute like one of it; −1: there is none

    @property
    def kept(self) -> Mask:
        """[1 + group, topic]: all topics, then all but each group."""
        left = self.groups != np.arange(self.groups.max() + 1)[:, None]
        return np.vstack([np.ones_like(left[:1]), left])


@dataclass(frozen=True)
class Sample:
    """One model at one depth."""

    sentences: Floats  # [class, topic, d], neutral or the mean of all last
    fit: Floats  # [sentence of the map half, d]
    control: Floats  # [sentence of the control half, d]
    axes: Floats  # [k, d], leading components of `fit`


def draw(near: Mask, probe: pd.DataFrame, emotions: int, rng: np.random.Generator) -> Draws:
    """Groups and halves of the topics, of which some are `near[topic, topic]`, and attributes."""
    groups = topic_groups(near, rng)
    split = [halves(len(near), rng) for _ in range(SPLITS)]
    labels = attributes_of(probe[probe["half"] == "control"]).to_numpy(bool)
    size = max(2, min(emotions, LARGEST_SET))
    sets = attribute_sets(labels, size, len(near) // 2, rng)
    return Draws(groups, split, sets, other_sets(sets, labels))


def other_sets(sets: Sequence[AttributeSet], labels: Mask) -> NDArray[np.intp]:
    """For each set the number of the next one of which no attribute is like one of it, or −1."""
    alike = np.abs(np.atleast_2d(np.corrcoef(labels.T.astype(float)))) > MAX_PHI
    found = np.full(len(sets), -1)
    for number, one in enumerate(sets):
        for other in [*range(number + 1, len(sets)), *range(number)]:
            if not alike[np.ix_(one.attributes, sets[other].attributes)].any():
                found[number] = other
                break
    return found


def attribute_sets(
    labels: Mask, size: int, side: int, rng: np.random.Generator
) -> list[AttributeSet]:
    """At most SETS sets of `size` attributes that are not alike, of `labels[sentence, attribute]`.

    In each half of the sentences there are as many with an attribute as without it, at most `side`.
    """
    least = min(side, SMALLEST_SIDE)
    found = []
    for _ in range(SETS if labels.shape[1] >= size else 0):
        parts = halves(len(labels), rng)
        rare = np.minimum(parts @ labels.astype(int), parts @ (~labels).astype(int)).min(axis=0)
        chosen = _unlike(labels, rng.permutation(np.flatnonzero(rare >= least)), size)
        if len(chosen) < size:
            continue
        n = min(side, rare[chosen].min())
        sides = [
            [[rng.choice(np.flatnonzero(half & has), n, replace=False) for has in (one.T)]
             for half in parts]
            for one in (labels[:, chosen], ~labels[:, chosen])
        ]  # fmt: skip
        found.append(AttributeSet(np.array(chosen), *map(np.array, sides)))
    return found


def _unlike(labels: Mask, order: Sequence[int], size: int) -> list[int]:
    """The first `size` attributes in that order of which no two are alike."""
    chosen: list[int] = []
    for one in order:
        both = np.corrcoef(labels[:, [one, *chosen]].T.astype(float))
        if len(chosen) < size and (np.abs(np.atleast_2d(both)[0, 1:]) <= MAX_PHI).all():
            chosen.append(one)
    return chosen


Views = Callable[[Floats], Floats]  # of directions [..., d] as unit vectors [..., q]


def from_halves(way: Way, at: Sample, draws: Draws, view: Views) -> Floats:
    """Directions `[1 + group, split, half, emotion, q]`: of all topics, and without each group."""
    emotions, reference = at.sentences[:-1], at.sentences[-1:]
    return np.stack(
        [
            [
                [
                    view(way.find(emotions[:, used], reference[:, used], at.axes))
                    for used in half & kept
                ]
                for half in draws.halves
            ]
            for kept in draws.kept
        ]
    )


def of_attributes(way: Way, at: Sample, draws: Draws, neutral: bool, view: Views) -> Floats:
    """Directions `[set, 1, half, attribute, q]` of the attributes, each from those without it.

    Where no class is neutral they are taken from the mean of the set, as emotions are.
    """
    found = []
    for one in draws.sets:
        both = []
        for positive, negative in zip(
            at.control[one.positive], at.control[one.negative], strict=True
        ):
            reference = negative if neutral else positive.mean(axis=0, keepdims=True)
            both.append(view(way.find(positive, reference, at.axes)))
        found.append([both])
    return np.array(found)


@dataclass(frozen=True)
class Agreement:
    """Directions of a with directions of b, corrected for noise."""

    values: Floats  # [..., direction of a, direction of b], NaN where a direction is not known
    reliability_a: Floats  # [..., direction], for twice a half (Spearman 1910, Brown 1910)
    reliability_b: Floats


def agreement(a: Floats, b: Floats) -> Agreement:
    """Cosines of the unit vectors `[..., split, half, direction, q]` of different halves.

    Means over splits and both ways round, divided by the root of the product of the cosines that
    each direction has with itself in the other half.
    """
    across = np.einsum("...seq,...sfq->...ef", a[..., 0, :, :], b[..., 1, :, :])
    across = across + np.einsum("...seq,...sfq->...ef", a[..., 1, :, :], b[..., 0, :, :])
    across /= 2 * a.shape[-4]
    own_a, own_b = _own(a), _own(b)
    product = np.maximum(own_a, 0)[..., :, None] * np.maximum(own_b, 0)[..., None, :]
    whole = (2 * r / (1 + np.abs(r)) for r in (own_a, own_b))
    return Agreement(ratio(across, np.sqrt(product)), *whole)


def _own(x: Floats) -> Floats:
    return np.einsum("...seq,...seq->...e", x[..., 0, :, :], x[..., 1, :, :]) / x.shape[-4]


def unrelated_sets(a: Floats, b: Floats, draws: Draws, least: float) -> Floats:
    """`agreement` of attributes of one set with those of another, `[set, attribute, attribute]`.

    NaN where one falls short of the reliability `least`.
    Two of one set are related where directions are taken from the mean of their set.
    """
    with_other = np.flatnonzero(draws.others >= 0)
    return _known(agreement(a[with_other], b[draws.others[with_other]]), least)


def unrelated(found: Agreement, least: float) -> Floats:
    """Those of `found` that are of different attributes, `[set, attribute, attribute]`, else NaN.

    NaN where an attribute falls short of the reliability `least`, too.
    """
    values = _known(found, least)
    return np.where(np.eye(values.shape[-1], dtype=bool), np.nan, values)


def _known(found: Agreement, least: float) -> Floats:
    a, b = found.reliability_a >= least, found.reliability_b >= least
    return np.where(a[..., :, None] & b[..., None, :], found.values, np.nan)
