"""Other number formats: what they do to weights and streams, and how far numbers move."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import worlds_cross
from emovec.activations.streams import Streams
from emovec.between_models.claims import claim
from emovec.between_models.thresholds import Thresholds
from emovec.figures.multiverse import choices_within
from emovec.io.tables import typed
from emovec.models.depths import nearest_depth
from emovec.models.precisions import PRECISIONS
from emovec.report.precision import precision_facts, precision_lines
from emovec.robustness.multiverse_within import vary_choices
from emovec.robustness.precision_between import aligned, precision_between
from emovec.robustness.precision_design import Design
from emovec.robustness.precision_within import likeness, precision_within, stream_error
from emovec.statistics.clustered import near_topics
from emovec.statistics.folds import topic_folds
from emovec.statistics.replicated import Replicated
from emovec.within_model.compare import compare_emotions
from matplotlib import pyplot as plt

TOPICS = 40
EMOTIONS = worlds_cross.EMOTIONS[:3]
DEPTHS = [0.5]


def world(seed: int = 0) -> worlds_cross.Pair:
    return worlds_cross.pair("shared", np.random.default_rng(seed), topics=TOPICS, s=0.5)


def design(*, neutral: bool = True) -> Design:
    near = np.stack([near_topics(TOPICS)] * 3)
    folds = topic_folds(TOPICS, 5, np.random.default_rng(0))
    return Design(EMOTIONS, neutral, "suffix", DEPTHS, Thresholds(), near, folds)


def on_map(model: Streams, probe: pd.DataFrame) -> Streams:
    """As the run loads it: with the map half of the probe alone."""
    return replace(model, probe=np.asarray(model.probe)[(probe["half"] == "map").to_numpy()])


def noisy(model: Streams, error: float, seed: int = 1) -> Streams:
    """With noise of a known size, relative to the length of the stream, on every sentence."""
    rng, arrays = np.random.default_rng(seed), {}
    for name in ("residual", "probe"):
        x = np.asarray(getattr(model, name), dtype=float)
        squares = (x**2).mean(axis=-1)
        size = error * np.sqrt(squares.mean(axis=tuple(range(squares.ndim - 1))))[:, None]
        arrays[name] = x + size * rng.standard_normal(x.shape)
    return replace(model, **arrays)


def rows(found: list[dict], stat: str) -> list[dict]:
    return [row for row in found if row["stat"] == stat]


@pytest.mark.parametrize("neutral", [True, False])
def test_a_format_against_itself_moves_nothing(neutral: bool) -> None:
    pair = world()
    a, b = (on_map(one, pair.probe) for one in (pair.a, pair.b))
    given = design(neutral=neutral)
    found = precision_within(a, a, given) + precision_between((a, b), (a, b), given)
    counts = {"stream": 1, "direction": 3, "cosine": 3, "auroc": 3, "between": 3}
    assert {stat: len(rows(found, stat)) for stat in counts} == counts
    for row in found:
        if row["stat"] == "stream":
            assert row["value"] == row["ci_low"] == row["ci_high"] == 0
        elif row["stat"] == "direction":
            assert [row[key] for key in ("value", "ci_low", "ci_high")] == pytest.approx([1] * 3)
        else:
            assert row["moved"] == 0 and row["value"] == row["other"]
            assert row["ci_low"] < row["ci_high"] and row["ci_low"] <= row["value"]
        if row["stat"] in ("cosine", "between"):
            assert row["moved_low"] == row["moved_high"] == 0


def test_noise_on_the_stream_moves_what_theory_says() -> None:
    pair = world()
    own = on_map(pair.a, pair.probe)
    found = {error: precision_within(own, noisy(own, error), design()) for error in (0.01, 0.3)}
    for error, one in found.items():
        [stream] = rows(one, "stream")
        assert stream["value"] == pytest.approx(error, rel=0.05)
        # noise that is new in every topic leaves the directions where they were
        for row in rows(one, "direction"):
            assert row["ci_low"] <= 1 <= row["ci_high"]
    wide, narrow = (
        np.mean([row["moved_high"] - row["moved_low"] for row in rows(found[error], "cosine")])
        for error in (0.3, 0.01)
    )
    alone = np.mean([row["ci_high"] - row["ci_low"] for row in rows(found[0.01], "cosine")])
    assert narrow < 0.2 * wide < alone


def test_a_direction_that_turns_is_seen_to_turn() -> None:
    """A format that mixes a third of another dimension into the first one."""
    rng = np.random.default_rng(0)
    x = 0.3 * rng.standard_normal((60, 8))
    x[:, 0] += 2
    y = x.copy()
    y[:, 1] += y[:, 0] / np.sqrt(3)
    found = likeness(x, y, near_topics(60))
    assert found.value == pytest.approx(np.cos(np.pi / 6), abs=0.02)
    low, high = found.interval(near_topics(60), 0.05)
    assert low < np.cos(np.pi / 6) < high < 1


def test_intervals_of_a_move_cover_zero_where_nothing_moves() -> None:
    near, covered, narrower = near_topics(30), 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((2, 30, 6)) + np.eye(6)[:2, None]
        y = x + 0.2 * rng.standard_normal(x.shape)
        own, other = likeness(*x, near), likeness(*y, near)
        low, high = (other - own).interval(near, 0.05)
        covered += low <= 0 <= high
        alone = np.ptp(own.interval(near, 0.05))
        narrower += high - low < alone
    assert 182 <= covered <= 199  # 190 are expected
    assert narrower == 200


def test_a_mean_and_its_difference_have_the_errors_of_the_textbook() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, 50))
    own, other = (Replicated(z.mean(), (z.sum() - z) / 49) for z in (x, y))
    error, df = (other - own).error(near_topics(50))
    assert (error, df) == pytest.approx(((y - x).std(ddof=1) / np.sqrt(50), 49))
    mapped = replace(own, refitted=np.array([0.0, 0.2, 0.1]))
    assert mapped.error(near_topics(50))[0] > own.error(near_topics(50))[0]


def test_numbers_are_those_of_the_other_tables() -> None:
    pair, given = world(), design()
    a, b = (on_map(one, pair.probe) for one in (pair.a, pair.b))
    classes = [*EMOTIONS, "neutral"]
    within = compare_emotions(
        a.residual, a.probe, classes, "neutral", np.random.default_rng(0), model="a",
        position="suffix", depths=[nearest_depth(DEPTHS[0], a.n_layers)], flips=9, splits=1,
    )  # fmt: skip
    cosines = [row["value"] for row in rows(precision_within(a, noisy(a, 0.1), given), "cosine")]
    assert cosines == pytest.approx(within[within.stat == "distinct"].value.tolist())
    x, y = aligned(a, b, given)
    between = rows(precision_between((a, b), (a, b), given), "between")
    for i, row in enumerate(between):
        told = claim(x[:, [i]], y[:, [i]], given.near[[i]], Thresholds())
        assert row["value"] == pytest.approx(told.cosine)


def test_what_is_not_there_is_empty() -> None:
    pair = world()
    bare = replace(pair.a, probe=np.asarray(pair.a.probe)[:0])
    found = precision_within(bare, bare, design())
    assert rows(found, "cosine")[0]["moved"] == 0
    assert [r["flag"] for r in precision_between((bare, bare), (bare, bare), design())] == (
        ["no_probe"] * 3
    )
    nothing = stream_error(np.zeros((3, 5, 2)), np.zeros((3, 5, 2)))
    assert np.isnan(nothing.value)


def varied() -> pd.DataFrame:
    """multiverse.csv of one model that was read at two positions and in two formats."""
    pair, classes = world(), [*EMOTIONS, "neutral"]
    own = on_map(pair.a, pair.probe)
    deep = {
        name: np.repeat(getattr(own, name)[..., -1:, :], 3, axis=-2)
        for name in ("residual", "probe")
    }
    own = replace(own, **deep)
    streams = {"": own, "bfloat16": noisy(own, 0.05)}
    near = np.stack([near_topics(TOPICS)] * 3)

    def load(position: str, precision: str = "") -> tuple[np.ndarray, np.ndarray]:
        one = streams[precision]
        return (1 + (position == "last")) * np.asarray(one.residual), np.asarray(one.probe)

    within = pd.concat(
        [
            compare_emotions(
                *load(position), classes, "neutral", np.random.default_rng(0), model="a",
                position=position, near=near, flips=9, splits=1,
            )
            for position in ("last", "suffix")
        ]
    )  # fmt: skip
    return vary_choices(
        within, {"space": "raw", "normalization": "RMSNorm", "dtype": "float32"}, load,
        ["last", "suffix"], classes, model="a", alpha=0.05, near=near, seed=0,
        precisions=["bfloat16"],
    )  # fmt: skip


def test_a_format_is_a_choice_of_the_multiverse() -> None:
    table = varied()
    keys = ["position", "space", "metric", "estimator", "emotion_a", "emotion_b"]
    formats = {name: one.set_index(keys) for name, one in table.groupby("precision")}
    assert set(formats) == {"float32", "bfloat16"}
    assert set(formats["float32"].index) == set(formats["bfloat16"].index)
    assert table[table.study].precision.unique().tolist() == ["float32"]
    apart = (formats["bfloat16"].value - formats["float32"].value).abs()
    assert 0 < apart.max() < 0.5

    axis = choices_within(table, "suffix", []).axes[0]
    named = [label.get_text() for label in axis.get_yticklabels()]
    assert named[-3:] == ["number format", "float32", "bfloat16"]
    assert "space" not in named  # which was never another
    notes = [text.get_text() for text in axis.texts]
    assert f"moves it by {apart.mean():.2f}" in notes
    alone = choices_within(table[table.precision == "float32"], "suffix", []).axes[0]
    assert "number format" not in [label.get_text() for label in alone.get_yticklabels()]
    plt.close("all")


def test_report_says_how_far_numbers_move() -> None:
    pair = world()
    a, b = (on_map(one, pair.probe) for one in (pair.a, pair.b))
    found = [
        {"model": "a", "precision": "bfloat16"} | row
        for row in precision_within(a, noisy(a, 0.05), design())
    ] + [
        {"model": "a", "model_b": "b", "precision": "bfloat16"} | row
        for row in precision_between((a, b), (noisy(a, 0.05), noisy(b, 0.05)), design())
    ]
    table = typed(found, "precision")
    one, two = precision_facts(table)
    assert (one["model"], two["model"], one["precision"]) == ("a", "a × b", "bfloat16")
    known = table[(table.stat == "cosine") & table.gate_ok]
    farthest = known.loc[known.moved.abs().idxmax()]
    assert one["cosine"]["of"] == f"{farthest.emotion_a} – {farthest.emotion_b}"
    assert one["cosine"]["moved"].startswith(f"{farthest.moved:.3f}".replace("-", "−"))
    assert two["cosine"]["of"] in EMOTIONS and two["auroc"] is None and two["stream"] == ""
    [line] = precision_lines([one, two], varied())
    assert one["cosine"]["moved"] in line and "in bfloat16" in line and "on average" in line
    assert precision_facts(None) == [] and precision_lines([], varied()) == []


torch = pytest.importorskip("torch")
from emovec.errors import InputError  # noqa: E402
from emovec.models.rounding import round_weights  # noqa: E402
from torch import nn  # noqa: E402
from transformers.pytorch_utils import Conv1D  # noqa: E402


class Toy(nn.Module):
    """Two layers of 64 inputs, one of 24, and output embeddings."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Linear(64, 8), Conv1D(8, 64)
        self.odd, self.out = nn.Linear(24, 64), nn.Linear(64, 5)
        self.embed = nn.Embedding(7, 64)

    def get_output_embeddings(self) -> nn.Module:
        return self.out


@pytest.mark.parametrize(("name", "steps"), [("q8_0", 127), ("q4_0", 8)])
def test_weights_are_rounded_in_blocks_along_the_inputs(name: str, steps: int, tmp_path) -> None:
    toy, before = Toy(), {key: value.clone() for key, value in Toy().state_dict().items()}
    round_weights(toy, PRECISIONS[name].blocks, tmp_path)
    after = toy.state_dict()
    changed = {key for key, value in after.items() if (value != before[key]).any()}
    assert changed == {"one.weight", "two.weight"}
    for old, new in ((before["one.weight"], after["one.weight"]),
                     (before["two.weight"].T, after["two.weight"].T)):  # fmt: skip
        blocks, rounded = old.reshape(-1, 32), new.reshape(-1, 32)
        largest = blocks.abs().max(dim=1, keepdim=True).values
        # half a step; of 4 bits, whole ones at the end that has one less
        reach = 0.5 if name == "q8_0" else 1
        assert ((rounded - blocks).abs() <= 1.01 * reach * largest / steps).all()
        assert all(len(one.unique()) <= 2 * steps for one in rounded)
    once = {key: value.clone() for key, value in after.items()}
    round_weights(toy, PRECISIONS[name].blocks, tmp_path)
    assert all(
        torch.allclose(value, once[key], atol=1e-4) for key, value in toy.state_dict().items()
    )


def test_model_without_a_whole_block_is_refused(tmp_path) -> None:
    toy = Toy()
    toy.one = toy.two = nn.Identity()
    with pytest.raises(InputError, match=r"take q4_0 out of multiverse\.precisions"):
        round_weights(toy, "Q4_0", tmp_path)


def test_coarser_formats_move_the_stream_farther(tiny_root) -> None:
    from emovec.models.loading import load_model
    from tiny import model_folder

    ids = torch.arange(12).repeat(2, 1) + 5
    streams = {}
    for name in PRECISIONS:
        bridge = load_model(model_folder("llama", tiny_root), dtype=name)
        with torch.inference_mode():
            _, cache = bridge.run_with_cache(ids)
        streams[name] = cache["blocks.2.hook_resid_post"].float()
    own = streams.pop("float32")
    errors = {name: float((one - own).norm() / own.norm()) for name, one in streams.items()}
    assert 0 < errors["q8_0"] < errors["q4_0"] < 0.3 and 1e-4 < errors["bfloat16"] < 0.03
