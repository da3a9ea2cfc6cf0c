"""Vectors and cosines against their definitions, and the file they are kept in."""

from pathlib import Path

import numpy as np
import pytest
from emovec.errors import InputError
from emovec.vectors.directions import (
    EmotionVectors,
    chance_norm,
    cosines,
    emotion_vectors,
    norms,
)


def test_vectors_are_differences_of_means() -> None:
    rng = np.random.default_rng(0)
    residual = rng.normal(size=(4, 6, 3, 5)).astype("f4")
    vectors = emotion_vectors(residual)
    for e in range(3):
        for depth in range(3):
            expected = [
                sum(residual[e, t, depth, d] for t in range(6)) / 6
                - sum(residual[3, t, depth, d] for t in range(6)) / 6
                for d in range(5)
            ]
            assert np.allclose(vectors[e, depth], expected, atol=1e-6)


def test_planted_directions_come_back_with_their_angle_and_length() -> None:
    base = np.random.default_rng(1).normal(size=(50, 2, 8))
    planted = np.zeros((3, 8))
    planted[0, 0], planted[1, :2], planted[2, 1] = 2, (3, 3), -1
    residual = np.stack([base + v for v in planted] + [base])
    vectors = emotion_vectors(residual)
    assert np.allclose(vectors, planted[:, None])
    assert np.allclose(norms(vectors)["l2"][:, 0], [2, np.sqrt(18), 1])
    assert np.allclose(norms(vectors)["l1"][:, 0], [2, 6, 1])
    r = np.sqrt(0.5)
    assert np.allclose(cosines(vectors)[..., 0], [[1, r, 0], [r, 1, -r], [0, -r, 1]])


def test_cosine_of_a_zero_vector_is_undefined() -> None:
    vectors = np.zeros((2, 1, 4))
    vectors[0, 0, 0] = 1
    found = cosines(vectors)[..., 0]
    assert found[0, 0] == 1 and np.isnan(found[0, 1]) and np.isnan(found[1, 1])


def test_float32_input_is_averaged_in_double_precision() -> None:
    residual = np.full((2, 1000, 1, 1), 1e4, "f4")
    residual[0] += 1
    assert emotion_vectors(residual)[0, 0, 0] == 1


@pytest.mark.parametrize("seed", range(3))
def test_chance_norm_is_what_vectors_without_effect_have(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worlds = rng.normal(size=(200, 2, 30, 1, 40)) * 3
    worlds += rng.normal(size=(200, 1, 30, 1, 40)) * 5  # topics, the same in both classes
    found = np.mean([np.sum(emotion_vectors(w)[0, 0] ** 2) for w in worlds])
    expected = np.mean([chance_norm(w)[0, 0] ** 2 for w in worlds])
    assert found == pytest.approx(expected, rel=0.08)
    assert expected == pytest.approx(2 * 9 * 40 / 30, rel=0.05)


def test_file_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    vectors = {p: rng.normal(size=(2, 4, 6)).astype("f4") for p in ("last", "suffix")}
    kept = EmotionVectors({"model": "m", "n_layers": 3}, ["joy", "fear"], vectors)
    kept.write(tmp_path / "m_vectors.h5")
    read = EmotionVectors.read(tmp_path / "m_vectors.h5")
    assert read.metadata == kept.metadata and read.emotions == kept.emotions
    assert all(np.array_equal(read.vectors[p], vectors[p]) for p in vectors)
    first = (tmp_path / "m_vectors.h5").read_bytes()
    kept.write(tmp_path / "m_vectors.h5")
    assert (tmp_path / "m_vectors.h5").read_bytes() == first


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_text("not HDF5")
    with pytest.raises(InputError, match=r"x\.h5 is no file of emotion vectors"):
        EmotionVectors.read(tmp_path / "x.h5")
