"""Inner products fitted on probe sentences, and the dimensions that would decide the raw one."""

import numpy as np
import pytest
import worlds
from emovec.statistics import metrics, unbiased
from sklearn.covariance import ledoit_wolf
from worlds import CLASSES, NEUTRAL

AGAINST = unbiased.against_neutral(CLASSES, NEUTRAL)


def cos_u(x, a=0, b=1):
    p = unbiased.products(unbiased.differences(x, AGAINST))
    return float(unbiased.cosines(unbiased.inner_u(p))[a, b])


def test_raw_changes_nothing_but_the_precision():
    x = np.random.default_rng(0).standard_normal((4, 3, 5)).astype(np.float32)
    mapped = metrics.fit("raw", x[0]).apply(x)
    assert mapped.dtype == np.float64 and (mapped == x).all()


def test_zstd_gives_the_probe_unit_standard_deviations():
    rng = np.random.default_rng(0)
    probe = rng.standard_normal((50, 6)) * 10.0 ** np.arange(-3, 3) + 100
    fitted = metrics.fit("zstd", probe)
    assert np.allclose(fitted.apply(probe).std(axis=0, ddof=1), 1)
    x = rng.standard_normal((4, 3, 6))
    assert np.allclose(fitted.apply(x), x / probe.std(axis=0, ddof=1))


def test_lda_is_the_inner_product_of_the_inverse_covariance():
    rng = np.random.default_rng(0)
    probe = rng.standard_normal((40, 6)) @ rng.standard_normal((6, 6)) * 10.0 ** np.arange(6) + 5
    fitted = metrics.fit("lda", probe)
    deviation = probe.std(axis=0, ddof=1)
    z = (probe - probe.mean(axis=0)) / deviation
    precision = np.linalg.inv(ledoit_wolf(z)[0]) / np.outer(deviation, deviation)
    a, b = rng.standard_normal((2, 6)) * deviation
    assert fitted.apply(a) @ fitted.apply(b) == pytest.approx(a @ precision @ b, rel=1e-9)
    x = rng.standard_normal((4, 3, 6))
    assert fitted.apply(x).shape == (4, 3, 6)
    assert np.allclose(fitted.apply(x)[2, 1], fitted.apply(x[2, 1]))


def test_with_many_probes_lda_whitens_them():
    rng = np.random.default_rng(0)
    probe = rng.standard_normal((5000, 8)) @ rng.standard_normal((8, 8))
    mapped = metrics.fit("lda", probe).apply(probe)
    assert np.abs(np.cov(mapped.T) - np.eye(8)).max() < 0.15


def test_dimensions_in_which_the_probe_is_constant_are_left_out():
    rng = np.random.default_rng(0)
    probe = rng.standard_normal((30, 4)).astype(np.float32)
    probe[:, 1] = 0.1
    probe[:, 2] = 1e6 + probe[:, 2] * 0.05  # float32 hardly tells them apart
    x = rng.standard_normal((4, 3, 4))
    assert (metrics.fit("zstd", probe).apply(x)[..., 1:3] == 0).all()
    assert metrics.fit("lda", probe).apply(x).shape == (4, 3, 2)
    for name in ("zstd", "lda"):
        assert not metrics.fit(name, np.ones((30, 4))).apply(x).any()


def test_an_unknown_name_is_an_error():
    with pytest.raises(ValueError, match="one of raw, zstd, lda, not 'cosine'"):
        metrics.fit("cosine", np.ones((3, 2)))


def test_only_zstd_depends_on_the_basis_when_nothing_is_shrunk():
    """Shrinkage toward the z-scored identity is what makes lda depend on it, a little."""
    rng = np.random.default_rng(0)
    world = worlds.paired(rng, n=30, d=16, s=0.2, n_probe=20_000)
    turn = np.linalg.qr(rng.standard_normal((16, 16)))[0]
    change = {}
    for name in metrics.METRICS:
        here = cos_u(metrics.fit(name, world.probe).apply(world.x))
        there = cos_u(metrics.fit(name, world.probe @ turn).apply(world.x @ turn))
        change[name] = abs(here - there)
    assert change["raw"] < 1e-9
    assert change["lda"] < 0.01 < change["zstd"]


@pytest.mark.parametrize("seed", worlds.seeds(1, 2))
def test_a_rogue_dimension_rules_the_raw_cosine_only(seed):
    """True cosine 0.2; one dimension of 30 standard deviations and an offset of neutral."""
    rng = np.random.default_rng(seed)
    world = worlds.rogue(rng, n=200, d=256, s=0.2)
    v = world.x[0].mean(axis=0) - world.x[3].mean(axis=0)
    found = metrics.rogue(v)
    assert found.dims[0] == 7 and found.share1 > 0.7 and found.dominated
    cosines = {
        name: cos_u(metrics.fit(name, world.probe).apply(world.x)) for name in metrics.METRICS
    }
    assert cosines["raw"] > 0.85
    assert 0.05 < cosines["zstd"] < 0.35
    assert 0.05 < cosines["lda"] < 0.35
    mapped = metrics.fit("zstd", world.probe).apply(v)
    assert not metrics.rogue(mapped).dominated


@pytest.mark.parametrize("name", ["zstd", "lda"])
def test_metrics_fitted_on_the_probe_leave_u_unbiased(name):
    rng = np.random.default_rng(0)
    world = worlds.paired(rng, n=20, d=24, s=0.2, cos=0.5)
    fitted = metrics.fit(name, world.probe)
    mapped = fitted.apply(world.effects[:3])
    found = []
    for _ in range(100):
        # The same effects and noise of the same covariance, with fresh sentences.
        noise = world.probe[rng.integers(len(world.probe), size=(4, 20))]
        x = fitted.apply(world.effects[:, None] + noise)
        d = unbiased.differences(x, AGAINST)
        found.append(unbiased.inner_u(unbiased.products(d)))
    error = np.std(found, axis=0) / 10
    assert (np.abs(np.mean(found, axis=0) - mapped @ mapped.T) < 5 * error).all()


def test_rogue_shares_of_a_known_vector():
    found = metrics.rogue([0, 3, -4, 0, 12, 0])
    assert found.dims == (4, 2, 1)
    assert found.share1 == pytest.approx(144 / 169)
    assert found.share3 == pytest.approx(1)
    assert found.dominated
    assert not metrics.rogue(np.ones(10)).dominated
    zero = metrics.rogue(np.zeros(5))
    assert np.isnan(zero.share1) and not zero.dominated


def test_the_spectrum_is_that_of_the_principal_components():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 12)) * np.arange(1, 13) + 100
    variances = np.linalg.eigvalsh(np.cov(x.T))
    share, dimension = metrics.spectrum(x)
    assert share == pytest.approx(variances[-1] / variances.sum())
    assert dimension == pytest.approx(variances.sum() ** 2 / (variances**2).sum())
    wide = np.hstack([x, np.zeros((40, 50))])  # more dimensions than sentences
    assert metrics.spectrum(wide) == pytest.approx((share, dimension))


def test_the_spectrum_of_one_dimension_and_of_none():
    line = np.outer(np.arange(5.0), [1, 2, 3])
    assert metrics.spectrum(line) == pytest.approx((1, 1))
    point = np.tile([1.0, 2, 3], (5, 1))
    assert np.isnan(metrics.spectrum(point)).all()
