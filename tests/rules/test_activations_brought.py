"""Activations that someone else has captured enter the workflow as if they were its own."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from project import Project

pytest.importorskip("torch")


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A project whose model `brought` are the activations of `one`, in another order."""
    new = finished.copy(tmp_path / "project")
    own = new.results / "activations/one.h5"
    order = np.random.default_rng(0).permutation(40)
    with h5py.File(own) as source, h5py.File(new.folder / "mine.h5", "w") as mine:
        for position in source["residual"]:
            mine[f"residual/{position}"] = source[f"residual/{position}"][...][order]
            mine[f"probe/residual/{position}"] = source[f"probe/residual/{position}"][...]
        for column in ("id", "topic", "emotion"):
            mine[f"prompts/{column}"] = source[f"prompts/{column}"][...][order]
        mine["probe/id"] = source["probe/id"][...]
    new.config["models"]["brought"] = {"source": {"activations": "mine.h5"}}
    return new


def test_numbers_equal_those_of_the_model_they_came_from(project: Project) -> None:
    project.build("model_brought")
    one, brought = (
        (project.results / f"layer_norms/{name}.csv").read_text() for name in ("one", "brought")
    )
    assert brought.replace("brought,", "one,") == one
    with h5py.File(project.results / "activations/brought.h5") as file:
        assert file.attrs["n_layers"] == 2 and file.attrs["d_model"] == 16


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("position", "has no position 'suffix'"),
        ("prompt", "lacks the prompt"),
        ("emotion", "has another emotion for the prompt"),
        ("probe", "lacks the probe sentence"),
        ("text", "has read another text for"),
        ("space", "states space 'centered' and the config 'raw'"),
        ("nan", "not finite in float32 for '"),
        ("infinity", "at position last, depth 1"),
        ("twice", "has two rows for the prompt"),
        ("link", "takes /residual/last from another file"),
        ("cut", "cannot be read as HDF5"),
        ("foreign", "is no activations file"),
    ],
)
def test_fault_is_one_sentence_that_names_the_file(project: Project, fault: str, says: str) -> None:
    path = project.folder / "mine.h5"
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:3000])
    else:
        with h5py.File(path, "a") as file:
            match fault:
                case "position":
                    del file["residual/suffix"]
                case "prompt":
                    file["prompts/id"][5] = "other"
                case "emotion":
                    file["prompts/emotion"][5] = "joy"
                case "probe":
                    file["probe/id"][5] = "other"
                case "text":
                    file["prompts/text"] = ["Another."] * 40
                case "space":
                    file.attrs["space"] = "centered"
                case "nan":
                    file["residual/last"][5, 1, 3] = np.nan
                case "infinity":
                    file["residual/last"][5, 1, 3] = -np.inf
                case "twice":
                    file["prompts/id"][5] = file["prompts/id"][6]
                case "link":
                    del file["residual/last"]
                    own = str(project.results / "activations/one.h5")
                    file["residual/last"] = h5py.ExternalLink(own, "residual/last")
                case "foreign":
                    del file["prompts"]
    run = project.snakemake("model_brought")
    said = run.sentence("import_activations")
    assert run.code != 0 and "mine.h5" in said and says in said
    assert not (project.results / "activations/brought.h5").exists()
