"""Held-out decoding against plain loops, planted answers, and the leaks it must not have."""

import numpy as np
import pytest
import worlds
from emovec.audit.text_baseline import nuisances, text_baseline
from emovec.between_models.maps import decompose
from emovec.between_models.pair import spectral_directions
from emovec.decoding import held_out
from emovec.statistics import auroc, folds, metrics, resampling
from scipy import stats
from sklearn.metrics import roc_auc_score


def signs(n_topics, draws=199, seed=0):
    return resampling.sign_flips(n_topics, draws, np.random.default_rng(seed))


def random_folds(n_topics, n_folds=5, seed=0):
    return folds.topic_folds(n_topics, n_folds, np.random.default_rng(seed))


# AUROC


def test_auroc_is_that_of_scikit_learn_with_and_without_ties():
    rng = np.random.default_rng(0)
    scores = np.vstack([rng.standard_normal((20, 15)), rng.integers(4, size=(20, 15))])
    labels = rng.permuted(np.tile([1] * 6 + [-1] * 9, (40, 1)), axis=1)
    expected = [roc_auc_score(y, s) for y, s in zip(labels, scores, strict=True)]
    assert auroc.auroc(scores, labels) == pytest.approx(expected)
    assert auroc.auroc(-scores, labels) == pytest.approx(1 - np.array(expected))


def test_auroc_leaves_out_labels_of_zero():
    rng = np.random.default_rng(0)
    for scores in (rng.standard_normal(12), rng.integers(3, size=12)):
        labels = np.array([1, -1, 0] * 4)
        kept = labels != 0
        expected = roc_auc_score(labels[kept], scores[kept])
        assert auroc.auroc(scores, labels) == pytest.approx(expected)


def test_auroc_of_constant_scores_is_one_half_and_of_one_class_undefined():
    assert auroc.auroc(np.ones(6), [1, 1, 1, -1, -1, -1]) == 0.5
    assert np.isnan(auroc.auroc(np.arange(3), [1, 1, 0]))


def test_rounding_errors_are_ties():
    scores = np.repeat([0.1, 0.3], 4) + np.tile([0, 1e-16], 4)
    assert auroc.auroc(scores, np.tile([-1, 1], 4)) == 0.5


def test_zeros_of_either_sign_are_ties():
    assert auroc.auroc([0.0, -0.0, 0.0, -0.0], [1, 1, -1, -1]) == 0.5


# Folds


def test_topic_folds_hold_every_sentence_out_once():
    made = random_folds(23)
    assert (made.test.sum(axis=0) == 1).all()
    assert (made.train == ~made.test[:, 0]).all() and (made.test[:, 0] == made.test[:, 1]).all()
    assert set(made.test[:, 0].sum(axis=1)) == {4, 5}
    assert len(random_folds(9).train) == 4  # two topics at least in each


@pytest.mark.parametrize("neutral", [True, False])
@pytest.mark.parametrize("seed", worlds.seeds(1, 2))
def test_no_phrase_and_no_topic_of_a_test_sentence_is_seen_in_training(seed, neutral):
    rng = np.random.default_rng(seed)
    names = np.array([f"p{i}" for i in range(12)])
    one = names[rng.integers(12, size=60)].tolist()
    other = [None] * 60 if neutral else names[rng.integers(6, 12, size=60)].tolist()
    one[:12], other[:6] = names.tolist(), [None] * 6 if neutral else names[6:].tolist()
    made = folds.phrase_folds([one, other], 5)
    assert (made.test.sum(axis=0) == 1).all()
    for train, test in zip(made.train, made.test, strict=True):
        assert train.any() and test[0].any() and not (train & test).any()
        seen = {row[i] for row in (one, other) for i in np.flatnonzero(train)} - {None}
        held = {
            row[i] for row, out in zip((one, other), test, strict=True) for i in np.flatnonzero(out)
        }
        assert not seen & held
    if neutral:  # no phrase of its own: it stays with its topic
        assert (made.test[:, 0] == made.test[:, 1]).all()
    sizes = made.test[:, 0].sum(axis=1)
    assert sizes.max() - sizes.min() <= max(one.count(name) for name in names)


def test_phrase_folds_are_no_more_than_phrases_and_none_without_two():
    made = folds.phrase_folds([["thanks", "cheers"] * 10, [None] * 20], 5)
    assert (made.test.sum(axis=(1, 2)) == 20).all() and len(made.train) == 2
    assert folds.phrase_folds([["thanks", "cheers"] * 10, ["mad"] * 20], 5) is None
    assert folds.phrase_folds([[""] * 10, [float("nan")] * 10], 5) is None


# Decoding


def plain(positive, negative, made, kept=None, differences=None):
    """The fold average with every direction fitted anew, one sentence at a time."""
    kept = np.ones(len(positive), dtype=bool) if kept is None else kept
    differences = positive - negative if differences is None else differences
    values = []
    for train, test in zip(made.train, made.test, strict=True):
        v = differences[train & kept].mean(axis=0)
        one = [positive[i] @ v for i in np.flatnonzero(test[0] & kept)]
        two = [negative[i] @ v for i in np.flatnonzero(test[1] & kept)]
        values.append(roc_auc_score([1] * len(one) + [0] * len(two), one + two))
    return np.mean(values)


@pytest.mark.parametrize("split", ["topic", "phrase"])
def test_decoding_is_the_plain_loop_for_the_value_the_null_and_the_jackknife(split):
    rng = np.random.default_rng(0)
    n = 24
    positive = rng.standard_normal((n, 6)) + 0.5
    negative = rng.standard_normal((n, 6))
    made = random_folds(n, 4)
    if split == "phrase":
        made = folds.phrase_folds([list("abcdef") * 4, list("uvwxyzuvwxyzuuvvwwxxyyzz")], 4)
    flips = signs(n, 20)
    found = held_out.decode(positive, negative, made, flips)
    assert found.auroc == pytest.approx(plain(positive, negative, made))
    assert found.n_test == 2 * n
    if split == "topic":  # else a swap moves a sentence to another fold's phrase
        for draw in range(20):
            swap = (flips[draw] == -1)[:, None]
            swapped = np.where(swap, negative, positive), np.where(swap, positive, negative)
            assert found.null[draw] == pytest.approx(plain(*swapped, made))
    loo = [plain(positive, negative, made, np.arange(n) != i) for i in range(n)]
    low, high = resampling.jackknife_interval(found.auroc, np.array(loo))
    assert [found.ci_low, found.ci_high] == pytest.approx([max(low, 0), min(high, 1)])
    assert found.p == resampling.p_value(found.auroc, found.null)


def test_a_signal_is_decoded_from_neutral_and_between_emotions():
    rng = np.random.default_rng(0)
    world = worlds.paired(rng, n=60, d=64, s=0.3, cos=0.0)
    for other in (3, 1):
        found = held_out.decode(world.x[0], world.x[other], random_folds(60), signs(60))
        assert found.auroc > 0.9 and found.p == 1 / 200
        assert found.ci_low < found.auroc <= found.ci_high
        assert found.null_low < 0.5 < found.null_high < found.auroc


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_without_signal_held_out_decoding_is_at_chance_and_p_uniform(seed):
    """In the training sentences themselves, it would be perfect."""
    rng = np.random.default_rng(seed)
    values, p, covered = [], [], 0
    runs = 500
    for _ in range(runs):
        x = rng.standard_normal((2, 20, 60)) + rng.standard_normal((1, 20, 60))
        made = folds.topic_folds(20, 4, rng)
        found = held_out.decode(*x, made, resampling.sign_flips(20, 99, rng))
        values.append(found.auroc)
        p.append(found.p)
        covered += found.ci_low <= 0.5 <= found.ci_high
    x = rng.standard_normal((2, 20, 2000))
    inside = x @ (x[0] - x[1]).mean(axis=0)
    assert auroc.auroc(inside.ravel(), np.repeat([1, -1], 20)) == 1
    assert abs(np.mean(values) - 0.5) < 5 * np.std(values) / np.sqrt(runs)
    assert stats.kstest(p, "uniform").pvalue > 1e-5
    assert np.sum(np.array(p) <= 0.05) <= stats.binom.ppf(1 - 1e-5, runs, 0.05)
    assert covered >= stats.binom.ppf(1e-5, runs, 0.93)


def test_words_that_are_learnt_by_heart_do_not_survive_the_split_by_phrase():
    """Each phrase has a direction of its own, and no emotion is shared by all."""
    rng = np.random.default_rng(0)
    n, d, phrases = 120, 400, 10
    phrase = rng.integers(phrases, size=n)
    own = 12 * np.linalg.qr(rng.standard_normal((d, phrases)))[0].T
    x = rng.standard_normal((2, n, d))
    x[0] += own[phrase]
    labels = [[f"p{one}" for one in phrase], [None] * n]
    by_topic = held_out.decode(*x, random_folds(n), signs(n))
    by_phrase = held_out.decode(*x, folds.phrase_folds(labels, 5), signs(n))
    assert by_topic.auroc > 0.9
    assert by_phrase.auroc < 0.65


def test_equal_sentences_are_at_chance_and_not_significant():
    x = np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
    for pair in ((x, x), (np.ones((20, 8)) / 3, np.ones((20, 8)) / 3)):
        found = held_out.decode(*pair, random_folds(20, 4), signs(20))
        assert (found.auroc, found.p) == (0.5, 1)


def test_a_perfect_score_still_has_an_interval():
    x = np.random.default_rng(0).standard_normal((30, 4))
    found = held_out.decode(x + 50, x, random_folds(30), signs(30))
    assert found.auroc == 1 and found.ci_high == 1
    assert found.ci_low == pytest.approx(0.025 ** (1 / 30))
    found = held_out.decode(x, x, random_folds(30), signs(30))
    assert np.isnan([found.ci_low, found.ci_high]).all()


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_gain_over_what_is_equally_good_is_found_no_more_often_than_the_level(seed):
    rng = np.random.default_rng(seed)
    runs, n, p, covered = 400, 40, [], 0
    flips = signs(n, 1)
    for _ in range(runs):
        topic = rng.standard_normal((1, n, 12))  # what makes a topic hard is shared
        x, y = (rng.standard_normal((2, n, 12)) + topic for _ in range(2))
        x[0, :, 0] += 1.5
        y[0, :, 1] += 1.5
        made = folds.topic_folds(n, 4, rng)
        one, other = (held_out.decode(*z, made, flips) for z in (x, y))
        value, low, high, one_sided = one.over(other)
        assert low <= value <= high
        covered += low <= 0 <= high
        p.append(one_sided)
    assert np.sum(np.array(p) <= 0.05) <= stats.binom.ppf(1 - 1e-5, runs, 0.05)
    assert covered >= stats.binom.ppf(1e-5, runs, 0.95)


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_gain_over_words_that_are_as_good_is_found_no_more_often_than_the_level(seed):
    """As good as they are on average: the mean gain is taken as 0."""
    rng = np.random.default_rng(seed)
    runs, n, found = 120, 40, []
    flips = signs(n, 1)
    for _ in range(runs):
        words = rng.integers(20, size=(2, n, 6)) + 20 * (rng.random((2, n, 6)) < 0.5)
        words[0] %= np.where(rng.random((n, 6)) < 0.35, 20, 40)
        texts = [[" ".join(f"w{word}" for word in row) for row in rows] for rows in words]
        x = rng.standard_normal((2, n, 12)) + rng.standard_normal((1, n, 12))
        x[0, :, 0] += 0.4 * (words[0] < 20).sum(axis=1)  # the stream reads the words too
        made = folds.topic_folds(n, 4, rng)
        told = text_baseline("bag_of_words", list(map(alone, texts)), made)
        found.append(held_out.decode(*x, made, flips).over(told, alpha=0.1)[:3])
    value, low, high = np.transpose(found)
    for missed in (low > value.mean(), high < value.mean()):
        assert missed.sum() <= stats.binom.ppf(1 - 1e-4, runs, 0.05)


def test_gain_is_undefined_over_ties_and_has_no_p_where_no_topic_matters():
    perfect, tied = auroc.HeldOut(1.0, np.ones(30)), auroc.HeldOut(0.5, np.full(30, 0.5))
    assert np.isnan(perfect.over(tied)).all() and np.isnan(tied.over(perfect)).all()
    value, low, high, p = perfect.over(perfect)
    assert (value, low, high) == pytest.approx((0, -(1 - 0.025 ** (1 / 30)), 1 - 0.025 ** (1 / 30)))
    assert np.isnan(p)


def test_depths_share_their_flips_and_can_be_mapped():
    rng = np.random.default_rng(0)
    world = worlds.rogue(rng, n=40, d=32, s=0.5, offset=0.0, deviation=100.0)
    residual = np.stack([0 * world.x, world.x, 10 * world.x], axis=2)
    probe = np.stack([world.probe, world.probe, 10 * world.probe], axis=1)
    made, flips = random_folds(40), signs(40)
    raw = held_out.decode_depths(residual, 0, 3, made, flips)
    mapped = [metrics.fit("lda", probe[:, d]).apply(residual[[0, 3], :, d]) for d in range(3)]
    lda = [held_out.decode(*pair, made, flips) for pair in mapped]
    assert raw[0].auroc == lda[0].auroc == 0.5
    assert raw[1].auroc == pytest.approx(raw[2].auroc)
    assert (raw[1].null == raw[2].null).mean() > 0.9  # but for ties in float32
    assert lda[1].auroc > 0.9 > 0.75 > raw[1].auroc  # Fisher's direction avoids the rogue dimension
    adjusted = resampling.max_t(
        [one.auroc for one in lda], np.stack([one.null for one in lda], axis=1)
    )
    assert adjusted[0] == 1 and adjusted[1] == 1 / 200


# An emotion among others, where no class is neutral


def test_among_two_classes_is_the_pair():
    rng = np.random.default_rng(0)
    x, made, flips = rng.standard_normal((2, 20, 6)), random_folds(20, 4), signs(20)
    found = held_out.decode_among(x, made, np.where(flips > 0, 0, 1))
    pair = held_out.decode(*x, made, flips)
    assert found.auroc == pair.auroc and (found.null == pair.null).all()
    assert (found.left_out == pair.left_out).all() and found.p == pair.p


def test_one_of_several_is_scored_against_each_of_the_others_along_its_own_part():
    rng = np.random.default_rng(0)
    x, made = rng.standard_normal((4, 20, 6)), random_folds(20, 4)
    x[0, :, 0] += 1.0
    chosen = rng.integers(4, size=(99, 20))
    found = held_out.decode_among(x, made.among(4), chosen)
    own = x[0] - x.mean(axis=0)
    each = [held_out.carry_over(own, x[[0, other]], made) for other in (1, 2, 3)]
    assert found.auroc == pytest.approx(np.mean([one.auroc for one in each]))
    expected = np.mean([one.left_out for one in each], axis=0)
    np.testing.assert_allclose(found.left_out, expected, rtol=1e-9)
    assert found.p == 0.01 and found.n_test == 80


def test_one_of_several_alike_is_found_as_often_as_the_level():
    rng = np.random.default_rng(1)
    runs, n = 200, 16
    p = []
    for _ in range(runs):
        x = rng.exponential(size=(3, n, 5)) + rng.standard_normal((1, n, 5))  # skewed
        chosen = rng.integers(3, size=(59, n))
        p.append(held_out.decode_among(x, random_folds(n, 4).among(3), chosen).p)
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], runs, 0.1)
    assert low <= (np.array(p) <= 0.1).sum() <= high


# Along directions of another model


@pytest.mark.parametrize("seed", worlds.seeds(1))
def test_carried_directions_are_refitted_without_the_topics_they_score(seed):
    rng = np.random.default_rng(seed)
    differences, positive = rng.standard_normal((2, 20, 6)) + 0.4
    negative = rng.standard_normal((20, 6))
    made = random_folds(20, 4)
    found = held_out.carry_over(differences, [positive, negative], made)
    assert found.auroc == pytest.approx(plain(positive, negative, made, None, differences))
    expected = [plain(positive, negative, made, np.arange(20) != i, differences) for i in range(20)]
    np.testing.assert_allclose(found.left_out, expected, rtol=1e-9)
    opposed = held_out.carry_over(-differences, [positive, negative], made)
    assert opposed.auroc == pytest.approx(1.0 - found.auroc)
    assert held_out.carry_over(0.0 * differences, [positive, negative], made).auroc == 0.5


@pytest.mark.parametrize("by_phrase", [False, True])
def test_scores_are_the_same_through_products_of_topics_and_through_dimensions(by_phrase):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 60, 4))
    made = random_folds(60)
    if by_phrase:  # topics that are kept from training in several folds
        made = folds.phrase_folds(rng.integers(9, size=(2, 60)).astype(str).tolist(), 5)
    wide = np.pad(x, ((0, 0), (0, 0), (0, 400)))  # so many dimensions that products are cheaper
    chosen = rng.integers(3, size=(600, 60))
    for found in (
        [held_out.decode(*one[:2], made, signs(60, 600)) for one in (x, wide)],
        [held_out.decode_among(one, made.among(3), chosen) for one in (x, wide)],
    ):
        np.testing.assert_allclose(found[0].null, found[1].null, rtol=1e-9)
        np.testing.assert_allclose(found[0].left_out, found[1].left_out, rtol=1e-9)


def test_random_directions_are_scored_as_the_mapped_one_is():
    rng = np.random.default_rng(0)
    positive, negative = rng.standard_normal((2, 15, 4))
    made = random_folds(15, 3)
    v = rng.standard_normal((2, 4))
    found = held_out.along_fixed(v, np.stack([positive, negative]), made)
    for value, direction in zip(found, v, strict=True):
        expected = held_out.carry_over(np.tile(direction, (15, 1)), [positive, negative], made)
        assert value == pytest.approx(expected.auroc)


def test_spectral_directions_have_the_covariance_of_the_rows():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3)) * [3.0, 1.0, 0.2]
    drawn = spectral_directions(decompose(x), 40_000, rng)
    expected = np.cov(x.T) * 49
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.03 * expected.max())


# Baselines from the text


def alone(texts):
    """Each text in a cell of its own."""
    return [[text] for text in texts]


def baseline(sees, positive, negative):
    found = text_baseline(sees, [alone(positive), alone(negative)], random_folds(len(positive)))
    return found.auroc, *found.interval()


def test_bag_of_words_finds_a_word_and_nothing_else():
    rng = np.random.default_rng(0)
    text = worlds.texts(rng, 40, {"a": "thanks", "b": "kettle"})
    value, low, high = baseline("bag_of_words", text["a"], text["b"])
    assert value == 1 and low < 1 and high == 1
    text = worlds.texts(rng, 60, {"a": "house", "b": "house"})
    value, low, high = baseline("bag_of_words", text["a"], text["b"])
    assert 0.2 < value < 0.8 and low < value < high
    assert baseline("bag_of_words", ["!"] * 20, ["?"] * 20)[0] == 0.5  # no word at all


def test_bag_of_words_knows_a_word_only_if_training_has_it():
    rng = np.random.default_rng(0)
    text = worlds.texts(rng, 40, {"a": "x", "b": "zebra"})
    phrases = [f"word{i % 8}" for i in range(40)]
    positive = [one.replace("x.", f"{word}.") for one, word in zip(text["a"], phrases, strict=True)]
    made = folds.phrase_folds([phrases, [None] * 40], 4)
    negative = [one.replace("zebra", f"other{i}") for i, one in enumerate(text["b"])]
    cells = alone(positive), alone(negative)
    assert text_baseline("bag_of_words", cells, made).auroc < 0.85
    assert text_baseline("bag_of_words", cells, random_folds(40, 4)).auroc > 0.9


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1] + "!",
        lambda text: "Oh " + text,
        lambda text: text.replace(" ", ", ", 2),
        lambda text: text + " and much more of it all than anybody would want to read.",
    ],
    ids=["final character", "first word", "commas", "length"],
)
def test_nuisances_find_the_form_and_not_the_word(change):
    text = worlds.texts(np.random.default_rng(0), 40, {"a": "paper", "b": "pages"})
    assert baseline("nuisance", [change(one) for one in text["a"]], text["b"])[0] == 1
    value, low, high = baseline("nuisance", text["a"], text["b"])
    assert 0.2 < value < 0.8 and low < value < high


def test_nuisances_of_a_sentence():
    assert nuisances("Well, thank you, neighbour! ") == {
        "characters": 28.0,
        "words": 4.0,
        "commas": 2.0,
        "first word": "well",
        "final character": "!",
    }
    assert nuisances("")["first word"] == ""
