"""Claims between two models: products, errors, canonical axes; and distinct emotions."""

import numpy as np
import pytest
import worlds_cross
from emovec.between_models import canonical, maps
from emovec.between_models.claims import claim
from emovec.between_models.thresholds import Thresholds
from emovec.errors import InputError
from emovec.statistics import clustered, metrics, resampling
from emovec.statistics.clustered import clustered_error, cross_u, near_topics, reliability
from emovec.within_model.distinct import distinct
from scipy import stats
from worlds import seeds

LIMITS = Thresholds()
SIZE = {
    "probes": (720, 400), "widths": (64, 72), "latents": 48, "attributes": 20, "layers": 2,
    "topics": 100, "s": 0.2, "heads": 12,
}  # fmt: skip


def plain_u(x, y, near):
    pairs = [(i, j) for i in range(len(x)) for j in range(len(y)) if not near[i, j]]
    return np.mean([x[i] @ y[j] for i, j in pairs])


def heads(rng, topics):
    return np.where(rng.random(topics) < 0.3, 100 + np.arange(topics), rng.integers(0, 4, topics))


def test_products_skip_near_topics_and_leave_each_topic_out() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 14, 5))
    near = near_topics(14, heads(rng, 14), heads(rng, 14))
    whole, left = cross_u(x, y, near)
    assert np.isclose(whole, plain_u(x, y, near))
    for i in range(14):
        kept = np.delete(np.arange(14), i)
        assert np.isclose(left[i], plain_u(x[kept], y[kept], near[np.ix_(kept, kept)]))
    assert np.allclose(cross_u(x, x, near)[1], cross_u(x, x.copy(), near)[1])


@pytest.mark.parametrize("axes", [(), (2,), (4, 2)])
def test_sums_over_near_topics_are_the_same_where_these_are_few(axes, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    near = np.stack([near_topics(14, heads(rng, 14)) for _ in range(2)])
    near = near if axes else near[0]
    x = rng.normal(size=(*axes, 14, 5))
    expected = near @ x
    assert np.allclose(clustered.near_sums(near, x), expected, rtol=1e-9)
    monkeypatch.setattr(clustered, "SMALL", 0)
    monkeypatch.setattr(clustered, "MANY", 0)
    assert np.allclose(clustered.near_sums(near, x), expected, rtol=1e-9)


def test_products_of_nothing_are_undefined() -> None:
    near = np.ones((3, 3), dtype=bool)
    assert np.isnan(cross_u(np.ones((3, 2)), np.ones((3, 2)), near)[0])


def test_error_is_the_jackknife_and_grows_with_clusters() -> None:
    rng = np.random.default_rng(1)
    deleted = rng.normal(size=(3, 20))
    error, df = clustered_error(deleted, near_topics(20))
    assert np.allclose(error, resampling.jackknife_se(deleted))
    assert df == 19
    block = np.repeat(np.arange(5), 4)
    error, df = clustered_error(deleted, near_topics(20, block))
    influence = deleted - deleted.mean(axis=1, keepdims=True)
    sums = influence.reshape(3, 5, 4).sum(axis=2)
    expected = np.sqrt((sums**2).sum(axis=1) * 5 / 4 * (19 / 20) ** 2)
    assert np.allclose(error, np.maximum(expected, resampling.jackknife_se(deleted)))
    assert df == pytest.approx(4)


def test_clustered_interval_of_a_mean_holds_where_the_plain_one_fails() -> None:
    rng = np.random.default_rng(2)
    label = np.r_[np.repeat(np.arange(15), 6), 15 + np.arange(30)]
    near, covered = near_topics(120, label), np.zeros(2)
    for _ in range(400):
        x = rng.normal(size=46)[label] + rng.normal(size=120)
        deleted = (x.sum() - x) / 119
        for i, among in enumerate((near, near_topics(120))):
            error, df = clustered_error(deleted, among)
            covered[i] += abs(x.mean()) < stats.t.ppf(0.975, df) * error
    assert covered[0] / 400 > 0.92
    assert covered[1] / 400 < 0.85


def test_reliability_counts_what_a_head_adds_as_noise() -> None:
    rng = np.random.default_rng(3)
    label = np.repeat(np.arange(10), 6)
    x = 3 * rng.normal(size=(10, 30))[label] + rng.normal(size=(60, 30))
    by_topic, by_head = (reliability(x, near_topics(60, *way), 0.05) for way in ((), (label,)))
    assert by_topic[0] > 0.6
    assert by_head[0] < 0.3 and by_head[1] < by_head[0]


def canonical_of(a, b):
    return canonical.fit_canonical(*(canonical.whiten(maps.decompose(x)) for x in (a, b)))


def test_axes_of_a_turned_copy_correspond_fully_and_cosines_are_one() -> None:
    rng = np.random.default_rng(4)
    a = rng.normal(size=(300, 20)) / np.arange(1, 21)
    turn = np.linalg.qr(rng.normal(size=(26, 20)))[0].T
    fit = canonical_of(a, 5 * a @ turn + 3)
    assert fit.strength == pytest.approx(np.ones(20), abs=1e-9)
    d = rng.normal(size=(1, 40, 20)) + 1
    x, y = fit.views(d, 5 * d @ turn)
    assert x.shape == (canonical.FOLDS + 1, 1, 40, 20)
    found = claim(x, y, near_topics(40)[None], LIMITS)
    assert found.cosine == pytest.approx(1, abs=1e-9)
    assert found.p < 1e-6


def test_strength_is_that_of_sentences_the_axes_were_not_fitted_on() -> None:
    rng = np.random.default_rng(5)
    shared = rng.normal(size=(600, 3))
    a, b = (
        np.c_[shared + 0.5 * rng.normal(size=(600, 3)), rng.normal(size=(600, 27))] for _ in "ab"
    )
    strength = canonical_of(a, b).strength
    assert strength[:3] == pytest.approx(np.full(3, 0.8), abs=0.06)
    assert strength[3:].max() < 0.15
    fitted = np.linalg.svd(np.corrcoef(a.T, b.T)[:30, 30:])[1]
    assert fitted[3] > 0.3  # what the same sentences would say


def test_models_that_read_other_sentences_are_refused() -> None:
    rng = np.random.default_rng(6)
    with pytest.raises(InputError, match="60 and 90"):
        canonical_of(rng.normal(size=(60, 8)), rng.normal(size=(90, 8)))
    assert canonical.whiten(maps.decompose(np.ones((60, 8)))) is None


def test_cosine_of_several_emotions_is_a_ratio_of_sums() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(2, 4, 2, 15, 6)) + 1
    near = np.stack([near_topics(15, heads(rng, 15)) for _ in range(2)])
    top, left, right = (
        sum(plain_u(p[0, e], q[0, e], near[e]) for e in range(2))
        for p, q in ((x, y), (x, x), (y, y))
    )
    found = claim(x, y, near, LIMITS)
    assert found.cosine == pytest.approx(top / np.sqrt(left * right))
    assert found.low < found.cosine < found.high
    still = claim(np.repeat(x[:1], 4, axis=0), np.repeat(y[:1], 4, axis=0), near, LIMITS)
    assert still.error_map == pytest.approx(0, abs=1e-9)
    assert found.error_map > 0 and found.error_topics == still.error_topics


def test_a_shared_way_of_words_is_no_shared_emotion() -> None:
    """Few heads move both models alike; by topics alone, private emotions would look alike."""
    rng = np.random.default_rng(9)
    own = rng.normal(size=(2, 40)) * 2
    label = np.repeat(np.arange(6), 20)
    text = 3 * rng.normal(size=(6, 40))[label]
    x, y = (0.5 * direction + text + rng.normal(size=(120, 40)) for direction in own)
    by_topic, by_head = (
        cross_u(x, y, near)[0] / np.sqrt(cross_u(x, x, near)[0] * cross_u(y, y, near)[0])
        for near in (near_topics(120), near_topics(120, label))
    )
    true = own[0] @ own[1] / np.sqrt((own[0] @ own[0]) * (own[1] @ own[1]))
    assert by_topic - true > 0.3
    assert not by_head - true > 0.3


def two_emotions(seed, cosine, topics=100):
    """Two emotions of one model whose directions have about this cosine, in the lda metric."""
    rng = np.random.default_rng(seed)
    options = SIZE | {"topics": topics, "models": 1, "emotions": 2, "cosine": cosine}
    world = worlds_cross.pair("common", rng, **options)
    x = [
        metrics.fit("lda", world.a.probe[:720, depth]).apply(world.a.residual[:, :, depth])
        for depth in (1, 2)
    ]
    d = [one[:2] - one[2] for one in x]
    return distinct(
        [one[0] for one in d],
        [one[1] for one in d],
        tuple(near_topics(topics, heads) for heads in world.heads),
        rng,
        flips=499,
    )


@pytest.mark.parametrize("seed", seeds(0, 1))
def test_emotions_of_one_direction_are_not_distinct(seed) -> None:
    found = two_emotions(seed, 1.0)
    assert found.p > 0.05
    assert found.cosine == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("seed", seeds(0))
def test_emotions_of_two_directions_are_distinct(seed) -> None:
    found = two_emotions(seed, 0.3, topics=160)
    assert found.p_flips == pytest.approx(0.002, abs=1e-9)
    assert found.p_margin < 0.01 and found.high < 0.9


def test_topics_of_one_head_are_flipped_together() -> None:
    topics, flips = 40, 999
    rng = np.random.default_rng(0)
    words = np.repeat(np.arange(8), 5)
    near = near_topics(topics, words)
    x, y = rng.standard_normal((2, topics, 6))
    x += 2 * rng.standard_normal((8, 6))[words]
    found = distinct([x], [y], (near, near), np.random.default_rng(1), flips=flips)
    draws = np.random.default_rng(1)
    by_hand = []
    for _ in range(2):  # by the heads of either emotion
        signs = resampling.sign_flips(8, flips, draws)[:, words]
        sums = ((signs @ (x - y)) ** 2).sum(axis=1)
        by_hand.append((1 + (sums >= ((x - y).sum(axis=0) ** 2).sum() * (1 - 1e-9)).sum()) / 1000)
    assert found.p_flips == pytest.approx(max(by_hand)) and 0.01 < found.p_flips < 0.99
