"""Tiny untrained models of four architectures, made once per session and kept for all tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

ARCHITECTURES = ("gpt2", "gpt_neox", "gpt_neo", "llama")
GGUF_ATTENTION = ("attn_q", "attn_k", "attn_v", "attn_output")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SUFFIX = " That is all there is to say about it."
CHAT = """{{ bos_token }}{% for message in messages %}
[{{ message.role }}]
{{ message.content }}
{% endfor %}
{% if add_generation_prompt %}
[reply]
{% endif %}"""  # <|endoftext|>[user]↵…↵[reply]↵


def source(architecture: str, **changes: object) -> dict:
    settings = {"n_layers": 3, "d_model": 32, "n_heads": 4, "seed": 0}
    return {"random": {"architecture": architecture} | settings | changes}


def model_folder(architecture: str, root: Path, **changes: object) -> Path:
    """The folder of a tiny model below `root`, fetched if it is not there yet."""
    from emovec.models.sources import fetch

    name = "-".join([architecture, *(f"{k}{v}" for k, v in sorted(changes.items()))])
    folder = root / name
    if not (folder / "manifest.json").is_file():
        fetch(source(architecture, **changes), folder, root / "downloads")
    return folder


def write_classifier(
    folder: Path, planted: str, labels: tuple[str, ...] = ("other", "planted"), **settings: object
) -> Path:
    """A text classifier whose outputs are 0 and 2 if a text ends in one of the letters `planted`.

    If it ends otherwise they are 2 and 0. A GPT-2 without a word on any other token: its only block
    adds nothing. `settings` go into its configuration; returns `folder`.
    """
    import torch
    from emovec.models.untrained import BOS, byte_tokenizer
    from transformers import GPT2Config, GPT2ForSequenceClassification, PreTrainedTokenizerFast

    tokenizer = byte_tokenizer()
    vocabulary = tokenizer.get_vocab()
    ends = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0} | settings
    names = dict(enumerate(labels))
    config = GPT2Config(
        n_embd=4, n_layer=1, n_head=1, n_positions=64, vocab_size=len(vocabulary), id2label=names,
        label2id={label: place for place, label in names.items()}, **ends,
    )  # fmt: skip
    model = GPT2ForSequenceClassification(config)
    # of mean 0 and variance 1, so that the final LayerNorm leaves them as they are
    other, one = torch.tensor([[1.0, -1, 1, -1], [1, 1, -1, -1]])
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        model.transformer.ln_f.weight.fill_(1)
        model.transformer.wte.weight[:] = other
        model.transformer.wte.weight[[vocabulary[letter] for letter in planted]] = one
        model.score.weight[:] = torch.stack([other, one])[: len(labels)] / 2
    model.save_pretrained(folder)
    pad = BOS if ends["pad_token_id"] is not None else None
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, pad_token=pad,
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_model(model: object, folder: Path, **settings: object) -> Path:
    """Save a model of transformers with the tokenizer of all tiny models; returns `folder`.

    `settings` go into the tokenizer's, such as a chat template.
    """
    from emovec.models.untrained import BOS, byte_tokenizer
    from transformers import PreTrainedTokenizerFast

    model.save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(), bos_token=BOS, **settings
    )
    tokenizer.save_pretrained(folder)
    return folder


def write_chatting(folder: Path) -> Path:
    """A tiny random GPT-2 whose tokenizer has a chat template; returns `folder`."""
    import torch
    from emovec.models.untrained import configuration
    from transformers import GPT2LMHeadModel

    torch.manual_seed(0)
    config = configuration("gpt2", n_layers=3, d_model=32, n_heads=4, vocab_size=257, bos_id=0)
    return save_model(GPT2LMHeadModel(config), folder, chat_template=CHAT)


def write_seeing(folder: Path) -> Path:
    """A tiny random Gemma 3 that sees pictures too; returns `folder`."""
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    text = {
        "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 64, "vocab_size": 300,
        "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32, "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    config = Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=4,
        image_token_index=299, boi_token_index=298, eoi_token_index=297,
    )  # fmt: skip
    torch.manual_seed(0)
    return save_model(Gemma3ForConditionalGeneration(config), folder)


def write_gguf(
    path: Path, *, n_layers: int = 3, d_model: int = 32, n_heads: int = 4, chat_template: str = "",
    blocks: str = "F32",
) -> Path:  # fmt: skip
    """A tiny random Llama as a GGUF file, as converters write it; returns `path`."""
    width = 2 * d_model
    rng = np.random.default_rng(0)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (0.2 * rng.standard_normal((rows, columns))).astype("f4")

    def block(number: int) -> dict[str, np.ndarray]:
        square = {name: matrix(d_model, d_model) for name in GGUF_ATTENTION}
        wide = {name: matrix(width, d_model) for name in ("ffn_gate", "ffn_up")}
        narrow = {"ffn_down": matrix(d_model, width)}
        norms = {name: np.ones(d_model, "f4") for name in ("attn_norm", "ffn_norm")}
        parts = square | wide | narrow | norms
        return {f"blk.{number}.{name}.weight": numbers for name, numbers in parts.items()}

    tensors = {"token_embd.weight": matrix(258, d_model)}
    for number in range(n_layers):
        tensors |= block(number)
    tensors |= {"output_norm.weight": np.ones(d_model, "f4"), "output.weight": matrix(258, d_model)}
    settings = {
        "context_length": 512, "embedding_length": d_model, "block_count": n_layers,
        "feed_forward_length": width, "attention.head_count": n_heads,
        "attention.head_count_kv": n_heads, "rope.dimension_count": d_model // n_heads,
        "rope.freq_base": 10000.0, "attention.layer_norm_rms_epsilon": 1e-6, "vocab_size": 258,
    }  # fmt: skip
    return write_gguf_of(path, "llama", settings, tensors, chat_template, blocks)


def write_gguf_of(
    path: Path,
    architecture: str,
    settings: dict[str, float],
    tensors: dict[str, np.ndarray],
    chat_template: str = "",
    blocks: str = "F32",
) -> Path:
    """A GGUF file of these tensors; `blocks` is the format of the matrices in its blocks.

    Its tokenizer is the one of all tiny models with a single merge, because the format has no
    empty lists.
    """
    from emovec.models.untrained import BOS, byte_tokenizer
    from gguf import GGMLQuantizationType, GGUFWriter, TokenType, quantize

    vocabulary = json.loads(byte_tokenizer().to_str())["model"]["vocab"]
    tokens = [*sorted(vocabulary, key=vocabulary.get), "th"]
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(path, architecture)
    for key, value in settings.items():
        add = writer.add_float32 if isinstance(value, float) else writer.add_uint32
        add(f"{architecture}.{key}", value)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    special = [TokenType.CONTROL if token == BOS else TokenType.NORMAL for token in tokens]
    writer.add_token_types(special)
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(vocabulary[BOS])
    writer.add_eos_token_id(vocabulary[BOS])
    if chat_template:
        writer.add_chat_template(chat_template)
    for name, numbers in tensors.items():
        if blocks != "F32" and name.startswith("blk.") and numbers.ndim > 1:
            kind = GGMLQuantizationType[blocks]
            writer.add_tensor(name, quantize(numbers, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_normed(architecture: str, folder: Path) -> Path:
    """A tiny random model with grouped queries, and norms after its blocks or biases in them."""
    import torch
    import transformers

    prefix = {"gemma3": "Gemma3", "olmo2": "Olmo2", "qwen2": "Qwen2"}[architecture]
    kind = "Gemma3TextConfig" if prefix == "Gemma3" else f"{prefix}Config"
    sizes = {
        "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 64, "vocab_size": 300, "bos_token_id": 0,
        "eos_token_id": 0, "pad_token_id": 0,
    }  # fmt: skip
    config = getattr(transformers, kind)(**sizes | {"head_dim": 8} if prefix == "Gemma3" else sizes)
    torch.manual_seed(0)
    if not folder.exists():
        save_model(getattr(transformers, f"{prefix}ForCausalLM")(config), folder)
    return folder
