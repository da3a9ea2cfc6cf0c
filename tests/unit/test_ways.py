"""Ways to find a direction: what each finds, and what is said of worlds whose answer is planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import worlds_cross
from emovec.activations.streams import Streams
from emovec.between_models.thresholds import Thresholds
from emovec.prompts.design import with_reference
from emovec.robustness import agreement as robustness
from emovec.robustness.agreement import agreement, attribute_sets, draw
from emovec.robustness.way_design import Design
from emovec.robustness.way_findings import count_findings, holds
from emovec.robustness.way_rows import rows_of
from emovec.robustness.ways import PENALTY, WAYS
from emovec.robustness.ways_between import ways_between
from emovec.robustness.ways_within import ways_within
from emovec.statistics.arrays import centred, leading_axes
from emovec.statistics.folds import topic_folds
from emovec.statistics.groups import topic_groups
from sklearn.linear_model import LogisticRegression

MARGIN = Thresholds().margin
TOPICS = 40


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less of everything that takes time."""
    monkeypatch.setattr(robustness, "SETS", 15)
    monkeypatch.setattr(robustness, "SPLITS", 3)


def design(world: worlds_cross.Pair, *, neutral: bool = True, seed: int = 0) -> Design:
    rng = np.random.default_rng(seed)
    emotions, topics = world.heads.shape
    near = np.eye(topics, dtype=bool)
    return Design(
        worlds_cross.EMOTIONS[:emotions],
        neutral,
        "suffix",
        0.5,
        Thresholds(),
        draw(near, world.probe, emotions, rng),
        topic_folds(topics, 5, rng),
    )


def world(kind: str, seed: int = 0, **more: object) -> worlds_cross.Pair:
    return worlds_cross.pair(kind, np.random.default_rng(seed), topics=TOPICS, s=0.5, **more)


def single(table: pd.DataFrame, stat: str) -> pd.DataFrame:
    """Rows of single emotions or pairs."""
    return table[(table.stat == stat) & table.emotion_a.notna()]


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_every_way_finds_a_planted_direction(way) -> None:
    rng = np.random.default_rng(0)
    x = 0.1 * rng.standard_normal((4, 60, 12))
    x[0, :, 3] += 2
    x[1, :, 5] -= 2
    x[:, :, 0] += 50 * rng.standard_normal(60)  # of the topic, in all its sentences
    found = way.find(x[:3], x[3:], np.eye(12)[:1])
    assert np.linalg.norm(found[:2], axis=1) == pytest.approx(1)
    least = 0.7 if way.name == "others" else 0.9  # the others are displaced, too
    if way.name != "logistic":
        assert found[0, 3] > least and found[1, 5] < -least
    else:  # in the scale of its widest dimension, it still points there
        assert found[0, 3] == max(found[0]) and found[1, 5] == min(found[1])
    assert np.allclose(way.find(7 * x[:3], 7 * x[3:], np.eye(12)[:1]), found, atol=1e-3)


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_directions_do_not_depend_on_the_axes_of_the_stream(way) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, 30, 9)) + rng.standard_normal((4, 1, 9))
    probe = rng.standard_normal((50, 9))
    turn = np.linalg.qr(rng.standard_normal((9, 9)))[0]
    found = way.find(x[:3], x[3:], leading_axes(probe))
    turned = way.find(x[:3] @ turn, x[3:] @ turn, leading_axes(probe @ turn))
    assert np.allclose(turned, found @ turn, atol=1e-3)


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_classes_that_do_not_differ_have_no_direction(way) -> None:
    x = np.ones((3, 6, 4))
    assert not way.find(x[:2], x[2:], np.eye(4)[:1]).any()
    x[:] = np.random.default_rng(0).standard_normal((6, 4))  # one sentence in all classes
    assert not way.find(x[:2], x[2:], np.eye(4)[:1]).any()


@pytest.mark.parametrize("shape", [(30, 80), (40, 6)])
def test_logistic_direction_is_that_of_scikit_learn(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    emotions = rng.standard_normal((3, *shape)) + rng.standard_normal((3, 1, shape[1]))
    reference = 5 + rng.standard_normal((1, *shape))
    found = WAYS["logistic"].find(emotions, reference, np.empty((0, shape[1])))
    for one, positive in zip(found, emotions, strict=True):
        rows = centred(np.concatenate([positive, reference[0]]))
        fit = LogisticRegression(C=PENALTY, tol=1e-12, max_iter=10_000)
        fit.fit(rows / np.sqrt(rows.var(axis=0).mean()), np.repeat([1, 0], shape[0]))
        assert one @ fit.coef_[0] / np.linalg.norm(fit.coef_) == pytest.approx(1, abs=1e-9)


def test_first_component_is_the_same_with_more_topics_than_dimensions() -> None:
    rng = np.random.default_rng(0)
    emotions, reference = 1 + rng.standard_normal((2, 9, 4)), rng.standard_normal((1, 9, 4))
    find = WAYS["component"].find
    few = find(emotions, reference, np.empty((0, 4)))
    emotions, reference = (np.pad(x, ((0, 0), (0, 0), (0, 8))) for x in (emotions, reference))
    many = find(emotions, reference, np.empty((0, 12)))
    np.testing.assert_allclose(many[:, :4], few, atol=1e-9)


def test_groups_hold_all_topics_and_keep_neighbours_together() -> None:
    label = np.repeat(np.arange(10), 3)
    near = label[:, None] == label
    group = topic_groups(near, np.random.default_rng(0), most=10)
    assert all(len(set(group[label == one])) == 1 for one in range(10))
    assert np.bincount(group).tolist() == [3] * 10
    chained = np.ones((9, 9), dtype=bool)
    assert sorted(np.bincount(topic_groups(chained, np.random.default_rng(0)))) == [2, 2, 2, 3]


def test_sets_hold_attributes_that_are_not_alike_and_halves_that_do_not_meet() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random((200, 6)) < 0.4
    labels[:, 5] = labels[:, 0]
    for one in attribute_sets(labels, 3, 15, rng):
        assert one.positive.shape == one.negative.shape == (2, 3, 15)
        halves = [set(np.concatenate([one.positive[i], one.negative[i]]).ravel()) for i in (0, 1)]
        assert not halves[0] & halves[1]
        has = [set(np.flatnonzero(labels[one.positive[0, i]].all(axis=0))) for i in range(3)]
        assert not any({0, 5} <= have for have in has) or sum(0 in have for have in has) == 1
    assert attribute_sets(labels, 7, 15, rng) == []


def test_agreement_is_corrected_for_the_noise_of_halves() -> None:
    rng = np.random.default_rng(0)
    a, b = np.eye(400)[0], np.r_[0.6, 0.8, np.zeros(398)]
    noisy = np.stack([a, b]) + rng.standard_normal((200, 2, 2, 400)) / 20
    noisy /= np.linalg.norm(noisy, axis=-1, keepdims=True)
    found = agreement(noisy, noisy)
    assert found.values == pytest.approx(np.array([[1, 0.6], [0.6, 1]]), abs=0.03)
    assert found.reliability_a == pytest.approx(2 * 0.5 / 1.5, abs=0.03)


def test_number_of_a_direction_that_is_not_reliable_is_empty() -> None:
    """By its lower bound; the mean is of the others."""
    rng = np.random.default_rng(0)
    values = 0.5 + 0.01 * rng.standard_normal((11, 3))
    known = np.full((11, 3), 0.9)
    known[:, 1] = 0.2
    known[1:, 2] = np.linspace(0.3, 1.5, 10)  # which groups of topics move too much
    rows = pd.DataFrame(
        rows_of("between", [(e, e) for e in "abc"], values, Thresholds(), None,
                reliability=(known, np.full((11, 3), 0.9)))
    )  # fmt: skip
    assert rows.value.notna().tolist() == [True, False, False, True]
    assert rows.flag.str.contains("not_reliable").tolist() == [False, True, True, False]
    assert rows.value[3] == values[0, 0] and "mean_of_reliable" in rows.flag[3]


def test_nothing_is_found_where_there_is_nothing() -> None:
    found = []
    for seed in range(2):
        none = world("no_signal", seed)
        found += [ways_within(none.a, none.probe, design(none, seed=seed))]
        found += [ways_between(none.a, none.b, none.probe, design(none, seed=seed))]
    table = pd.concat(found, ignore_index=True)
    auroc = single(table, "auroc")
    assert auroc.value.mean() == pytest.approx(0.5, abs=0.05)
    assert holds(auroc, MARGIN).mean() < 0.1
    rest = single(table[table.stat != "auroc"], "cosine")
    assert (rest.flag.str.contains("not_reliable") == rest.value.isna()).all()
    assert rest.value.isna().mean() > 0.8


def test_planted_directions_are_found_in_every_way() -> None:
    shared = world("shared")
    within = ways_within(shared.a, shared.probe, design(shared))
    between = ways_between(shared.a, shared.b, shared.probe, design(shared))
    auroc, cosine, both = (
        single(table, stat)
        for table, stat in ((within, "auroc"), (within, "cosine"), (between, "between"))
    )
    linear = auroc[auroc.way != "component"]
    assert holds(linear, MARGIN).all()
    defined = cosine[cosine.value.notna() & (cosine.way != "component")]
    assert len(defined) == 12 and holds(defined, MARGIN).all()
    # directions of differences from the mean of three sum to 0
    assert cosine[cosine.way == "others"].value.mean() == pytest.approx(-0.5, abs=0.1)
    assert (both.value[both.way.isin(["mean", "logistic", "cleaned"])] > 0.6).all()
    assert holds(both[both.way == "others"], MARGIN).all()
    agreed = single(within, "with_mean")
    assert (agreed.flag[agreed.way == "mean"] == "by_construction").all()
    assert (agreed.value[agreed.way == "logistic"] > 0.8).all()
    assert within.null_low.le(within.null_high).where(within.null_low.notna(), True).all()
    counts = count_findings(pd.concat([within, between]), ["a", "b"], MARGIN)
    assert counts["auroc"].of == counts["auroc"].study == 3


def test_private_directions_do_not_correspond() -> None:
    shown = []
    for seed in range(2):
        private = world("private", seed, s_attribute=0.4)
        table = ways_between(private.a, private.b, private.probe, design(private, seed=seed))
        emotions = single(table, "between")
        assert emotions.null_high[emotions.value.notna()].notna().mean() > 0.5
        shown.append(holds(emotions, MARGIN))
    assert pd.concat(shown).mean() < 0.05


def test_one_direction_of_all_emotions_is_not_taken_for_several() -> None:
    one = world("common", cosine=1.0)
    table = single(ways_within(one.a, one.probe, design(one)), "cosine")
    assert not holds(table[table.way.isin(["mean", "cleaned", "logistic"])], MARGIN).any()
    assert (table.value[table.way == "mean"] > 0.8).all()


def test_a_turned_copy_has_the_same_numbers() -> None:
    shared = world("shared")
    table, turned = (
        ways_within(one, shared.probe, design(shared))
        for one in (shared.a, worlds_cross.turned(shared.a, np.random.default_rng(3), scale=1.0))
    )
    for name in ("value", "ci_low", "ci_high", "null_high"):
        assert np.allclose(table[name], turned[name], atol=0.02, equal_nan=True), name


def without_neutral(streams: Streams) -> Streams:
    emotions = np.asarray(streams.residual)[:-1]
    return replace(streams, residual=with_reference(emotions, [*"abc", None]))


def test_without_a_neutral_class_the_mean_of_all_stands_for_it() -> None:
    shared = world("shared", s_attribute=0.4)
    table = ways_within(without_neutral(shared.a), shared.probe, design(shared, neutral=False))
    others = table[table.way == "others"]
    assert (others.flag == "as_mean").all() and others.value.isna().all()
    cosine = single(table[table.way == "mean"], "cosine")
    assert cosine.value.mean() == pytest.approx(-0.5, abs=0.1)
    assert cosine.null_high.iloc[0] < 0.6  # attributes are taken from their mean, too
    assert holds(single(table[table.way == "mean"], "auroc"), MARGIN).all()


def test_what_two_emotions_or_one_cannot_show_is_flagged() -> None:
    two, one = world("shared", emotions=2), world("shared", emotions=1)
    table = ways_within(two.a, two.probe, design(two))
    ends = single(table[table.way == "others"], "cosine")
    assert ends.flag.tolist() == ["by_construction"] and ends.value.isna().all()
    table = ways_within(one.a, one.probe, design(one))
    assert set(table.flag[table.way == "others"]) == {"one_emotion"}
    assert not (table.stat == "cosine").any()
    assert count_findings(table, ["a"], MARGIN).keys() == {"auroc"}


def test_without_a_probe_or_with_few_topics_the_reason_is_given() -> None:
    shared = world("shared")
    bare = replace(shared.a, probe=shared.a.probe[:0])
    table = ways_within(bare, shared.probe, design(shared))
    assert set(table.flag[table.way == "cleaned"]) == {"no_probe"}
    mean = single(table[table.way == "mean"], "cosine")
    assert mean.value.notna().all() and (mean.flag == "no_controls").all()
    between = ways_between(bare, bare, shared.probe, design(shared))
    assert set(between.flag) == {"no_probe"}
    few = worlds_cross.pair("shared", np.random.default_rng(0), topics=7)
    table = ways_within(few.a, few.probe, design(few))
    assert set(table.flag) == {"too_few_topics"} and table.value.isna().all()
