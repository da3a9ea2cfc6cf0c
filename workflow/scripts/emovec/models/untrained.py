"""Untrained models: the control that knows nothing, and the tiny models of the smoke run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emovec.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PretrainedConfig


BOS = "<|endoftext|>"


def byte_tokenizer() -> Tokenizer:
    """One token per UTF-8 byte, and a BOS: deterministic, and it reads every language."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {BOS: 0} | {character: i for i, character in enumerate(alphabet, start=1)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([BOS])
    return tokenizer


def configuration(
    architecture: str, n_layers: int, d_model: int, n_heads: int, vocab_size: int, bos_id: int
) -> PretrainedConfig:
    """The transformers configuration of a small model.

    Raises
    ------
    InputError
        If the architecture is unknown or the heads do not divide the width.
    """
    from transformers import GPT2Config, GPTNeoConfig, GPTNeoXConfig, LlamaConfig

    if d_model % n_heads or (d_model // n_heads) % 2:
        raise InputError(
            f"d_model {d_model} must be n_heads {n_heads} times an even number in source.random."
        )
    ends = {"vocab_size": vocab_size, "bos_token_id": bos_id, "eos_token_id": bos_id}
    size = {
        "hidden_size": d_model,
        "num_hidden_layers": n_layers,
        "num_attention_heads": n_heads,
        "intermediate_size": 4 * d_model,
        "max_position_embeddings": 1024,
    }
    match architecture:
        case "gpt2":
            return GPT2Config(n_embd=d_model, n_layer=n_layers, n_head=n_heads, **ends)
        case "gpt_neox":
            return GPTNeoXConfig(**size, **ends)
        case "gpt_neo":
            types = [[["global", "local"], (n_layers + 1) // 2]]
            if n_layers % 2:
                types = [[["global"], n_layers]]
            return GPTNeoConfig(
                hidden_size=d_model,
                num_layers=n_layers,
                num_heads=n_heads,
                attention_types=types,
                max_position_embeddings=1024,
                **ends,
            )
        case "llama":
            return LlamaConfig(**size, num_key_value_heads=n_heads, **ends)
    raise InputError(
        f"The architecture {architecture!r} is none of gpt2, gpt_neox, gpt_neo, llama."
    )


def write(
    folder: Path,
    architecture: str,
    n_layers: int,
    d_model: int,
    n_heads: int,
    seed: int,
    tokenizer_json: Path | None = None,
    bos_id: int | None = None,
) -> None:
    """Write an untrained model into `folder`, with the byte tokenizer or the one given."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = (
        Tokenizer.from_file(str(tokenizer_json)) if tokenizer_json is not None else byte_tokenizer()
    )
    bos_id = 0 if tokenizer_json is None else bos_id
    vocab_size = max(tokenizer.get_vocab().values()) + 1
    settings = configuration(architecture, n_layers, d_model, n_heads, vocab_size, bos_id or 0)
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(settings, dtype=torch.float32).save_pretrained(folder)
    bos = tokenizer.id_to_token(bos_id) if bos_id is not None else None
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos).save_pretrained(folder)
