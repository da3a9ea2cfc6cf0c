"""Models that no device holds, on disk: the same numbers in a part of the memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from designs import NIGHTLY
from emovec.activations.capture import read_streams
from emovec.models import placing
from emovec.models.loading import load_model
from emovec.prompts.positions import Reading
from emovec.prompts.tokenizer import Encoded
from emovec.steering.generation import generate, next_log_probabilities, read_prefix
from emovec.steering.hooks import Change, steered
from tiny import ARCHITECTURES, model_folder, save_model, write_normed, write_seeing
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

IDS = [[5, 9, 11, 2, 7], [3, 4, 8], [1, 200, 31]]
ON_DISK = (*ARCHITECTURES, "gemma3", "qwen2", "seeing")


def folder_of(kind: str, root: Path) -> Path:
    if kind in ARCHITECTURES:
        return model_folder(kind, root)
    return write_seeing(root / kind) if kind == "seeing" else write_normed(kind, root / kind)


def free(monkeypatch: pytest.MonkeyPatch, memory: int, *gpus: int) -> None:
    monkeypatch.setattr(placing, "available", lambda: memory)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(gpus))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda gpu: (gpus[gpu], gpus[gpu]))


def streams(bridge: TransformerBridge) -> np.ndarray:
    readings = [
        Reading(row, Encoded("", ids, [], has_bos=False), {"last": [len(ids) - 1]})
        for row, ids in enumerate(IDS)
    ]
    rows, found = read_streams(bridge, readings, ["last"], centered=False)["last"]
    assert rows == [0, 1, 2]
    return found


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ON_DISK)
def test_model_on_disk_has_the_numbers_of_the_one_in_memory(
    tmp_path: Path, tiny_root: Path, kind: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(kind, tiny_root if kind in ARCHITECTURES else tmp_path)
    whole = load_model(folder, "cpu", dtype)
    free(monkeypatch, 20_000)
    parted = load_model(folder, "auto", dtype)
    assert "disk" in parted.original_model.hf_device_map.values()
    assert {weights.device.type for weights in parted.original_model.parameters()} >= {"meta"}
    assert np.array_equal(streams(parted), streams(whole))
    change = Change.adding(1, torch.ones(32, dtype=torch.float32))
    drawn = np.full((3, 4), np.nan)
    for changes in ([], [change]):
        likely, texts = [], []
        for bridge in (whole, parted):
            with steered(bridge, changes):
                likely.append(next_log_probabilities(bridge, read_prefix(bridge, IDS)))
                texts.append(generate(bridge, read_prefix(bridge, IDS), 4, frozenset(), drawn, 1.0))
        assert torch.equal(*likely) and texts[0] == texts[1]


def test_file_in_another_format_is_read_in_the_one_asked_for(
    tmp_path: Path, tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = AutoModelForCausalLM.from_pretrained(model_folder("llama", tiny_root))
    folder = save_model(model.to(torch.bfloat16), tmp_path)
    whole = load_model(folder, "cpu")
    free(monkeypatch, 20_000)
    assert np.array_equal(streams(load_model(folder, "auto")), streams(whole))


def test_places_are_those_that_hold_the_model(
    tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model_folder("llama", tiny_root)
    size = (folder / "model.safetensors").stat().st_size

    def places(memory: float, *gpus: float) -> set | None:
        free(monkeypatch, int(memory * size), *(int(gpu * size) for gpu in gpus))
        found = placing.spread(folder, torch.float32)
        return found and set(found.values())

    assert places(1.1) is None
    assert places(1.1, 1.1) is None  # on its way to the GPU
    assert places(0.9) == {"cpu", "disk"}
    assert places(0) == {"disk"}
    assert places(0.5, 2) == {0}
    assert places(9, 0.9, 0.9) == places(0.1, 0.9, 0.9) == {0, 1}
    assert places(9, 0.4) == {"cpu"}
    assert places(0.9, 0.4) == {"cpu", "disk"}


READ = """
import json, sys
from pathlib import Path
import numpy as np
from emovec.models import loading, placing
from test_placing import streams

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

def read(folder, memory):
    placing.available = lambda: int(memory)
    return streams(loading.load_model(folder, "auto"))

first, folder, memory, found = sys.argv[1:]
read(first, 20_000)  # what the code itself takes, all of it imported
before = peak()
np.save(found, read(folder, memory))
print(json.dumps([before, peak()]))
"""


def read_aside(folder: Path, memory: int) -> list[int]:
    """The most that a process of its own has in memory, files included, before and after reading.

    It has read a small model before: what the code itself takes is not counted. Its
    streams are those of the model in memory, bit for bit.
    """
    found = folder / "streams.npy"
    first = write_llama(folder / "first", 64, 2)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(first), str(folder), str(memory), str(found)],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert np.array_equal(np.load(found), streams(load_model(folder)))
    return json.loads(done.stdout.splitlines()[-1])


def write_llama(folder: Path, width: int, n_layers: int) -> Path:
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=width, num_hidden_layers=n_layers, num_attention_heads=width // 64,
        intermediate_size=4 * width, vocab_size=257, max_position_embeddings=64,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return save_model(LlamaForCausalLM(config), folder)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's high-water mark")
def test_no_more_than_a_part_of_the_weights_is_in_memory(tmp_path: Path) -> None:
    """All pages count, also those of the file, which the kernel could take back."""
    folder = write_llama(tmp_path, 512, 12)
    size = (folder / "model.safetensors").stat().st_size
    before, peak = read_aside(folder, size // 4)
    assert size > 2e8 and peak - before < 0.4 * size


@pytest.mark.skipif(not NIGHTLY, reason="writes and reads two gigabytes")
def test_two_gigabytes_are_read_in_a_gigabyte_and_a_half(tmp_path: Path) -> None:
    folder = write_llama(tmp_path, 1536, 14)
    assert (folder / "model.safetensors").stat().st_size > 2.1e9
    assert read_aside(folder, 6 * 10**8)[1] < 1.5e9
