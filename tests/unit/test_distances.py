"""Distances of many emotions: planted ones, known orders, and two models that share nothing."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import worlds_cross
from emovec.errors import InputError
from emovec.geometry import distances
from emovec.geometry.distances import Apart, Halved, agreement, ceiling, compare
from emovec.geometry.matrices import KINDS, Matrices, matrices_at
from emovec.geometry.sharing import splits
from emovec.statistics import clustered, unbiased
from emovec.statistics.clustered import near_topics
from scipy import stats
from worlds import seeds


def alone(emotions: int, topics: int) -> np.ndarray:
    return np.stack([near_topics(topics)] * emotions)


def planted(
    rng: np.random.Generator, places: np.ndarray, topics: int, noise: float = 1.0
) -> np.ndarray:
    """Sentences `[class, topic, d]` about `places[emotion, d]`, on topics that move all of them."""
    count, width = places.shape
    x = noise * rng.standard_normal((count + 1, topics, width))
    x[:-1] += places[:, None]
    return x + rng.standard_normal((1, topics, width))


def test_distances_are_those_of_unbiased_products_and_errors_the_jackknifes() -> None:
    rng = np.random.default_rng(0)
    x = planted(rng, rng.standard_normal((4, 5)), 12)
    value, error, df = Apart.of([x, 2 * x], alone(4, 12)).whole()
    d = np.array([x[a] - x[b] for a, b in combinations(range(4), 2)])
    np.testing.assert_allclose(value, 5 * unbiased.norm2_u(d), rtol=1e-9)
    left = np.array([5 * unbiased.norm2_u(np.delete(d, i, axis=1)) for i in range(12)])
    np.testing.assert_allclose(error, np.sqrt(11 * left.var(axis=0)), rtol=1e-9)
    assert (df == 11).all()
    assert (distances.square(value, 4)[np.triu_indices(4, 1)] == value).all()


def test_distances_are_the_same_where_few_topics_are_near(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    x = planted(rng, rng.standard_normal((4, 5)), 24)
    near = np.stack([near_topics(24, rng.integers(9, size=24)) for _ in range(4)])
    halves = np.array([one.topics[0] for one in splits(24, 0, rng)])

    def found() -> list[np.ndarray]:
        apart = Apart.of([x], near)
        return [*apart.whole(), apart.distances(halves)]

    dense = found()
    for half, value in zip(halves, dense[-1], strict=True):
        some = near[:, half][:, :, half]
        np.testing.assert_allclose(value, Apart.of([x[:, half]], some).whole()[0], rtol=1e-9)
    monkeypatch.setattr(clustered, "SMALL", 0)
    monkeypatch.setattr(clustered, "MANY", 0)
    for one, other in zip(dense, found(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_alike_emotions_have_no_distance_on_average_and_others_theirs() -> None:
    rng = np.random.default_rng(0)
    places = np.zeros((3, 6))
    places[2, 0] = 2.0
    found = np.array([
        Apart.of([planted(rng, places, 10)], alone(3, 10)).whole()[0] for _ in range(300)
    ])  # fmt: skip
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - [0, 4, 4]) < 4 * error).all()


def test_what_one_head_brings_is_no_distance() -> None:
    """Two words of an emotion, each of which moves its sentences; pairs of one do not count."""
    rng = np.random.default_rng(0)
    word = np.arange(12) % 2
    near = np.stack([near_topics(12, word), near_topics(12)])
    found = []
    for _ in range(300):
        x = planted(rng, np.zeros((2, 4)), 12)
        x[0] += 2 * rng.standard_normal((2, 4))[word]
        found.append([Apart.of([x], one).whole()[0][0] for one in (near, alone(2, 12))])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(len(found))
    assert abs(mean[0]) < 4 * error[0] and mean[1] > 20 * error[1]


def test_clusters_stand_together() -> None:
    places = np.array([0.0, 10.0, 1.0, 11.0, 2.0])
    apart = np.array([(places[a] - places[b]) ** 2 for a, b in combinations(range(5), 2)])
    order = places[distances.cluster_order(apart, 5)].tolist()
    assert order in ([0, 1, 2, 10, 11], [11, 10, 2, 1, 0], [2, 1, 0, 10, 11], [0, 1, 2, 11, 10])
    assert distances.cluster_order(np.full(10, np.nan), 5) == list(range(5))


def test_agreement_is_the_rank_correlation_of_crossed_halves() -> None:
    rng = np.random.default_rng(0)
    a, b = (Halved(*np.exp(rng.standard_normal((2, 3, 15)))) for _ in range(2))
    expected = [
        stats.spearmanr(x[k], y[k]).statistic
        for x, y in ((a.first, b.second), (a.second, b.first))
        for k in range(3)
    ]
    assert agreement(a, b) == pytest.approx(np.mean(expected))
    # the names of emotions in their own order give what was seen
    orders = np.array([np.arange(6)] * 3)
    assert distances.p_of_orders(a, b, orders) == 1.0
    assert np.isnan(ceiling(Halved(a.first, -a.first), b))


def models(rng: np.random.Generator, *, shared: bool, noise: float = 2.0) -> list[Apart]:
    """Two models of eight emotions whose noise, in the sentences that both read, is one."""
    text = rng.standard_normal((9, 20, 12))
    places = rng.standard_normal((2, 8, 12))
    found = []
    for own in places[[0, 0]] if shared else places:
        x = planted(rng, 0.5 * own, 20, noise=0.3) + noise * text
        found.append(Apart.of([x @ np.linalg.qr(rng.standard_normal((12, 12)))[0]], alone(8, 20)))
    return found


@pytest.mark.parametrize("seed", seeds(1))
def test_private_places_agree_as_often_as_the_level_though_sentences_are_shared(seed: int) -> None:
    rng = np.random.default_rng(seed)
    runs, found, naive = 120, [], []
    for _ in range(runs):
        a, b = models(rng, shared=False, noise=4.0)
        halves = splits(20, 0, rng)
        orders = rng.permuted(np.tile(np.arange(8), (99, 1)), axis=1)
        pair = Halved.of(a, halves), Halved.of(b, halves)
        found.append(distances.p_of_orders(*pair, orders))
        whole = (one.distances(np.ones((1, 20), bool)) for one in (a, b))
        naive.append(distances.p_of_orders(*(Halved(one, one) for one in whole), orders))
    low, high = stats.binom.ppf([1e-5, 1 - 1e-5], runs, 0.1)
    assert low <= (np.array(found) <= 0.1).sum() <= high
    assert (np.array(naive) <= 0.1).sum() > high  # on the same sentences noise passes for likeness


def test_models_alike_whose_halves_are_not_agree_as_often_as_the_level() -> None:
    """As where each writer has a habit that both models read."""
    rng = np.random.default_rng(3)
    runs = 400
    orders = rng.permuted(np.tile(np.arange(8), (199, 1)), axis=1)
    halves = [Halved(*rng.standard_normal((2, 1, 28))) for _ in range(runs)]
    found = np.array([distances.p_of_orders(one, one, orders) for one in halves])
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], runs, 0.1)
    assert low <= (found <= 0.1).sum() <= high


@pytest.mark.parametrize("seed", seeds(1))
def test_shared_places_reach_the_ceiling(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(12):
        a, b = models(rng, shared=True, noise=0.7)
        rows.append(compare(a, b, splits(20, 0, rng), 199, 0.05, rng))
    agree, most = (np.array([row[s]["value"] for row in rows]) for s in rows[0])
    assert np.median(agree - most) == pytest.approx(0, abs=0.1) and agree.mean() > 0.2
    assert np.mean([row["distances"]["p"] < 0.05 for row in rows]) > 0.5
    assert all(row["distances"]["ci_low"] < row["distances"]["value"] for row in rows)


def test_matrices_hold_every_depth_and_are_read_as_they_were_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    world = worlds_cross.pair("shared", rng, emotions=6, topics=12, s=2.0)
    values = {"last": matrices_at(world.a, alone(6, 12))}
    assert set(values["last"]) == set(KINDS)
    distance, cosine = values["last"]["distances"], values["last"]["cosines"]
    assert distance.shape == (6, 6, 2) and (distance == distance.swapaxes(0, 1)).all()
    assert (np.diagonal(distance[..., 1]) == 0).all() and (np.diagonal(cosine[..., 1]) == 1).all()
    names = [f"e{k}" for k in range(6)]
    Matrices("a", names, names[::-1], values).write(tmp_path / "a.h5")
    read = Matrices.read(tmp_path / "a.h5")
    assert (read.model, read.emotions, read.order) == ("a", names, names[::-1])
    for kind in KINDS:
        np.testing.assert_array_equal(read.values["last"][kind], values["last"][kind])
    (tmp_path / "a.h5").write_bytes(b"no")
    with pytest.raises(InputError, match="no file of distances"):
        Matrices.read(tmp_path / "a.h5")
