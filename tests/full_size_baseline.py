"""Run config/baseline.yaml unchanged on models of the full size, and measure each stage.

    python tests/full_size_baseline.py FOLDER [--cores N] [--tokenizer FILE] [--tiny]

The hub is a stand-in on the loopback interface. It serves untrained models of the same three
architectures, names, commits and file layout as the originals. Their tokenizer has one token per
byte, four to five times as many as the originals have for a sentence; name the tokenizer.json of
a model with at most 50257 tokens for the time that the originals take. Needs 3 GB in FOLDER.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub_server import serve
from project import ROOT, Project

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


@dataclass(frozen=True)
class Size:
    n_layers: int
    d_model: int
    n_heads: int
    vocabulary: Mapping[str, int]


TINY = Size(2, 32, 4, {"gpt2": 257, "gpt_neox": 264, "gpt_neo": 257})
FULL = Size(12, 768, 12, {"gpt2": 50257, "gpt_neox": 50304, "gpt_neo": 50257})


def write_repositories(
    folder: Path, config: dict, size: Size, tokenizer: Path | None = None
) -> None:
    """Write an untrained stand-in for each repository of a config, at its commit."""
    for seed, model in enumerate(config["models"].values()):
        repo = model["source"]["hub"]
        write_repository(folder / repo, ARCHITECTURES[repo], size, seed, tokenizer)
        (folder / repo / "REVISION").write_text(model["source"]["revision"] + "\n")


def write_repository(
    folder: Path, architecture: str, size: Size, seed: int, tokenizer: Path | None
) -> None:
    """Write an untrained model with the files, tensor names and number format of the original."""
    import torch
    from emovec.models.untrained import byte_tokenizer, configuration
    from safetensors.torch import save_file
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    settings = configuration(
        architecture, size.n_layers, size.d_model, size.n_heads, size.vocabulary[architecture], 0
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(settings, dtype=torch.float32)
    if architecture == "gpt_neox":
        model = model.half()
    tensors = {k: t for k, t in model.state_dict().items() if k != "lm_head.weight"}
    if architecture == "gpt_neox":  # the one whose head is not its embedding, under its old name
        tensors["embed_out.weight"] = model.state_dict()["lm_head.weight"]
    if architecture == "gpt2":  # saved without its head
        tensors = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    for layer in range(size.n_layers):  # masks that older versions of transformers stored
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
    chosen = byte_tokenizer() if tokenizer is None else Tokenizer.from_file(str(tokenizer))
    _write_tokenizer(folder, architecture, chosen)


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


def stages(config: dict) -> dict[str, list[str]]:
    """The targets of each stage, in the order of the flow."""
    from emovec.models.sources import source_id

    models = config["models"]
    sources = [source_id(model["source"]) for model in models.values()]
    return {
        "fetch the models": [f"resources/models/{source}/manifest.json" for source in sources],
        "run the models": [f"results/{config['experiment']}/activations/{m}.h5" for m in models],
        "everything after": [],
    }


def rules(logs: Path) -> dict[str, list[tuple[float, float]]]:
    """Seconds and peak memory in MiB of each job, by rule, from Snakemake's benchmark files."""
    found: dict[str, list[tuple[float, float]]] = {}
    for path in sorted(logs.rglob("*.tsv")):
        rule = path.stem if path.parent.name == "benchmarks" else path.parent.name
        for row in csv.DictReader(path.open(), delimiter="\t"):
            # a job that ends before the first measurement has none
            peak = float(row["max_rss"]) if row["max_rss"][:1].isdigit() else 0.0
            found.setdefault(rule, []).append((float(row["s"]), peak))
    return found


def measure(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run a command; return its wall time in seconds and its peak memory in MiB.

    The peak is that of the largest single process below it (ru_maxrss).
    """
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with code {process.returncode}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where to run; an earlier run must not be there")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument(
        "--tiny", action="store_true", help="as a check: 2 blocks of width 32, few sentences"
    )
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json in place of the bytes")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "workflow/scripts"))

    project = Project(options.folder.resolve() / "project", BASELINE)
    if options.tiny:
        with_few_sentences(project)
    served = options.folder / "hub"
    write_repositories(served, project.config, TINY if options.tiny else FULL, options.tokenizer)
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_"))
    }
    environment |= {
        "HF_HOME": str(options.folder.resolve() / "home"),
        "HF_HUB_ETAG_TIMEOUT": "120",  # the stand-in computes digests anew for each answer
        "HF_HUB_DOWNLOAD_TIMEOUT": "120",
        "NO_PROXY": "127.0.0.1",
    }
    measured = {}
    with serve(served) as hub:
        environment["HF_ENDPOINT"] = hub.url
        for stage, targets in stages(project.config).items():
            command = [sys.executable, "-m", "snakemake", *targets, "--cores", str(options.cores)]
            command += ["--quiet", "--configfile", BASELINE]
            measured[stage] = measure(command, project.folder, environment)
    if (project.folder / BASELINE).read_bytes() != (ROOT / BASELINE).read_bytes():
        sys.exit(f"{BASELINE} was changed")

    size = sum(path.stat().st_size for path in served.rglob("*.safetensors")) / 2**20
    print(f"\n{size:.0f} MiB of weights, {options.cores} cores")
    print(f"{'stage':<28}{'seconds':>9}{'peak MiB':>10}")
    for stage, (seconds, peak) in measured.items():
        print(f"{stage:<28}{seconds:9.1f}{peak:10.0f}")
    print(f"{'in all':<28}{sum(s for s, _ in measured.values()):9.1f}")
    print(f"\n{'rule (jobs)':<28}{'seconds':>9}{'peak MiB':>10}")
    for rule, jobs in rules(project.folder / "logs").items():
        seconds, peak = sum(s for s, _ in jobs), max(p for _, p in jobs)
        print(f"{f'{rule} ({len(jobs)})':<28}{seconds:9.1f}{peak:10.0f}")
    print(f"\nreport: {project.results / 'report.html'}")


if __name__ == "__main__":
    main()
