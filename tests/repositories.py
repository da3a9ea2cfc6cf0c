"""Untrained stand-ins for repositories of the hub: those of the original study among them.

They have the architectures, names, commits and file layout of the originals, and a tokenizer with
one token per byte.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from project import Project

BASELINE = "config/baseline.yaml"
ARCHITECTURES = {
    "openai-community/gpt2": "gpt2",
    "EleutherAI/pythia-160m": "gpt_neox",
    "EleutherAI/gpt-neo-125m": "gpt_neo",
}
# What the repositories also hold and nobody should fetch: the same weights for other programs.
UNWANTED = (
    ".gitattributes",
    "64.tflite",
    "README.md",
    "flax_model.msgpack",
    "onnx/decoder_model.onnx",
    "pytorch_model.bin",
    "rust_model.ot",
    "tf_model.h5",
)


N_LAYERS, D_MODEL, N_HEADS = 2, 32, 4
VOCABULARY = {"gpt2": 257, "gpt_neox": 264, "gpt_neo": 257}


def write_repositories(folder: Path, config: dict) -> None:
    """Write an untrained stand-in for each repository of a config, at its commit."""
    for seed, model in enumerate(config["models"].values()):
        repo = model["source"]["hub"]
        write_repository(folder / repo, ARCHITECTURES[repo], seed)
        (folder / repo / "REVISION").write_text(model["source"]["revision"] + "\n")


def write_repository(folder: Path, architecture: str, seed: int) -> None:
    """Write an untrained model with the files, tensor names and number format of the original."""
    import torch
    from emovec.models.untrained import byte_tokenizer, configuration
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM

    settings = configuration(architecture, N_LAYERS, D_MODEL, N_HEADS, VOCABULARY[architecture], 0)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(settings, dtype=torch.float32)
    if architecture == "gpt_neox":
        model = model.half()
    tensors = {k: t for k, t in model.state_dict().items() if k != "lm_head.weight"}
    if architecture == "gpt_neox":  # the one whose head is not its embedding, under its old name
        tensors["embed_out.weight"] = model.state_dict()["lm_head.weight"]
    if architecture == "gpt2":  # saved without its head
        tensors = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    for layer in range(N_LAYERS):  # masks that older versions of transformers stored
        name = {
            "gpt2": f"h.{layer}.attn.bias",
            "gpt_neox": f"gpt_neox.layers.{layer}.attention.bias",
            "gpt_neo": f"transformer.h.{layer}.attn.attention.bias",
        }[architecture]
        context = settings.max_position_embeddings
        tensors[name] = torch.ones(1, 1, context, context, dtype=torch.bool).tril()

    for name in UNWANTED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name} is not for us\n")
    settings.architectures = [type(model).__name__]
    settings.save_pretrained(folder)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _write_tokenizer(folder, architecture, byte_tokenizer())


def _write_tokenizer(folder: Path, architecture: str, tokenizer) -> None:
    """GPT-2 leaves its special tokens to transformers; the others name them."""

    def write(name: str, content: object) -> None:
        (folder / name).write_text(json.dumps(content))

    tokenizer.save(str(folder / "tokenizer.json"))
    if architecture == "gpt2":
        write("tokenizer_config.json", {"model_max_length": 1024})
    else:
        special = {f"{kind}_token": tokenizer.id_to_token(0) for kind in ("bos", "eos", "unk")}
        kind = "GPTNeoXTokenizer" if architecture == "gpt_neox" else "GPT2Tokenizer"
        write("special_tokens_map.json", special)
        write(
            "tokenizer_config.json",
            special | {"add_prefix_space": False} | {"tokenizer_class": kind},
        )
    if architecture != "gpt_neox":
        write("vocab.json", tokenizer.get_vocab())
        (folder / "merges.txt").write_text("#version: 0.2\n")
        write("generation_config.json", {"bos_token_id": 0, "eos_token_id": 0})


def with_few_sentences(project: Project) -> Project:
    """Put the sentences of the smoke run in the place of the baseline's, for a quick check."""
    prompts = project.folder / "resources/prompts"
    shutil.copy2(prompts / "smoke.csv", prompts / "baseline.csv")
    shutil.copy2(prompts / "smoke_probe.csv", prompts / "probe.csv")
    return project
