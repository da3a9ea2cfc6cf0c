"""Where many emotions lie: planted places, text that models echo, and tables of whole designs."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import designs
import h5py
import numpy as np
import pandas as pd
import pytest
from emovec.between_models.thresholds import DEFAULTS
from emovec.config import check
from emovec.errors import InputError
from emovec.figures import geometry as figures
from emovec.geometry import between as between_module
from emovec.geometry import sharing
from emovec.geometry.between import Texts, judge_geometry, share
from emovec.geometry.circumplex import left_out, predict
from emovec.geometry.distances import Apart, Halved, p_of_orders
from emovec.geometry.features import text_features, word_counts
from emovec.geometry.planes import plane_row
from emovec.geometry.run import geometry_between, geometry_of
from emovec.geometry.sharing import Read, own_parts
from emovec.geometry.within import _trimmed, plane
from emovec.io.tables import typed
from emovec.prompts.ratings import in_plane, read_ratings
from emovec.prompts.sentences import read_probe, read_prompts
from emovec.prompts.splits import writers
from emovec.report.geometry import distance_facts, place_facts, plane_facts, rating_facts
from emovec.statistics import clustered
from emovec.statistics.arrays import leading_axes
from emovec.statistics.clustered import near_topics
from emovec.statistics.resampling import sign_flips
from library_run import adopted
from matplotlib import pyplot as plt
from scipy.stats import binom

EMOTIONS, TOPICS, PROBE, WIDTH = 8, 24, 200, 12


def models(rng: np.random.Generator, kind: str) -> tuple[Read, Read, Texts]:
    """Two models that read the same text; beyond it emotions are theirs, shared or not there."""
    text, probe = (rng.normal(size=(*n, WIDTH)) for n in ((EMOTIONS + 1, TOPICS), (PROBE,)))
    text[:-1] += rng.normal(size=(EMOTIONS, 1, WIDTH))
    weights = rng.normal(size=(WIDTH, 2 * WIDTH))
    own = rng.normal(size=(2, EMOTIONS, 1, 2 * WIDTH)) * (kind != "echo")
    if kind == "shared":
        own[1] = own[0]
    reads = []
    for moved in own:
        sentences, control = text @ weights, probe @ weights
        sentences[:-1] += (4 if kind == "shared" else 2) * moved
        reads.append(Read(*(x + rng.normal(size=x.shape) for x in (sentences, control))))
    near = np.stack([near_topics(TOPICS)] * EMOTIONS)
    return *reads, Texts(Read(text, probe), near, None, rng.normal(size=(EMOTIONS, 2)))


def known(*emotions: int) -> pd.DataFrame:
    """How many emotions the models a, b, … have a part of their own of."""
    return pd.DataFrame(
        {"model": list("abc")[: len(emotions)], "stat": "reliable", "value": emotions}
    )


def verdict(kind: str, seed: int) -> tuple[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    rows = share(*models(rng, kind), DEFAULTS, 499, rng)
    pair = {"model_a": "a", "model_b": "b"}
    table = typed([pair | row for row in rows], "geometry_between")
    matched = pd.DataFrame([pair | {"matched": 1.0}])
    found = judge_geometry(table, known(8, 8), matched, DEFAULTS)
    return found.verdict.iloc[0], found.set_index("stat")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("shared", "beyond_text"), ("echo", "with_text"), ("private", "with_text")],
)
def test_what_goes_with_the_text_is_told_from_what_goes_beyond(kind: str, expected: str) -> None:
    """Private models share what the text tells, and hold more besides that is not alike."""
    said = [verdict(kind, seed) for seed in range(4)]
    assert [name for name, _ in said].count(expected) >= 3
    rest = np.mean([rows.value["share_beyond_text"] for _, rows in said])
    assert rest > 0.2 if kind == "shared" else abs(rest) < 0.1
    if kind == "shared":
        assert said[0][1].value["beyond_text"] == pytest.approx(1, abs=0.1)


def test_a_model_without_known_emotions_shares_nothing_and_stays_in_the_family() -> None:
    cells = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6}
    rows = [
        cells | {"model_a": "a", "model_b": b, "stat": stat, "p": p}
        for b in "bc"
        for stat, p in (("own", 0.02), ("beyond_text", 0.02), ("share_beyond_text", np.nan))
    ]
    matched = pd.DataFrame({"model_a": "a", "model_b": list("bc"), "matched": 0.9})
    table = typed(rows, "geometry_between")
    found = judge_geometry(table, known(8, 8, 5), matched, DEFAULTS)
    assert found.verdict.dropna().tolist() == ["beyond_text", "inconclusive"]
    tested = found.p_adjusted[found.p.notna()]
    assert tested.tolist() == pytest.approx([0.04, 0.04, 1, 1])


@pytest.mark.parametrize(
    ("p", "low", "high", "says"),
    [
        (0.01, 0.21, 0.4, "beyond_text"),
        (0.2, 0.21, 0.4, "shared"),  # of that size, but not told from 0
        (0.01, 0.19, 0.4, "shared"),  # told from 0, but perhaps small
        (0.01, 0.01, 0.19, "with_text"),
        (0.01, np.nan, np.nan, "shared"),
    ],
)
def test_beyond_the_text_is_a_claim_of_size(p: float, low: float, high: float, says: str) -> None:
    rows = [
        {"stat": "own", "p": 0.001, "p_adjusted": 0.001, "gate_ok": True},
        {"stat": "beyond_text", "p": p, "p_adjusted": p},
        {"stat": "share_beyond_text", "ci_low": low, "ci_high": high},
    ]
    found = pd.DataFrame(rows).set_index("stat")
    assert between_module.decide(found, 1.0, DEFAULTS) == says


def test_taking_out_the_text_leaves_what_does_not_follow_it() -> None:
    rng = np.random.default_rng(0)
    text = Read(rng.normal(size=(4, 30, 5)), rng.normal(size=(50, 5)))
    weights, moved = rng.normal(size=(5, 7)), rng.normal(size=(4, 1, 7))
    model = Read(text.sentences @ weights + moved, text.probe @ weights)
    rest = sharing.less_text(model, text)
    assert rest.sentences == pytest.approx(np.broadcast_to(moved, rest.sentences.shape))
    assert rest.probe == pytest.approx(0, abs=1e-9)


def test_sentences_of_the_probe_tell_how_the_text_is_followed() -> None:
    """Within classes nothing varies here, so that the probe alone can."""
    rng = np.random.default_rng(0)
    text = Read(np.repeat(rng.normal(size=(4, 1, 5)), 6, axis=1), rng.normal(size=(50, 5)))
    weights = rng.normal(size=(5, 7))
    rest = sharing.less_text(Read(text.sentences @ weights, text.probe @ weights), text)
    assert rest.sentences == pytest.approx(0, abs=1e-9)


def test_both_tests_of_a_row_must_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    """p is the larger one of the topics' and of the emotions', turned where ratings are out."""
    said = {"p_of_topics": 0.2, "p_of_labels": 0.3, "p_of_rotations": 0.4}

    def found() -> dict[str, float]:
        for name, p in said.items():
            monkeypatch.setattr(between_module, name, lambda *_, p=p: p)
        rng = np.random.default_rng(0)
        rows = share(*models(rng, "shared"), DEFAULTS, 9, rng)
        return {row["stat"]: row["p"] for row in rows if "p" in row}

    assert found() == {"own": 0.3, "beyond_ratings": 0.4, "beyond_text": 0.3}
    said["p_of_topics"] = 0.5
    assert set(found().values()) == {0.5}
    said["p_of_topics"] = np.nan
    assert np.isnan(list(found().values())).all()


@pytest.mark.parametrize("writers", [None, [1, 0] * 6, [2, 2, 0, 1, 3, 0] * 2])
def test_halves_keep_their_sides(writers: list[int] | None) -> None:
    found = sharing.splits(12, 20, np.random.default_rng(0), writers)
    assert all(one.topics[0][0] and (one.topics[0] ^ one.topics[1]).all() for one in found)
    if writers is not None and len(set(writers)) == 2:
        assert all((one.topics[0] == found[0].topics[0]).all() for one in found)


@pytest.mark.parametrize("stat", ["own", "beyond_ratings", "distances"])
def test_a_habit_of_each_writer_is_shared_as_often_as_the_level(stat: str) -> None:
    """Both models are the same, and what each writer puts into an emotion is that writer's."""
    rng = np.random.default_rng(1)
    writers, runs, emotions = np.arange(12) % 2, 1500, 8
    near, rejected = np.stack([near_topics(12)] * emotions), 0
    labels = rng.normal(size=(emotions, 2))
    for _ in range(runs):
        halves = sharing.splits(12, 4, rng, writers)
        habit = rng.normal(size=(emotions, 2, 5))
        x = np.concatenate([habit[:, writers], np.zeros((1, 12, 5))])
        if stat == "distances":
            halved = Halved.of(Apart.of([x[:-1]], near), halves)
            orders = rng.permuted(np.tile(np.arange(emotions), (99, 1)), axis=1)
            p = p_of_orders(halved, halved, orders)
        else:
            read = Read(x, np.zeros((4, 5)))
            found = sharing.products(read, read, None, near, halves)
            if stat == "own":
                p = sharing.p_of_labels(found, 99, rng)
            else:
                p = sharing.p_of_rotations(found, labels, 99, rng)
        rejected += p <= 0.05
    assert binom.ppf(0.0001, runs, 0.05) <= rejected <= binom.ppf(0.9999, runs, 0.05)


@pytest.mark.parametrize("alike", [False, True], ids=["nothing in common", "models alike"])
def test_turned_emotions_hold_their_level_where_ratings_are_out(alike: bool) -> None:
    """Also where both models are alike and the halves are not, as with a habit of each writer."""
    rng = np.random.default_rng(6)
    rejected = 0
    for _ in range(600):
        ab, ba = rng.normal(size=(2, 8, 8))
        tables = sharing.Products(ab, ab if alike else ba, np.eye(8), np.eye(8))
        rejected += sharing.p_of_rotations(tables, rng.normal(size=(8, 2)), 99, rng) <= 0.05
    assert binom.ppf(0.0001, 600, 0.05) <= rejected <= binom.ppf(0.999, 600, 0.05)


def test_topics_that_disagree_show_nothing() -> None:
    def some(value: float) -> sharing.Products:
        return sharing.Products(*[value * np.eye(3)] * 4)

    assert sharing.p_of_topics(some(1), [some(1 + d) for d in (-0.01, 0.02, -0.01)]) < 0.01
    assert sharing.p_of_topics(some(1), [some(1 + d) for d in (-2, 1, 1)]) > 0.2
    assert np.isnan(sharing.p_of_topics(some(1), [some(1)] * 3))


@pytest.mark.parametrize("sparse", [False, True])
def test_products_leave_out_near_topics_and_same_halves(
    sparse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sparse:
        monkeypatch.setattr(clustered, "SMALL", 0)
        monkeypatch.setattr(clustered, "MANY", 0)
    rng = np.random.default_rng(1)
    a, b = (Read(rng.normal(size=(4, 10, 3)), rng.normal(size=(6, 3))) for _ in range(2))
    near = np.stack([near_topics(10, rng.integers(4, size=10)) for _ in range(3)])
    halves = sharing.splits(10, 6, rng)
    found = sharing.products(a, b, None, near, halves)
    x, y = (one.sentences[:-1] - one.sentences[:-1].mean(axis=0) for one in (a, b))
    plain = np.zeros((3, 3))
    for e, f in np.ndindex(3, 3):
        for half in halves:
            pairs = [
                x[e, i] @ y[f, j]
                for i in np.flatnonzero(half.topics[0])
                for j in np.flatnonzero(half.topics[1])
                if not (near[e] | near[f])[i, j]
            ]
            plain[e, f] += np.mean(pairs) / len(halves)
    assert found.ab == pytest.approx(plain)
    whole = sum(found.ab[e, e] + found.ba[e, e] for e in range(3)) / 2
    assert found.shared == pytest.approx(whole)


def test_halves_have_different_writers() -> None:
    rng = np.random.default_rng(2)
    labels = np.array(list("aabbccab"))
    for one in sharing.splits(8, 10, rng, labels):
        first, second = one.topics
        assert (first != second).all() and first.any() and second.any()
        assert not set(labels[first]) & set(labels[second])
    prompts = pd.DataFrame({"topic": list("xxyy"), "writer": list("aabb")})
    assert writers(prompts) == ["a", "b"]
    assert writers(prompts.assign(writer="a")) is None
    assert writers(prompts.assign(writer=list("abab"))) is None
    assert writers(prompts[["topic"]]) is None


def test_order_of_names_is_tested_exactly() -> None:
    rng = np.random.default_rng(3)
    tables = rng.normal(size=(2, 5, 5))
    found = sharing.Products(*tables, np.eye(5), np.eye(5))
    exact = []
    for table in (tables[0] + tables[1].T, tables[0] + tables[1]):
        sums = [sum(table[e, f] for e, f in enumerate(order)) for order in permutations(range(5))]
        exact.append(np.mean(np.array(sums) >= sums[0] - 1e-12))
    p = np.mean([sharing.p_of_labels(found, 600, np.random.default_rng(i)) for i in range(10)])
    assert p == pytest.approx(max(exact), abs=0.03)


def test_ratings_taken_out_leave_nothing_that_follows_them() -> None:
    rng = np.random.default_rng(4)
    ratings = rng.normal(size=(9, 2))
    kept = sharing.beyond(ratings)
    assert kept @ (ratings @ rng.normal(size=(2, 5)) + 3) == pytest.approx(0, abs=1e-9)
    assert np.trace(kept) == pytest.approx(9 - 3)


def test_left_out_prediction_is_that_of_refits() -> None:
    rng = np.random.default_rng(5)
    own, rating = rng.normal(size=(7, 20)), rng.normal(size=7)
    penalty = ((own - own.mean(axis=0)) ** 2).sum() / 7
    refitted = []
    for e in range(7):
        # ridge with a free mean: a column that is not shrunk
        rows, y = np.delete(own, e, 0), np.delete(rating, e)
        x = np.column_stack([np.ones(6), rows - own.mean(axis=0)])
        shrink = penalty * np.diag([0, *np.ones(20)])
        weights = np.linalg.solve(x.T @ x + shrink, x.T @ y)
        refitted.append(weights @ np.r_[1, own[e] - own.mean(axis=0)])
    assert left_out(own, rating) == pytest.approx(np.array(refitted))


@pytest.mark.parametrize("planted", [True, False])
def test_ratings_are_predicted_where_places_follow_them(planted: bool) -> None:
    p = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rating = rng.normal(size=12)
        own = rng.normal(size=(12, 30)) + planted * np.outer(rating, rng.normal(size=30))
        orders = rng.permuted(np.tile(rating, (199, 1)), axis=1)
        p.append(predict(own, rating, orders).row("valence", 0.05)["p"])
    assert (np.mean(p) < 0.02) if planted else (np.mean(np.array(p) < 0.05) < 0.25)


def test_smaller_errors_than_those_of_the_words_are_a_gain() -> None:
    rng = np.random.default_rng(7)
    rating = rng.normal(size=12)
    orders = rng.permuted(np.tile(rating, (99, 1)), axis=1)
    follows = rng.normal(size=(12, 30)) + 3 * np.outer(rating, rng.normal(size=30))
    model, words = (predict(own, rating, orders) for own in (follows, rng.normal(size=(12, 30))))
    flips = sign_flips(12, 999, rng)
    gain, p = model.over(words, flips)
    assert gain == pytest.approx((words.errors - model.errors).mean()) and gain > 0 and p < 0.05
    loss, q = words.over(model, flips)
    assert loss == pytest.approx(-gain) and q > 0.9


def test_features_of_a_text_are_few_orthogonal_and_the_same_again() -> None:
    rows = [
        {"topic": animal, "emotion": name, "text": f"the {animal} was {name}"}
        for name in ("glad", "cross")
        for animal in ("cat", "dog", "owl")
    ]
    counts = word_counts(
        pd.DataFrame(rows), ["glad", "cross"], ["the cat sat", "a dog was here", "marks !"]
    )
    found = text_features(counts, [counts], 12)
    assert found.sentences.shape == (2, 3, 3) and found.probe.shape == (3, 3)
    # no more than there are
    assert text_features(counts, [counts], 400).sentences.shape[2] < 9
    every = np.concatenate([found.sentences.reshape(-1, 3), found.probe])
    products = every.T @ every
    assert products == pytest.approx(np.diag(np.diag(products)), abs=1e-9)
    again = text_features(counts, [counts], 12)
    assert (again.sentences == found.sentences).all()
    marks = [row | {"text": "?!"} for row in rows]
    none = word_counts(pd.DataFrame(marks), ["glad", "cross"], ["..."])
    assert text_features(none, [], 12) is None  # and nothing is said of what lies beyond


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("emotion,warmth\njoy,1\n", "has none of the columns valence"),
        ("emotion,valence\njoy,1\njoy,2\n", "row 2, rates an emotion again"),
        ("emotion,valence\njoy,high\n", "row 1, has 'high' in the column valence"),
        ("valence\n1\n", "has no column 'emotion'"),
        ("", "cannot be read as a table"),
    ],
)
def test_ratings_that_cannot_be_used(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_ratings(path, ["joy"])


def test_ratings_are_those_of_the_emotions_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("emotion,arousal,valence\nfear,7,2\ncalm,,8\n")
    names, values = read_ratings(path, ["calm", "envy", "fear"])
    assert names == ["valence", "arousal"]
    np.testing.assert_equal(values, [[8, np.nan], [np.nan, np.nan], [2, 7]])
    assert read_ratings(None, ["calm"])[1].shape == (1, 0)


def test_only_valence_and_arousal_span_the_plane() -> None:
    ratings = np.arange(6.0).reshape(2, 3)
    assert in_plane(["valence", "arousal", "dominance"], ratings).tolist() == [[0, 1], [3, 4]]
    assert in_plane(["valence", "dominance"], ratings[:, :2]).tolist() == [[0], [3]]
    assert in_plane([], np.empty((2, 0))).shape == (2, 0)


def around(rng: np.random.Generator, kind: str) -> np.ndarray:
    """Own parts of eight emotions on a circle, or all at right angles and equally strong."""
    angle = np.arange(EMOTIONS) * 2 * np.pi / EMOTIONS
    places = np.eye(EMOTIONS, 30)
    if kind == "circle":
        places = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ np.eye(2, 30)
    noise = rng.normal(size=(EMOTIONS, TOPICS, 30))
    return own_parts(np.concatenate([3 * places[:, None] + noise, noise[:1]]))


@pytest.mark.parametrize("kind", ["circle", "no plane"])
def test_plane_of_emotions_is_found_where_there_is_one(kind: str) -> None:
    rng = np.random.default_rng(6)
    near = np.stack([near_topics(TOPICS)] * EMOTIONS)
    found = pd.DataFrame(
        [
            plane_row(around(rng, kind), near, sharing.splits(TOPICS, 0, rng), 399, 0.05, rng)
            for _ in range(20)
        ]
    )
    inside = (found.ci_low <= found.value) & (found.value <= found.ci_high)
    assert inside.all()
    if kind == "circle":
        assert found.value.between(0.9, 1.05).all() and (found.p < 0.05).all()
    else:  # two of seven axes that are alike
        assert abs(found.value.mean() - 2 / 7) < 0.05 and (found.p < 0.05).sum() <= 4
        assert (found.ci_low < 2 / 7).mean() >= 0.9


def test_leading_components_of_neutral_text_are_out() -> None:
    """Emotions that differ along the widest axis of the probe have nothing of their own left."""
    rng = np.random.default_rng(8)
    probe = rng.normal(size=(300, 6)) * [9, 1, 1, 1, 1, 1]
    places, neutral, left = rng.normal(size=(EMOTIONS, 1, 1)), np.zeros((1, TOPICS, 6)), []
    for axis in np.eye(6)[:2]:
        moved = np.broadcast_to(places * axis, (EMOTIONS, TOPICS, 6))
        left.append(np.abs(_trimmed("raw", np.concatenate([moved, neutral]), probe)).max())
    assert left[0] < 0.05 * left[1]


def test_arrows_point_to_where_ratings_rise() -> None:
    rng = np.random.default_rng(9)
    ratings = rng.normal(size=(EMOTIONS, 2))
    own = (ratings - ratings.mean(axis=0)) @ np.linalg.qr(rng.normal(size=(9, 9)))[0][:2]
    own = own[:, None] + 0.01 * rng.normal(size=(EMOTIONS, TOPICS, 9))
    near = np.stack([near_topics(TOPICS)] * EMOTIONS)
    rows = pd.DataFrame(plane(own, list("abcdefgh"), ratings, near, 0.05))
    ways = rows[rows.source.notna()].pivot(index="source", columns="stat", values="value")
    # emotions lie where they are rated, so that the right is pleasant and the top aroused
    at = rows[rows.source.isna()].pivot(index="emotion", columns="stat", values="value")
    for number, (rating, stat) in enumerate((("valence", "first"), ("arousal", "second"))):
        assert np.corrcoef(at[stat], ratings[:, number])[0, 1] > 0.9
        assert ways.loc[rating, stat] > 0.8
        along = at.to_numpy() @ ways.loc[rating, ["first", "second"]].to_numpy(float)
        assert np.corrcoef(along, ratings[:, number])[0, 1] > 0.99
    assert np.allclose((ways**2).sum(axis=1), 1)


def test_leading_axes_hold_the_share_asked_for() -> None:
    rows = np.random.default_rng(7).normal(size=(400, 5)) * [4, 2, 1, 0.5, 0.1] + 7
    axes = leading_axes(rows, 0.5)
    assert axes.shape == (1, 5) and abs(axes[0, 0]) > 0.99  # 16 of 21.3
    assert leading_axes(rows, 0.9).shape == (2, 5)
    assert np.allclose(axes @ axes.T, np.eye(1))
    assert not len(leading_axes(np.ones((4, 3)), 0.5)) and not len(leading_axes(rows[:0], 0.5))


def no_probe(file: h5py.File) -> None:
    del file["probe"]


def constant(file: h5py.File) -> None:
    file["residual/last"][...] = file["probe/residual/last"][...] = 1


def constant_probe(file: h5py.File) -> None:
    file["probe/residual/last"][...] = 1


@pytest.mark.parametrize("change", [no_probe, constant, constant_probe])
def test_models_without_common_axes_have_places_of_their_own_alone(
    change: Callable, tmp_path: Path
) -> None:
    config = check(designs.write_design(tmp_path, emotions=6, models=2, topics=4))
    for name in ("m0", "m1"):
        with h5py.File(tmp_path / f"{name}.h5", "a") as file:
            change(file)
    classes = [*designs.names(6), "neutral"]
    prompts = read_prompts(tmp_path / "prompts.csv", classes[:-1], "neutral")
    probe = read_probe(tmp_path / "probe.csv")
    given = (prompts, probe, classes, None, config["statistics"], 1)
    paths = tuple(adopted(tmp_path, config, name, prompts, probe) for name in ("m0", "m1"))
    within = pd.concat(
        [geometry_of(path, name, *given) for path, name in zip(paths, ("m0", "m1"), strict=True)]
    )
    assert (within.stat == "reliable").sum() >= 2
    between = geometry_between(paths, ("m0", "m1"), *given)
    verdicts = pd.DataFrame({"model_a": ["m0"], "model_b": ["m1"], "matched": [np.nan]})
    judged = judge_geometry(between, within, verdicts, DEFAULTS)
    assert judged.empty and not place_facts(judged, ["m0", "m1"])
    for figure in (
        figures.places(within, ["m0", "m1"], 0.05), figures.shared(judged, 0.05),
        figures.distances(within, ["m0", "m1"], 0.05), figures.distances_between(judged, 0.05),
    ):  # fmt: skip
        figure.canvas.draw()
        plt.close(figure)


def test_many_emotions_come_with_their_geometry(tmp_path: Path) -> None:
    """From files of activations to tables, pictures and facts."""
    config = check(designs.write_design(tmp_path, emotions=8, models=2, topics=12))
    ratings = pd.DataFrame({"emotion": designs.names(8), "valence": np.arange(8.0), "arousal": 1.5})
    ratings.to_csv(tmp_path / "ratings.csv", index=False)
    classes = [*designs.names(8), "neutral"]
    prompts = read_prompts(tmp_path / "prompts.csv", classes[:-1], "neutral")
    probe = read_probe(tmp_path / "probe.csv")
    given = (prompts, probe, classes, tmp_path / "ratings.csv", config["statistics"], 1)
    paths = tuple(adopted(tmp_path, config, name, prompts, probe) for name in ("m0", "m1"))
    within = pd.concat(
        [geometry_of(path, name, *given) for path, name in zip(paths, ("m0", "m1"), strict=True)]
    )
    # in arousal all are rated alike, which leaves nothing to predict
    of_distances = {"distance", "distance_reliability", "order"}
    assert set(within.stat) == {"reliable", "first", "second", "plane", "valence", *of_distances}
    assert set(within.source[within.stat == "valence"]) >= {"model", "trimmed", "words"}
    assert (within[within.stat == "distance"].groupby(["model", "depth"]).size() == 28).all()
    order = within[(within.stat == "order") & (within.model == "m0")].sort_values("value")
    assert sorted(order.emotion) == sorted(designs.names(8)) and order.value.tolist() == [*range(8)]
    between = geometry_between(paths, ("m0", "m1"), *given)
    verdicts = pd.DataFrame({"model_a": ["m0"], "model_b": ["m1"], "matched": [0.9]})
    judged = judge_geometry(between, within, verdicts, DEFAULTS)
    of_all = judged[judged.emotion.isna()]
    assert judged.verdict.notna().sum() == 1 and of_all.n_emotions.eq(8).all()
    halves = judged[judged.emotion.notna()]
    assert halves.stat.value_counts().to_dict() == {"half_a": 28, "half_b": 28}
    assert (
        halves.p_adjusted.isna().all()
        and of_all.p_adjusted[of_all.stat == "distances"].notna().all()
    )
    for figure in (
        figures.places(within, ["m0", "m1"], 0.05), figures.shared(judged, 0.05),
        figures.distances(within, ["m0", "m1"], 0.05), figures.distances_between(judged, 0.05),
    ):  # fmt: skip
        figure.canvas.draw()
        plt.close(figure)
    [alike] = distance_facts(judged, ["m0", "m1"])
    assert alike["pair"] == ("m0", "m1") and alike["p"] <= 1
    [fact] = place_facts(judged, ["m0", "m1"])
    assert set(fact) >= {"pair", "verdict", "own", "beyond_text", "share_beyond_text"}
    assert [one["model"] for one in plane_facts(within, ["m0", "m1"])] == ["m0", "m1"]
    told = rating_facts(within, ["m0", "m1"])
    assert [(one["model"], one["of"]) for one in told] == [("m0", 8), ("m1", 8)]
