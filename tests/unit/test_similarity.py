"""Within-model estimators against planted answers, and the table made of them.

Tolerances for fresh seeds are at least five standard deviations of the statistic.
"""

import numpy as np
import pandas as pd
import pytest
import worlds
from emovec.io.tables import COLUMNS
from emovec.prompts.design import with_reference
from emovec.statistics import arrays, metrics, unbiased
from emovec.within_model import rows
from emovec.within_model.compare import compare_emotions
from scipy import stats
from worlds import CLASSES, NEUTRAL

AGAINST = unbiased.against_neutral(CLASSES, NEUTRAL)
SPECIFIC = AGAINST - AGAINST.mean(axis=0)  # what tells an emotion from the others


def products(world_or_x, weights=AGAINST):
    """Products [emotion, emotion] of the contrasts against neutral."""
    x = getattr(world_or_x, "x", world_or_x)
    return unbiased.products(unbiased.differences(x, weights))


def cosines(world_or_x, weights=AGAINST):
    """Naive and unbiased cosines and κ, each [emotion, emotion]."""
    p = products(world_or_x, weights)
    found = unbiased.inner(p), unbiased.inner_u(p), unbiased.trace_cov(p)
    return [unbiased.cosines(one) for one in found]


def small(seed=0, n=7, d=5):
    return np.random.default_rng(seed).standard_normal((4, n, d))


# The algebra, against plain loops


def test_differences_of_any_contrast_are_those_of_its_classes():
    x = small()
    against = x[:3] - x[3]
    found = unbiased.differences(x + 5, AGAINST)
    assert np.allclose(found, against, atol=1e-12)
    specific = unbiased.differences(x, SPECIFIC)
    assert np.allclose(specific, against - against.mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 7, 5), (3, 5, 7), (4, 9)])
def test_coordinates_keep_inner_products_in_no_more_dimensions_than_rows(shape):
    rows = np.random.default_rng(0).standard_normal(shape)
    rows[..., 1, :] = rows[..., 0, :]  # rank may be lower still
    found = arrays.coordinates(rows)
    assert found.shape == (*shape[:-1], min(shape[-2:]))
    assert np.allclose(
        found @ found.swapaxes(-1, -2), rows @ rows.swapaxes(-1, -2), rtol=0, atol=1e-12
    )
    assert not arrays.coordinates(0 * rows).any()


def test_inner_products_are_those_of_the_mean_differences():
    x = small()
    v = (x[:3] - x[3]).mean(axis=1)
    assert np.allclose(unbiased.inner(products(x)), v @ v.T, atol=1e-12)
    cosine = v[0] @ v[1] / np.linalg.norm(v[0]) / np.linalg.norm(v[1])
    assert cosines(x)[0][0, 1] == pytest.approx(cosine, abs=1e-12)


def test_u_is_the_mean_over_pairs_of_different_topics():
    x = small()
    d = x[:3] - x[3]
    pairs = [d[0, i] @ d[1, j] for i in range(7) for j in range(7) if i != j]
    assert unbiased.inner_u(products(x))[0, 1] == pytest.approx(np.mean(pairs), abs=1e-12)


def test_topics_left_out_by_sums_are_left_out():
    x = small(n=6)
    d = unbiased.differences(x, AGAINST)
    left = unbiased.left_out(d)
    for i in range(6):
        rest = unbiased.products(np.delete(d, i, axis=1))
        for estimator in (unbiased.inner, unbiased.inner_u, unbiased.trace_cov):
            assert np.allclose(estimator(left)[..., i], estimator(rest), atol=1e-12)
    assert np.isnan(unbiased.inner_u(unbiased.left_out(d[:, :2]))).all()


def test_trace_cov_is_the_trace_of_the_sample_covariance():
    x = small()
    d = x[:3] - x[3]
    both = np.cov(d[0].T, d[1].T)
    trace = unbiased.trace_cov(products(x))
    assert trace[0, 1] == pytest.approx(np.trace(both[:5, 5:]), abs=1e-12)
    assert trace[0, 0] == pytest.approx(np.trace(both[:5, :5]), abs=1e-12)


@pytest.mark.parametrize("n", [8, 9])
def test_split_half_is_the_stepped_up_mean_cosine_of_halves(n):
    x = small(n=n)
    d = x[0] - x[3]
    split = unbiased.halves(n, 50, np.random.default_rng(0))
    assert (split > 0).sum(axis=-1).tolist() == [[4, 4]] * 50
    assert not (split[:, 0] * split[:, 1]).any()
    assert (split.sum(axis=(0, 1)) > 0).all()  # with odd n, it is not always one topic that is out
    cosines = []
    for one, other in split:
        a, b = d[one > 0].mean(axis=0), d[other > 0].mean(axis=0)
        cosines.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    r = np.mean(cosines)
    halved = unbiased.half_products(unbiased.differences(x, AGAINST), split)
    assert unbiased.split_half(halved[0, 0]) == pytest.approx(2 * r / (1 + r), abs=1e-12)


def test_cosines_are_neither_clipped_nor_invented():
    assert unbiased.cosine(2.0, 1.0, 1.0) == 2.0
    assert np.isnan(unbiased.cosine([1, 1, 1], [-1, 1, 0], [-1, 0, 1])).all()
    d = np.eye(6)[:, :3]  # orthogonal differences have a negative unbiased norm here
    d[3:] = -d[:3]
    u = unbiased.inner_u(unbiased.products(d[None]))
    assert u < 0
    assert np.isnan(unbiased.cosines(u))


# Known answers


@pytest.mark.parametrize("seed", worlds.seeds(1, 2))
def test_no_signal_has_naive_cosines_of_one_half_and_unbiased_norms_of_zero(seed):
    n, d = 70, 768
    world = worlds.paired(
        np.random.default_rng(seed), n=n, d=d, s=0, topic_share=0, spectrum="isotropic"
    )
    u, inner = unbiased.inner_u(products(world)), unbiased.inner(products(world))
    naive, _, kappa = cosines(world)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert 0.4 < naive[a, b] < 0.6
        assert kappa[a, b] == pytest.approx(0.5, abs=0.03)
        assert abs(u[a, b]) / world.trace < 0.006
    for a in range(3):
        assert abs(u[a, a]) / world.trace < 0.0075
        assert 0.74 < inner[a, a] / (2 * world.trace / n) < 1.26


def test_kappa_knows_unequal_noise():
    """With a neutral class of k times the variance, κ is k/(1 + k)."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 200, 300))
    x[3] *= np.sqrt(3)
    naive, _, kappa = cosines(x)
    assert kappa[0, 1] == pytest.approx(0.75, abs=0.02)
    assert naive[0, 1] == pytest.approx(0.75, abs=0.1)


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_topic_offsets_and_isometries_change_nothing(seed):
    rng = np.random.default_rng(seed)
    x = worlds.paired(rng, n=40, d=64).x
    u = unbiased.inner_u(products(x))
    offset = x + 3 * rng.standard_normal((1, 40, 64))
    assert np.abs(unbiased.inner_u(products(offset)) - u).max() < 1e-10
    turn = np.linalg.qr(rng.standard_normal((64, 64)))[0]
    moved = 7 * x @ turn + rng.standard_normal(64)
    assert cosines(moved)[1][0, 1] == pytest.approx(cosines(x)[1][0, 1], abs=1e-9)


def test_swapping_the_classes_turns_the_direction_round():
    world = worlds.paired(np.random.default_rng(0), n=20, d=32)
    a = unbiased.contrast(CLASSES, "gratitude", NEUTRAL)
    b = unbiased.contrast(CLASSES, NEUTRAL, "gratitude")
    naive, corrected, _ = cosines(world, np.stack([a, b]))
    assert naive[0, 1] == pytest.approx(-1, abs=1e-12)
    assert corrected[0, 1] == pytest.approx(-1, abs=1e-12)


def test_specific_parts_of_equiangular_emotions_have_the_cosine_minus_one_half():
    effects = np.vstack([worlds.equiangular(np.random.default_rng(0), 3, 0.4, 32), np.zeros(32)])
    x = np.repeat(effects[:, None], 4, axis=1)
    corrected = cosines(x, SPECIFIC)[1]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert corrected[a, b] == pytest.approx(-0.5, abs=1e-9)


@pytest.mark.parametrize("cos", [-0.5, 0.0, 0.5, 0.9])
@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_u_finds_planted_cosines_where_the_naive_one_is_pulled_to_kappa(seed, cos):
    rng = np.random.default_rng(seed)
    s, n, topic_share = 0.05, 40, 0.6
    found, naive = [], []
    for _ in range(40):
        world = worlds.paired(rng, n=n, d=64, s=s, cos=cos, topic_share=topic_share)
        found.append(unbiased.inner_u(products(world)) / world.trace)
        naive.append(cosines(world)[0][0, 1:])
    truth = world.effects[:3] @ world.effects[:3].T / world.trace
    mean = np.mean(found, axis=0)
    error = np.std(found, axis=0) / np.sqrt(40)
    assert (np.abs(mean - truth) < 6 * error).all()
    noise = (1 - topic_share) / n
    predicted = (s * cos + noise) / (s + 2 * noise)
    assert np.mean(naive) == pytest.approx(predicted, abs=0.08)


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_effect_size_and_reliability_have_their_planted_values(seed):
    rng = np.random.default_rng(seed)
    s, n, topic_share = 0.1, 60, 0.5
    found = []
    for _ in range(20):
        world = worlds.paired(rng, n=n, d=128, s=s, topic_share=topic_share)
        d = unbiased.differences(world.x, AGAINST)
        half = unbiased.split_half(unbiased.half_products(d, unbiased.halves(n, 50, rng)))
        effect = unbiased.s_hat(
            unbiased.norm2_u(d), np.diagonal(unbiased.trace_cov(unbiased.products(d)))
        )
        found.append([effect, unbiased.contrast_reliability(d), np.diagonal(half)])
    effect, reliability, half = np.mean(found, axis=(0, 2))
    noise = 2 * (1 - topic_share)  # of one difference, in units of T
    assert effect == pytest.approx(s / noise, rel=0.15)
    assert reliability == pytest.approx(s / (s + noise / n), abs=0.04)
    assert half == pytest.approx(reliability, abs=0.03)


def test_common_share_is_one_for_one_direction_and_a_third_for_orthogonal_ones():
    for cos, expected in ((1.0, 1.0), (0.0, 1 / 3), (-0.5, 0.0)):
        effects = worlds.equiangular(np.random.default_rng(0), 3, cos, 16)
        assert unbiased.common_share(effects @ effects.T) == pytest.approx(expected, abs=1e-12)


# Numbers as they come from a model


def test_float32_with_a_large_offset_loses_nothing():
    x = worlds.paired(np.random.default_rng(0), n=30, d=64).x.astype(np.float32)
    exact = unbiased.inner_u(products(x.astype(np.float64)))
    far = x.astype(np.float64) + 1e5
    assert np.allclose(unbiased.inner_u(products(x)), exact, rtol=1e-12)
    assert np.allclose(unbiased.inner_u(products(far)), exact, rtol=1e-6)


def test_identical_sentences_give_exact_zeros():
    """Their mean differs from them by rounding."""
    x = np.tile(np.random.default_rng(0).standard_normal(49), (4, 31, 1))
    assert (x.mean(axis=(0, 1)) != x[0, 0]).any()
    assert not unbiased.differences(x, SPECIFIC).any()


# The table of one model


def stack(scales, **kwargs):
    """A world at several depths: residual[class, topic, depth, d_model] and its probe."""
    rng = np.random.default_rng(5)
    world = worlds.paired(rng, **kwargs)
    residual = np.stack([world.x * scale for scale in scales], axis=2).astype(np.float32)
    probe = np.stack([world.probe * scale for scale in scales], axis=1).astype(np.float32)
    return world, residual, probe


@pytest.fixture(scope="module")
def table():
    world, residual, probe = stack((0, 1, 10, 100), n=40, d=48, s=0.3, cos=0.4, n_probe=200)
    rng = np.random.default_rng(0)
    frame = compare_emotions(
        residual, probe, CLASSES, NEUTRAL, rng, model="toy", position="last", flips=499
    )
    return world, residual, probe, frame


def cell(frame, stat, a, b="", depth=2, metric="raw"):
    at = frame.depth.isna() if depth is None else (frame.depth == depth).fillna(False)
    rows = frame[
        (frame.stat == stat)
        & (frame.emotion_a == a)
        & (frame.emotion_b == b)
        & (frame.metric == metric)
        & at
    ]
    assert len(rows) == 1
    return rows.iloc[0]


def test_the_table_has_one_row_for_each_number_and_the_columns_of_the_contract(table):
    *_, frame = table
    assert frame.columns.tolist() == list(COLUMNS["within_model_similarity"])
    key = ["depth", "metric", "emotion_a", "emotion_b", "stat"]
    assert not frame.duplicated(key).any()
    assert (frame.model == "toy").all() and (frame.n_topics == 40).all()
    assert cell(frame, "cos_u", "gratitude", "anger").relative_depth == pytest.approx(2 / 3)
    undefined = frame[frame.value.isna()]
    assert len(undefined) and (undefined.flag != "").all()
    names = {"gratitude", "anger", "apology"}
    names |= {"gratitude-anger", "gratitude-apology", "anger-apology"}
    assert set(frame[frame.stat == "norm2_u"].emotion_a) == names


def test_the_table_holds_the_estimators(table):
    _, residual, _, frame = table
    naive, corrected, kappa = cosines(residual[:, :, 2])
    row = cell(frame, "cos_naive", "gratitude", "anger")
    assert row.value == pytest.approx(naive[0, 1], abs=1e-12)
    row = cell(frame, "kappa", "gratitude", "anger")
    assert row.value == pytest.approx(kappa[0, 1], abs=1e-12)
    row = cell(frame, "cos_u", "gratitude", "anger")
    assert row.value == pytest.approx(corrected[0, 1], abs=1e-12)
    assert row.ci_low < row.value < row.ci_high
    between = unbiased.contrast(CLASSES, "gratitude", "anger")
    p = products(residual[:, :, 2], between[None])
    norm2, norm2_u, trace = unbiased.inner(p), unbiased.inner_u(p), unbiased.trace_cov(p)
    expected = {
        "norm2_naive": norm2,
        "norm2_u": norm2_u,
        "s_hat": norm2_u / trace,
        "reliability": norm2_u / norm2,
    }
    for stat, value in expected.items():
        row = cell(frame, stat, "gratitude-anger")
        assert row.value == pytest.approx(value.item(), rel=1e-9)
        assert row.ci_low < row.value < row.ci_high
        assert row.null_low < row.null_high < row.value  # a strong effect
        assert row.p == 1 / 500 and row.gate_ok
    share, dimension = metrics.spectrum(residual[3, :, 2].astype(float))
    assert cell(frame, "evr_pc1", NEUTRAL).value == pytest.approx(share)
    assert cell(frame, "d_eff", NEUTRAL).value == pytest.approx(dimension)
    share = cell(frame, "common_share", "common")
    u = unbiased.inner_u(products(residual[:, :, 2]))
    assert share.value == pytest.approx(unbiased.common_share(u))


def test_a_scale_changes_no_ratio_and_averages_weigh_the_products(table):
    *_, frame = table
    for name in metrics.METRICS:
        for stat in ("cos_u", "cos_naive"):
            rows = [cell(frame, stat, "anger", "apology", depth, name) for depth in (1, 2, 3)]
            assert np.allclose([row.value for row in rows], rows[0].value, atol=1e-6)
            average = cell(frame, stat, "anger", "apology", None, name)
            assert average.value == pytest.approx(rows[0].value, abs=1e-6)
            assert average.flag.startswith("mean_over_depths") and average.n_depths == 3
            assert average.ci_low == pytest.approx(rows[0].ci_low, abs=1e-6)


def test_averages_leave_out_the_last_depth():
    world, residual, probe = stack((1, 2, 3), n=20, d=24, s=0.3, n_probe=60)
    residual[0, :, 1] += 4 * world.effects[1]
    residual[:, :, 2] = 1e3 * np.random.default_rng(0).standard_normal(residual[:, :, 2].shape)
    frame = compare_emotions(
        *(residual, probe, CLASSES, NEUTRAL, np.random.default_rng(0)),
        **{"model": "toy", "position": "last", "metrics": ("raw",), "flips": 99},
    )
    expected = np.mean([cosines(residual[:, :, depth])[0][0, 1] for depth in (0, 1)])
    assert cell(frame, "cos_naive", "gratitude", "anger", None).value == pytest.approx(expected)
    u = np.stack([unbiased.inner_u(products(residual[:, :, depth])) for depth in (0, 1)])
    ab, aa, bb = u[:, 0, 1].sum(), u[:, 0, 0].sum(), u[:, 1, 1].sum()
    expected = ab / np.sqrt(aa * bb)  # a ratio of means, not a mean of ratios
    average = cell(frame, "cos_u", "gratitude", "anger", None)
    assert average.value == pytest.approx(expected) and average.gate_ok


def test_a_depth_at_which_classes_do_not_differ_is_undefined_not_significant(table):
    *_, frame = table
    for name in metrics.METRICS:
        for stat in ("cos_naive", "cos_u"):
            row = cell(frame, stat, "gratitude", "anger", 0, name)
            assert np.isnan(row.value) and np.isnan(row.p) and not row.gate_ok
            assert row.flag == rows.NO_DIFFERENCE
        row = cell(frame, "norm2_u", "gratitude-anger", depth=0, metric=name)
        assert (row.value, row.p, row.gate_ok) == (0, 1, False)


def test_rounding_errors_between_two_equal_classes_are_no_difference():
    """As at depth 0 with the final token of two classes alike and that of neutral another."""
    rng = np.random.default_rng(0)
    residual = np.broadcast_to(rng.standard_normal((4, 1, 1, 32)), (4, 20, 1, 32)).copy()
    residual[:3] = residual[:1]
    residual[1] *= 1 + 1e-9 * rng.standard_normal(residual[1].shape)
    residual[:, ::2] *= 1.1
    probe = rng.standard_normal((60, 1, 32))
    frame = compare_emotions(
        *(residual, probe, CLASSES, NEUTRAL, rng), model="toy", position="last", flips=99
    )
    for name in metrics.METRICS:
        row = cell(frame, "reliability", "gratitude-anger", depth=0, metric=name)
        assert np.isnan(row.value) and row.flag == rows.NO_DIFFERENCE and row.p == 1
        assert cell(frame, "cos_u", "gratitude", "anger", 0, name).value == pytest.approx(1)


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_without_signal_the_gate_is_shut(seed):
    rng = np.random.default_rng(seed)
    world = worlds.paired(rng, n=30, d=100, s=0, spectrum="isotropic", n_probe=400)
    frame = compare_emotions(
        *(world.x[:, :, None], world.probe[:, None], CLASSES, NEUTRAL, rng),
        **{"model": "toy", "position": "last", "flips": 499},
    )
    # A reliability of one half would be seven standard deviations of U.
    assert not frame.gate_ok.fillna(False).any()
    assert frame.p.min() > 0


def test_the_gate_asks_for_reliability_and_a_signal_in_every_contrast_of_the_row():
    rng = np.random.default_rng(3)
    made = [worlds.paired(rng, n=24, d=32, s=s, n_probe=4) for s in np.arange(8) / 80]
    residual = np.stack([world.x for world in made], axis=2)
    residual[2] -= [world.effects[2] for world in made]  # no apology
    frame = compare_emotions(
        *(residual, residual[0], CLASSES, NEUTRAL, rng),
        **{"model": "toy", "position": "last", "flips": 499, "metrics": ("raw",), "alpha": 0.01},
        thresholds={"reliability": 0.6},
    )
    norms = frame[frame.stat == "reliability"].set_index(["depth", "emotion_a"])
    reliable, signal = norms.value >= 0.6, norms.p_adjusted < 0.01
    assert (reliable & ~signal).any() or (signal & ~reliable).any()
    assert (norms.gate_ok == (reliable & signal)).all()
    assert norms.gate_ok.any() and not norms.gate_ok.all()
    for row in frame[(frame.stat == "cos_u") & frame.depth.notna()].itertuples():
        both = norms.gate_ok[row.depth, row.emotion_a] and norms.gate_ok[row.depth, row.emotion_b]
        assert row.gate_ok == both


def test_a_rogue_dimension_is_named_and_its_cosines_flagged():
    rng = np.random.default_rng(0)
    world = worlds.rogue(rng, n=40, d=64)
    frame = compare_emotions(
        *(world.x[:, :, None], world.probe[:, None], CLASSES, NEUTRAL, rng),
        **{"model": "toy", "position": "last", "flips": 99},
    )
    row = cell(frame, "cos_naive", "gratitude", "anger", 0)
    assert row.value > 0.9 and row.flag == rows.DOMINATED
    assert cell(frame, "rogue_share1", "gratitude", depth=0).flag == rows.DOMINATED
    dims = cell(frame, "rogue_dims", "gratitude", depth=0)
    assert dims.dimensions.split()[0] == "7" and len(dims.dimensions.split()) == 3
    assert cell(frame, "evr_pc1", "neutral", depth=0).value > 0.8
    assert cell(frame, "d_eff", "neutral", depth=0).value < 1.6
    assert cell(frame, "cos_u", "gratitude", "anger", 0, "zstd").flag == ""
    assert not ((frame.metric == "lda") & frame.stat.str.startswith("rogue")).any()


def test_of_many_emotions_pairs_are_told_at_some_depths_alone(table):
    _, residual, probe, whole = table
    some = compare_emotions(
        *(residual, probe, CLASSES, NEUTRAL, np.random.default_rng(0)),
        **{"model": "toy", "position": "last", "flips": 499, "depths": [2], "pairs_at": [2]},
    )
    told = some[some.emotion_b.ne("") | ~some.emotion_a.isin([*CLASSES, "common"])]
    assert set(told.depth.dropna()) == {2} and told.depth.isna().any()
    assert set(told.stat) == {"cos_naive", "cos_u", "distinct"}
    left = some[~some.index.isin(told.index)]
    assert set(left.depth.dropna()) == set(range(4))
    key = ["depth", "metric", "emotion_a", "emotion_b", "stat"]
    both = whole.merge(some, on=key, suffixes=("", "_of_some"))
    assert len(both) == len(some[some.stat != "distinct"])  # those are made of given depths
    assert both.value.equals(both.value_of_some)


def test_the_table_is_a_function_of_the_generator():
    _, residual, probe = stack((1, 2), n=12, d=8, n_probe=40)

    def make(seed):
        return compare_emotions(
            *(residual, probe, CLASSES, NEUTRAL, np.random.default_rng(seed)),
            **{"model": "toy", "position": "last", "flips": 99},
        )

    assert make(1).equals(make(1))
    assert not make(1).equals(make(2))


def test_without_probe_the_raw_metric_remains():
    _, residual, probe = stack((1, 2), n=12, d=8, n_probe=40)
    frame = compare_emotions(
        *(residual, probe[:0], CLASSES, NEUTRAL, np.random.default_rng(0)),
        **{"model": "toy", "position": "last", "flips": 99, "metrics": ("raw",)},
    )
    assert set(frame.metric) == {"raw"}


def test_one_emotion_has_no_pairs_but_a_length():
    _, residual, probe = stack((1, 2), n=12, d=8, n_probe=40)
    frame = compare_emotions(
        *(residual[2:], probe, CLASSES[2:], NEUTRAL, np.random.default_rng(0)),
        **{"model": "toy", "position": "last", "flips": 99},
    )
    assert set(frame.emotion_a) == {"apology", "neutral", "common"}
    assert set(frame.emotion_b) == {""}


def test_arrays_that_do_not_fit_are_named():
    _, residual, probe = stack((1, 2), n=12, d=8, n_probe=40)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"residual must be .* 4 classes, not \[3, 12, 2, 8\]"):
        compare_emotions(residual[1:], probe, CLASSES, NEUTRAL, rng, model="m", position="p")
    with pytest.raises(ValueError, match=r"probe must be .* \[2, 8\], not \[40, 1, 8\]"):
        compare_emotions(residual, probe[:, :1], CLASSES, NEUTRAL, rng, model="m", position="p")


# Without a neutral class


def less_their_mean(seed: int, *, s: float, skew: float = 0.0) -> pd.DataFrame:
    """The table of three emotions taken against the mean of all, at one depth without a probe."""
    rng = np.random.default_rng(seed)
    world = worlds.paired(rng, n=24, d=24, s=s, cos=0.0, n_probe=0)
    x = world.x[:3] + skew * rng.exponential(size=(3, 24, 24))
    classes = [*worlds.CLASSES[:3], None]
    return compare_emotions(
        with_reference(x, classes)[:, :, None], np.zeros((0, 1, 24)), classes, None, rng,
        model="m", position="last", flips=99, relabelings=99, splits=2,
    ).query("depth.notna()")  # fmt: skip


@pytest.mark.parametrize(
    ("stat", "world"),
    [
        ("cos_u", {"s": 0.3}),  # equally unlike, so that cosines are −1/2
        ("norm2_u", {"s": 0.0, "skew": 0.5}),  # three classes of one skewed distribution
        ("cos_naive", {"s": 0.0, "skew": 0.5}),
    ],
)
def test_emotions_less_their_mean_are_tested_at_the_level(stat: str, world: dict) -> None:
    runs = 100
    tables = [less_their_mean(seed, **world) for seed in range(runs)]
    found = [table[table.stat == stat].p.iloc[0] for table in tables]
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], runs, 0.2)
    assert low <= (np.array(found, dtype=float) <= 0.2).sum() <= high
