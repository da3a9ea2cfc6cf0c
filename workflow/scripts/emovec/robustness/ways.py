"""Ways to find the direction of an emotion from the same sentences.

The study subtracts means. Others train a classifier, take the leading component of differences, or
remove first what neutral sentences vary in. Each way is a function of the sentences of every
emotion and of those it is told from; all give unit vectors in the model's own stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.special import expit

from emovec.registry import Kind, registry
from emovec.statistics.arrays import Floats, centred, coordinates

PENALTY = 0.01  # C of the logistic regression, on sentences of unit variance per dimension
MOST_STEPS = 50  # of Newton's method, which takes about six


@dataclass(frozen=True)
class Way(Kind):
    """`find(emotions[emotion, topic, d], reference[emotion or 1, topic, d], axes[k, d])`.

    Gives directions `[emotion, d]`, unit vectors, or 0 where classes do not differ. `axes` are the
    leading components of neutral sentences, of which there may be none.
    """

    find: Callable[[Floats, Floats, Floats], Floats]
    needs_probe: bool = False


def _mean(emotions: Floats, reference: Floats, axes: Floats) -> Floats:
    return _unit((emotions - reference).mean(axis=1))


def _others(emotions: Floats, reference: Floats, axes: Floats) -> Floats:
    means = emotions.mean(axis=1)
    # in proportion to the difference from the mean of the other emotions
    return _unit(means - means.mean(axis=0))


def _cleaned(emotions: Floats, reference: Floats, axes: Floats) -> Floats:
    found = (emotions - reference).mean(axis=1)
    return _unit(found - found @ axes.T @ axes)


def _logistic(emotions: Floats, reference: Floats, axes: Floats) -> Floats:
    """One scale for all dimensions, so that the answer does not depend on the axes of the stream.

    All emotions at once by Newton's method; scikit-learn takes thirty times as long for one by one.
    """
    both = np.concatenate([emotions, np.broadcast_to(reference, emotions.shape)], axis=1)
    rows = np.stack([centred(one) for one in both])
    scale = np.sqrt(rows.var(axis=1).mean(axis=-1))[:, None, None]
    rows = np.divide(rows, scale, out=np.zeros_like(rows), where=scale > 0)
    labels = np.repeat([1.0, 0.0], emotions.shape[1])
    # at the minimum the coefficients are the rows weighted by what is left of the labels
    found = ((labels - _fitted(coordinates(rows), labels))[:, None] @ rows)[:, 0]
    return _unit(np.where(np.abs(found) > 1e-12 * len(labels), found, 0.0))  # not rounding alone


def _fitted(rows: Floats, labels: Floats) -> Floats:
    """Probabilities `[fit, n]` of logistic regressions of labels on `rows[fit, n, d]`."""
    x = np.concatenate([rows, np.ones_like(rows[..., :1])], axis=-1)
    ridge = np.diag(np.append(np.ones(rows.shape[-1]), 0.0)) / PENALTY  # the intercept is free
    weights = np.zeros((len(x), x.shape[-1]))
    for _ in range(MOST_STEPS):
        p = expit(np.einsum("fnd,fd->fn", x, weights))
        slope = np.einsum("fnd,fn->fd", x, p - labels) + weights @ ridge
        curvature = x.swapaxes(1, 2) @ (x * (p * (1 - p))[..., None]) + ridge
        step = np.linalg.solve(curvature, slope[..., None])[..., 0]
        weights = weights - step
        if np.abs(step).max(initial=0) < 1e-10:
            break
    return expit(np.einsum("fnd,fd->fn", x, weights))


def _component(emotions: Floats, reference: Floats, axes: Floats) -> Floats:
    differences = emotions - reference
    found = np.stack([_first_axis(one) for one in differences])
    return found * np.sign(np.einsum("ed,ed->e", found, differences.mean(axis=1)))[:, None]


def _first_axis(rows: Floats) -> Floats:
    """The first right singular vector of `rows[n, d]`, not centred; 0 of zeros."""
    few = len(rows) <= rows.shape[1]
    products = rows @ rows.T if few else rows.T @ rows
    last = len(products) - 1
    first = eigh(products, subset_by_index=(last, last))[1][:, 0]
    return _unit(first @ rows if few else products @ first)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


WAYS = registry(
    Way("mean", "difference of means", _mean),
    Way("others", "difference from the other emotions", _others),
    Way("cleaned", "without neutral components", _cleaned, needs_probe=True),
    Way("logistic", "logistic regression", _logistic),
    Way("component", "first component of differences", _component),
)
STUDY = "mean"
