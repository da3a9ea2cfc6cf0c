"""Rotated twins and shuffled copies are what they claim to be."""

import numpy as np
import pytest
from emovec.activations.copies import rotate, shuffle_labels, split_name
from emovec.between_models.raw_cosines import raw_cosines


def test_names() -> None:
    assert split_name("gpt2@twin") == ("gpt2", "twin")
    assert split_name("gpt2") == ("gpt2", "")


def test_twin_keeps_all_products_and_no_axis() -> None:
    rng = np.random.default_rng(0)
    residual, probe = rng.normal(size=(3, 5, 2, 400)), rng.normal(size=(7, 2, 400))
    turned, turned_probe = rotate(residual, probe, rng)
    flat, flat_turned = residual[:, :, 0].reshape(15, 400), turned[:, :, 0].reshape(15, 400)
    assert np.allclose(flat @ flat.T, flat_turned @ flat_turned.T)
    assert np.allclose(flat @ probe[:, 0].T, flat_turned @ turned_probe[:, 0].T)
    cosines = (flat * flat_turned).sum(1) / (flat**2).sum(1)
    assert np.abs(cosines).max() < 5 / np.sqrt(400)


def test_shuffled_labels_move_sentences_inside_their_topic_alone() -> None:
    topics = np.arange(50)[None, :, None, None] * 10
    residual = topics + np.arange(4)[:, None, None, None] + np.zeros((4, 50, 2, 3))
    mixed, _ = shuffle_labels(residual, residual, np.random.default_rng(1))
    assert np.array_equal(np.sort(mixed, axis=0), residual)
    moved = (mixed != residual)[..., 0, 0]
    assert 0.5 < moved.mean() < 0.95  # three in four leave their class


def test_raw_cosine_is_the_studys_and_its_interval_is_the_jackknife() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 3, 30, 4, 20))
    b += 0.5 * a
    table = raw_cosines(("a", "b"), a, b, ["joy", "fear"], "last", 0.05)
    row = table[(table.emotion_a == "fear") & (table.depth_a == 2)].iloc[0]

    def cosine(keep: np.ndarray) -> float:
        v, w = (x[1][keep, 2].mean(0) - x[2][keep, 2].mean(0) for x in (a, b))
        return v @ w / np.sqrt((v @ v) * (w @ w))

    everything = np.ones(30, bool)
    assert np.isclose(row.value, cosine(everything), rtol=1e-12)
    assert row.null_high == -row.null_low == pytest.approx(1.959963984540054 / np.sqrt(20))
    loo = np.arctanh([cosine(np.arange(30) != i) for i in range(30)])
    error = np.sqrt(29 / 30 * ((loo - loo.mean()) ** 2).sum())
    z = np.arctanh([row.ci_low, row.ci_high])
    assert np.isclose(z.mean(), np.arctanh(row.value))
    assert 1.9 < (z[1] - z[0]) / 2 / error < 2.1


def test_raw_cosine_is_undefined_for_other_widths_and_zero_vectors() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(3, 10, 4, 8)), rng.normal(size=(3, 10, 3, 6))
    table = raw_cosines(("a", "b"), a, b, ["joy", "fear"], "last", 0.05)
    assert len(table) == 2 * 3  # the depths both have
    assert table.value.isna().all() and table.null_high.isna().all()
    assert (table.flag == "widths_differ").all()
    assert (table.d_model_a == 8).all() and (table.d_model_b == 6).all()
    a[:, :, 0] = 1.0
    same = raw_cosines(("a", "a"), a, a, ["joy", "fear"], "last", 0.05)
    assert set(same.flag[same.depth_a == 0]) == {"zero_vector"}
    assert np.allclose(same.value[same.depth_a > 0], 1)
