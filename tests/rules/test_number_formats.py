"""Models run in other number formats: what is made then, and what is not made again."""

import json

import h5py
import numpy as np
import pytest
from emovec.io.tables import read_table
from project import Project

pytest.importorskip("torch")

# of the recording and the page, whatever is added
TOLD = {"Recording what was run", "Writing the report", "Describing what was made"}
DRAWN = {"Joining the specifications of all models and pairs", "Plotting the choices of analysis"}


def of_model(name: str, precision: str) -> set[str]:
    return {
        f"Reading the prompts with {name}@{precision}",
        f"Reading the probe with {name}@{precision}",
        f"Merging the activations of {name}@{precision}",
        f"Varying the choices in {name}",
        f"Varying the number format of {name}",
    }


JOINT = {"Varying the number format of one and two", "Joining what other number formats give"}


def test_a_number_format_is_read_once_and_told_everywhere(project: Project) -> None:
    own = {path: path.read_bytes() for path in project.results.glob("activations/*.h5")}
    project.config["multiverse"] = {"precisions": ["bfloat16"]}
    both = of_model("one", "bfloat16") | of_model("two", "bfloat16")
    assert project.planned() == both | JOINT | DRAWN | TOLD
    project.build()
    assert own == {path: path.read_bytes() for path in own}
    assert "Nothing to be done" in project.build("-n").text

    with h5py.File(project.results / "activations/one@bfloat16.h5") as file:
        read, dtype = file["residual/last"][...], file.attrs["dtype"]
    with h5py.File(project.results / "activations/one.h5") as file:
        before = file["residual/last"][...]
    apart = np.linalg.norm(read - before) / np.linalg.norm(before)
    assert dtype == "bfloat16" and 1e-4 < apart < 0.05

    table = read_table(project.results / "precision.csv", "precision")
    assert set(table.model) == {"one", "two"} and set(table.precision) == {"bfloat16"}
    assert set(table.stat) == {"stream", "direction", "cosine", "auroc", "between"}
    errors = table[table.stat == "stream"].value
    assert errors.between(1e-4, 0.05).all()
    varied = read_table(project.results / "multiverse.csv", "multiverse")
    assert set(varied[varied.model_b.isna()].precision) == {"float32", "bfloat16"}
    for page in ("report.md", "report_ja.md"):
        text = (project.results / page).read_text()
        assert "bfloat16" in text and "one × two" in text
    recorded = json.loads((project.results / "provenance.json").read_text())
    assert "precision.csv" in recorded["tables"]
    [formats] = {tuple(one["weights"]) for one in recorded["models"].values()}
    assert formats == ("F32",)

    # a format taken away leaves what the others gave; a tiny model has layers of 32 inputs
    project.config["multiverse"]["precisions"] = ["bfloat16", "q8_0"]
    more = of_model("one", "q8_0") | of_model("two", "q8_0")
    assert project.planned() == more | JOINT | DRAWN | TOLD
    project.config["multiverse"]["precisions"] = []
    kept = {"Varying the choices in one", "Varying the choices in two"}
    assert project.planned() == kept | DRAWN | TOLD
