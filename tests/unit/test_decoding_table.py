"""The decoding table of one model: planted directions are found, absent ones are not."""

import numpy as np
import pandas as pd
import pytest
from emovec.activations.streams import Streams
from emovec.decoding import table as tables
from emovec.decoding.held_out import decode_depths
from emovec.decoding.table import beside_untrained, decode_model, decode_texts
from emovec.io.tables import typed
from emovec.prompts.splits import splits
from emovec.statistics.resampling import sign_flips

CLASSES = ["joy", "fear", "neutral"]
TOPICS = 40


def prompts() -> pd.DataFrame:
    words = {"joy": ["glad", "merry", "gay", "blithe"], "fear": ["afraid", "scared", "timid"]}
    rows = []
    for topic in range(TOPICS):
        for name in CLASSES:
            phrase = words[name][topic % len(words[name])] if name in words else ""
            text = f"We saw {phrase or 'some'} people near house {topic}."
            rows.append({"topic": str(topic), "emotion": name, "phrase": phrase, "text": text})
    return pd.DataFrame(rows)


def decoded(
    residual: np.ndarray, probe: np.ndarray | None = None, **changes: object
) -> pd.DataFrame:
    settings = {
        "position": "last", "relative_depths": [0.5, 1.0], "n_folds": 4, "draws": 199,
        "alpha": 0.05, "rng": np.random.default_rng(0),
    }  # fmt: skip
    probe = np.empty((0, 3, residual.shape[-1])) if probe is None else probe
    streams = Streams("m", residual, probe, 2)
    return decode_model(streams, prompts(), CLASSES, **settings | changes)


def test_planted_direction_is_found_at_its_depth_alone() -> None:
    rng = np.random.default_rng(1)
    residual = rng.normal(size=(3, TOPICS, 3, 20))
    residual[0, :, 2, 0] += 4  # joy, at the last depth
    table = decoded(residual).set_index(["contrast", "split", "depth_test"])
    for split in ("topic", "phrase"):
        for contrast in ("joy", "joy-fear"):
            found = table.loc[(contrast, split, 2)]
            assert found.auroc > 0.95 and found.p_adjusted == 0.005
            assert found.ci_low > found.null_high
        assert table.loc[("joy", split, 1)].p_adjusted > 0.05
        assert table.loc[("fear", split, 2)].p_adjusted > 0.05


def test_many_contrasts_share_their_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pairs share changes their null, and nothing that has none."""
    residual = np.random.default_rng(3).normal(size=(3, TOPICS, 3, 5))
    all_draws = decoded(residual, draws=999)
    monkeypatch.setitem(tables.MOST_DRAWS, "pairs", 250)
    some = decoded(residual, draws=999)
    nulls = ["null_low", "null_high", "p", "p_adjusted"]
    pairs = some.contrast == "joy-fear"
    pd.testing.assert_frame_equal(some[~pairs], all_draws[~pairs])
    pd.testing.assert_frame_equal(some.drop(columns=nulls), all_draws.drop(columns=nulls))
    ranks = some.p[pairs & (some.depth_test > 0)] * 251
    assert np.allclose(ranks, ranks.round())


def test_rows_are_those_of_the_contract() -> None:
    table = decoded(np.random.default_rng(2).normal(size=(3, TOPICS, 3, 5)), direction="untrained")
    assert set(table.contrast) == {"joy", "fear", "joy-fear"}
    assert set(table.split) == {"topic", "phrase"}
    assert len(table) == 3 * 2 * (2 + 1)
    assert set(table.direction[table.depth_test > 0]) == {"untrained"}
    assert set(table.direction[table.depth_test == 0]) == {"depth0"}
    assert (table.train_model == "m").all() and (table.position == "last").all()
    assert set(table.metric) == {"raw"}  # there is no probe


def rogue() -> tuple[np.ndarray, np.ndarray]:
    """Joy drowned by one dimension at the last two depths; depth 0 constant but for rounding."""
    rng = np.random.default_rng(3)
    residual, probe = rng.normal(size=(3, TOPICS, 3, 20)), rng.normal(size=(200, 3, 20))
    residual[0, :, 1:, 0] += 3
    for x in (residual, probe):
        x[..., 7] *= 200
        x[..., 0, :] = np.arange(1, 21) + 1e-9 * x[..., 0, :]
    return residual, probe


def test_what_a_rogue_dimension_hides_is_decoded_in_the_whitened_metric() -> None:
    table = decoded(*rogue()).set_index(["contrast", "split", "metric", "depth_test"]).sort_index()
    for split in ("topic", "phrase"):
        whitened, raw = (table.loc[("joy", split, name, 2)] for name in ("lda", "raw"))
        assert whitened.auroc > 0.95 and whitened.p_adjusted == 0.005
        assert raw.auroc < 0.7 and raw.p_adjusted > 0.05


def test_rows_in_the_raw_metric_are_the_same_with_and_without_a_probe() -> None:
    residual, probe = rogue()
    table = decoded(residual, probe)
    raw = table[table.metric == "raw"].reset_index(drop=True)
    pd.testing.assert_frame_equal(raw, decoded(residual))
    rng = np.random.default_rng(0)
    flips = sign_flips(TOPICS, 199, rng)
    made = splits(prompts(), ("joy", "neutral"), 4, rng)["topic"]
    first, second = decode_depths(residual[:, :, 1:], 0, 2, made, flips)
    names = ["auroc", "ci_low", "ci_high", "null_low", "null_high", "p"]
    for row, found in zip(raw[names].to_numpy(), (first, second), strict=False):
        assert row.tolist() == [getattr(found, name) for name in names]


def test_a_constant_depth_0_is_not_informative() -> None:
    table = decoded(*rogue())
    start = table[table.direction == "depth0"]
    assert (start.flag == "not_informative").all() and (start.auroc == 0.5).all()
    assert table.over_depth0.isna().all() and table.over_depth0_p.isna().all()
    varied = decoded(np.random.default_rng(2).normal(size=(3, TOPICS, 3, 5)))
    assert not (varied.flag == "not_informative").any()
    assert varied.over_depth0[varied.direction == "native"].notna().all()


def test_gain_over_the_words_and_the_tokens_has_its_sign() -> None:
    """Joy has four words, which the topic split meets in training and the phrase split does not."""
    residual = np.random.default_rng(4).normal(size=(3, TOPICS, 3, 20))
    residual[0, :, 2, 0] += 4
    table = decoded(residual).set_index(["contrast", "split", "depth_test"])
    above, below = table.loc[("joy", "topic", 2)], table.loc[("joy", "topic", 1)]
    assert above.over_depth0_low > 0 and above.over_depth0_p < 0.05
    assert below.over_words_high < 0 and below.over_words_p > 0.95
    assert above.over_words == pytest.approx(above.auroc - 1)


def test_gain_over_untrained_models_is_over_the_best_of_them() -> None:
    shared = {"contrast": "joy", "position": "last", "split": "topic", "n_test": 80}
    rows = [
        ("m", "native", "lda", 0.9, 0.03), ("m", "native", "raw", 0.7, 0.03),
        ("m", "depth0", "lda", 0.6, 0.04), ("u", "untrained", "lda", 0.7, 0.04),
        ("v", "untrained", "lda", 0.8, 0.04), ("u@shuffled", "untrained", "lda", 0.85, 0.04),
        ("u", "untrained", "raw", 0.9, 0.04),
    ]  # fmt: skip
    names = ("test_model", "direction", "metric", "auroc", "se")
    made = [shared | dict(zip(names, row, strict=True)) for row in rows]
    found = beside_untrained(typed(made, "decoding"), ["u", "v"], 0.05)
    np.testing.assert_allclose(found.over_untrained, [0.1, -0.2, *[np.nan] * 5])
    reach = 2.0227 * 0.05  # Student's t, 39 degrees; variances add
    assert found.over_untrained_low[0] == pytest.approx(0.1 - reach, abs=1e-4)
    assert found.over_untrained_p[0] == pytest.approx(0.0263, abs=1e-4)
    assert beside_untrained(typed(made, "decoding"), [], 0.05).over_untrained.isna().all()


def test_without_phrases_there_is_no_such_split() -> None:
    table = prompts().drop(columns="phrase")
    assert set(splits(table, ("joy", "neutral"), 5, np.random.default_rng(0))) == {"topic"}


def test_words_tell_the_classes_apart_and_form_does_not() -> None:
    table = decode_texts(
        prompts(), ["joy", "fear"], "neutral", n_folds=4, alpha=0.05, rng=np.random.default_rng(0)
    ).set_index(["direction", "contrast", "split"])
    assert table.loc[("bag_of_words", "joy", "topic")].auroc == pytest.approx(1)
    assert table.loc[("bag_of_words", "joy", "phrase")].n_test == 2 * TOPICS
    # words that were never met leave all scores equal: nothing was measured, hence no interval
    unmet = table.loc[("bag_of_words", "joy-fear", "phrase")]
    assert unmet.auroc == 0.5 and np.isnan(unmet.ci_low)
    measured = table[table.ci_low.notna()]
    assert (measured.ci_low <= measured.auroc).all()
    assert (measured.auroc <= measured.ci_high).all()
