"""Do the places of emotions predict how people rate their words?

Ratings of an emotion that is left out are predicted from the others by ridge regression on what
each emotion has of its own (valence and arousal: Russell 1980, J. Pers. Soc. Psychol. 39). It
depends on products of emotions alone, so that it is free of the signs and turns of any axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emovec.statistics.arrays import Floats, ratio
from emovec.statistics.resampling import band, jackknife_interval, p_value

FEWEST_RATED = 6  # emotions


def left_out(own: Floats, ratings: Floats) -> Floats:
    """Predictions `[..., emotion]` of `ratings[..., emotion]`, each from the other emotions.

    `own[emotion, d]`. The penalty is the mean length² of the emotions, so that the average
    direction is shrunk by half; the mean is not shrunk. Exact without refits (Allen 1974).
    """
    rows = own - own.mean(axis=0)
    gram = rows @ rows.T
    count, penalty = len(gram), np.trace(gram) / len(gram)
    if not penalty > 0:
        return np.full(np.shape(ratings), np.nan)
    hat = gram @ np.linalg.inv(gram + penalty * np.eye(count)) + 1 / count
    return ratings - (ratings - ratings @ hat) / (1 - np.diag(hat))


def correlation(x: Floats, y: Floats) -> Floats:
    """Pearson's r over the last axis; NaN where one does not vary."""
    x, y = (one - one.mean(axis=-1, keepdims=True) for one in (x, y))
    norms = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return ratio((x * y).sum(axis=-1), norms)


@dataclass(frozen=True)
class Predicted:
    """How well one rating is predicted for emotions left out."""

    r: float  # correlation of predictions and ratings over emotions
    null: Floats  # [draw], with the ratings of other emotions
    without: Floats  # r [emotion] without each emotion, its predictions as they are
    errors: Floats  # [emotion], squared, in variances of the rating

    def row(self, stat: str, alpha: float) -> dict:
        """The cells of a table."""
        low, high = np.clip(jackknife_interval(self.r, self.without, alpha), -1, 1)
        null_low, null_high = band(self.null, alpha) if len(self.null) else (np.nan, np.nan)
        return {
            "stat": stat, "value": self.r, "ci_low": float(low), "ci_high": float(high),
            "null_low": float(null_low), "null_high": float(null_high),
            "p": float(p_value(self.r, self.null)), "n_emotions": len(self.errors),
        }  # fmt: skip

    def over(self, other: Predicted, flips: Floats) -> tuple[float, float]:
        """How much smaller the errors are than another's, and its p by flips `[draw, emotion]`."""
        gain = other.errors - self.errors
        value = float(gain.mean())
        return value, float(p_value(value, flips @ gain / gain.size))


def predict(own: Floats, rating: Floats, orders: Floats) -> Predicted:
    """Leave each emotion out; `own[emotion, d]`, `rating[emotion]`, `orders[draw, emotion]` of it.

    Without any part of its own there is nothing to predict from, and every number is NaN.
    """
    found = left_out(own, np.concatenate([rating[None], orders]))
    truth = np.concatenate([rating[None], orders])
    r = correlation(found, truth)
    rest = ~np.eye(len(rating), dtype=bool)
    without = np.array([float(correlation(found[0][one], rating[one])) for one in rest])
    errors = (found[0] - rating) ** 2 / rating.var()
    return Predicted(float(r[0]), r[1:], without, errors)
