"""Verdicts: the rule on constructed evidence, the corrections, and the verdicts of whole worlds."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import worlds_cross
from emovec.between_models import maps, pair
from emovec.between_models.compare import compare_models
from emovec.between_models.evidence import verdicts
from emovec.between_models.families import adjust_families
from emovec.between_models.thresholds import Thresholds
from emovec.between_models.verdict import Evidence, decide
from emovec.statistics import resampling, unbiased
from worlds import seeds

SHARED = Evidence(
    signal_ok=True,
    map_ok=True,
    confound_ok=True,
    reliable=True,
    p_aligned=0.01,
    cosines=(0.8, 0.7, 0.75),
    intervals=((0.7, 0.9), (0.6, 0.8), (0.6, 0.85)),
    p_floor=0.005,
    p_specific=0.01,
    p_transfer=0.001,
    transfer_margin=0.2,
    positive_control=0.9,
)
SMALL = replace(
    SHARED,
    p_aligned=0.6,
    cosines=(0.02, -0.03, 0.01),
    intervals=((-0.1, 0.12), (-0.15, 0.1), (-0.1, 0.1)),
    p_specific=0.5,
    p_transfer=0.4,
)
WIDE = replace(SMALL, intervals=((-0.3, 0.3),) * 3)


# The rule -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "verdict", "reason"),
    [
        (SHARED, "shared", "specific"),
        (replace(SHARED, p_specific=0.2), "common_only", "not_specific"),
        (replace(SHARED, p_specific=None), "common_only", "specificity_unmeasured"),
        (SMALL, "not_shared", "small"),
        (WIDE, "inconclusive", "neither"),
    ],
)
def test_each_verdict_has_its_reason(found, verdict, reason):
    outcome = decide(found)
    assert (outcome.verdict, outcome.reason) == (verdict, reason)


@pytest.mark.parametrize("base", [SHARED, SMALL])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"signal_ok": False}, "no_signal"),
        ({"signal_ok": None}, "signal_unmeasured"),
        ({"map_ok": False}, "no_map"),
        ({"map_ok": None}, "map_unmeasured"),
        ({"confound_ok": False}, "confound"),
        ({"confound_ok": None}, "confound_unmeasured"),
        ({"reliable": False}, "unreliable"),
        ({"p_aligned": None}, "no_control_null"),
        ({"p_aligned": float("nan")}, "no_control_null"),
    ],
)
def test_every_gate_stops_every_claim(base, change, reason):
    outcome = decide(replace(base, **change))
    assert (outcome.verdict, outcome.reason) == ("inconclusive", reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"p_aligned": 0.2}, "not_aligned"),
        ({"p_aligned": 0.2, "p_floor": 0.06}, "null_too_coarse"),
        ({"cosines": (0.8, -0.7, 0.75)}, "not_aligned"),
        ({"cosines": (-0.8, -0.7, -0.75)}, "opposed"),
        ({"p_transfer": 0.03}, "does_not_transfer"),
        ({"transfer_margin": -0.01}, "does_not_transfer"),
        ({"p_transfer": None}, "transfer_unmeasured"),
    ],
)
def test_sharing_needs_alignment_and_transfer(change, reason):
    outcome = decide(replace(SHARED, **change))
    assert (outcome.verdict, outcome.reason) == ("inconclusive", reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"positive_control": 0.4}, "weak_positive_control"),
        ({"positive_control": None}, "no_positive_control"),
        ({"intervals": ((-0.1, 0.12), (-0.15, 0.1), (-0.1, 0.21))}, "neither"),
        ({"intervals": ((-0.25, 0.12), (-0.15, 0.1), (-0.1, 0.1))}, "neither"),
        ({"intervals": ()}, "neither"),
        ({"intervals": ((np.nan, np.nan),) * 3}, "neither"),
        ({"p_aligned": 0.001, "cosines": (0.1,) * 3}, "aligned_but_small"),
        ({"p_transfer": 0.001}, "transfers_but_small"),
    ],
)
def test_absence_needs_equivalence_and_a_positive_control(change, reason):
    outcome = decide(replace(SMALL, **change))
    assert (outcome.verdict, outcome.reason) == ("inconclusive", reason)


def test_limits_are_those_that_are_passed():
    strict = Thresholds(equivalence=0.1)
    assert decide(SMALL, strict).verdict == "inconclusive"
    assert decide(replace(SHARED, p_aligned=0.02), Thresholds(alpha=0.01)).verdict == "inconclusive"
    nearly = replace(SHARED, p_transfer=0.03)
    assert decide(nearly, Thresholds(transfer_quantile=0.95)).verdict == "shared"


# Corrections --------------------------------------------------------------------------------------


def claim(model_a, model_b, method, p, emotion="anger", depths=(1, 2)):
    return {
        "model_a": model_a,
        "model_b": model_b,
        "position": "suffix",
        "depth_a": depths[0],
        "depth_b": depths[1],
        "emotion_a": emotion,
        "emotion_b": emotion,
        "method": method,
        "family": "alignment",
        "p_adjusted": p,
    }


def test_the_joint_claim_has_the_largest_p_of_its_methods_and_directions():
    similarity = pd.DataFrame(
        [
            claim("a", "b", "ridge", 0.01),
            claim("b", "a", "ridge", 0.02, depths=(2, 1)),
            claim("a", "b", "wpc", 0.004),
            claim("a", "c", "wpc", 0.001),
            claim("a", "a@twin", "wpc", 0.001),
            claim("a", "random", "wpc", 0.001),
            claim("a", "b", "wpc", 0.3) | {"family": "exploratory"},
            claim("a", "b", "wpc", 0.03) | {"position": "last"},
        ]
    )
    decoding = pd.DataFrame(
        columns=[
            *("train_model", "test_model", "depth_train", "depth_test"),
            *("position", "direction", "contrast", "p_adjusted"),
        ]
    )
    adjusted, _ = adjust_families(similarity, decoding, controls=["random"])
    expected = [0.02, 0.02, 0.02, 0.002, 0.001, 0.001, 0.3, 0.03]
    np.testing.assert_allclose(adjusted["p_adjusted"], expected)
    np.testing.assert_allclose(similarity["p_adjusted"][0], 0.01)


# Whole worlds -------------------------------------------------------------------------------------


def within_rows(both):
    """Signal and reliability of each model alone, and decoding before the first block."""
    on_map = (both.probe["half"] == "map").to_numpy()
    within, decoding = [], []
    for model in (both.a, both.b):
        for depth in range(1, model.n_layers + 1):
            axes = maps.whitener(maps.decompose(model.probe[on_map, depth]))
            x = (model.residual[:-1, :, depth] - model.residual[-1, :, depth]) @ axes
            flips = resampling.sign_flips(x.shape[1], 199, np.random.default_rng(0))
            p = resampling.max_t(unbiased.norm2_u(x), resampling.flipped_norm2_u(x, flips))
            reliability = unbiased.contrast_reliability(x)
            for emotion, one_p, value in zip(worlds_cross.EMOTIONS, p, reliability, strict=True):
                row = {"model": model.name, "position": "suffix", "depth": depth, "metric": "lda"}
                row |= {"emotion_a": emotion, "emotion_b": ""}
                within.append(row | {"stat": "norm2_u", "value": 1.0, "p_adjusted": one_p})
                within.append(row | {"stat": "reliability", "value": value})
        for emotion in worlds_cross.EMOTIONS:
            row = {"train_model": model.name, "test_model": model.name, "contrast": emotion}
            row |= {"direction": "depth0", "position": "suffix", "split": "topic"}
            decoding.append(row | {"auroc": 0.5, "null_low": 0.5, "null_high": 0.5})
    return pd.DataFrame(within), pd.DataFrame(decoding)


@cache
def verdicts_of(kind, seed, tokens=0.5, **options):
    rng = np.random.default_rng(seed)
    both = worlds_cross.pair(kind, rng, **(SIZE | options))
    plan = pair.Plan(
        worlds_cross.EMOTIONS, "neutral", "suffix", [0.5, 1.0], shuffles=119, draws=399, grid=0
    )
    similarity, maps, decoding = compare_models(both.a, both.b, both.probe, plan, rng)
    within, start = within_rows(both)
    start["auroc"] = tokens
    decoding = pd.concat([decoding, start], ignore_index=True)
    similarity, decoding = adjust_families(similarity, decoding)
    return verdicts(similarity, maps, decoding, within, [0.5, 1.0])


SIZE = {
    "topics": 140, "probes": (500, 600), "widths": (110, 130), "latents": 80, "attributes": 22,
    "layers": 2, "s": 0.2,
}  # fmt: skip


@pytest.mark.parametrize("seed", seeds(0))
@pytest.mark.parametrize("kind", ["shared", "twin"])
def test_shared_worlds_are_found_shared(kind, seed):
    found = verdicts_of(kind, seed)
    assert len(found) == 2 * 3
    assert found["relative_depth"].tolist() == [0.5] * 3 + [1.0] * 3
    assert (found["verdict"] == "shared").mean() > 0.8
    assert found["signal_ok"].all()
    assert found["map_ok"].all()


@pytest.mark.parametrize("seed", seeds(0, 2))
@pytest.mark.parametrize("kind", ["private", "private_b"])
def test_private_worlds_are_never_found_shared(kind, seed):
    found = verdicts_of(kind, seed)
    assert not found["verdict"].isin(["shared", "common_only"]).any()


@pytest.mark.parametrize("seed", seeds(0))
def test_what_emotions_have_in_common_is_not_taken_for_the_emotions(seed):
    found = verdicts_of("common", seed)
    assert (found["verdict"] != "shared").all()


@pytest.mark.parametrize("seed", seeds(0))
def test_without_signal_nothing_is_concluded(seed):
    found = verdicts_of("no_signal", seed)
    assert (found["verdict"] == "inconclusive").all()
    assert (found["reason"] == "no_signal").all()
    assert not found["signal_ok"].any()


def test_without_a_map_nothing_is_concluded():
    found = verdicts_of("unrelated", 0)
    assert (found["verdict"] == "inconclusive").all()
    assert (found["reason"] == "no_map").all()


def test_absence_is_found_where_cosines_are_small():
    found = verdicts_of("private", 2)
    absent = found[found["verdict"] == "not_shared"]
    assert len(absent)
    assert (absent["reason"] == "small").all() and (absent["control_share"] >= 0.5).all()


def test_few_attributes_cannot_reach_the_corrected_level():
    found = verdicts_of("shared", 0, attributes=6, layers=1)
    assert (found["verdict"] == "inconclusive").all()
    assert (found["reason"] == "null_too_coarse").all()
    assert (found["p_floor"] >= 0.05).all()


def test_tokens_that_give_the_emotion_away_stop_the_claim():
    found = verdicts_of("shared", 0, tokens=0.9, layers=1)
    assert (found["verdict"] == "inconclusive").all()
    assert (found["reason"] == "confound").all()
