"""Tiny untrained models of four architectures, made once per session and kept for all tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

ARCHITECTURES = ("gpt2", "gpt_neox", "gpt_neo", "llama")
SUFFIX = " That is all there is to say about it."


def source(architecture: str, **changes: object) -> dict:
    settings = {"n_layers": 3, "d_model": 32, "n_heads": 4, "seed": 0}
    return {"random": {"architecture": architecture} | settings | changes}


def model_folder(architecture: str, root: Path, **changes: object) -> Path:
    """The folder of a tiny model below `root`, fetched if it is not there yet."""
    from emovec.models import fetch

    name = "-".join([architecture, *(f"{k}{v}" for k, v in sorted(changes.items()))])
    folder = root / name
    if not (folder / "manifest.json").is_file():
        fetch(source(architecture, **changes), folder, root / "downloads")
    return folder


def write_gguf(path: Path, *, n_layers: int = 3, d_model: int = 32, n_heads: int = 4) -> Path:
    """A tiny random Llama as a GGUF file, as converters write it; returns `path`.

    Its tokenizer is the one of all tiny models with a single merge, because the format has no
    empty lists.
    """
    from emovec.untrained import BOS, byte_tokenizer
    from gguf import GGUFWriter, TokenType

    vocabulary = json.loads(byte_tokenizer().to_str())["model"]["vocab"]
    tokens = [*sorted(vocabulary, key=vocabulary.get), "th"]
    width = 2 * d_model
    rng = np.random.default_rng(0)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (0.2 * rng.standard_normal((rows, columns))).astype("f4")

    path.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(d_model)
    writer.add_block_count(n_layers)
    writer.add_feed_forward_length(width)
    writer.add_head_count(n_heads)
    writer.add_head_count_kv(n_heads)
    writer.add_rope_dimension_count(d_model // n_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    special = [TokenType.CONTROL if token == BOS else TokenType.NORMAL for token in tokens]
    writer.add_token_types(special)
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(vocabulary[BOS])
    writer.add_eos_token_id(vocabulary[BOS])
    writer.add_tensor("token_embd.weight", matrix(len(tokens), d_model))
    for block in range(n_layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"blk.{block}.{name}.weight", matrix(d_model, d_model))
        for name in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"blk.{block}.{name}.weight", matrix(width, d_model))
        writer.add_tensor(f"blk.{block}.ffn_down.weight", matrix(d_model, width))
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{block}.{name}.weight", np.ones(d_model, "f4"))
    writer.add_tensor("output_norm.weight", np.ones(d_model, "f4"))
    writer.add_tensor("output.weight", matrix(len(tokens), d_model))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
