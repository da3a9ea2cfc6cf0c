"""GGUF files tensor by tensor: what transformers' own loader makes of them, in less memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from emovec.errors import InputError
from emovec.models import gguf
from safetensors.numpy import load_file
from tiny import write_gguf_of
from transformers import AutoModelForCausalLM

SIZES = {
    "context_length": 64, "embedding_length": 64, "block_count": 2, "feed_forward_length": 128,
    "attention.head_count": 4, "attention.head_count_kv": 2, "attention.key_length": 16,
    "vocab_size": 258, "attention.layer_norm_rms_epsilon": 1e-6, "expert_count": 4,
    "attention.layer_norm_epsilon": 1e-5, "expert_used_count": 2,
}  # fmt: skip
ATTENTION = {"attn_q": (64, 64), "attn_k": (32, 64), "attn_v": (32, 64), "attn_output": (64, 64)}
NORMS = {"attn_norm": (64,), "ffn_norm": (64,)}
LLAMA = ATTENTION | NORMS | {"ffn_gate": (128, 64), "ffn_up": (128, 64), "ffn_down": (64, 128)}
# the tensors of a block as converters write them: turned, permuted, with norms that lack 1
BLOCKS = {
    "llama": LLAMA,
    "gemma2": LLAMA | {"post_attention_norm": (64,), "post_ffw_norm": (64,)},
    "gpt2": NORMS
    | {"attn_qkv": (192, 64), "attn_output": (64, 64), "ffn_up": (256, 64), "ffn_down": (64, 256)},
    "qwen3moe": ATTENTION
    | NORMS
    | {"attn_q_norm": (16,), "attn_k_norm": (16,), "ffn_gate_inp": (4, 64)}
    | {"ffn_gate_exps": (4, 768, 64), "ffn_up_exps": (4, 768, 64), "ffn_down_exps": (4, 64, 768)},
}


def tensors_of(architecture: str) -> dict[str, np.ndarray]:
    shapes = {"token_embd.weight": (258, 64), "output_norm.weight": (64,)}
    for block in range(2):
        for name, shape in BLOCKS[architecture].items():
            shapes[f"blk.{block}.{name}.weight"] = shape
            if architecture == "gpt2":
                shapes[f"blk.{block}.{name}.bias"] = shape[:1]
    if architecture == "gpt2":
        shapes |= {"output_norm.bias": (64,), "position_embd.weight": (1024, 64)}
    if architecture != "gemma2":  # whose embedding is its output too
        shapes["output.weight"] = (258, 64)
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape).astype("f4") for name, shape in shapes.items()}


@pytest.mark.parametrize("blocks", ["F32", "Q8_0"])
@pytest.mark.parametrize("architecture", BLOCKS)
def test_every_tensor_is_what_transformers_makes_of_it(
    tmp_path: Path, architecture: str, blocks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gguf, "ROWS", 100)
    tensors = tensors_of(architecture)
    path = write_gguf_of(tmp_path / "m.gguf", architecture, SIZES, tensors, blocks=blocks)
    whole = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name, dtype=torch.float32)
    gguf.dequantise(path, tmp_path / "model")
    found = AutoModelForCausalLM.from_pretrained(tmp_path / "model").state_dict()
    assert found.keys() == whole.state_dict().keys()
    for name, numbers in whole.state_dict().items():
        assert torch.equal(found[name], numbers), name


def test_heads_of_a_llama_are_in_the_order_of_its_checkpoint(tmp_path: Path) -> None:
    """Converters lay the halves of a head, which rotate together, side by side."""
    tensors = tensors_of("llama")
    path = write_gguf_of(tmp_path / "m.gguf", "llama", SIZES, tensors)
    gguf.dequantise(path, tmp_path / "model")
    found = load_file(tmp_path / "model/model.safetensors")
    rows = [
        head * 16 + place for head in range(2) for place in (*range(0, 16, 2), *range(1, 16, 2))
    ]
    for block in range(2):
        key = found[f"model.layers.{block}.self_attn.k_proj.weight"]
        assert np.array_equal(key, tensors[f"blk.{block}.attn_k.weight"][rows])


def test_lacking_tensor_is_named(tmp_path: Path) -> None:
    tensors = tensors_of("llama")
    del tensors["blk.1.attn_v.weight"]
    tensors["blk.1.unknown.weight"] = np.zeros((64, 64), "f4")
    path = write_gguf_of(tmp_path / "m.gguf", "llama", SIZES, tensors)
    says = r"m\.gguf lacks the tensor 'model\.layers\.1\.self_attn\.v_proj\.weight': choose"
    with pytest.raises(InputError, match=says):
        gguf.dequantise(path, tmp_path / "model")


def test_tensor_of_another_shape(tmp_path: Path) -> None:
    tensors = tensors_of("llama") | {"blk.0.ffn_up.weight": np.zeros((130, 64), "f4")}
    path = write_gguf_of(tmp_path / "m.gguf", "llama", SIZES, tensors)
    says = r"m\.gguf cannot .*model\.layers\.0\.mlp\.up_proj\.weight has the shape \[130, 64\]"
    with pytest.raises(InputError, match=says):
        gguf.dequantise(path, tmp_path / "model")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_full_disk_is_not_laid_to_the_file(tmp_path: Path) -> None:
    path = write_gguf_of(tmp_path / "m.gguf", "llama", SIZES, tensors_of("llama"))
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.safetensors").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        gguf.dequantise(path, tmp_path / "model")


GREW = """
import sys
from pathlib import Path
from emovec.models import gguf

def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

convert = gguf._convert
def measured(reader, model, target):
    Path("/proc/self/clear_refs").write_text("5")
    before = most()
    convert(reader, model, target)
    print(most() - before)

gguf._convert = measured
gguf.dequantise(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's high-water mark")
def test_no_more_than_the_largest_tensor_is_in_memory(tmp_path: Path) -> None:
    """Of 152 MB in 12 blocks; the pages of the file itself can be given back at any time."""
    n_blocks, tensors = 12, tensors_of("llama")
    block = {name: numbers for name, numbers in tensors.items() if name.startswith("blk.0.")}
    block["blk.0.ffn_up.weight"] = block["blk.0.ffn_gate.weight"] = np.ones((16384, 64), "f4")
    block["blk.0.ffn_down.weight"] = np.ones((64, 16384), "f4")
    for number in range(n_blocks):
        tensors |= {name.replace("blk.0", f"blk.{number}"): one for name, one in block.items()}
    halves = {name: one.astype("f2" if one.ndim > 1 else "f4") for name, one in tensors.items()}
    sizes = SIZES | {"block_count": n_blocks, "feed_forward_length": 16384}
    path = write_gguf_of(tmp_path / "m.gguf", "llama", sizes, halves)
    command = [sys.executable, "-c", GREW, str(path), str(tmp_path / "model")]
    path_of = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=os.environ | path_of)
    written = (tmp_path / "model/model.safetensors").stat().st_size
    assert written > 150e6
    assert int(done.stdout) < path.stat().st_size + 20e6
