"""What others wrote is read as data: nothing of it is run, unpickled or followed elsewhere."""

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from emovec.errors import InputError
from emovec.models.sealed import sealed
from emovec.models.sources import FILES, fetch
from tiny import model_folder, write_seeing

torch = pytest.importorskip("torch")

# A pickle that makes a file when it is loaded.
BOMB = b"cposix\nsystem\n(S'touch \"$RAN\"'\ntR."
CODE = "import os, pathlib\npathlib.Path(os.environ['RAN']).touch()\nclass C: pass\n"


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there as soon as foreign code has run."""
    monkeypatch.setenv("RAN", str(tmp_path / "ran"))
    # whoever would ask for code over the network is told so at once
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "ran"


@pytest.fixture
def local(tiny_root: Path, tmp_path: Path) -> Path:
    """A folder with a model and with Python files of its maker."""
    folder = tmp_path / "local"
    shutil.copytree(model_folder("gpt2", tiny_root), folder)
    (folder / "manifest.json").unlink()
    for name in ("configuration_c.py", "modeling_c.py", "tokenization_c.py"):
        (folder / name).write_text(CODE)
    return folder


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def refusal(local: Path, folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        fetch({"path": str(local)}, folder, folder)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    assert not list(folder.iterdir())
    return sentence


def test_the_traps_of_these_tests_work(ran: Path, local: Path) -> None:
    import pickle

    exec(compile(CODE, "x", "exec"), {})
    assert ran.exists()
    ran.unlink()
    pickle.loads(BOMB)
    assert ran.exists()


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_type": "c", "auto_map": {"AutoConfig": "configuration_c.C"}}, "never run"),
        ({"model_type": "c", "auto_map": {"AutoConfig": "lab/c--configuration_c.C"}}, "never run"),
        ({"attn_implementation": "lab/kernel"}, "code from elsewhere"),
        ({"_attn_implementation": "lab/kernel"}, "code from elsewhere"),
        ({"text_config": {"attn_implementation": "lab/kernel:f"}}, "code from elsewhere"),
    ],
)
def test_model_that_needs_code_of_its_own(
    ran: Path, local: Path, tmp_path: Path, config: dict, says: str
) -> None:
    change(local / "config.json", **config)
    assert says in refusal(local, tmp_path / "m")
    assert not ran.exists()


def test_code_beside_a_known_model_stays_where_it_is(
    ran: Path, local: Path, tmp_path: Path
) -> None:
    from emovec.models.loading import load_model

    code = {"AutoConfig": "configuration_c.C", "AutoModelForCausalLM": "modeling_c.C"}
    change(local / "config.json", auto_map=code)
    change(
        local / "tokenizer_config.json",
        tokenizer_class="C",
        auto_map={"AutoTokenizer": [None, "tokenization_c.C"]},
    )
    fetch({"path": str(local)}, tmp_path / "m", tmp_path)
    assert {p.name for p in (tmp_path / "m").iterdir()} == {*FILES, "manifest.json"}
    assert type(load_model(tmp_path / "m").original_model).__name__ == "GPT2LMHeadModel"
    assert not ran.exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.safetensors"])
def test_pickled_weights(ran: Path, local: Path, tmp_path: Path, name: str) -> None:
    (local / "model.safetensors").unlink()
    (local / name).write_bytes(BOMB)
    said = "no whole safetensors file" if name == "model.safetensors" else "pickled weights can run"
    assert said in refusal(local, tmp_path / "m")
    assert not ran.exists()


@pytest.mark.parametrize("name", ["../elsewhere.safetensors", "/etc/hostname", "weights.bin", 7])
def test_index_that_names_other_files(local: Path, tmp_path: Path, name: object) -> None:
    shutil.copy(local / "model.safetensors", tmp_path / "elsewhere.safetensors")
    (local / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    assert "which is no safetensors file beside it" in refusal(local, tmp_path / "m")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weight_map": 1}', "[" * 100_000])
def test_index_that_is_none(local: Path, tmp_path: Path, content: str) -> None:
    (local / "model.safetensors.index.json").write_text(content)
    assert "index.json is no index of safetensors files" in refusal(local, tmp_path / "m")


@pytest.mark.parametrize("name", FILES)
def test_link_that_leaves_the_folder(local: Path, tmp_path: Path, name: str) -> None:
    (local / name).rename(tmp_path / name)
    (local / name).symlink_to(tmp_path / name)
    assert f"{local / name} leads out of the folder" in refusal(local, tmp_path / "m")


def test_links_inside_the_cache_of_the_hub_client_are_its_way(local: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--lab--tiny/snapshots/0123"
    blobs = tmp_path / "models--lab--tiny/blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for name in FILES:
        (local / name).rename(blobs / name)
        (snapshot / name).symlink_to(f"../../blobs/{name}")
    assert fetch({"path": str(snapshot)}, tmp_path / "m", tmp_path)["architecture"] == "gpt2"


def test_nothing_is_installed_for_a_model_that_sees(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TransformerLens calls uv or pip for it; its text part gives the streams of the whole."""
    from emovec.models.loading import load_model
    from transformers import AutoModelForCausalLM

    (tmp_path / "bin").mkdir()
    for name in ("uv", "pip"):
        (tmp_path / "bin" / name).write_text('#!/bin/sh\ntouch "$RAN"\n')
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "python/pip").mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        (tmp_path / "python/pip" / name).write_text(CODE)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "python"))
    local = write_seeing(tmp_path / "local")
    fetch({"path": str(local)}, tmp_path / "m", tmp_path)
    bridge = load_model(tmp_path / "m")
    assert not ran.exists()
    ids = torch.tensor([[0, 5, 70, 200, 9, 3]])
    whole = AutoModelForCausalLM.from_pretrained(local, dtype=torch.float32).eval()
    with torch.inference_mode():
        states = whole(ids, output_hidden_states=True).hidden_states
        _, cache = bridge.run_with_cache(ids)
    for depth in range(3):
        found = cache[f"blocks.{depth}.hook_resid_pre"]
        assert torch.allclose(found, states[depth], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "do",
    [
        lambda: subprocess.run(["true"]),
        lambda: os.system("true"),
        lambda: os.posix_spawn("/bin/true", ["true"], {}),
        lambda: socket.create_connection(("127.0.0.1", 9)),
        lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 9)),
        lambda: socket.gethostbyname("localhost"),
    ],
    ids=["subprocess", "system", "spawn", "network", "datagram", "name"],
)
def test_sealed_process_starts_no_other_and_connects_to_none(do: Callable) -> None:
    with sealed(), pytest.raises(PermissionError, match="not allowed while a model is read"):
        do()
    with suppress(ConnectionRefusedError):
        do()


# No code of ours could do it --------------------------------------------------------------------

MODULES = ("pickle", "dill", "joblib", "shelve", "marshal", "cloudpickle", "_pickle")
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "torch.load",
    "np.load",
    "pd.read_pickle",
    "yaml.load",
    "yaml.unsafe_load",
}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_code_neither_unpickles_nor_evaluates(root: Path) -> None:
    for path in sorted((root / "workflow/scripts").rglob("*.py")):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = [alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")]
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            assert not {name.split(".")[0] for name in names} & set(MODULES), path
        for name, call in calls(tree):
            arguments = {k.arg: ast.unparse(k.value) for k in call.keywords}
            assert name not in CALLS, f"{path}: {name}"
            assert arguments.get("shell", "False") == "False", path
            assert arguments.get("allow_pickle", "False") == "False", path
            if name.endswith(".from_pretrained"):
                assert arguments["trust_remote_code"] == "False", f"{path}: {name}"
                assert arguments["local_files_only"] == "True", f"{path}: {name}"


def test_reading_a_model_unpickles_nothing(
    tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every door to a pickle is shut while a model is fetched, loaded and read."""
    import pickle

    from emovec.models.loading import load_model

    def shut(*_: object, **__: object) -> None:
        raise AssertionError("something was unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler")):
        monkeypatch.setattr(module, name, shut)
    monkeypatch.setattr(torch, "load", shut)
    looked_up: list[tuple] = []
    watching = True
    sys.addaudithook(
        lambda event, arguments: (
            looked_up.append(arguments) if watching and event == "pickle.find_class" else None
        )
    )
    fetch({"path": str(model_folder("llama", tiny_root))}, tmp_path / "m", tmp_path)
    bridge = load_model(tmp_path / "m")
    with torch.inference_mode():
        bridge(torch.tensor([[1, 2, 3]]))
    watching = False
    assert looked_up == []
