"""Heads and MLPs taken out of real models: what changes, what does not, and what is said of it."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from designs import NIGHTLY
from emovec.activations.store import Block
from emovec.activations.streams import Streams
from emovec.components.ablation import ablations, losses, plan_cuts
from emovec.components.choice import CONTROLS, control_sets, controls, half_blocks, halves, largest
from emovec.components.products import Part
from scipy.stats import binom
from test_components import TEXTS, noise, parts, reader
from tiny import ARCHITECTURES, LETTERS, model_folder, write_normed

pytest.importorskip("torch")
from emovec.components import taken_out
from emovec.components.parts import parts_of, read_parts
from emovec.components.taken_out import mean_outputs, streams_without
from planted import plant, sentences

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


@pytest.mark.parametrize("architecture", ALL)
def test_a_part_taken_out_leaves_its_mean(architecture: str, tiny_root: Path) -> None:
    one, plan = planned(architecture, tiny_root, "suffix")
    means = mean_outputs(one, plan, 2)
    mlp = Part("mlp", 1)
    whole, without = streams_without(one, plan, [[], [mlp]], means, 2)
    own = parts(one, "suffix", 2)
    np.testing.assert_allclose(own.sum(1), whole, rtol=1e-4, atol=1e-4)
    left = without - whole + own[:, parts_of(2, 4).index(mlp)]
    np.testing.assert_allclose(left, np.tile(left[0], (len(TEXTS), 1)), atol=1e-3)
    assert np.abs(without - whole).max() > 1e-3
    assert ((means.first > 0) & (means.first < 1)).all()


@pytest.mark.parametrize("architecture", ALL)
def test_blocks_that_are_not_run_again_change_nothing(
    architecture: str, tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, plan = planned(architecture, tiny_root)
    means = mean_outputs(one, plan, 3)
    cuts = [[Part("head", 2, 1)], [Part("mlp", 1), Part("head", 2, 0)], []]
    found = streams_without(one, plan, cuts, means, 3)
    monkeypatch.setattr(taken_out, "resumed", lambda *_: nullcontext())
    np.testing.assert_array_equal(streams_without(one, plan, cuts, means, 3), found)
    assert np.abs(found[0] - found[2]).max() > 1e-4  # and the model is itself again


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


def planted_table(one, seed: int, gain: float, n_topics: int = 60) -> tuple[pd.DataFrame, Part]:
    """The table of a model with 6 blocks, in which one head writes the first of two emotions."""
    rng = np.random.default_rng(seed)
    own = Part("head", int(rng.integers(6)), int(rng.integers(4)))
    plant(one, seed, own.block, own.head, gain)
    texts = sentences(n_topics, rng)
    every, depth = parts_of(6, 4), 6
    emotions, classes = ["one", "two"], ["one", "two", "neutral"]
    prompts = pd.DataFrame(
        {
            "id": [f"row {i}" for i in range(len(texts))],
            "topic": np.repeat(np.arange(n_topics), 3),
            "emotion": classes * n_topics,
            "text": texts,
        }
    )

    def plan(some: list[str]):
        return one.plan("prompts", some, None, some, ["last"])

    def read(some: list[str]) -> np.ndarray:
        stream = np.empty((len(some), 7, 32), "f4")
        for block in one.read(plan(some)):
            stream[block.rows] = block.residual
        return stream

    stream = read(texts).reshape(n_topics, 3, 7, 32).swapaxes(0, 1)
    probe = read(["".join(rng.choice(list(LETTERS), 24)) + "a" for _ in range(80)])
    chosen = plan_cuts(
        list(read_parts(one, plan(texts), depth)), Streams("m", stream, probe, 6), prompts,
        emotions, "neutral", every, depth=depth, ablated=2,
        statistics={"alpha": 0.05, "thresholds": {"reliability": 0.5}}, rng=rng,
    )  # fmt: skip
    x, first = taken_out.take_out(
        one, chosen, prompts, classes, "prompts.csv", "last", every, depth
    )
    return ablations(
        chosen, x, first, every, emotions, alpha=0.05, draws=199, rng=rng
    ), own  # fmt: skip


def test_a_planted_head_is_causal_and_no_other(tiny_root: Path) -> None:
    others = []
    for architecture in ("gpt2", "llama", "gpt_neox"):
        one = reader(model_folder(architecture, tiny_root, n_layers=6), batch_tokens=4096)
        for seed in range(10 if NIGHTLY else 1):
            table, own = planted_table(one, seed, gain=20)
            rows = table[table.direction == "one"].set_index("kind")
            alone = rows.loc[["chosen"]]
            is_own = (alone["head"] == own.head) & (alone.block == own.block)
            [planted] = alone[is_own].to_dict("records")
            assert planted["ci_low"] < 1 < planted["ci_high"] + 0.1, (architecture, seed)
            assert planted["value"] > 0.8 and planted["p_adjusted"] < 0.05
            together = rows.loc[["together"]].set_index("emotion").loc["one"]
            assert together.value > 0.8 and together.p_adjusted < 0.05 and together.gate_ok
            others.append((alone.p_adjusted[~is_own] < 0.05).any())
    assert sum(others) <= binom.ppf(0.99, len(others), 0.05)


def test_too_few_topics_leave_losses_empty(tiny_root: Path) -> None:
    one = reader(model_folder("gpt2", tiny_root, n_layers=6), batch_tokens=4096)
    table, _ = planted_table(one, 0, gain=20, n_topics=2)
    assert not table.gate_ok.any() and table.ci_low.isna().all() and len(table)
