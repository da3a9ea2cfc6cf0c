"""Reading the residual stream: this capture, other ways, and the machine's limit.

    python benchmarks/capture.py FOLDER [--rounds 5] [--threads 2] [--sentences 64]
                                 [--no-memory] [--no-speed]

FOLDER is a model below resources/models. All ways read the stream at the last token of the same
sentences, the baseline prompts with their suffix, at every depth. They are timed in turn within
each round, in an order that changes; what counts are the ratios within a round. Before that, each
way's numbers are compared with this capture's. Memory is measured in a process for each way, and
bfloat16 is judged by what it does to emotion vectors.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import torch
import transformers
import yaml
from emovec.activations.capture import Reader
from emovec.activations.store import ActivationsWriter
from emovec.io.files import read_json
from emovec.models.depths import hook_points
from emovec.models.loading import load_model, quicken
from emovec.prompts.sentences import read_prompts
from emovec.prompts.tokenizer import load_encoder
from side import python_with
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).parents[1]
BATCH = 32  # sentences, in the ways that count sentences
MIB = 2**20
Read = Callable[[list[str]], np.ndarray]  # sentences -> stream [sentence, depth, d_model]


def settings() -> tuple[dict, list[str], int]:
    """What the baseline says of prompts, their sentences, and the tokens of a batch."""
    config = yaml.safe_load((ROOT / "config/baseline.yaml").read_text())
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    prompts = config["prompts"]
    table = read_prompts(ROOT / prompts["file"], prompts["emotions"], prompts["neutral"])
    activations = schema["properties"]["activations"]["properties"]
    return prompts, table.text.tolist(), activations["batch_tokens"]["default"]


PROMPTS, TEXTS, BATCH_TOKENS = settings()
SUFFIX = PROMPTS["suffix"]


def reader(folder: Path, dtype: str = "float32") -> Reader:
    manifest = read_json(folder / "manifest.json")
    encode = load_encoder(folder / "tokenizer.json", manifest["bos_token_id"], True, folder.name)
    model = load_model(folder, dtype=dtype)
    return Reader(folder.name, model, encode, SUFFIX, BATCH_TOKENS, False)


def hugging_face(folder: Path) -> tuple[torch.nn.Module, AutoTokenizer, str]:
    """Model, tokenizer that pads on the right, and the text of the first token."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.padding_side = "right"
    start = tokenizer.convert_ids_to_tokens(read_json(folder / "manifest.json")["bos_token_id"])
    tokenizer.pad_token = tokenizer.pad_token or start
    return model, tokenizer, start


def this_capture(folder: Path, dtype: str = "float32", compiled: bool = False) -> Read:
    one = reader(folder, dtype)
    if compiled:
        one.bridge.original_model.compile(dynamic=True)

    def read(texts: list[str]) -> np.ndarray:
        found = np.empty((len(texts), one.bridge.cfg.n_layers + 1, one.bridge.cfg.d_model), "f4")
        for block in one.read(one.plan("prompts", texts, None, texts, ["last", "suffix"])):
            if block.position == "suffix":
                found[block.rows] = block.residual
        return found

    return read


def in_bfloat16(folder: Path) -> Read:
    return this_capture(folder, "bfloat16")


def compiled(folder: Path) -> Read:
    return this_capture(folder, compiled=True)


def cached(folder: Path, everything: bool) -> Read:
    one = reader(folder)
    names = hook_points(one.bridge.cfg.n_layers)

    def read(texts: list[str]) -> np.ndarray:
        found = []
        with torch.inference_mode():
            for text in texts:
                ids = torch.tensor([one.encode(text + SUFFIX).ids])
                kept = {} if everything else {"names_filter": names}
                _, cache = one.bridge.run_with_cache(ids, **kept)
                found.append(torch.stack([cache[name][0, -1] for name in names]))
        return torch.stack(found).numpy()

    return read


def run_with_cache(folder: Path) -> Read:
    return cached(folder, everything=True)


def names_filter(folder: Path) -> Read:
    return cached(folder, everything=False)


def hidden_states(folder: Path) -> Read:
    model, tokenizer, start = hugging_face(folder)

    def read(texts: list[str]) -> np.ndarray:
        found = []
        with torch.inference_mode():
            for i in range(0, len(texts), BATCH):
                batch = [start + text + SUFFIX for text in texts[i : i + BATCH]]
                ids = tokenizer(batch, padding=True, return_tensors="pt")
                states = model(**ids, output_hidden_states=True).hidden_states
                last = ids["attention_mask"].sum(1) - 1
                rows = torch.arange(len(batch))
                found.append(torch.stack([state[rows, last] for state in states], 1))
        return torch.cat(found).numpy()

    return read


def steering_vectors(folder: Path) -> Read:
    """It reads pairs, at the output of every block."""
    from steering_vectors.train_steering_vector import extract_activations

    model, tokenizer, start = hugging_face(folder)

    def read(texts: list[str]) -> np.ndarray:
        texts = [start + text + SUFFIX for text in texts]
        half = (len(texts) + 1) // 2
        pairs = list(zip(texts[:half], [*texts[half:], texts[0]][:half], strict=True))
        with torch.inference_mode():
            sides = extract_activations(model, tokenizer, pairs, batch_size=BATCH // 2)
        first, second = (
            torch.stack([torch.cat(acts) for _, acts in sorted(side.items())], 1) for side in sides
        )
        return _after_blocks(torch.cat([first, second])[: len(texts)].numpy())

    return read


def repeng(folder: Path) -> Read:
    setattr(np, "float_", np.float64)  # noqa: B010 - it asks NumPy 2 for a name of NumPy 1
    import repeng.extract

    repeng.extract.tqdm.tqdm = iter
    model, tokenizer, start = hugging_face(folder)
    layers = list(range(model.config.num_hidden_layers))

    def read(texts: list[str]) -> np.ndarray:
        found = repeng.extract.batched_get_hiddens(
            model, tokenizer, [start + text + SUFFIX for text in texts], layers, BATCH
        )
        return _after_blocks(np.stack([found[layer] for layer in layers], 1))

    return read


def nnsight(folder: Path) -> Read:
    from nnsight import LanguageModel
    from nnsight import save as keep

    model, tokenizer, start = hugging_face(folder)
    traced = LanguageModel(model, tokenizer=tokenizer)
    tokenizer.padding_side = "right"  # it has set the other one

    def read(texts: list[str]) -> np.ndarray:
        found = []
        for i in range(0, len(texts), BATCH):
            batch = [start + text + SUFFIX for text in texts[i : i + BATCH]]
            ids = tokenizer(batch, padding=True, return_tensors="pt")
            rows, last = torch.arange(len(batch)), ids["attention_mask"].sum(1) - 1
            states = []
            with torch.inference_mode(), traced.trace(dict(ids)):
                states = keep([])
                for layer in traced.model.layers:
                    out = layer.output
                    states.append((out[0] if isinstance(out, tuple) else out)[rows, last])
            found.append(torch.stack(states, 1))
        return _after_blocks(torch.cat(found).numpy())

    return read


def _after_blocks(streams: np.ndarray) -> np.ndarray:
    """With an empty depth 0, which these libraries do not read."""
    return np.concatenate([np.full_like(streams[:, :1], np.nan), streams], 1)


def matrix_limit(folder: Path) -> Callable[[list[str]], None]:
    """The matrix products of the blocks on as many tokens, without padding, and nothing else.

    By the library that multiplies fastest here, as in this capture.
    """
    one = reader(folder)
    cfg = one.bridge.cfg
    blocks = one.bridge.original_model.get_decoder().layers
    shapes = [
        (layer.in_features, layer.out_features)
        for layer in blocks.modules()
        if isinstance(layer, torch.nn.Linear)
    ]
    products = {shape: torch.nn.Linear(*shape, bias=False) for shape in set(shapes)}
    for layer in products.values():
        quicken(layer)

    def read(texts: list[str]) -> None:
        with torch.inference_mode():
            for batch in one.plan("prompts", texts, None, texts, ["last", "suffix"]):
                lengths = [len(reading.ids) for reading in batch.readings]
                inputs = {size: torch.randn(sum(lengths), size) for size, _ in products}
                heads = torch.randn(len(lengths) * cfg.n_heads, max(lengths), cfg.d_head)
                for shape in shapes:
                    products[shape](inputs[shape[0]])
                for _ in range(cfg.n_layers):
                    torch.bmm(torch.bmm(heads, heads.transpose(1, 2)), heads)

    return read


WAYS: dict[str, tuple[Callable[[Path], Read], bool]] = {  # and whether sentence by sentence
    "this capture": (this_capture, False),
    "… in bfloat16": (in_bfloat16, False),
    "… with torch.compile": (compiled, False),
    "TransformerLens run_with_cache, one by one": (run_with_cache, True),
    "… with a names filter": (names_filter, True),
    "Hugging Face batch, output_hidden_states": (hidden_states, False),
    "steering-vectors": (steering_vectors, False),
    "repeng": (repeng, False),
    "nnsight": (nnsight, False),
    "matrix-multiply limit": (matrix_limit, False),
}
OURS, *_, LIMIT = WAYS


def prepare(folder: Path) -> dict[str, Read]:
    """Every way that works here and reads the same numbers; the others are named."""
    sample, ready, expected = TEXTS[:4], {}, None
    for name, (make, _) in WAYS.items():
        try:
            ready[name] = make(folder)
            found = ready[name](sample)
        except Exception as error:
            print(f"{name} does not work here: {type(error).__name__}: {str(error)[:300]}")
            ready.pop(name, None)
            continue
        if name == OURS:
            expected = found
        elif name != LIMIT:
            # the last hidden state of Hugging Face models is after the final norm
            inner = slice(1, -1)
            scale = np.abs(expected[:, inner]).max()
            worst = np.abs(found[:, inner] - expected[:, inner]).max() / scale
            print(f"{name}: differs from this capture by {worst:.1e} of the largest value")
    return ready


def speed(folder: Path, rounds: int, sentences: int) -> None:
    ready = prepare(folder)
    rng = np.random.default_rng(0)
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in ready}
    for _ in range(rounds):
        sample = rng.choice(TEXTS, sentences, replace=False).tolist()
        for name in rng.permutation(list(ready)).tolist():
            some = sample[:: max(1, sentences // 6)] if WAYS[name][1] else sample
            wall, processor = time.perf_counter(), time.process_time()
            ready[name](some)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            rates[name].append((len(some) / wall, len(some) / processor))
    found = {name: np.array(values) for name, values in rates.items()}
    print(f"\n{rounds} rounds of {sentences} sentences, {torch.get_num_threads()} threads, float32")
    print("| way | sentences/s | this capture is × | by processor time × |\n|---|--:|--:|--:|")
    for name, values in found.items():
        wall, processor = np.median(found[OURS] / values, 0)
        print(f"| {name} | {np.median(values[:, 0]):.1f} | {wall:.2f} | {processor:.2f} |")


def precision(folder: Path, topics: int) -> None:
    """What bfloat16 does to emotion vectors."""
    table = read_prompts(ROOT / PROMPTS["file"], PROMPTS["emotions"], PROMPTS["neutral"])
    table = table[table.topic.isin(table.topic.unique()[:topics])]
    vectors = []
    for dtype in ("float32", "bfloat16"):
        # the suffix ends every sentence, so that all are alike before the first block
        streams = this_capture(folder, dtype)(table.text.tolist())[:, 1:]
        neutral = streams[table.emotion == PROMPTS["neutral"]].mean(0)
        vectors.append(
            np.stack([streams[table.emotion == e].mean(0) - neutral for e in PROMPTS["emotions"]])
        )
    exact, rounded = vectors
    length, other = (np.linalg.norm(one, axis=-1) for one in vectors)
    cosines = (exact * rounded).sum(-1) / (length * other)
    print(
        f"\nbfloat16 against float32, emotion vectors of {topics} topics: cosine at least "
        f"{cosines.min():.5f}, length off by at most {np.abs(other / length - 1).max():.2%}"
    )


def peak() -> float:
    """Largest resident memory of this program, in MiB; what it was started from does not count."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def memory_of(name: str, folder: Path, sentences: int) -> None:
    """Print the peak of this process, in MiB, after reading that many prompts."""
    texts = TEXTS[:sentences]
    if name == OURS:
        one = reader(folder)
        cfg = one.bridge.cfg
        with (
            tempfile.TemporaryDirectory() as scratch,
            ActivationsWriter(Path(scratch, "a.h5"), cfg.n_layers + 1, cfg.d_model) as writer,
        ):
            data = {p: writer.residual("prompts", p, len(texts)) for p in ("last", "suffix")}
            for block in one.read(one.plan("prompts", texts, None, texts, ["last", "suffix"])):
                for row, stream in zip(block.rows, block.residual, strict=True):
                    data[block.position][row] = stream
    else:
        WAYS[name][0](folder)(texts)
    print(f"PEAK {peak()}")


def memory(folder: Path, threads: int) -> None:
    weights = (folder / "model.safetensors").stat().st_size / MIB
    print(f"\nPeak memory of a process; the weights are {weights:.0f} MiB")
    print("| way | sentences | peak MiB | over the weights |\n|---|--:|--:|--:|")
    few = len(TEXTS) // 4
    runs = [(name, 24 if WAYS[name][1] else few) for name in WAYS if name != LIMIT]
    for name, count in [(OURS, len(TEXTS)), *runs]:
        command = [sys.executable, __file__, folder, "--memory-of", name]
        options = ["--sentences", str(count), "--threads", str(threads)]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        said = [line for line in done.stdout.splitlines() if line.startswith("PEAK")]
        if said:
            found = float(said[0].split()[1])
            print(f"| {name} | {count} | {found:.0f} | {found - weights:.0f} |", flush=True)
        else:
            print(f"| {name} | {count} | failed: {done.stderr.strip()[-200:]} | |")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--sentences", type=int, default=64)
    options.add_argument("--threads", type=int, default=os.cpu_count())
    options.add_argument("--no-memory", action="store_true")
    options.add_argument("--no-speed", action="store_true")
    options.add_argument("--memory-of", choices=WAYS, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    lock = ROOT / "benchmarks/libraries/requirements.lock"
    if "side" not in Path(sys.prefix).parts:  # the other libraries are beside the environment
        os.execv(python_with(lock), [str(python_with(lock)), *sys.argv])
    torch.set_num_threads(chosen.threads)
    warnings.simplefilter("ignore")
    transformers.utils.logging.disable_progress_bar()
    if chosen.memory_of:
        memory_of(chosen.memory_of, chosen.folder, chosen.sentences)
        return
    if not chosen.no_memory:
        memory(chosen.folder, chosen.threads)
    precision(chosen.folder, topics=24)
    if not chosen.no_speed:
        speed(chosen.folder, chosen.rounds, chosen.sentences)


if __name__ == "__main__":
    main()
