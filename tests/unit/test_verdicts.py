"""Verdicts: the rule on constructed claims, the corrections, and the verdicts of whole worlds."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import worlds_cross
from emovec.between_models import pair
from emovec.between_models.compare import compare_models
from emovec.between_models.thresholds import Thresholds
from emovec.between_models.transfer import adjust_transfer, decodes
from emovec.between_models.verdict import SHARING, Judged, adjust_claims, decide, judge_models
from emovec.io.tables import typed
from emovec.statistics.clustered import near_topics
from emovec.wording.remarks import REASONS
from worlds import seeds

LIMITS = Thresholds()
SURE = Judged(0.6, 0.9, True, 0.001)
SMALL = Judged(-0.1, 0.15, True, 0.99)
OPEN = Judged(0.1, 0.6, True, 0.5)
VAGUE = Judged(0.6, 0.9, False, np.nan)
CASES = [
    (SURE, SURE, 0.95, "shared", "both_parts"),
    (SURE, OPEN, 0.95, "common", "own_open"),
    (SURE, None, 0.95, "common", "one_emotion"),
    (SURE, VAGUE, 0.95, "common", "own_unreliable"),
    (SURE, SMALL, 0.95, "common_only", "own_small"),
    (SURE, Judged(-0.1, 0.1, False, np.nan), 0.95, "common", "own_unreliable"),
    (SMALL, SMALL, 0.95, "not_shared", "small"),
    (Judged(-0.9, -0.6, True, 1.0), SMALL, 0.95, "inconclusive", "not_shown"),
    (OPEN, SURE, 0.95, "inconclusive", "not_shown"),
    (VAGUE, SURE, 0.95, "inconclusive", "unreliable"),
    (Judged(-0.1, 0.1, False, np.nan), SMALL, 0.95, "inconclusive", "unreliable"),
    (SURE, SURE, 0.6, "inconclusive", "no_ruler"),
    (SMALL, SMALL, np.nan, "inconclusive", "no_ruler"),
]


@pytest.mark.parametrize(("common", "specific", "matched", "verdict", "reason"), CASES)
def test_rule(common, specific, matched, verdict, reason):
    assert decide(common, specific, matched, LIMITS) == (verdict, reason)


def test_without_a_neutral_class_the_one_claim_is_of_own_parts():
    assert decide(SURE, None, 0.95, LIMITS, own_alone=True) == ("shared", "own_part")
    assert decide(SMALL, None, 0.95, LIMITS, own_alone=True) == ("not_shared", "small")


def test_each_reason_can_be_given():
    assert {reason for *_, reason in CASES} | {"own_part"} == set(REASONS)


def test_limits_are_those_that_are_passed():
    assert decide(SMALL, SMALL, 0.95, Thresholds(equivalence=0.1))[0] == "inconclusive"
    assert decide(SURE, SURE, 0.95, Thresholds(alpha=0.0001))[0] == "inconclusive"
    assert decide(SURE, SURE, 0.6, Thresholds(matched=0.5))[0] == "shared"


# Corrections --------------------------------------------------------------------------------------


def claims(rows):
    """Rows of claims: models, emotion, family, p, gate."""
    return typed(
        [
            {"model_a": a, "model_b": b, "position": position, "emotion_a": emotion,
             "family": family, "p": p, "gate_ok": gate}
            for a, b, position, emotion, family, p, gate in rows
        ],
        "cross_model_similarity",
    )  # fmt: skip


def test_claims_are_corrected_over_pairs_and_emotions_controls_by_themselves():
    table = claims(
        [
            ("a", "b", "suffix", "anger", "common", 0.01, True),
            ("a", "b", "suffix", "joy", "common", 0.02, True),
            ("a", "c", "suffix", "anger", "common", 0.001, True),
            ("b", "c", "suffix", "anger", "common", np.nan, False),
            ("a", "b", "suffix", "anger", "specific", 0.01, True),
            ("a", "b", "last", "anger", "common", 0.03, True),
            ("a", "a@twin", "suffix", "anger", "common", 0.01, True),
            ("a", "a@twin", "suffix", "joy", "common", 0.02, True),
            ("a", "random", "suffix", "anger", "common", 0.04, True),
            ("a", "b", "suffix", "anger", "sensitivity", np.nan, True),
        ]
    )
    found = adjust_claims(table, untrained=["random"])["p_adjusted"]
    # the claim that cannot be made stays in the family
    expected = [0.03, 0.04, 0.004, np.nan, 0.01, 0.03, 0.02, 0.02, 0.04, np.nan]
    np.testing.assert_allclose(found, expected)
    assert table["p_adjusted"].isna().all()


def transfers(rows):
    names = ("train_model", "test_model", "depth_train", "depth_test", "direction", "auroc")
    made = [dict(zip((*names, "p_adjusted", "metric"), row, strict=False)) for row in rows]
    shared = {"contrast": "anger", "position": "suffix"}
    return typed([shared | row for row in made], "decoding")


def test_transfers_have_the_larger_p_of_both_ways_over_pairs():
    table = transfers(
        [
            ("a", "b", 1, 2, "mapped", 0.8, 0.01),
            ("b", "a", 2, 1, "mapped", 0.8, 0.02),
            ("a", "c", 1, 1, "mapped", 0.8, 0.001),
            ("a", "a@twin", 1, 1, "mapped", 0.8, 0.001),
            ("a", "random", 1, 1, "mapped", 0.8, 0.001),
            ("a", "b", 0, 0, "depth0", 0.5, np.nan),
        ]
    )
    found = adjust_transfer(table, untrained=["random"])["p_adjusted"]
    np.testing.assert_allclose(found, [0.02, 0.02, 0.002, 0.001, 0.001, np.nan])
    np.testing.assert_allclose(table["p_adjusted"][0], 0.01)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({(1, "p_adjusted"): 0.2}, False),  # one way alone
        ({(0, "auroc"): 0.55}, False),  # tokens decode as well
        ({(0, "direction"): "native"}, None),
        ({(2, "test_model"): "c"}, True),
        ({(3, "auroc"): 0.75}, False),  # and so does an untrained model
        ({(3, "auroc"): 0.75, (3, "metric"): "raw"}, True),  # transfers are whitened
    ],
)
def test_transfer_is_the_grade(change, expected):
    table = transfers(
        [
            ("a", "b", 1, 2, "mapped", 0.8, 0.01),
            ("b", "a", 2, 1, "mapped", 0.7, 0.01),
            ("a", "b", 0, 0, "depth0", 0.6, np.nan),
            ("a", "a", 1, 1, "untrained", 0.6, np.nan, "lda"),
        ]
    )
    for (row, column), value in change.items():
        table.loc[row, column] = value
    assert decodes(table, "a", "b", "anger", LIMITS) is expected


# Whole worlds -------------------------------------------------------------------------------------

SIZE = {
    "probes": (720, 400), "widths": (64, 72), "latents": 48, "attributes": 20, "layers": 2,
    "topics": 100, "s": 0.2, "heads": 12,
}  # fmt: skip


@cache
def judged(kind, seed, **options):
    """The verdicts on a world, and the tables they come from."""
    rng = np.random.default_rng(seed)
    world = worlds_cross.pair(kind, rng, **(SIZE | options))
    plan = pair.Plan(
        worlds_cross.EMOTIONS, "neutral", "suffix", [0.5, 1.0], shuffles=19, draws=399, grid=0
    )
    near = np.stack([near_topics(len(heads), heads) for heads in world.heads])
    similarity, _, decoding = compare_models(world.a, world.b, world.probe, plan, rng, near)
    similarity, _, found = judge_models(similarity, decoding)
    assert len(found) == 4 and found.emotion.tolist() == [*worlds_cross.EMOTIONS, ""]
    return found, similarity, world


@pytest.mark.parametrize("seed", seeds(0, 1661265099))  # there, one topic takes a cosine to 1
@pytest.mark.parametrize("kind", ["shared", "twin"])
def test_what_is_shared_is_found_shared(kind, seed):
    found, similarity, _ = judged(kind, seed, topics=140)
    assert (found.verdict == "shared").all()
    assert (found.matched > 0.8).all() and (found.matched_low <= found.matched).all()
    assert found.p_common[3] < 0.001 and found.p_specific[3] < 0.001
    assert found.decodes[:3].all() and pd.isna(found.decodes[3])
    assert (found.agree == found.compared).all()
    assert found.compared.tolist() == [8, 8, 8, 24]  # four comparisons at two depths
    by_depth = similarity[similarity.flag == "by_depth"]
    assert set(by_depth.stat) == {"cos_s", "cos_s_own"} and (by_depth.value > 0.8).all()
    assert by_depth.p.isna().all()


@pytest.mark.parametrize("seed", seeds(0))
def test_what_emotions_have_in_common_is_not_taken_for_their_own(seed):
    found, *_ = judged("common", seed, cosine=0.75, topics=160)
    assert "shared" not in set(found.verdict)
    assert found.verdict[:3].isin(["common", "common_only"]).sum() > 1


@pytest.mark.parametrize("seed", seeds(0))
@pytest.mark.parametrize("kind", ["private", "private_b", "no_signal", "unrelated"])
def test_what_is_not_shared_is_never_found_shared(kind, seed):
    found, *_ = judged(kind, seed)
    assert not found.verdict.isin(SHARING).any()
    reason = {"no_signal": "unreliable", "unrelated": "no_ruler"}.get(kind)
    assert reason is None or (found.reason == reason).all()
    assert ((found.matched > LIMITS.matched) == (kind != "unrelated")).all()


def test_absence_is_found_where_cosines_are_small():
    found, *_ = judged("private", 0)
    absent = found[found.verdict == "not_shared"]
    assert len(absent) and (absent.ci_high < LIMITS.equivalence).all()


def test_partial_world_is_measured_without_bias():
    found = [judged("partial", seed, cosine=0.5) for seed in range(6)]
    truth = np.concatenate([world.truth().common for *_, world in found])
    assert truth == pytest.approx(np.full(18, 0.5), abs=0.02)
    cosines = np.concatenate([table.cosine[:3] for table, *_ in found])
    assert np.mean(cosines) == pytest.approx(0.5, abs=0.07)


def test_without_attributes_nothing_is_concluded():
    found, *_ = judged("shared", 0, attributes=0, layers=1, topics=60)
    assert (found.reason == "no_ruler").all() and found.p_common.notna().all()


def test_one_emotion_has_nothing_of_its_own():
    rng = np.random.default_rng(0)
    world = worlds_cross.pair("shared", rng, **SIZE | {"emotions": 1, "layers": 1})
    plan = pair.Plan(["gratitude"], "neutral", "suffix", [1.0], shuffles=19, draws=99, grid=0)
    similarity, _, decoding = compare_models(world.a, world.b, world.probe, plan, rng)
    *_, found = judge_models(similarity, decoding)
    assert found.verdict.tolist() == ["common"] * 2 and found.own_cosine.isna().all()


def test_depths_without_variance_give_no_claim():
    rng = np.random.default_rng(0)
    world = worlds_cross.pair("shared", rng, layers=1)
    plan = pair.Plan(
        worlds_cross.EMOTIONS, "neutral", "suffix", [0.0], shuffles=9, draws=19, grid=0
    )
    similarity, _, decoding = compare_models(world.a, world.b, world.probe, plan, rng)
    *_, found = judge_models(similarity, decoding)
    assert (found.reason == "no_ruler").all() and found.cosine.isna().all()
