"""Claims between two models: products, errors, canonical axes, verdicts; and distinct emotions."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import worlds_cross
from emovec.between_models import canonical, maps
from emovec.between_models.attributes import balanced_contrasts
from emovec.between_models.claims import (
    Claim,
    Limits,
    Ruler,
    adjusted,
    both,
    claim,
    claims,
    decide,
    p_of_labels,
    ruler,
)
from emovec.errors import InputError
from emovec.statistics import metrics, resampling
from emovec.statistics.clustered import clustered_error, cross_u, near_topics, reliability
from emovec.within_model.distinct import distinct
from scipy import stats
from worlds import seeds

LIMITS = Limits()
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


def test_labels_are_tested_against_all_their_orders() -> None:
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(2, 6, 9, 4))
    near = near_topics(9)
    table = [[plain_u(one, other, near) for other in y] for one in x]
    sums = [sum(table[e][f] for e, f in enumerate(order)) for order in permutations(range(6))]
    exact = np.mean(np.array(sums) >= sums[0] - 1e-12)
    p = np.mean([p_of_labels(x, y, near, 720, np.random.default_rng(i)) for i in range(20)])
    assert p == pytest.approx(exact, abs=0.03)
    assert np.isnan(p_of_labels(x[:5], y[:5], near, 99, rng))


SURE = Claim(0.8, 0.6, 0.9, 0.1, 0.1, 0.001, (0.9, 0.9), (0.8, 0.8))
SMALL = replace(SURE, cosine=0.02, low=-0.1, high=0.15, p=0.99)
OPEN = replace(SURE, cosine=0.4, low=0.1, high=0.6, p=0.5)
VAGUE = replace(SURE, reliability_low=(0.9, 0.4))
RULER = Ruler(np.eye(2), 0.95, 0.9, 1.0)


@pytest.mark.parametrize(
    ("common", "specific", "matched", "verdict"),
    [
        (SURE, SURE, RULER, "shared"),
        (SURE, OPEN, RULER, "common"),
        (SURE, None, RULER, "common"),
        (SURE, VAGUE, RULER, "common"),
        (SURE, SMALL, RULER, "common_only"),
        (SURE, replace(SMALL, reliability_low=(0.1, 0.9)), RULER, "common"),
        (SMALL, SMALL, RULER, "not_shared"),
        (OPEN, SURE, RULER, "inconclusive"),
        (VAGUE, SURE, RULER, "inconclusive"),
        (replace(SMALL, reliability_low=(0.4, 0.9)), SMALL, RULER, "inconclusive"),
        (SURE, SURE, replace(RULER, median=0.6), "inconclusive"),
        (SMALL, SMALL, replace(RULER, median=np.nan), "inconclusive"),
    ],
)
def test_verdict(common, specific, matched, verdict) -> None:
    p_common, p_specific = adjusted([common], LIMITS), adjusted([both(common, specific)], LIMITS)
    found = decide(common, specific, p_common[0], p_specific[0], matched, LIMITS)
    assert found.verdict == verdict
    assert found.reason.endswith(".")


def test_claims_that_cannot_be_made_stay_in_the_family() -> None:
    family = [replace(SURE, p=0.02), VAGUE, replace(SURE, p=0.01), None, replace(SURE, p=np.nan)]
    p = adjusted(family, LIMITS)
    assert p[[0, 2]] == pytest.approx([0.08, 0.05])
    assert np.isnan(p[[1, 3, 4]]).all()


def found_in(kind, seed, **options):
    """Verdict on each emotion, Holm over the three, and the truth."""
    rng = np.random.default_rng(seed)
    world = worlds_cross.pair(kind, rng, **(SIZE | options))
    on_map = (world.probe["half"] == "map").to_numpy()
    views, controls = [], []
    for depth in (1, 2):
        fit = canonical_of(*(model.probe[on_map, depth] for model in world.streams))
        views.append(
            fit.views(
                *(m.residual[:-1, :, depth] - m.residual[-1, :, depth] for m in world.streams)
            )
        )
        controls.append(fit.views(*(model.probe[~on_map, depth] for model in world.streams)))
    x, y = (np.concatenate(side, axis=-1) for side in zip(*views, strict=True))
    c, d = (np.concatenate(side, axis=-1)[0] for side in zip(*controls, strict=True))
    marks = world.probe[~on_map].drop(columns="half")
    contrasts = balanced_contrasts(marks.to_numpy(), list(marks), world.heads.shape[1], rng)
    near = np.stack([near_topics(len(one), one) for one in world.heads])
    measured = claims(x, y, near, LIMITS, 99, rng)
    pairs = list(zip(measured.common, measured.specific, strict=True))
    p = adjusted(measured.common, LIMITS), adjusted([both(*one) for one in pairs], LIMITS)
    matched = ruler(c, d, contrasts, LIMITS)
    decided = [
        decide(*pair, *each, matched, LIMITS).verdict
        for pair, each in zip(pairs, zip(*p, strict=True), strict=True)
    ]
    return decided, measured, matched, world.truth()


@pytest.mark.parametrize("seed", seeds(0))
@pytest.mark.parametrize("kind", ["shared", "twin"])
def test_what_is_shared_is_found_shared(kind, seed) -> None:
    verdicts, measured, matched, _ = found_in(kind, seed)
    assert verdicts == ["shared"] * 3
    assert matched.low <= matched.median <= matched.high and matched.median > 0.8
    assert measured.common_of_all.p < 0.001 and measured.specific_of_all.p < 0.001


@pytest.mark.parametrize("seed", seeds(0))
def test_what_emotions_have_in_common_is_not_taken_for_their_own(seed) -> None:
    verdicts, measured, _, _ = found_in("common", seed, cosine=0.75, topics=160)
    assert "shared" not in verdicts and verdicts.count("common") + verdicts.count("common_only") > 1
    assert measured.specific_of_all.p > 0.05


@pytest.mark.parametrize("seed", seeds(0))
@pytest.mark.parametrize("kind", ["private", "private_b", "no_signal", "unrelated"])
def test_what_is_not_shared_is_never_found_shared(kind, seed) -> None:
    verdicts, _, matched, _ = found_in(kind, seed)
    assert not {"shared", "common", "common_only"} & set(verdicts)
    if kind in ("no_signal", "unrelated"):
        assert verdicts == ["inconclusive"] * 3
    assert (matched.median > LIMITS.matched) == (kind != "unrelated")


def test_partial_world_is_measured_without_bias() -> None:
    found = [found_in("partial", seed, cosine=0.5) for seed in range(6)]
    cosines = [one.cosine for _, measured, _, _ in found for one in measured.common]
    truth = np.concatenate([true.common for *_, true in found])
    assert truth == pytest.approx(np.full(18, 0.5), abs=0.02)
    assert np.mean(cosines) == pytest.approx(0.5, abs=0.07)


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
        [one[0] for one in d], [one[1] for one in d], tuple(world.heads), rng, flips=499
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
