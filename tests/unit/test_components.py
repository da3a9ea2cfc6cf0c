"""A stream taken apart: a planted head is found and no other, shares sum to 1, sums are checked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.components.decompose import direction_p, typical_rows
from emovec.components.products import Part, Products, attribute_products, emotion_products
from emovec.components.shares import (
    LEAST_ATTRIBUTES,
    Shares,
    contrast_near,
    contrast_weights,
    share_rows,
    shares,
)
from emovec.errors import InputError
from emovec.io.files import read_json
from emovec.prompts.tokenizer import load_encoder
from emovec.statistics import metrics
from emovec.statistics.resampling import jackknife_interval
from emovec.statistics.unbiased import differences, norm2_u
from tiny import ARCHITECTURES, SUFFIX, model_folder, write_normed

torch = pytest.importorskip("torch")
from emovec.activations.capture import Reader  # noqa: E402
from emovec.activations.store import Block  # noqa: E402
from emovec.components.parts import norm_after, parts_of, read_parts  # noqa: E402
from emovec.models.loading import load_model  # noqa: E402

TEXTS = [f"Sentence number {i} is {'rather ' * (i % 5)}long." for i in range(12)]


def reader(folder: Path, **changes: object) -> Reader:
    manifest = folder / "manifest.json"
    bos = read_json(manifest)["bos_token_id"] if manifest.is_file() else 0
    encode = load_encoder(folder / "tokenizer.json", bos, True, folder.name)
    settings = {"suffix": SUFFIX, "batch_tokens": 512, "centered": False}
    return Reader(folder.name, load_model(folder), encode, **settings | changes)


def noise(bridge: object) -> None:
    """Biases and gains that are not those of a new model."""
    torch.manual_seed(0)
    for name, weights in bridge.original_model.named_parameters():
        if "norm" in name or "ln" in name or "bias" in name:
            weights.data += 0.3 * torch.randn_like(weights)


def parts(one: Reader, position: str, depth: int) -> np.ndarray:
    names = [f"row {i}" for i in range(len(TEXTS))]
    plan = one.plan("prompts", TEXTS, None, names, [position])
    found = np.empty((len(TEXTS), *next(iter(read_parts(one, plan, depth))).residual.shape[1:]))
    for block in read_parts(one, plan, depth):
        found[block.rows] = block.residual
    return found


@pytest.mark.parametrize("architecture", [*ARCHITECTURES, "gemma3", "olmo2", "qwen2"])
@pytest.mark.parametrize("position", ["last", "mean", "suffix"])
def test_parts_add_up_to_the_stream(architecture: str, position: str, tiny_root: Path) -> None:
    if architecture in ARCHITECTURES:
        folder = model_folder(architecture, tiny_root)
    else:
        folder = write_normed(architecture, tiny_root / architecture)
    one = reader(folder)
    noise(one.bridge)
    names = [f"row {i}" for i in range(len(TEXTS))]
    stream = np.empty((len(TEXTS), 4, 32))
    for block in one.read(one.plan("prompts", TEXTS, None, names, [position])):
        stream[block.rows] = block.residual
    for depth in (1, 3):
        found = parts(one, position, depth)
        assert found.shape[1] == len(parts_of(depth, 4))
        np.testing.assert_allclose(found.sum(1), stream[:, depth], rtol=1e-4, atol=1e-4)
    assert norm_after(one.bridge) == (architecture in ("gemma3", "olmo2"))


def test_a_head_is_what_the_stream_lacks_without_it(tiny_root: Path) -> None:
    one = reader(model_folder("gpt2", tiny_root))
    found = parts(one, "last", 1)
    layer = one.bridge.blocks[0].attn.o.original_component
    layer.weight.data[8:16] = 0  # of GPT-2 [in, out]
    without = parts(one, "last", 1)
    head = [part.head for part in parts_of(1, 4)].index(1)
    assert np.abs(found[:, head]).max() > 1e-3
    np.testing.assert_array_equal(without[:, head], 0)
    others = [k for k in range(6) if k != head]
    np.testing.assert_allclose(without[:, others], found[:, others], atol=1e-6)


def test_parts_that_miss_the_stream_stop_the_run(tiny_root: Path) -> None:
    one = reader(model_folder("llama", tiny_root))
    attention = one.bridge.blocks[1].attn.o.original_component
    attention.forward = lambda z: z * z.norm(dim=-1, keepdim=True)  # no longer affine
    with pytest.raises(InputError, match=r"^llama has parts that miss its stream after block 1 "):
        parts(one, "last", 3)


def world(rng: np.random.Generator, signal: float, n_topics: int = 40, d: int = 24) -> np.ndarray:
    """`[topic × class, part, d]` of two emotions and neutral; part 3 writes one of them."""
    x = rng.standard_normal((n_topics, 3, 8, d))
    direction = rng.standard_normal(d) / np.sqrt(d)
    x[:, 0, 3] += signal * direction
    return x.reshape(n_topics * 3, 8, d)


def found_in(x: np.ndarray, rng: np.random.Generator) -> tuple:
    """Products, shares and squared lengths; a direction that does not exist has no parts."""
    n_topics = len(x) // 3
    stream = x.sum(1).reshape(n_topics, 3, -1).swapaxes(0, 1)
    near = contrast_near(np.stack([np.eye(n_topics, dtype=bool)] * 2))
    weights = contrast_weights(2)
    raw = metrics.fit("raw", np.empty((0, 1)))
    block = Block("prompts", "last", list(range(len(x))), x.astype("f4"))
    cells = np.stack([np.tile(range(3), n_topics), np.repeat(range(n_topics), 3)], axis=1)
    products = emotion_products([block], cells, stream, weights, near, raw, x.shape[1])
    length = norm2_u(differences(stream, weights))
    d = differences(stream, weights)
    p = np.array([direction_p(one, mask, 999, rng) for one, mask in zip(d, near, strict=True)])
    return products, shares(products, near, p, 0.05, 999, rng), length


def test_products_are_unbiased_and_shares_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    products, found, length = found_in(world(rng, 20), rng)
    n = products.rows.shape[1]
    np.testing.assert_allclose(products.rows.sum((1, 2)) / (n * (n - 1)), length, rtol=1e-4)
    np.testing.assert_allclose(products.columns.sum((1, 2)), products.rows.sum((1, 2)), rtol=1e-9)
    for one in (found[0], *found[2:]):  # of the emotion without a signal nothing is defined
        assert one.value.sum() == pytest.approx(1)
        assert (one.low < one.value).all() and (one.value < one.high).all()


def test_interval_is_the_jackknife_of_shares_made_anew_without_each_topic() -> None:
    rng = np.random.default_rng(4)
    x = world(rng, 20, n_topics=12)
    _, [one, *_], _ = found_in(x, rng)
    topics = x.reshape(12, 3, 8, -1)
    left = []
    for topic in range(12):
        rest = np.delete(topics, topic, axis=0).reshape(33, 8, -1)
        left.append(found_in(rest, rng)[1][0].value)
    low, high = jackknife_interval(one.value, np.transpose(left))
    np.testing.assert_allclose([one.low, one.high], [low, high], rtol=1e-4, atol=1e-6)


def test_a_part_is_no_surer_than_its_direction() -> None:
    rng = np.random.default_rng(5)
    products, _, _ = found_in(world(rng, 20), rng)
    near = contrast_near(np.stack([np.eye(40, dtype=bool)] * 2))
    sure, unsure = (
        shares(products, near, np.full(4, p), 0.05, 999, np.random.default_rng(0))[0]
        for p in (0.0, 0.3)
    )
    assert sure.p_adjusted[3] < 0.05 and sure.p[3] < 0.05
    np.testing.assert_array_equal(unsure.p_adjusted, np.maximum(sure.p_adjusted, 0.3))
    np.testing.assert_array_equal(unsure.p, np.maximum(sure.p, 0.3))


def test_a_planted_part_is_found_and_no_other() -> None:
    """50 worlds: the writer always, another at most as often as the level allows."""
    others = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        _, found, _ = found_in(world(rng, 20), rng)
        own = found[0]
        assert own.value.argmax() == 3 and own.p_adjusted[3] < 0.05, seed
        others += (np.delete(own.p_adjusted, 3) < 0.05).any()
    assert others <= 7  # 95 % of binomial draws at 0.05


def test_without_an_emotion_no_part_is_found() -> None:
    """50 worlds in which classes do not differ: any part at most as often as the level says."""
    found = 0
    for seed in range(50):
        rng = np.random.default_rng(1000 + seed)
        _, [one, *_], _ = found_in(world(rng, 0), rng)
        found += (one.p_adjusted < 0.05).any()
    assert found <= 6


def test_attributes_are_the_unpaired_form() -> None:
    from emovec.between_models.attributes import balanced_contrasts, contrast_products

    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 5, 12))
    labels = rng.integers(0, 2, (60, 3))
    contrasts = balanced_contrasts(labels, ["a", "b", "c"], 20, rng)
    raw = metrics.fit("raw", np.empty((0, 1)))
    stream = x.sum(1)
    block = Block("probe", "last", list(range(60)), x)
    found = attribute_products([block], stream, contrasts, raw, 5)
    expected = [np.diag(contrast_products(x[:, k], stream, contrasts)) for k in range(5)]
    np.testing.assert_allclose(found, np.transpose(expected), atol=1e-5)


def test_typical_sentences_are_those_in_which_a_part_writes_most() -> None:
    """Four topics, two parts: one writes along the direction, one against it."""
    rows = np.array([[[4.0, -1], [1, -3], [3, -2], [2, 0]]])
    prompts = pd.DataFrame(
        [{"id": f"{t}{i}", "topic": t, "emotion": "joy", "text": f"text {t}{i}"}
         for t in "abcd" for i in range(2)]
    )  # fmt: skip
    told = {"emotion": "joy", "block": 0, "gate_ok": True, "p_adjusted": 0.01}
    parts = [told | {"part": "head", "head": 0, "value": 2.5}]
    parts += [told | {"part": "mlp", "head": None, "value": -1.5}]
    found = typical_rows(Products(rows, rows), parts, prompts, ["joy"], 0.05)
    assert [row["prompt_id"] for row in found] == ["a0", "c0", "d0", "b0", "c0", "a0"]
    assert [row["rank"] for row in found] == [1, 2, 3] * 2 and found[0]["text"] == "text a0"
    every = 4 * rows[0] / rows.sum()  # whose means are the shares
    assert [row["value"] for row in found[:3]] == pytest.approx(every[[0, 2, 3], 0])
    assert every.mean(0).sum() == pytest.approx(1)
    hidden = [part | {"p_adjusted": 0.2} for part in parts]
    assert typical_rows(Products(rows, rows), hidden, prompts, ["joy"], 0.05) == []


@pytest.mark.parametrize("ruled", [True, False])
def test_role_of_a_part_with_and_without_a_ruler(ruled: bool) -> None:
    """A part with .5 and one with .3 of each emotion; the second does not tell them apart."""
    parts = [Part("head", 0, 0), Part("head", 0, 1), Part("mlp", 0)]

    def of(p: list[float]) -> Shares:
        value = np.array([0.5, 0.3, -0.2])
        return Shares(value, value - 0.1, value + 0.1, np.array(p), np.array(p))

    found = [of([0.001] * 3)] * 2 + [of([0.001, 0.5, 0.001])] * 2
    attributes = np.tile([0.4, 0.35, 0.1], (LEAST_ATTRIBUTES if ruled else 3, 1))
    rows = share_rows(
        found, attributes, [True] * 4, parts, ["joy", "fear"], ["neutral", "emotions"], 0.05, False
    )
    roles = [row["role"] for row in rows if row["emotion"] == "joy"]
    assert roles[:3] == ["own", "busy" if ruled else "", "against"] and set(roles[3:]) == {""}
    if ruled:
        low = np.tile([0.6, 0.2, 0.1], (LEAST_ATTRIBUTES, 1))
        rows = share_rows(
            found, low, [True] * 4, parts, ["joy", "fear"], ["neutral", "emotions"], 0.05, False
        )
        assert [row["role"] for row in rows[:2]] == ["busy", "emotional"]
