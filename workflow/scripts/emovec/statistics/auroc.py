"""The area under the ROC curve, and its average over the folds of held-out topics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emovec.statistics.arrays import Floats, Mask, mean_defined
from emovec.statistics.folds import Folds
from emovec.statistics.resampling import jackknife_interval, jackknife_p


def auroc(scores: ArrayLike, labels: ArrayLike) -> Floats:
    """AUROC[...] of `scores[..., sentence]`; labels are 1, −1, or 0 for a sentence to leave out.

    Ties count one half; scores are ties if they are equal in float32, the precision of
    activations. NaN if a class is absent.

    >>> float(auroc([3.0, 1.0, 2.0, 0.0], [1, 1, -1, -1]))
    0.75
    """
    scores, labels = np.broadcast_arrays(np.asarray(scores, dtype=np.float32), labels)
    labels = labels.astype(np.int8)
    present = labels != 0
    n_positive, n_absent = (labels == 1).sum(axis=-1), (~present).sum(axis=-1)
    n_pairs = n_positive * (scores.shape[-1] - n_absent - n_positive)
    scores = np.add(scores, 0.0, dtype=np.float64)  # so that −0 is 0
    scores[~present] = -np.inf
    ranks, tied = _ranks(scores, labels, 1)
    if tied.any():  # the other way round among ties
        ranks[tied] = (ranks[tied] + _ranks(scores[tied], labels[tied], -1)[0]) / 2
    wins = ranks - n_positive * (n_absent + (n_positive + 1) / 2)
    return wins / np.where(n_pairs > 0, n_pairs, np.nan)


def _ranks(scores: Floats, labels: NDArray[np.int8], way: int) -> tuple[Floats, Mask]:
    """The sum [...] of the ranks of positives, and where two scores that are present are ties.

    Labels are sorted with the scores, in the last bits, which float32 leaves free in float64; among
    ties they decide, one or the other `way` (1 or −1).
    """
    ordered = scores.copy()
    bits = ordered.view(np.uint64)
    bits |= (way * labels & 3).astype(np.uint8)
    ordered.sort(axis=-1)
    label = bits.astype(np.uint8)
    tied = ((bits[..., 1:] ^ bits[..., :-1]) < 4) & (label[..., 1:] > 0)
    ranks = (label == way & 3) @ np.arange(1.0, scores.shape[-1] + 1)
    return np.asarray(ranks), tied.any(axis=-1)


def over_folds(scores: Iterable[Floats], folds: Folds, signs: NDArray[np.int8]) -> Floats:
    """AUROC[draw], averaged over the folds in which both classes are tested.

    Parameters
    ----------
    scores : one `[draw or 1, sentence]` for each fold
        Of the tested sentences, those of the positive class first.
    signs : [draw or 1, topic]
        1 for a topic as it is, −1 if its two labels are swapped, 0 if it is left out; or the labels
        themselves, `[draw or 1, class, topic]`.
    """
    labels = signs if signs.ndim == 3 else labelled(signs, folds.test.shape[1])
    values = [auroc(score, labels[:, test]) for score, test in zip(scores, folds.test, strict=True)]
    return mean_defined(np.array(values))


def labelled(signs: NDArray[np.int8], n_classes: int) -> NDArray[np.int8]:
    """Labels `[draw, class, topic]`: the first class has the sign of its topic, others not."""
    return np.stack([signs, *[-signs] * (n_classes - 1)], axis=1)


def each_left_out(n_topics: int) -> NDArray[np.int8]:
    """Signs `[1 + n_topics, topic]` for `over_folds`: all topics, then all but each in turn."""
    everything = np.ones((1, n_topics), dtype=np.int8)
    return np.vstack([everything, everything - np.eye(n_topics, dtype=np.int8)])


@dataclass(frozen=True)
class HeldOut:
    """An AUROC averaged over folds, as it is and with each topic, or group of topics, left out."""

    auroc: float
    left_out: Floats  # [topic], or [group] where whole groups of topics are left out
    n_topics: int = field(default=0, kw_only=True)  # where they are not one each

    @classmethod
    def of(cls, values: Floats) -> HeldOut:
        """From what `over_folds` makes of the signs of `each_left_out`."""
        return cls(float(values[0]), values[1:])

    @property
    def measured(self) -> bool:
        """Whether there is anything but ties among the scores."""
        return self.auroc != 0.5 or bool((self.left_out != 0.5).any())

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """By jackknife, within [0, 1]; NaN if all scores are ties: nothing was measured."""
        if not self.measured:
            return np.nan, np.nan
        low, high = (float(end) for end in jackknife_interval(self.auroc, self.left_out, alpha))
        room = self._room(alpha)
        return max(0.0, min(low, 1 - room)), min(1.0, max(high, room))

    def over(
        self, other: HeldOut, alpha: float = 0.05, near: Mask | None = None
    ) -> tuple[float, float, float, float]:
        """How much larger it is than `other` on the same topics: value, low, high, p.

        By a jackknife of the difference, clustered where `near[topic, topic]` is given. p is
        one-sided, that it is not larger, and NaN if no topic makes a difference; all four are NaN
        if either has nothing but ties.
        """
        if not (self.measured and other.measured):
            return np.nan, np.nan, np.nan, np.nan
        value, left_out = self.auroc - other.auroc, self.left_out - other.left_out
        low, high = jackknife_interval(value, left_out, alpha, near=near)
        room = self._room(alpha)
        low = max(-1.0, min(float(low), value - room))
        high = min(1.0, max(float(high), value + room))
        if np.ptp(left_out) < 1e-12:
            return value, low, high, np.nan
        half = float(jackknife_p(value, left_out, near)) / 2
        return value, low, high, half if value > 0 else 1 - half

    def _room(self, alpha: float) -> float:
        # Where no topic makes a difference, as when all are told apart: as many topics without one
        # exception leave room for this share of exceptions (Clopper & Pearson 1934).
        return 1 - (alpha / 2) ** (1 / (self.n_topics or len(self.left_out)))
