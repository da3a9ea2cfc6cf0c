"""Maps between models, products over them, and their nulls: known answers and explicit loops."""

import itertools

import numpy as np
import pandas as pd
import pytest
import worlds_cross
from emovec.activations import streams
from emovec.between_models import attributes, compare, likeness, maps, pair, rows
from emovec.between_models.compare import compare_models
from emovec.between_models.pair import Plan
from emovec.between_models.raw_cosines import raw_cosines
from emovec.between_models.thresholds import Thresholds
from emovec.errors import InputError
from emovec.models.depths import nearest_depth
from emovec.statistics import folds, resampling, unbiased
from emovec.statistics.clustered import near_topics
from scipy import stats
from worlds import seeds

LOOSE = {"rtol": 1e-9, "atol": 1e-12}


def related(rng, n, d_a, d_b, size=6, noise=0.3):
    """Rows of two models that read the same latents."""
    z = rng.standard_normal((n, size))
    return tuple(
        z @ rng.standard_normal((size, d)) + noise * rng.standard_normal((n, d)) + 5.0
        for d in (d_a, d_b)
    )


def parts(both, depth=1):
    """Both models at one depth, as `cross` sees them, and which probe rows the map is fitted on."""
    on_map = (both.probe["half"] == "map").to_numpy()
    return [pair.at_depth(model, depth, on_map, ~on_map) for model in (both.a, both.b)]


def controls_of(both, rng):
    control = both.probe[both.probe["half"] == "control"].filter(like="attr_")
    topics = both.a.residual.shape[1]
    return attributes.balanced_contrasts(control.to_numpy(), list(control), topics, rng)


def small_plan(**changes):
    defaults = {"relative_depths": [1.0], "grid": 0, "shuffles": 119, "draws": 399}
    return Plan(worlds_cross.EMOTIONS, "neutral", "suffix", **(defaults | changes))


# Ridge --------------------------------------------------------------------------------------------


def left_out_r2(a, b, alpha):
    error, of_mean = 0.0, 0.0
    for i in range(len(a)):
        rest = np.arange(len(a)) != i
        mean_a, mean_b = a[rest].mean(axis=0), b[rest].mean(axis=0)
        x, y = a[rest] - mean_a, b[rest] - mean_b
        weights = np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ y)
        error += ((b[i] - mean_b - (a[i] - mean_a) @ weights) ** 2).sum()
        of_mean += ((b[i] - mean_b) ** 2).sum()
    return 1.0 - error / of_mean


@pytest.mark.parametrize(("n", "d_a", "d_b"), [(25, 8, 7), (25, 40, 30), (25, 24, 60)])
def test_ridge_leaves_rows_out_exactly_also_with_more_dimensions_than_rows(n, d_a, d_b):
    a, b = related(np.random.default_rng(0), n, d_a, d_b)
    fit = maps.fit_ridge(a, b)
    assert fit.r2_loo == pytest.approx(left_out_r2(a, b, fit.alpha), abs=1e-9)
    tried = [left_out_r2(a, b, alpha) for alpha in maps.penalties(maps.decompose(a))]
    assert fit.r2_loo == pytest.approx(max(tried), abs=1e-9)


def test_ridge_weights_solve_the_penalised_problem():
    a, b = related(np.random.default_rng(1), 30, 12, 9)
    fit = maps.fit_ridge(a, b)
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    expected = np.linalg.solve(x.T @ x + fit.alpha * np.eye(12), x.T @ y)
    np.testing.assert_allclose(fit.weights, expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(fit.apply(a), y.mean(axis=0) + b.mean(axis=0) + x @ expected)


def test_shuffle_null_equals_refits_to_permuted_rows():
    a, b = related(np.random.default_rng(2), 24, 30, 10)
    left = maps.decompose(a)
    fit = maps.fit_ridge(left, b)
    null = maps.shuffle_null(left, b, fit, np.random.default_rng(3), shuffles=3)
    again = np.random.default_rng(3)
    for value in null:
        order = again.permutation(len(b))
        alphas = (fit.alpha, maps.penalties(left)[-1])
        assert value == pytest.approx(max(left_out_r2(a, b[order], x) for x in alphas), abs=1e-9)


def test_rows_that_differ_by_rounding_only_give_no_map():
    constant = np.tile(np.linspace(1, 300, 16, dtype=np.float32), (20, 1))
    varied = np.random.default_rng(0).standard_normal((20, 5))
    assert maps.decompose(constant).s.size == 0
    assert np.isnan(maps.fit_ridge(constant, varied).r2_loo)
    assert np.isnan(maps.fit_ridge(varied, constant).r2_loo)
    assert maps.fit_procrustes(constant, varied) is None
    assert maps.fit_readouts(constant, varied) is None
    assert np.isnan(cka(constant, varied))


def test_unequal_or_undefined_rows_are_refused():
    a, b = related(np.random.default_rng(0), 20, 4, 4)
    with pytest.raises(InputError, match="20 and 19"):
        maps.fit_ridge(a, b[1:])
    with pytest.raises(InputError, match="20 and 19"):
        maps.fit_readouts(a, b[1:])
    a[0, 0] = np.nan
    with pytest.raises(InputError, match="1 undefined"):
        maps.decompose(a)


# Procrustes and read-outs -------------------------------------------------------------------------


def test_procrustes_recovers_a_rotation_and_keeps_k_below_half_of_the_rows():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((60, 20)) / np.sqrt(np.arange(1, 21))
    b = 3.0 * a @ np.linalg.qr(rng.standard_normal((30, 20)))[0].T
    fit = maps.fit_procrustes(a, b, ks=(2, 8, 16, 32))
    assert fit.k == 16
    assert fit.scale == pytest.approx(3.0)
    np.testing.assert_allclose(fit.rotation @ fit.rotation.T, np.eye(16), atol=1e-10)
    views = fit.views(a - a.mean(axis=0), b - b.mean(axis=0))
    np.testing.assert_allclose(3.0 * views.left, views.right, atol=1e-9)
    assert maps.fit_procrustes(a, b, ks=(24,)) is None
    assert maps.fit_procrustes(a[:20], b[:20], ks=(2, 8)).k == 2


def test_procrustes_r2_is_that_of_rows_left_out_of_the_fit():
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((80, 12)), rng.standard_normal((80, 12))
    fit = maps.fit_procrustes(a, b, ks=(8,))
    assert fit.r2_ab < 0.02
    assert fit.r2_ba < 0.02


def test_captured_share_is_one_for_the_whole_space_and_adds_up():
    rng = np.random.default_rng(0)
    contrasts = rng.standard_normal((3, 40, 10)) + 1.0
    basis = np.linalg.qr(rng.standard_normal((10, 10)))[0]
    np.testing.assert_allclose(unbiased.captured(contrasts, basis), 1.0)
    halves = [unbiased.captured(contrasts, half) for half in (basis[:, :4], basis[:, 4:])]
    np.testing.assert_allclose(sum(halves), 1.0)


def test_read_outs_are_whitened_symmetric_and_blind_to_rotation_and_scale():
    rng = np.random.default_rng(0)
    a, b = related(rng, 200, 15, 11)
    d_a, d_b = rng.standard_normal((2, 30, 15)) + 0.5, rng.standard_normal((2, 30, 11)) + 0.5
    fit = maps.fit_readouts(a, b)
    np.testing.assert_allclose(np.cov((a @ fit.whiten_a).T), np.eye(15), atol=1e-9)
    value = unbiased.cross_cosines(fit.views(d_a, d_b)).value
    back = unbiased.cross_cosines(maps.fit_readouts(b, a).views(d_b, d_a)).value
    np.testing.assert_allclose(value, back.T, **LOOSE)
    q = 7.0 * np.linalg.qr(rng.standard_normal((15, 15)))[0]
    turned = unbiased.cross_cosines(maps.fit_readouts(a @ q + 3.0, b).views(d_a @ q, d_b))
    np.testing.assert_allclose(value, turned.value, rtol=1e-7)


def test_read_outs_are_fewer_with_few_sentences():
    a, b = related(np.random.default_rng(0), 40, 30, 30)
    assert maps.fit_readouts(a, b).correlation.shape == (10, 10)
    assert maps.fit_readouts(a, b, k=4).correlation.shape == (4, 4)


def test_ceiling_bounds_the_correlation_and_is_adjusted_for_chance():
    rng = np.random.default_rng(1)
    contrasts = rng.standard_normal((1, 50, 20)) + 1.0
    a = rng.standard_normal((400, 20))
    assert maps.fit_readouts(a, 2.0 * a).ceiling(contrasts) == pytest.approx(1.0)
    others = []
    for _ in range(40):
        fit = maps.fit_readouts(a, rng.standard_normal((400, 60)))
        readings = contrasts @ fit.whiten_a
        r2 = unbiased.norm2_u(readings @ fit.correlation) / unbiased.norm2_u(readings)
        others.append([r2[0], fit.ceiling(contrasts)[0]])
    naive, adjusted = np.array(others).T
    assert naive.mean() > 0.1
    assert (np.nan_to_num(adjusted) ** 2).mean() < 0.03


# Products that skip same-topic pairs --------------------------------------------------------------


def u_loop(a, b):
    """Mean product of rows of different topics, pair by pair."""
    return np.mean([a[i] @ b[j] for i, j in itertools.permutations(range(len(a)), 2)])


def test_cosines_and_intervals_equal_explicit_loops():
    rng = np.random.default_rng(1)
    left, own = rng.standard_normal((2, 3, 12, 5)) + 0.8
    right = rng.standard_normal((2, 12, 5)) + 0.8
    found = unbiased.cross_cosines(unbiased.Views(left, right, own), alpha=0.1)

    def cosine(i, j, keep):
        norms = u_loop(own[i][keep], own[i][keep]) * u_loop(right[j][keep], right[j][keep])
        return u_loop(left[i][keep], right[j][keep]) / np.sqrt(norms)

    for i, j in itertools.product(range(3), range(2)):
        every = np.arange(12)
        value = cosine(i, j, every)
        deleted = np.array([cosine(i, j, every != topic) for topic in range(12)])
        spread = ((deleted - deleted.mean()) ** 2).sum()
        error = np.sqrt(11 / 12 * spread) * stats.t.ppf(0.95, 11)
        assert found.value[i, j] == pytest.approx(value)
        assert found.low[i, j] == pytest.approx(value - error)
        assert found.high[i, j] == pytest.approx(value + error)


def test_negative_norms_leave_the_cosine_undefined_and_nothing_is_clipped():
    contrasts = np.array([[[1.0], [-1.0], [0.1]]])
    assert unbiased.norm2_u(contrasts) < 0
    found = unbiased.cross_cosines(unbiased.Views(contrasts, contrasts, contrasts))
    assert np.isnan(found.value).all()
    assert found.reliability_a[0] < 0
    assert not found.reliable(0.0).any()


# Whole representations ----------------------------------------------------------------------------


def hsic1(k, m):
    """Song et al. 2012, equation 5."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    inner = np.trace(k @ m) + k.sum() * m.sum() / ((n - 1) * (n - 2))
    return (inner - 2.0 / (n - 2) * (k @ m).sum()) / (n * (n - 3))


def cka(a, b):
    return likeness.cka_debiased(*(likeness.u_centred(likeness.gram(x)) for x in (a, b)))


def biased_cka(a, b):
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return np.linalg.norm(a.T @ b) ** 2 / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b)


@pytest.mark.parametrize("seed", seeds(0))
def test_cka_is_the_ratio_of_unbiased_hsic_and_near_zero_for_unrelated_rows(seed):
    rng = np.random.default_rng(seed)
    spectrum = 1 / np.sqrt(np.arange(1, 301))
    a, b = rng.standard_normal((2, 70, 300)) * spectrum
    gram_a, gram_b = a @ a.T, b @ b.T
    expected = hsic1(gram_a, gram_b) / np.sqrt(hsic1(gram_a, gram_a) * hsic1(gram_b, gram_b))
    assert cka(a, b) == pytest.approx(expected)
    assert biased_cka(a, b) > 0.2
    assert abs(cka(a, b)) < 0.12
    turned = a @ np.linalg.qr(rng.standard_normal((300, 300)))[0] * 5.0 + 1.0
    assert cka(a, turned) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("n", [40, 2 * likeness.BAND + 7])
def test_cka_null_permutes_sentences(n):
    a, b = related(np.random.default_rng(0), n, 10, 12)
    grams = [likeness.u_centred(likeness.gram(x)) for x in (a, b)]
    null = likeness.cka_shuffle_null(*grams, np.random.default_rng(4), shuffles=3)
    again = np.random.default_rng(4)
    expected = [cka(a, b[again.permutation(n)]) for _ in range(3)]
    np.testing.assert_allclose(null, expected, **LOOSE)


def test_mutual_neighbours_of_a_twin_and_of_strangers():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 300, 20))
    near = [likeness.neighbours(likeness.gram(x)) for x in (a, 2.0 * a, b)]
    assert (near[0].sum(axis=1) == 10).all()
    assert not near[0].diagonal().any()
    assert likeness.mutual_neighbours(near[0], near[1]) == 1.0
    assert likeness.mutual_neighbours(near[0], near[2]) == pytest.approx(10 / 299, abs=0.02)


# The control null ---------------------------------------------------------------------------------


def contrasts_for(labels, side=30, seed=0, **options):
    names = [f"attr_{i}" for i in range(labels.shape[1])]
    rng = np.random.default_rng(seed)
    return attributes.balanced_contrasts(labels, names, side, rng, **options)


def test_contrasts_are_balanced_and_attributes_that_are_alike_do_not_mismatch():
    rng = np.random.default_rng(0)
    labels = (rng.random((200, 5)) < 0.4).astype(int)
    labels[:, 1] = labels[:, 0] ^ (rng.random(200) < 0.2)
    labels[:, 2] = 0
    labels[:4, 2] = 1
    labels[:, 3] = 0
    labels[:25, 3] = 1
    found = contrasts_for(labels)
    assert found.names == ("attr_0", "attr_1", "attr_3", "attr_4")
    assert found.positive.sum(axis=1).tolist() == [30, 30, 25, 30]
    assert found.negative.sum(axis=1).tolist() == [30, 30, 25, 30]
    for name, positive, negative in zip(found.names, found.positive, found.negative, strict=True):
        column = labels[:, int(name[-1])]
        assert column[positive].all()
        assert not column[negative].any()
    assert not found.mismatched.diagonal().any()
    assert not found.mismatched[0, 1]
    assert not found.mismatched[1, 0]
    assert found.mismatched.sum() == 10
    opposite = np.column_stack([labels[:, 0], 1 - labels[:, 0]])
    assert not contrasts_for(opposite).mismatched.any()


def test_labels_other_than_0_and_1_are_refused_by_name():
    labels = np.ones((50, 2))
    labels[3, 1] = np.nan
    with pytest.raises(InputError, match="attr_1"):
        contrasts_for(labels)


def test_contrast_products_equal_an_explicit_loop_over_different_sentences():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 40, 3))
    found = contrasts_for((rng.random((40, 3)) < 0.5).astype(int), side=11)
    products = attributes.contrast_products(x, y, found)
    for c, other in itertools.product(range(3), range(3)):
        expected = 0.0
        for sign, group in ((1, found.positive[c]), (-1, found.negative[c])):
            for sign_b, group_b in ((1, found.positive[other]), (-1, found.negative[other])):
                pairs = [
                    x[i] @ y[j]
                    for i in np.flatnonzero(group)
                    for j in np.flatnonzero(group_b)
                    if i != j
                ]
                expected += sign * sign_b * np.mean(pairs)
        assert products[c, other] == pytest.approx(expected)


def test_contrast_norm_is_the_naive_one_less_its_noise():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((60, 4))
    found = contrasts_for((rng.random((60, 2)) < 0.5).astype(int), side=20)
    norm2, reliability = attributes.contrast_reliability(x, found)
    for c in range(2):
        high, low = x[found.positive[c]], x[found.negative[c]]
        naive = ((high.mean(axis=0) - low.mean(axis=0)) ** 2).sum()
        noise = (high.var(axis=0, ddof=1).sum() + low.var(axis=0, ddof=1).sum()) / 20
        assert norm2[c] == pytest.approx(naive - noise)
        assert reliability[c] == pytest.approx((naive - noise) / naive)


def transfer_p(both, rng, emotion=0):
    """p of the transfer of one emotion."""
    a, b = parts(both)
    white = b.whitened
    topics = a.sentences.shape[1]
    near = np.stack([near_topics(topics)] * len(worlds_cross.EMOTIONS))
    held = folds.topic_folds(topics, 5, rng)
    common = pair.Common(small_plan(draws=199), near, controls_of(both, rng), held, rng)
    ridge = maps.fit_ridge(a.parts, white.fit)
    carried = pair.held_out_transfers(a, white, ridge, common)[emotion]
    return resampling.p_value(carried.mapped.auroc, carried.null)


def test_transfer_holds_its_level_in_private_worlds_and_finds_shared_directions():
    rng = np.random.default_rng(20241114)
    runs = 120
    private = np.array([transfer_p(worlds_cross.pair("private", rng), rng) for _ in range(runs)])
    assert (private < 0.05).sum() <= stats.binom.ppf(0.999, runs, 0.05)
    shared = [transfer_p(worlds_cross.pair("shared", rng, s=0.3), rng) for _ in range(10)]
    assert (np.array(shared) < 0.05).mean() > 0.85


# Known answers of a whole pair --------------------------------------------------------------------


def rows_of(table, **values):
    for column, value in values.items():
        table = table[table[column] == value]
    return table


def naive_cosine(a, b):
    """Of the means of `[topic, d]`."""
    a, b = a.mean(axis=0), b.mean(axis=0)
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def diagonal(similarity, method, stat="cos_u"):
    table = rows_of(similarity, method=method, stat=stat)
    return table[
        table["emotion_a"].isin(worlds_cross.EMOTIONS) & (table["emotion_a"] == table["emotion_b"])
    ]


@pytest.mark.parametrize("seed", seeds(0))
@pytest.mark.parametrize("widths", [(96, 96), (256, 320)], ids=["twin", "isometric"])
def test_twins_are_found_alike_by_all_but_the_raw_cosine(widths, seed):
    rng = np.random.default_rng(seed)
    size = 96 if widths[0] == 96 else 200
    both = worlds_cross.pair("twin", rng, widths=widths, probes=(600, 200), latents=size)
    similarity, maps, decoding = compare_models(both.a, both.b, both.probe, small_plan(), rng)
    assert (diagonal(similarity, "procrustes")["value"] > 0.999).all()
    assert (diagonal(similarity, "wpc")["value"] > 0.999).all()
    assert (diagonal(similarity, "ridge")["value"] > 0.97).all()
    assert (diagonal(similarity, "ridge", pair.UNWHITENED)["value"] > 0.97).all()
    assert rows_of(similarity, stat="cka")["value"].to_numpy() == pytest.approx(1.0, abs=1e-6)
    assert (rows_of(similarity, method="mknn")["value"] == 1.0).all()
    mapped = rows_of(decoding, direction="mapped")["auroc"].to_numpy()
    native = 0.5 + (mapped - 0.5) / rows_of(similarity, stat="efficiency")["value"].to_numpy()
    assert np.abs(mapped - native).max() < 0.02
    assert (rows_of(maps, method="ridge")["p"] < 0.01).all()
    emotions = list(worlds_cross.EMOTIONS)
    raw = raw_cosines(("a", "b"), both.a.residual, both.b.residual, emotions, "suffix", 0.05)
    if widths[0] == widths[1]:
        assert np.nanmax(np.abs(raw["value"])) < 5 / np.sqrt(widths[0])
        assert (raw["ci_low"] <= raw["value"])[raw["value"].notna()].all()
    else:
        assert raw["value"].isna().all()
        assert (raw["flag"] == "widths_differ").all()
    assert (mapped > 0.6).all()


def test_a_brief_plan_leaves_out_different_emotions_but_for_one_method():
    both = worlds_cross.pair("shared", np.random.default_rng(0), probes=(200, 100), topics=24)
    whole, brief = (
        compare_models(
            both.a, both.b, both.probe, small_plan(brief=brief), np.random.default_rng(1)
        )[0]
        for brief in (False, True)
    )
    other = whole.emotion_a.isin(worlds_cross.EMOTIONS) & (whole.emotion_a != whole.emotion_b)
    kept = ~other | (whole.method == "wpc")
    assert {"ridge", "procrustes"} <= set(whole.method[~kept]) and other[kept].any()
    pd.testing.assert_frame_equal(brief, whole[kept].reset_index(drop=True))


def without_correspondence(kind, rng):
    """Two models that have nothing to do with each other, and their comparison."""
    options = {"probes": (600, 240), "widths": (150, 150), "latents": 120, "topics": 100}
    both = worlds_cross.pair("twin" if kind == "shuffled" else kind, rng, **options)
    b = worlds_cross.shuffled(both.b, rng) if kind == "shuffled" else both.b
    similarity, maps, _ = compare_models(both.a, b, both.probe, small_plan(), rng)
    return both.a, b, similarity, maps


@pytest.mark.parametrize("kind", ["shuffled", "unrelated"])
def test_map_of_unrelated_models_beats_shuffles_as_often_as_chance_has_it(kind):
    """In a known world not at all; in new ones a p of 1 in 120 comes up now and then."""
    [fresh] = seeds()
    fixed, *new = (
        rows_of(without_correspondence(kind, np.random.default_rng(seed))[-1], method="ridge")["p"]
        for seed in (0, *([fresh, i] for i in range(11)))
    )
    assert (fixed > 0.01).all()
    assert (np.concatenate(new) <= 0.01).sum() <= 3  # of 22; by chance in 1 of 30,000 runs


@pytest.mark.parametrize("seed", seeds(0))
@pytest.mark.parametrize("kind", ["shuffled", "unrelated"])
def test_without_correspondence_nothing_is_found(kind, seed):
    a, b, similarity, maps = without_correspondence(kind, np.random.default_rng(seed))
    assert (maps["r2_loo"].dropna() < 0.02).all()
    assert diagonal(similarity, "wpc")["value"].abs().mean() < 0.12
    assert rows_of(similarity, stat="cka")["value"].abs().max() < 0.03
    assert not rows_of(similarity, stat="matched")["gate_ok"].any()
    # The trap: least squares with more dimensions than sentences maps v_a onto v_b in any world.
    a_topics, b_topics = (model.residual[0, :, 1] - model.residual[-1, :, 1] for model in (a, b))
    weights = np.linalg.lstsq(a_topics, b_topics, rcond=None)[0]
    assert naive_cosine(a_topics @ weights, b_topics) > 0.99
    measured = similarity[similarity["stat"].str.startswith("cos")].dropna(subset=["value"])
    measured = measured[~measured["flag"].str.contains("reliability")]
    # Eight components with a steep spectrum may well be rotated onto each other by chance.
    measured = measured[measured["method"] != "procrustes"]
    assert len(rows_of(measured, method="wpc"))
    assert measured["value"].abs().max() < 0.9


@pytest.mark.parametrize("seed", seeds(0))
def test_twins_without_signal_have_aligned_noise_that_the_products_leave_out(seed):
    rng = np.random.default_rng(seed)
    both = worlds_cross.pair("no_signal", rng, probes=(600, 240), noise=0.0, widths=(64, 64))
    a, b = parts(both)
    fit = maps.fit_ridge(a.parts, b.fit)
    views = fit.views(a.differences, b.differences)
    assert all(naive_cosine(*means) > 0.9 for means in zip(views.left, views.right, strict=True))
    u, loo = (
        np.einsum("aa...->a...", unbiased.inner_u(of(views.left, views.right)))
        for of in (unbiased.products, unbiased.left_out)
    )
    assert (resampling.jackknife_p(u, loo) > 1e-5).all()
    similarity, _, _ = compare_models(both.a, both.b, both.probe, small_plan(), rng)
    assert not diagonal(similarity, "ridge")["gate_ok"].any()
    assert not diagonal(similarity, "wpc")["gate_ok"].any()


def test_p_is_given_only_where_the_gate_is_open(tables):
    _, _, (similarity, _, _) = tables
    shut = [compare_models(*no_signal(seed), np.random.default_rng(seed))[0] for seed in (5, 6, 7)]
    claims = rows_of(pd.concat([*shut, similarity]), method="canonical")
    claims = claims[claims["family"].isin(["common", "specific"])]
    assert claims["p"].notna().equals(claims["gate_ok"].astype(bool))
    assert claims["gate_ok"].any() and not claims["gate_ok"].all()
    sensitivity = rows_of(similarity, family="sensitivity")
    assert sensitivity["p"].isna().all() and sensitivity["null_high"].notna().all()


def no_signal(seed):
    both = worlds_cross.pair("no_signal", np.random.default_rng(seed))
    return both.a, both.b, both.probe, small_plan(grid=2)


def test_partial_worlds_lie_between():
    rng = np.random.default_rng(3)
    options = {"probes": (600, 400), "widths": (120, 140), "latents": 80, "topics": 140, "s": 0.3}
    value = {}
    for kind in ("shared", "partial", "private"):
        both = worlds_cross.pair(kind, rng, **options)
        similarity, _, _ = compare_models(both.a, both.b, both.probe, small_plan(), rng)
        value[kind] = diagonal(similarity, "ridge")["value"].mean()
    assert value["shared"] > 0.85
    assert value["shared"] - 0.1 > value["partial"] > value["private"] + 0.1


def test_a_rogue_dimension_does_not_hide_a_shared_direction():
    rng = np.random.default_rng(4)
    both = worlds_cross.pair("shared", rng, probes=(600, 400), topics=140, s=0.3)
    for model in (both.a, both.b):
        for array in (model.residual, model.probe):
            array[..., 1, 0] += 60.0 * rng.standard_normal(array.shape[:-2])
    similarity, maps, _ = compare_models(both.a, both.b, both.probe, small_plan(), rng)
    assert rows_of(maps, method="ridge")["flag"].str.contains("component_a").all()
    assert (rows_of(maps, method="ridge_unwhitened")["r2_loo"] < 0.1).all()
    found = diagonal(similarity, "ridge")
    assert (found["value"] > 0.8).all()
    claims = rows_of(similarity, family="common")
    assert (claims["value"] > 0.8).all() and (claims["p"] < 0.05).all()


# Tables -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(0)
    both = worlds_cross.pair("shared", rng, layers=3, widths=(40, 48), latents=24)
    plan = small_plan(relative_depths=[0.25, 0.5, 0.75, 0.92], grid=2)
    return (
        both,
        plan,
        compare_models(both.a, both.b, both.probe, plan, np.random.default_rng(1)),
    )


def test_tables_have_the_columns_of_the_contract_and_both_directions(tables):
    _, plan, (similarity, _, decoding) = tables
    tested = rows_of(similarity, family="sensitivity")
    pairs = 3  # 0.75 and 0.92 of three layers are distinct depths, 0.25 is depth 1
    assert len(rows_of(tested, method="wpc")) == pairs * 3
    assert len(rows_of(tested, method="ridge", model_a="a")) == pairs * 3
    assert len(rows_of(tested, method="ridge", model_a="b")) == pairs * 3
    assert len(rows_of(decoding, direction="mapped")) == pairs * 3 * 2
    assert len(rows_of(decoding, direction="depth0")) == 3 * 2
    assert set(decoding["contrast"]) == set(plan.emotions)
    assert (rows_of(decoding, direction="depth0")["auroc"] == 0.5).all()


def test_p_over_depths_is_never_smaller_than_p_at_one(tables):
    _, _, (_, _, decoding) = tables
    defined = decoding.dropna(subset=["p_adjusted"])
    assert len(defined)
    assert (defined["p_adjusted"] >= defined["p"]).all()
    assert (defined["p"] > 0).all()


def test_cosines_stand_beside_those_of_unrelated_attributes():
    rng = np.random.default_rng(0)
    contrasts = contrasts_for(rng.integers(0, 2, (100, 5)))
    controls = 0.3 * rng.standard_normal((5, 5))
    value, blank = np.full((3, 3), -0.4), np.full((3, 3), np.nan)
    cosines = unbiased.Cosines(value, blank, blank, np.ones(3), np.array([1, 1, 0.1]))
    places = [pair.Place(name, 1, 0.5, 0.1) for name in "ab"]
    cell = pair.Measured(*places, "wpc", "cos_u", cosines, controls, 0.5, 90)
    common = pair.Common(small_plan(), np.ones((3, 4, 4)), contrasts, np.zeros(3, dtype=int), rng)
    found = pd.DataFrame(rows.cosine_rows(cell, common))
    unrelated = controls[contrasts.mismatched]
    assert len(found) == 9 and (found["n_null"] == len(unrelated)).all()
    low, high = np.quantile(unrelated, [0.025, 0.975])
    assert np.allclose(found["null_low"], low) and np.allclose(found["null_high"], high)
    assert found["gate_ok"].tolist() == [True, True, False] * 3
    assert (found["flag"] == np.where(found["gate_ok"], "", "reliability_b")).all()
    assert found["family"].notna().sum() == 3


def test_the_grid_is_exploratory_and_not_tested(tables):
    _, _, (similarity, _, _) = tables
    grid = rows_of(similarity, family="exploratory")
    assert len(grid) == 2 * 2 * 3
    assert (grid["flag"] == "exploratory").all() and grid["p"].isna().all()
    assert len(rows_of(similarity, stat="cka", flag="exploratory")) == 4


def test_the_same_generator_gives_the_same_tables(tables):
    both, plan, first = tables
    again = compare_models(both.a, both.b, both.probe, plan, np.random.default_rng(1))
    for one, other in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_without_attributes_there_is_no_ruler(tables):
    both, plan, _ = tables
    probe = both.probe[["half"]]
    similarity, _, _ = compare_models(both.a, both.b, probe, plan, np.random.default_rng(1))
    tested = rows_of(similarity, family="sensitivity")
    assert tested["null_high"].isna().all() and tested["value"].notna().all()
    assert not rows_of(similarity, stat="matched")["gate_ok"].any()


def test_one_emotion_is_enough_for_all_but_its_own_part(tables):
    both, _, _ = tables
    one = [
        streams.Streams(model.name, model.residual[[0, -1]], model.probe, model.n_layers)
        for model in (both.a, both.b)
    ]
    plan = Plan(["gratitude"], "neutral", "suffix", [1.0], shuffles=19, draws=19, grid=0)
    similarity, _, decoding = compare_models(*one, both.probe, plan, np.random.default_rng(0))
    assert not len(rows_of(similarity, stat="cos_s_own"))
    assert len(rows_of(decoding, direction="mapped")) == 2


def test_depths_without_variance_are_undefined_and_not_an_error(tables):
    both, _, _ = tables
    plan = small_plan(relative_depths=[0.0])
    rng = np.random.default_rng(0)
    similarity, maps, decoding = compare_models(both.a, both.b, both.probe, plan, rng)
    assert rows_of(maps, method="ridge")["flag"].str.contains("no_variance").all()
    assert rows_of(similarity, family="sensitivity")["value"].isna().all()
    assert (decoding["auroc"] == 0.5).all()


def test_nearest_depths_count_from_the_first_block():
    assert compare.primary_depths(12, 30, [0.25, 0.5, 0.75, 0.92]) == [
        (3, 8), (6, 15), (9, 23), (11, 28),
    ]  # fmt: skip
    assert compare.primary_depths(2, 2, [0.1, 0.25, 0.5, 0.92]) == [(1, 1), (2, 2)]
    assert nearest_depth(0.0, 4) == 0


def test_arrays_that_do_not_fit_are_refused(tables):
    both, plan, _ = tables
    rng = np.random.default_rng(0)
    a = both.a

    def changed(**fields):
        return streams.Streams(**(vars(a) | fields))

    with pytest.raises(InputError, match="classes instead of 3 emotions"):
        compare_models(changed(residual=a.residual[1:]), both.b, both.probe, plan, rng)
    with pytest.raises(InputError, match="do not fit 4 layers"):
        compare_models(changed(n_layers=4), both.b, both.probe, plan, rng)
    with pytest.raises(InputError, match="topics and b 70"):
        compare_models(changed(residual=a.residual[:, 1:]), both.b, both.probe, plan, rng)
    with pytest.raises(InputError, match="too few for a map"):
        probe = both.probe.assign(half="control")
        compare_models(a, both.b, probe, plan, rng)
    broken = a.residual.copy()
    broken[0, 0, 3, 0] = np.inf
    with pytest.raises(InputError, match="depth 3"):
        compare_models(changed(residual=broken), both.b, both.probe, plan, rng)


def test_thresholds_are_checked_by_name():
    assert Thresholds.of({"alpha": 0.01}).alpha == 0.01
    with pytest.raises(InputError, match="alpah"):
        Thresholds.of({"alpah": 0.01})
