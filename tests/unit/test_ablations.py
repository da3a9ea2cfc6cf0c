"""Heads and MLPs taken out of real models: what changes, what does not, and what is said of it."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from designs import NIGHTLY
from emovec.activations.store import Block
from emovec.activations.streams import Streams
from emovec.components.ablation import (
    METHODS,
    PROJECTION,
    WORDS,
    Plan,
    Taken,
    ablations,
    falls,
    losses,
    plan_cuts,
)
from emovec.components.choice import (
    CONTROLS,
    Halves,
    control_sets,
    controls,
    half_blocks,
    halves,
    largest,
)
from emovec.components.products import Part
from emovec.prompts.positions import Reading
from emovec.prompts.tokenizer import Encoded
from scipy.stats import binom
from test_components import TEXTS, noise, parts, reader
from tiny import ARCHITECTURES, LETTERS, model_folder, write_normed

torch = pytest.importorskip("torch")
from emovec.activations.capture import Batch  # noqa: E402
from emovec.components import taken_out  # noqa: E402
from emovec.components.parts import parts_of, read_parts  # noqa: E402
from emovec.components.taken_out import (  # noqa: E402
    Neutral,
    means,
    neutral_outputs,
    read_without,
    resampled,
)
from emovec.steering.generation import next_log_probabilities, read_prefix  # noqa: E402
from planted import SAID, UNSAID, plant, sentences  # noqa: E402

ALL = [*ARCHITECTURES, "gemma3", "olmo2", "qwen2"]


def planned(architecture: str, root: Path, position: str = "mean"):
    if architecture in ARCHITECTURES:
        one = reader(model_folder(architecture, root))
    else:
        one = reader(write_normed(architecture, root / architecture))
    noise(one.bridge)
    for weights in one.bridge.blocks.parameters():  # outputs of some size
        weights.data *= 5 if weights.ndim == 2 else 1
    return one, one.plan("prompts", TEXTS, None, TEXTS, [position])


def read(one, plan, cuts, fills, depth, words=None) -> tuple:
    """What is left with each cut; words, if given, are read with all of them."""
    return read_without(one, plan, cuts, fills, depth, words or {}, range(len(cuts)))


@pytest.mark.parametrize("architecture", ALL)
def test_a_part_taken_out_leaves_its_mean_or_what_it_is_elsewhere(
    architecture: str, tiny_root: Path
) -> None:
    one, plan = planned(architecture, tiny_root, "suffix")
    mlp, head = Part("mlp", 1), Part("head", 0, 2)
    neutral = neutral_outputs(one, plan, [mlp, head])
    donors = np.roll(range(len(TEXTS)), 1)
    fills = {"mean": means(neutral), "resample": resampled(neutral, donors)}
    found, _ = read(one, plan, [[], [mlp]], fills, 2)
    own = parts(one, "suffix", 2)
    place = parts_of(2, 4).index(mlp)
    for method, (whole, without) in found.items():
        np.testing.assert_allclose(own.sum(1), whole, rtol=1e-4, atol=1e-4)
        left = without - whole + own[:, place]
        other = own[donors, place] if method == "resample" else np.tile(left[0], (len(TEXTS), 1))
        np.testing.assert_allclose(left, other, atol=1e-3)
        assert np.abs(without - whole).max() > 1e-3
    assert list(neutral.first) == [head] and 0 < neutral.first[head] < 1


def test_donors_meet_at_the_end_and_go_on_with_their_first_token() -> None:
    """Donors of 3 and 1 tokens after the first, for sentences of 5 and 2 in all."""
    part = Part("mlp", 0)
    outputs = {0: torch.tensor([[1.0], [2], [3]]), 1: torch.tensor([[9.0]])}
    tokens = (Encoded("", [0] * n, [], True) for n in (5, 2, 3))
    readings = [Reading(row, one, {}) for row, one in enumerate(tokens)]
    batch = Batch("prompts", ["last"], [], readings)
    found = resampled(Neutral({part: outputs}, {}), [0, 0, 1])(part, batch)[..., 0]
    assert found[0].tolist() == [1, 1, 2, 3]
    assert found[1, :1].tolist() == [3] and found[2, :2].tolist() == [9, 9]
    assert means(Neutral({part: outputs}, {}))(part, batch).tolist() == [15 / 4]


@pytest.mark.parametrize("architecture", ALL)
def test_blocks_that_are_not_run_again_change_nothing(
    architecture: str, tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, plan = planned(architecture, tiny_root, "last")
    cuts = [[], [Part("head", 2, 1)], [Part("mlp", 1), Part("head", 2, 0)]]
    neutral = neutral_outputs(one, plan, [part for cut in cuts for part in cut])
    fills = {"resample": resampled(neutral, range(len(TEXTS))[::-1])}
    words = {"one": [5, 7], "two": [9]}
    left, logp = read(one, plan, cuts, fills, 3, words)
    monkeypatch.setattr(taken_out, "resumed", lambda *_: nullcontext())
    again, likely = read(one, plan, cuts, fills, 3, words)
    streams = left["resample"]
    np.testing.assert_array_equal(again["resample"], streams)
    np.testing.assert_array_equal(likely, logp)
    assert np.abs(streams[1] - streams[0]).max() > 1e-4 < np.abs(logp[1] - logp[0]).max()
    short, nothing = read(one, plan, cuts, fills, 3)
    np.testing.assert_allclose(short["resample"], streams, atol=1e-5)
    assert nothing.shape == (3, len(TEXTS), 0)
    prefix = read_prefix(one.bridge, [one.encode(text).ids for text in TEXTS])
    plain = next_log_probabilities(one.bridge, prefix)
    expected = np.stack([plain[:, ids].logsumexp(-1) for ids in words.values()], 1)
    np.testing.assert_allclose(logp[0], expected, atol=1e-4)


def test_halves_share_no_topic_and_few_judge() -> None:
    half = halves(84, 4, np.random.default_rng(0))
    assert len(half.choose) == 42 and len(half.judge) == 12
    assert not set(half.choose) & set(half.judge)


def test_half_of_the_topics_is_counted_anew() -> None:
    """Three topics, of which the second has two sentences of the first class."""
    cells = np.array([[0, 0], [-1, 0], [0, 1], [0, 1], [-1, 1], [0, 2], [-1, 2]])
    values = np.arange(7.0)[:, None, None]
    blocks = [Block("prompts", "last", [0, 3, 6], values[[0, 3, 6]])]
    blocks.append(Block("prompts", "last", [1, 2, 4, 5], values[[1, 2, 4, 5]]))
    [first, second], own = half_blocks(blocks, cells, np.array([1, 2]))
    assert own.tolist() == [[0, 0], [0, 0], [-1, 0], [0, 1], [-1, 1]]
    assert (first.rows, first.residual.ravel().tolist()) == ([1, 4], [3, 6])
    assert (second.rows, second.residual.ravel().tolist()) == ([0, 2, 3], [2, 4, 5])


def test_controls_are_others_of_like_size_from_the_same_blocks() -> None:
    every = parts_of(8, 9)
    norms = np.random.default_rng(0).lognormal(size=len(every))
    chosen = [every.index(Part("head", 2, 3)), every.index(Part("mlp", 4))]
    found = controls(chosen, norms, every)
    assert len(set(found)) == CONTROLS and not set(found) & set(chosen)
    assert all(every[i].kind in ("head", "mlp") and 2 <= every[i].block <= 4 for i in found)
    inside = [i for i, part in enumerate(every) if part.block in (2, 3, 4) and i not in chosen]
    nearest = min(inside, key=lambda i: abs(np.log(norms[i] / norms[chosen[0]])))
    assert found[0] == nearest
    assert len(controls(chosen[:1], norms, every)) == CONTROLS  # the blocks beside it too
    few = parts_of(1, 4)
    assert sorted(controls([2], norms[: len(few)], few)) == [3, 4, 5, 6]
    assert not control_sets([3, 4, 5, 6], 2, np.random.default_rng(0))


def test_the_largest_are_heads_and_mlps() -> None:
    every = parts_of(1, 2)  # embedding, bias, two heads, an MLP
    shares = np.array([[0.5, 0, 0.1, 0.3, 0.1], [np.nan] * 5])
    assert largest(shares, every, 2) == [[3, 2], [2, 3]]


def test_losses_are_shares_of_the_projection() -> None:
    along = np.array([[[1.0, 3.0, 2.0]], [[0.5, 1.5, 1.0]], [[1.0, 3.0, -1.0]]])
    value, left = losses(along)
    np.testing.assert_allclose(value[:, 0], [0, 0.5, 0.5])
    np.testing.assert_allclose(left[2, 0], [1 - 2 / 5, 1 - 0 / 3, 0], atol=1e-12)
    assert np.isnan(losses(-along)[0]).all()


def test_words_lose_what_they_had_beyond_neutral_sentences() -> None:
    gained = np.array([[[1.0, 2, 3]], [[0.5, 2, 2.5]]])
    value, left = falls(gained)
    np.testing.assert_allclose(value[:, 0], [0, 1 / 3])
    np.testing.assert_allclose(left[1, 0], [0.25, 0.5, 0.25])


def test_each_method_and_outcome_has_its_rows() -> None:
    """Without its parts each of two emotions loses half; one has words, which lose a nat."""
    rng = np.random.default_rng(0)
    every, n_topics = parts_of(3, 8), 6
    alone = np.broadcast_to(np.eye(n_topics, dtype=bool), (2, n_topics, n_topics))
    chosen, found = [[2], [3]], list(range(4, 4 + CONTROLS))
    sets = control_sets(found, 1, rng)
    shares = np.linspace(0, 0.1, 2 * len(every)).reshape(2, -1)
    plan = Plan(Halves(np.arange(6), np.arange(6, 12)), ["a", "b"], ["c"], alone, np.eye(2),
                shares, chosen, found, sets)  # fmt: skip
    along = 1 + 0.01 * rng.standard_normal((len(plan.cuts), 3, n_topics, 2))
    along[:, -1] = 0
    logp = 0.01 * rng.standard_normal((len(plan.cuts), 3, n_topics, 1))
    for e in (0, 1):
        for cut in (1 + e, 1 + len(plan.singles) + e):
            along[cut, e] /= 2
            logp[cut, 1] -= 1
    both = {method: along for method in METHODS}
    taken = Taken(both, logp, ["b"], {every[2]: 0.9})
    table = ablations(plan, taken, every, alpha=0.05, draws=99, rng=rng)
    assert table[table.direction == "c"].value.isna().tolist() == [True]
    for method in METHODS:
        rows = table[(table.method == method) & (table.direction != "c")]
        lost = rows[(rows.outcome == PROJECTION) & (rows.emotion == rows.direction)]
        assert lost.kind.value_counts().to_dict() == {"together": 2, "specific": 2}
        np.testing.assert_allclose(lost.value, 0.5, atol=0.05)
        assert (lost.p_adjusted < 0.05).all() and (lost.ci_low > 0.4).all()
        [alone] = rows[(rows.kind == "chosen") & (rows.direction == "a")].to_dict("records")
        assert alone["flag"] == "attention_sink" and alone["value"] == pytest.approx(0.5, abs=0.05)
    less = table[table.outcome == WORDS]
    assert less.kind.tolist() == ["together"] * 2 and (less.direction == "b").all()
    assert (less.method == METHODS[0]).all() and less.n_null.tolist() == [CONTROLS] * 2
    assert less.emotion.tolist() == ["a", "b"] and less.p_adjusted.isna().tolist() == [True, False]
    np.testing.assert_allclose(less.value, 1, atol=0.05)
    assert less.p_adjusted.iloc[1] == pytest.approx(1 / (CONTROLS + 1))


def planted_table(
    one,
    seed: int,
    gain: float,
    n_topics: int = 60,
    position: str = "last",
    said: str = SAID,
    neutral: str | None = "neutral",
) -> tuple[pd.DataFrame, Part]:
    """The table of a model with 6 blocks, in which one head writes the first of two emotions."""
    rng = np.random.default_rng(seed)
    own = Part("head", int(rng.integers(6)), int(rng.integers(4)))
    plant(one, seed, own.block, own.head, gain)
    texts = sentences(n_topics, rng)
    every, depth = parts_of(6, 4), 6
    names = ["one", "two", "neutral" if neutral else "three"]
    classes = names if neutral else [*names, None]
    prompts = pd.DataFrame(
        {
            "id": [f"row {i}" for i in range(len(texts))],
            "topic": np.repeat(np.arange(n_topics), 3),
            "emotion": names * n_topics,
            "text": texts,
        }
    )

    def plan(some: list[str]):
        return one.plan("prompts", some, None, some, [position])

    def streams(some: list[str]) -> np.ndarray:
        stream = np.empty((len(some), 7, 32), "f4")
        for block in one.read(plan(some)):
            stream[block.rows] = block.residual
        return stream

    stream = streams(texts).reshape(n_topics, 3, 7, 32).swapaxes(0, 1)
    stream = stream if neutral else np.concatenate([stream, stream.mean(0, keepdims=True)])
    probe = streams(["".join(rng.choice(list(LETTERS), 24)) + "a" for _ in range(80)])
    chosen = plan_cuts(
        list(read_parts(one, plan(texts), depth)), Streams("m", stream, probe, 6), prompts,
        classes[:-1], neutral, every, depth=depth, ablated=2,
        statistics={"alpha": 0.05, "thresholds": {"reliability": 0.5}}, rng=rng,
    )  # fmt: skip
    words = {"one": one.encode(said).ids[-1:]}
    taken = taken_out.take_out(
        one, chosen, prompts, classes, "prompts.csv", position, every, depth, words, rng
    )
    return ablations(chosen, taken, every, alpha=0.05, draws=199, rng=rng), own


def test_a_planted_head_is_causal_and_no_other(tiny_root: Path) -> None:
    """With its mean and with what it is elsewhere; without it the token that it says is less so."""
    others = []
    for architecture in ("gpt2", "llama", "gpt_neox"):
        one = reader(model_folder(architecture, tiny_root, n_layers=6), batch_tokens=4096)
        for seed in range(10 if NIGHTLY else 1):
            table, own = planted_table(one, seed, gain=20)
            assert table[table.direction == "two"].gate_ok.tolist() == [False]
            for method in METHODS:
                rows = table[(table.direction == "one") & (table.method == method)]
                lost = rows[rows.outcome == PROJECTION].set_index("kind")
                alone = lost.loc[["chosen"]]
                is_own = ((alone["head"] == own.head) & (alone.block == own.block)).fillna(False)
                [planted] = alone[is_own].to_dict("records")
                assert 0.8 < planted["value"] < 1.2 and planted["p_adjusted"] < 0.05
                assert planted["ci_low"] > 0.5, (architecture, seed)
                together = lost.loc["together"]
                assert together.value > 0.8 and together.p_adjusted < 0.05 and together.gate_ok
                beyond = (alone.p_adjusted < 0.05) & (alone.ci_low > 0)
                others.append(beyond[~is_own].any())
            [less] = table[table.outcome == WORDS].to_dict("records")
            assert less["kind"] == "together" and less["ci_low"] > 0, (architecture, seed)
            assert less["p_adjusted"] < 0.05
    assert sum(others) <= binom.ppf(0.99, len(others), 0.05)


def test_without_neutral_sentences_the_mean_of_all_emotions_stands_for_them(
    tiny_root: Path,
) -> None:
    one = reader(model_folder("llama", tiny_root, n_layers=6), batch_tokens=4096)
    table, _ = planted_table(one, 0, gain=20, neutral=None)
    for method in METHODS:
        rows = table[(table.kind == "together") & (table.emotion == table.direction)]
        lost = rows[(rows.method == method) & (rows.outcome == PROJECTION)]
        assert (lost.value > 0.8).all() and lost.direction.iloc[0] == "one"
    [less] = rows[rows.outcome == WORDS].to_dict("records")
    assert less["direction"] == "one" and less["ci_low"] > 0 and less["p_adjusted"] < 0.05


def test_words_that_the_head_does_not_say_are_not_lost(tiny_root: Path) -> None:
    one = reader(model_folder("llama", tiny_root, n_layers=6), batch_tokens=4096)
    found = []
    for seed in range(20 if NIGHTLY else 2):
        table, _ = planted_table(one, seed, gain=20, said=UNSAID)
        [less] = table[table.outcome == WORDS].to_dict("records")
        found.append(less["p_adjusted"] < 0.05)
    assert sum(found) <= binom.ppf(0.99, len(found), 0.05)


def test_words_are_read_where_a_text_ends(tiny_root: Path) -> None:
    one = reader(model_folder("gpt2", tiny_root, n_layers=6), batch_tokens=4096)
    table, _ = planted_table(one, 0, gain=20, position="last_content")
    assert table.gate_ok.any() and set(table.outcome) == {PROJECTION}


def test_of_unknown_directions_nothing_is_taken_out(
    tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With too few topics as well."""
    one = reader(model_folder("gpt2", tiny_root, n_layers=6), batch_tokens=4096)
    monkeypatch.setattr(taken_out, "run_hooked", None)
    for n_topics in (2, 60):
        table, _ = planted_table(one, 0, gain=0, n_topics=n_topics)
        assert table.direction.tolist() == ["one", "two"] and not table.gate_ok.any()
        assert table.value.isna().all()
