"""Nulls, p-values, intervals and corrections against known answers, plain loops and null worlds.

Bounds on error rates are binomial with a probability of a false alarm below 1e-5.
"""

import numpy as np
import pytest
import worlds
from emovec.statistics import corrections, resampling, unbiased
from scipy import stats
from worlds import CLASSES, NEUTRAL

AGAINST = unbiased.against_neutral(CLASSES, NEUTRAL)
PAIRS = np.array([(0, 1), (0, 2), (1, 2)])


def differences(x):
    return unbiased.differences(x, AGAINST)


def norms_u(d):
    return np.diagonal(unbiased.inner_u(unbiased.products(d)))


def small(seed=0, n=6, d=4):
    return np.random.default_rng(seed).standard_normal((4, n, d))


def at_most(rate, runs):
    """The count that `runs` at `rate` exceed with a probability below 1e-5."""
    return stats.binom.ppf(1 - 1e-5, runs, rate)


def at_least(rate, runs):
    return stats.binom.ppf(1e-5, runs, rate)


# Sign flips


@pytest.mark.parametrize("width", [4, 40])
def test_flipped_u_is_the_mean_over_pairs_of_flipped_differences(width):
    d = differences(small(d=width))
    signs = resampling.sign_flips(6, 700, np.random.default_rng(0))
    null = resampling.flipped_norm2_u(d, signs)
    assert null.shape == (700, 3)
    for draw in (0, 1, 511, 512, 699):
        flipped = d * signs[draw][:, None]
        for contrast in range(3):
            gram = flipped[contrast] @ flipped[contrast].T
            pairs = gram[~np.eye(6, dtype=bool)]
            assert null[draw, contrast] == pytest.approx(pairs.mean(), abs=1e-12)


def test_many_tests_share_the_draws_and_few_have_all():
    assert resampling.shared_out(99, 500, 10_000) == 99  # never more than asked for
    assert resampling.shared_out(9_999, 500, 10_000) == 199
    assert resampling.shared_out(9_999, 0, 10_000) == 9_999


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_a_signal_has_the_smallest_p_there_is_and_never_zero(seed):
    rng = np.random.default_rng(seed)
    world = worlds.paired(rng, n=70, d=256, s=0.1)
    d = differences(world.x)
    draws = 999
    null = resampling.flipped_norm2_u(d, resampling.sign_flips(70, draws, rng))
    p = resampling.p_value(norms_u(d), null)
    assert (p == 1 / (draws + 1)).all()
    assert (unbiased.contrast_reliability(d) > 0.6).all()


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_the_sign_flip_test_keeps_its_level_and_its_p_are_uniform(seed):
    """Noise with heavy tails, other variances in each topic, and topics in common."""
    rng = np.random.default_rng(seed)
    runs, p_neutral, p_between, adjusted = 1000, [], [], []
    for _ in range(runs):
        x = rng.standard_t(3, (4, 16, 20)) * rng.gamma(1, size=(1, 16, 1)) + rng.standard_normal(20)
        x += rng.standard_normal((1, 16, 20))
        between = unbiased.contrast(CLASSES, "gratitude", "anger")
        d = unbiased.differences(x, np.vstack([AGAINST, between]))
        null = resampling.flipped_norm2_u(d, resampling.sign_flips(16, 199, rng))
        p = resampling.p_value(norms_u(d), null)
        p_neutral.append(p[0])
        p_between.append(p[3])
        adjusted.append(resampling.max_t(norms_u(d)[:3], null[:, :3]).min())
    for values in (p_neutral, p_between):
        assert at_least(0.05, runs) <= np.sum(np.array(values) <= 0.05) <= at_most(0.05, runs)
        assert stats.kstest(values, "uniform").pvalue > 1e-5
    assert np.sum(np.array(adjusted) <= 0.05) <= at_most(0.05, runs)


def test_emotions_that_differ_are_told_apart_and_equal_ones_are_not():
    rng = np.random.default_rng(0)
    world = worlds.paired(rng, n=40, d=64, s=0.2, cos=1.0)
    world.x[2] += 2 * world.effects[0]
    p = {}
    for a, b in (("gratitude", "anger"), ("gratitude", "apology")):
        weights = unbiased.contrast(CLASSES, a, b)
        d = unbiased.differences(world.x, weights[None])
        null = resampling.flipped_norm2_u(d, resampling.sign_flips(40, 999, rng))
        p[b] = float(resampling.p_value(norms_u(d), null)[0])
    assert p["apology"] == 1 / 1000 and p["anger"] > 0.01


# Relabelling


@pytest.mark.parametrize("reference", [1, 3])
def test_relabelled_products_are_those_of_the_relabelled_class_means(reference):
    x = small(n=5)
    labels = resampling.relabelings(4, 5, 300, np.random.default_rng(0))
    assert (np.sort(labels, axis=-1) == np.arange(4)).all()
    weights = np.vstack([AGAINST, AGAINST.mean(axis=0)])
    w = resampling.relabeled_weights(weights, labels, reference)
    others = np.delete(x, reference, axis=0) - x[reference]
    products = resampling.relabeled_inner(others, w)
    for draw in (0, 1, 299):
        means = np.zeros((4, 4))
        for k in range(4):
            means[k] = np.mean([x[labels[draw, i, k], i] for i in range(5)], axis=0)
        v = weights @ means
        assert np.allclose(products[draw], v @ v.T, atol=1e-12)


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_relabelling_knows_the_pull_of_the_shared_neutral(seed):
    """Without signal the null is centred on κ, not 0, and p-values of cosines are uniform."""
    rng = np.random.default_rng(seed)
    runs, p, adjusted = 500, [], []
    for _ in range(runs):
        x = rng.standard_t(4, (4, 15, 12)) + rng.standard_normal((1, 15, 12))
        w = resampling.relabeled_weights(AGAINST, resampling.relabelings(4, 15, 199, rng), 3)
        null = resampling.relabeled_inner(differences(x), w)
        naive = unbiased.inner(unbiased.products(differences(x)))
        cosines, nulls = (
            unbiased.cosine(
                *(v[..., PAIRS[:, i], PAIRS[:, j]] for i, j in ((0, 1), (0, 0), (1, 1)))
            )
            for v in (naive, null)
        )
        assert nulls.mean() == pytest.approx(0.5, abs=0.15)
        p.append(resampling.p_value(cosines, nulls, "two-sided"))
        adjusted.append(resampling.max_t(cosines, nulls, "two-sided").min())
    p = np.array(p)[:, 0]
    assert at_least(0.05, runs) <= np.sum(p <= 0.05) <= at_most(0.05, runs)
    assert stats.kstest(p, "uniform").pvalue > 1e-5
    assert np.sum(np.array(adjusted) <= 0.05) <= at_most(0.05, runs)


# From nulls to p-values


def test_p_counts_the_observed_draw():
    null = np.arange(99.0)
    assert resampling.p_value(1000.0, null) == 1 / 100
    assert resampling.p_value(-1.0, null) == 1
    assert resampling.p_value(90.0, null) == 10 / 100  # ties count
    assert resampling.p_value(90.0 + 1e-13, null) == 10 / 100  # as do rounding errors
    assert np.isnan(resampling.p_value(np.nan, null))
    assert np.isnan(resampling.p_value(1.0, np.array([])))
    assert np.isnan(resampling.p_value(1.0, np.array([0.0, np.nan])))


def test_single_step_takes_the_largest_of_a_draw_where_any_is_defined():
    nulls = np.array([[0.1, np.nan, 0.3], [0.2, np.nan, np.nan]])
    assert resampling.single_step(0.25, nulls) == 2 / 3
    assert resampling.single_step(0.3 - 1e-16, nulls) == 2 / 3
    assert resampling.single_step(0.15, nulls) == 1
    assert np.isnan(resampling.single_step(np.nan, nulls))
    assert np.isnan(resampling.single_step(0.3, nulls[:, 1:2]))


def test_a_statistic_that_never_varies_is_not_significant():
    assert resampling.p_value(0.0, np.zeros(99)) == 1
    assert resampling.max_t(0.0, np.zeros(99), "two-sided") == 1


def test_two_sided_p_is_below_alpha_outside_the_band_and_nowhere_else():
    rng = np.random.default_rng(0)
    null = rng.gamma(1.0, size=9999)  # skewed
    low, high = resampling.band(null)
    inside, outside = (low * 1.1, np.median(null), high * 0.98), (low * 0.9, high * 1.02, 99.0)
    assert all(resampling.p_value(x, null, "two-sided") > 0.05 for x in inside)
    assert all(resampling.p_value(x, null, "two-sided") < 0.05 for x in outside)


@pytest.mark.parametrize("tail", ["upper", "two-sided"])
def test_max_t_is_the_step_down_of_westfall_and_young(tail):
    rng = np.random.default_rng(1)
    null = rng.standard_normal((199, 6)) @ rng.standard_normal((6, 6))
    observed = 3 * rng.standard_normal(6)
    both = np.vstack([observed, null])
    if tail == "upper":
        z = (both - both.mean(axis=0)) / both.std(axis=0)
    else:
        low, middle, high = np.quantile(both, [0.025, 0.5, 0.975], axis=0)
        away = both - middle
        z = np.abs(np.where(away > 0, away / (high - middle), away / (middle - low)))
    left, expected, largest = list(np.argsort(-z[0])), np.zeros(6), 0.0
    while left:
        first = left[0]
        p = (1 + sum(row[left].max() >= z[0, first] for row in z[1:])) / 200
        largest = max(largest, p)
        expected[first] = largest
        left.pop(0)
    adjusted = resampling.max_t(observed, null, tail)
    assert np.allclose(adjusted, expected)
    assert (adjusted >= resampling.p_value(observed, null, tail)).all()


def test_max_t_compares_depths_of_any_scale_and_leaves_out_the_undefined():
    rng = np.random.default_rng(0)
    null, observed = rng.standard_normal((499, 2, 3)), rng.standard_normal((2, 3)) + 1
    scale = 10.0 ** np.arange(6).reshape(2, 3)
    adjusted = resampling.max_t(observed, null)
    assert np.allclose(resampling.max_t(observed * scale, null * scale), adjusted)
    observed[1, 1] = np.nan
    without = resampling.max_t(observed, null)
    assert np.isnan(without[1, 1]) and np.isfinite(np.delete(without.ravel(), 4)).all()
    rest = np.delete(observed.ravel(), 4), np.delete(null.reshape(499, 6), 4, axis=1)
    assert np.allclose(np.delete(without.ravel(), 4), resampling.max_t(*rest))


# Intervals


def test_the_jackknife_of_a_mean_is_its_standard_error():
    x = np.random.default_rng(0).standard_normal(30)
    loo = (x.sum() - x) / 29
    error = x.std(ddof=1) / np.sqrt(30)
    assert resampling.jackknife_se(loo) == pytest.approx(error, abs=1e-12)
    low, high = resampling.jackknife_interval(x.mean(), loo)
    assert [low, high] == pytest.approx(stats.t.interval(0.95, 29, x.mean(), error), abs=1e-12)
    assert resampling.jackknife_p(x.mean(), loo) == pytest.approx(stats.ttest_1samp(x, 0).pvalue)


def test_fisher_z_keeps_cosines_inside_and_leaves_others_plain():
    loo = np.array([[0.97, 0.98, 0.99, 0.9], [1.2, 1.3, 0.9, 1.1]])
    value = np.array([0.96, 1.1])
    low, high = resampling.jackknife_interval(value, loo, fisher_z=True)
    plain = resampling.jackknife_interval(value, loo)
    assert high[0] < 1 < plain[1][0]
    assert (low[1], high[1]) == (plain[0][1], plain[1][1])
    assert np.isnan(resampling.jackknife_interval(np.nan, loo[0] * np.nan, fisher_z=True)).all()


@pytest.mark.parametrize("seed", worlds.seeds(1))
@pytest.mark.parametrize("cos", [0.3, 1.0])
def test_the_jackknife_covers_planted_cosines(seed, cos):
    rng = np.random.default_rng(seed)
    runs, inside, widths, values = 300, 0, [], []
    for _ in range(runs):
        d = differences(worlds.paired(rng, n=60, d=64, s=0.1, cos=cos, topic_share=0.5).x)
        u, loo = (unbiased.inner_u(f(d)) for f in (unbiased.products, unbiased.left_out))
        value = unbiased.cosine(u[0, 1], u[0, 0], u[1, 1])
        loo = unbiased.cosine(loo[0, 1], loo[0, 0], loo[1, 1])
        low, high = resampling.jackknife_interval(value, loo)
        inside += low <= cos <= high
        widths.append(high - low)
        values.append(value)
    assert inside >= at_least(0.95, runs)
    assert 0.7 < np.mean(widths) / (4 * np.std(values)) < 2  # and is not merely wide


# Corrections


def test_corrections_of_known_p_values():
    p = [0.01, 0.04, 0.03, 0.005]
    assert corrections.holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert corrections.holm(p, "abcd") == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert corrections.holm([0.9, 0.8]) == pytest.approx([1, 1])


def test_an_undefined_test_is_no_member_of_its_family():
    p = [0.01, np.nan, 0.04, 0.03, 0.005]
    adjusted = corrections.holm(p)
    assert np.isnan(adjusted[1])
    assert np.delete(adjusted, 1) == pytest.approx(corrections.holm([0.01, 0.04, 0.03, 0.005]))
    assert np.isnan(corrections.holm([np.nan])).all()


def test_one_unit_changes_nothing_and_undefined_tests_stay_so():
    p = [0.01, 0.4, np.nan]
    np.testing.assert_array_equal(corrections.holm(p, "aaa"), p)
    np.testing.assert_allclose(corrections.holm([0.01, np.nan], "ab"), [0.02, np.nan])


def rejected(p, units, alpha):
    """The sequential procedure itself: the level is shared by units not wholly rejected yet."""
    names = set(units)
    done = set()
    while True:
        level = alpha / (len(names) - len(done)) if len(done) < len(names) else alpha
        hits = [q <= level or unit in done for q, unit in zip(p, units, strict=True)]
        new = {
            name
            for name in names
            if all(hit for hit, unit in zip(hits, units, strict=True) if unit == name)
        }
        if new == done:
            return hits
        done = new


@pytest.mark.parametrize("seed", worlds.seeds(0))
def test_adjusted_p_reproduces_the_sequential_procedure_at_every_level(seed):
    rng = np.random.default_rng(seed)
    for _ in range(50):
        p = rng.choice([0.001, 0.004, 0.012, 0.03, 0.2], 8) * rng.uniform(0.9, 1.1, 8)
        units = rng.choice(list("abcd"), 8).tolist()
        adjusted = corrections.holm(p, units)
        assert (adjusted >= p - 1e-15).all()
        for alpha in (0.01, 0.05, 0.1, 0.3):
            assert (adjusted <= alpha).tolist() == rejected(p, units, alpha)


def test_draws_depend_on_the_generator_alone():
    for draw in (
        lambda rng: resampling.sign_flips(9, 20, rng),
        lambda rng: resampling.relabelings(4, 9, 20, rng),
        lambda rng: unbiased.halves(9, 20, rng),
    ):
        one, two = (draw(np.random.default_rng(3)) for _ in range(2))
        assert (one == two).all()
        assert not np.array_equal(one, draw(np.random.default_rng(4)))
