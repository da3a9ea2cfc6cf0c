"""Transfer decoding against plain loops."""

import numpy as np
import pytest
from emovec.between_models import maps, pair
from emovec.decoding import held_out


def auroc(positive, negative):
    return np.mean([(p > n) + 0.5 * (p == n) for p in positive for n in negative])


def test_held_out_auroc_never_uses_the_topics_it_scores():
    rng = np.random.default_rng(0)
    directions, positive = rng.standard_normal((2, 20, 6)) + 0.4
    negative = rng.standard_normal((20, 6))
    fold = held_out.topic_folds(20, 4, rng)
    assert sorted(np.bincount(fold)) == [5, 5, 5, 5]

    def explicit(without=None):
        values = []
        for number in range(4):
            v = directions[fold != number].mean(axis=0)
            test = [i for i in range(20) if fold[i] == number and i != without]
            values.append(auroc(positive[test] @ v, negative[test] @ v))
        return np.mean(values)

    found = held_out.held_out_auroc(directions, positive, negative, fold)
    assert found.auroc == pytest.approx(explicit())
    expected = [explicit(i) for i in range(20)]
    np.testing.assert_allclose(found.deleted, expected, rtol=1e-9)
    opposed = held_out.held_out_auroc(-directions, positive, negative, fold)
    assert opposed.auroc == pytest.approx(1.0 - found.auroc)
    flat = held_out.held_out_auroc(0.0 * directions, positive, negative, fold)
    assert flat.auroc == 0.5


def test_random_directions_are_scored_as_the_mapped_one_is():
    rng = np.random.default_rng(0)
    positive, negative = rng.standard_normal((2, 15, 4))
    fold = held_out.topic_folds(15, 3, rng)
    v = rng.standard_normal((2, 4))
    found = held_out.random_aurocs(positive @ v.T, negative @ v.T, fold)
    for value, direction in zip(found, v, strict=True):
        same = np.tile(direction, (15, 1))
        expected = held_out.held_out_auroc(same, positive, negative, fold).auroc
        assert value == pytest.approx(expected)


def test_spectral_directions_have_the_covariance_of_the_rows():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3)) * [3.0, 1.0, 0.2]
    drawn = pair.spectral_directions(maps.decompose(x), 40_000, rng)
    expected = np.cov(x.T) * 49
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.03 * expected.max())
