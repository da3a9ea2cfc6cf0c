"""The residual stream read here is the model's own, whatever the batch."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from emovec.errors import InputError
from emovec.io.files import read_json
from emovec.models.untrained import byte_tokenizer
from emovec.prompts.positions import plan_readings
from emovec.prompts.tokenizer import encode, load_encoder
from tiny import ARCHITECTURES, SUFFIX, model_folder
from tokenizers import Regex, pre_tokenizers

torch = pytest.importorskip("torch")
from emovec.activations.capture import Batch, Reader, in_batches, read_streams  # noqa: E402
from emovec.models.loading import load_model  # noqa: E402
from torch import nn  # noqa: E402
from transformers.pytorch_utils import Conv1D  # noqa: E402

TEXTS = [
    "Thank you for the ladder.",
    "No.",
    "The bus leaves at nine from the far side of the station, as it did yesterday.",
    "Cheers 🎉, mate!",
    "本当にありがとう。",
] + [f"Sentence number {i} is {'rather ' * (i % 7)}long." for i in range(12)]
WORDS = ["Thank", "No", "leaves", "Cheers", "ありがとう"] + ["Sentence"] * 12
POSITIONS = ["last", "last_content", "mean", "emotion_word", "suffix"]
NAMES = [f"row {i}" for i in range(len(TEXTS))]


def reader(folder: Path, **changes: object) -> Reader:
    manifest = read_json(folder / "manifest.json")
    settings = {
        "model": folder.name,
        "bridge": load_model(folder),
        "encode": load_encoder(
            folder / "tokenizer.json", manifest["bos_token_id"], True, folder.name
        ),
        "suffix": SUFFIX,
        "batch_tokens": 512,
        "centered": False,
    }
    return Reader(**settings | changes)


def plan(one: Reader, positions: list[str]) -> list[Batch]:
    return one.plan("prompts", TEXTS, WORDS, NAMES, positions)


def read_all(one: Reader, positions: list[str] = POSITIONS) -> dict[str, np.ndarray]:
    cfg = one.bridge.cfg
    found = {p: np.full((len(TEXTS), cfg.n_layers + 1, cfg.d_model), np.nan) for p in positions}
    for _, position, rows, residual in one.read(plan(one, positions)):
        assert np.isnan(found[position][rows]).all()  # nothing is read twice
        found[position][rows] = residual
    return found


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_streams_are_the_hidden_states_before_the_final_norm(
    architecture: str, tiny_root: Path
) -> None:
    folder = model_folder(architecture, tiny_root)
    one = reader(folder)
    found = read_all(one)
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for row in (0, 2, 3):
        encoded = one.encode(TEXTS[row])
        with torch.inference_mode():
            states = model(torch.tensor([encoded.ids]), output_hidden_states=True).hidden_states
        states = torch.stack(states)[:, 0].numpy()  # [depth, token, d_model]
        content = [
            i
            for i, (a, b) in enumerate(encoded.spans)
            if i and any(c.isalnum() or c == "🎉" for c in encoded.text[a:b])
        ]
        expected = {"last": states[:, -1], "mean": states[:, content].mean(1)}
        for position, state in expected.items():
            close = np.isclose(found[position][row], state, rtol=1e-4, atol=1e-5).all(-1)
            # the last hidden state of Hugging Face models is after the final norm
            assert close.tolist() == [True] * (len(states) - 1) + [False]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_batches_do_not_matter(architecture: str, tiny_root: Path) -> None:
    folder = model_folder(architecture, tiny_root)
    one_by_one = read_all(reader(folder, batch_tokens=1))
    for tokens in (300, 100_000):
        batched = read_all(reader(folder, batch_tokens=tokens))
        for position in POSITIONS:
            difference = np.abs(batched[position] - one_by_one[position]).max((0, 2))
            scale = np.abs(one_by_one[position]).max((0, 2))
            assert (difference <= 1e-5 * scale).all()


def test_suffix_read_with_the_text_equals_a_pass_of_its_own(tiny_root: Path) -> None:
    folder = model_folder("gpt2", tiny_root)
    together = read_all(reader(folder))
    for position in ("last", "suffix"):
        alone = read_all(reader(folder), [position])[position]
        assert np.allclose(together[position], alone, rtol=1e-5, atol=1e-6)


def test_batches_hold_every_reading_within_the_budget(tiny_root: Path) -> None:
    one = reader(model_folder("gpt2", tiny_root))
    readings = plan_readings(one.encode, TEXTS, WORDS, NAMES, POSITIONS, SUFFIX)
    batches = in_batches(readings, 512)
    assert sorted(r.row for batch in batches for r in batch) == list(range(len(TEXTS)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(len(r.ids) for r in batch) <= 512


def test_centered_space_has_no_mean_and_equals_compatibility_mode(tiny_root: Path) -> None:
    folder = model_folder("gpt2", tiny_root)
    raw, centered = read_all(reader(folder)), read_all(reader(folder, centered=True))
    for position in POSITIONS:
        assert np.abs(centered[position].mean(-1)).max() < 1e-6
        expected = raw[position] - raw[position].mean(-1, keepdims=True)
        assert np.allclose(centered[position], expected, atol=1e-6)
    compatible = reader(folder)
    compatible.bridge.enable_compatibility_mode()
    folded = read_all(compatible, ["last"])["last"]
    assert np.allclose(centered["last"], folded, atol=1e-4)


def test_centered_space_is_refused_for_rms_norm(tiny_root: Path) -> None:
    with pytest.raises(InputError, match="RMS"):
        reader(model_folder("llama", tiny_root), centered=True)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_products_of_another_library_are_torchs(architecture: str, tiny_root: Path) -> None:
    bridge = load_model(model_folder(architecture, tiny_root))
    layers = [layer for layer in bridge.modules() if type(layer) in (nn.Linear, Conv1D)]
    assert all(isinstance(vars(layer).get("forward"), partial) for layer in layers)
    for layer in layers:
        width = layer.weight.shape[0] if type(layer) is Conv1D else layer.in_features
        x = torch.randn(2, 5, width, generator=torch.Generator().manual_seed(width))
        plain = type(layer).forward(layer, x)
        with torch.inference_mode():
            assert torch.allclose(layer(x), plain, rtol=1e-4, atol=1e-5)
        assert torch.equal(layer(x), plain)  # gradients are torch's


def test_output_is_untouched_by_reading(tiny_root: Path) -> None:
    one = reader(model_folder("gpt2", tiny_root))
    ids = torch.tensor([one.encode(TEXTS[0]).ids])
    with torch.inference_mode():
        before = one.bridge(ids, return_type="logits").clone()
        read_all(one)
        after = one.bridge(ids, return_type="logits")
    assert torch.equal(before, after)


def test_nothing_after_the_last_block_is_computed(tiny_root: Path) -> None:
    one = reader(model_folder("llama", tiny_root))
    model, called = one.bridge.original_model, []
    handles = [
        module.register_forward_hook(lambda *_, name=name: called.append(name))
        for name, module in (("norm", model.model.norm), ("unembedding", model.lm_head))
    ]
    read_all(one)
    assert called == []
    one.bridge(torch.tensor([one.encode(TEXTS[0]).ids]))
    assert called == ["norm", "unembedding"]
    for handle in handles:
        handle.remove()


def test_no_hook_stays_behind(tiny_root: Path) -> None:
    one = reader(model_folder("gpt2", tiny_root))
    modules = list(one.bridge.modules())
    before = [len(module._forward_hooks) for module in modules]
    read_all(one)
    assert [len(module._forward_hooks) for module in modules] == before


def test_sentence_longer_than_the_context(tiny_root: Path) -> None:
    one = reader(model_folder("gpt2", tiny_root))
    with pytest.raises(InputError, match=r"row 7 has \d+ tokens .* context"):
        one.plan("prompts", ["long " * 400], None, ["row 7"], ["last"])


def test_token_that_the_model_does_not_know(tiny_root: Path) -> None:
    one = reader(model_folder("gpt2", tiny_root))
    one.encode.tokenizer.add_tokens(["ladder"])
    with pytest.raises(InputError, match=r"row 0 has the token 257, where gpt2 knows 257 tokens"):
        plan(one, ["last"])


def test_tokenizer_that_breaks_down(tiny_root: Path, tmp_path: Path) -> None:
    """A regular expression that goes back and forth makes the library in Rust panic."""
    tokenizer = byte_tokenizer()
    slow = pre_tokenizers.Split(Regex("(x+x+)+y"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([slow, tokenizer.pre_tokenizer])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    encode_text = load_encoder(tmp_path / "tokenizer.json", 0, True, "m")
    for broken in (lambda text: encode_text(text), lambda text: encode(tokenizer, [text])):
        broken("fine")
        with pytest.raises(InputError, match=r"The tokenizer breaks down.*tokenizer\.json"):
            broken("x" * 5000)


def test_stream_that_is_not_finite_names_model_prompt_position_and_depth(tiny_root: Path) -> None:
    one = reader(model_folder("gpt2", tiny_root))
    with torch.no_grad():
        one.bridge.original_model.transformer.h[1].mlp.c_proj.bias[3] = float("nan")
    with pytest.raises(InputError, match=r"gpt2 .* row 5 at position last, depth 2"):
        list(one.read(one.plan("prompts", [TEXTS[5]], None, ["row 5"], ["last"])))


def test_hook_points_are_the_studys(tiny_root: Path) -> None:
    """resid_pre of the first block, then resid_post of each."""
    one = reader(model_folder("gpt_neox", tiny_root))
    [reading] = plan_readings(one.encode, TEXTS[:1], None, NAMES[:1], ["last"], SUFFIX)
    _, residual = read_streams(one.bridge, [reading], ["last"], False)["last"]
    with torch.inference_mode():
        _, cache = one.bridge.run_with_cache(torch.tensor([reading.ids]))
    for depth in range(4):
        name = f"blocks.{depth}.hook_resid_pre" if depth < 3 else "blocks.2.hook_resid_post"
        assert np.allclose(residual[0, depth], cache[name][0, -1].numpy(), atol=1e-5)
