"""What a change makes Snakemake do again: all that depends on it, and nothing else."""

import os
import shutil
from pathlib import Path

import h5py
import pytest
from project import CONFIG, Project, tiny

pytest.importorskip("torch")

JUDGED = {
    "Joining the comparisons inside all models",
    "Joining the specifications of all models and pairs",
    "Varying the choices between models",
    "Judging what the models share",
    "Comparing with the published figures",
    "Plotting gratitude across models",
    "Plotting anger across models",
    "Plotting apology across models",
    "Plotting the comparison between models",
    "Plotting the choices of analysis",
    "Plotting the similarity of emotions in all models",
    "Recording what was run",
    "Plotting the answers",
    "Writing the report",
    "Describing what was made",
}
JOINT = JUDGED | {
    "Joining the norms of all models",
    "Joining what other ways to find a direction give",
}
AUDIT = {"Auditing the prompts", "Plotting the audit of the prompts"}
DRAWN = {p for p in JOINT if p.startswith("Plotting")}


def compared(*names: str) -> set[str]:
    """What is done for two models together."""
    return {
        "Comparing {} with {}".format(*names),
        "Finding the directions in other ways in {} and {}".format(*names),
    }


def plots(name: str) -> set[str]:
    return {f"Plotting {name}", f"Plotting the geometry of {name}"}


def probe(*names: str) -> set[str]:
    return {f"Reading the probe with {name}" for name in names}


def branch(name: str) -> set[str]:
    """What the target of one model builds, from its reading of the probe on."""
    return plots(name) | {
        f"Reading the prompts with {name}",
        f"Merging the activations of {name}",
        f"Computing the emotion vectors of {name}",
        f"Comparing the emotions inside {name}",
        f"Comparing the emotions inside {name}@shuffled",
    }


def whole(name: str) -> set[str]:
    """What is done for one model alone in a whole run, its controls included."""
    return branch(name) | {
        f"Comparing {name} with {name}@twin",
        f"Projecting the tokens of {name}",
        f"Plotting where the emotions appear in {name}",
        f"Marking the tokens that are read in {name}",
        f"Decoding the emotions in {name}",
        f"Decoding the emotions in {name}@shuffled",
        f"Varying the choices in {name}",
        f"Finding the directions in other ways in {name}",
        f"Exporting the vectors of {name}",
    }


def test_finished_run_has_nothing_to_do(project: Project) -> None:
    assert "Nothing to be done" in project.build().text


def test_one_branch_builds_one_model(tmp_path: Path) -> None:
    planned = Project(tmp_path / "project").planned("model_one")
    assert {p for p in planned if not p.startswith("Fetching")} == branch("one") | probe("one")
    assert len(planned) == len(branch("one")) + 2


def test_one_branch_is_redone_alone(project: Project) -> None:
    planned = project.planned("model_two", "-F")
    assert {p for p in planned if not p.startswith("Fetching")} == branch("two") | probe("two")


def test_added_model_runs_its_branch_and_the_joint_steps(project: Project) -> None:
    project.config["models"]["three"] = tiny("llama", d_model=24)
    planned = project.planned()
    [fetched] = [p for p in planned if p.startswith("Fetching")]
    assert "llama" in fetched
    pairs = compared("one", "three") | compared("two", "three")
    # the prompts are audited with the tokenizer of every model
    assert planned - {fetched} == whole("three") | probe("three") | pairs | AUDIT | JOINT


def test_removed_model_redoes_the_joint_steps_alone(project: Project) -> None:
    del project.config["models"]["two"]
    assert project.planned() <= JOINT | AUDIT


def test_changed_entry_redoes_that_model_alone(project: Project) -> None:
    project.config["models"]["one"]["prepend_bos"] = False
    planned = project.planned()
    assert planned == whole("one") | probe("one") | compared("one", "two") | JOINT


def test_changed_source_is_fetched_anew(project: Project) -> None:
    project.config["models"]["two"]["source"]["random"]["seed"] = 5
    planned = project.planned()
    assert sum(p.startswith("Fetching") for p in planned) == 1
    assert probe("two") | {"Reading the prompts with two"} <= planned
    assert not planned & (probe("one") | {"Reading the prompts with one"})


def test_plot_setting_redraws_and_computes_nothing(project: Project) -> None:
    project.config["plots"]["dpi"] = 60
    planned = project.planned()
    drawn = {p for p in planned if p.startswith("Plotting")}
    own = {p for name in ("one", "two") for p in whole(name) if p.startswith("Plotting")}
    assert drawn == own | DRAWN | {"Plotting the audit of the prompts"}
    assert planned - drawn == {
        "Recording what was run",
        "Writing the report",
        "Describing what was made",
    }


def test_statistics_do_not_run_models(project: Project) -> None:
    project.config["statistics"]["permutations"] = 199
    planned = project.planned()
    assert "Comparing the emotions inside one" in planned
    assert not any(p.startswith(("Reading", "Fetching", "Computing")) for p in planned)


def test_changed_prompt_is_read_by_all_models_and_the_probe_is_not(project: Project) -> None:
    path = project.folder / CONFIG["prompts"]["file"]
    path.write_text(path.read_text().replace(" I ", " we ", 1))
    planned = project.planned()
    assert whole("one") | whole("two") | JOINT <= planned
    assert not planned & probe("one", "two")
    assert not any(p.startswith("Fetching") for p in planned)


@pytest.mark.parametrize(
    ("section", "change", "reads"),
    [
        ("prompts", {"emotions": ["gratitude", "anger"]}, set()),
        ("prompts", {"suffix": " So it is."}, {"one", "two"}),
        ("activations", {"mean_from": 1}, set()),
        ("activations", {"positions": ["last", "suffix", "emotion_word"]}, set()),
        ("activations", {"positions": ["last", "suffix", "mean"]}, {"one", "two"}),
        ("activations", {"batch_tokens": 300}, {"one", "two"}),
    ],
)
def test_probe_is_read_again_where_its_numbers_could_change(
    project: Project, section: str, change: dict, reads: set[str]
) -> None:
    project.config[section] = project.config.get(section, {}) | change
    planned = project.planned()
    assert {"Reading the prompts with one", "Reading the prompts with two"} <= planned
    assert planned & probe("one", "two") == probe(*reads)


def test_second_experiment_pays_for_what_is_new(project: Project) -> None:
    first = {path: path.read_bytes() for path in project.results.glob("activations/*.h5")}
    # what is the default in another order is the same
    same = {"batch_tokens": 512, "mean_from": 0, "positions": ["last", "suffix"]}
    project.config |= {"experiment": "second", "seed": 8, "activations": same}
    prompts = project.folder / CONFIG["prompts"]["file"]
    prompts.with_name("mine.csv").write_text(prompts.read_text().replace(" I ", " we ", 1))
    project.config["prompts"]["file"] = "resources/prompts/mine.csv"
    project.config["models"]["two"]["space"] = "centered"
    planned = project.planned()
    assert {"Reading the prompts with one", "Merging the activations of one"} <= planned
    assert planned & probe("one", "two") == probe("two")

    project.build(*(f"results/second/activations/{name}.h5" for name in ("one", "two")))
    with h5py.File(project.results / "activations/one.h5") as file:
        here = {name: file[name][...] for name in ("probe/residual/last", "residual/last")}
    project.config |= CONFIG | {"activations": {}}
    assert "Nothing to be done" in project.build("-n").text
    assert first == {path: path.read_bytes() for path in project.results.glob("activations/*.h5")}
    with h5py.File(project.results / "activations/one.h5") as file:
        assert (file["probe/residual/last"][...] == here["probe/residual/last"]).all()
        assert (file["residual/last"][...] != here["residual/last"]).any()


def test_readings_that_were_removed_are_made_when_they_are_needed(project: Project) -> None:
    shutil.rmtree(project.folder / "resources/readings")
    assert "Nothing to be done" in project.build("-n").text
    path = project.folder / CONFIG["prompts"]["file"]
    path.write_text(path.read_text().replace(" I ", " we ", 1))
    assert probe("one", "two") <= project.planned()


def test_touched_prompt_file_changes_nothing(project: Project) -> None:
    (project.folder / CONFIG["prompts"]["file"]).touch()
    assert "Nothing to be done" in project.build("-n").text


@pytest.mark.parametrize("key", ["file", "probe"])
def test_older_file_in_place_of_another_is_noticed(project: Project, key: str) -> None:
    path = project.folder / CONFIG["prompts"][key]
    path.write_text(path.read_text().replace(" the ", " a ", 1))
    os.utime(path, (0, 0))
    planned = project.planned()
    assert {"Reading the prompts with one", *JOINT} <= planned
    assert planned & probe("one") == (probe("one") if key == "probe" else set())


@pytest.mark.parametrize(
    ("module", "redone", "kept"),
    [
        ("figures/style", plots("one") | {"Writing the report"}, {"Comparing one with two"}),
        (
            "between_models/raw_cosines",
            {"Comparing one with two"},
            {"Comparing the emotions inside one"},
        ),
        (
            "within_model/compare",
            {"Comparing the emotions inside one"},
            {"Computing the emotion vectors of one"},
        ),
        ("prompts/positions", {"Reading the prompts with one", *probe("one")}, set()),
        (
            "vectors/formats",
            {"Exporting the vectors of two"},
            {"Computing the emotion vectors of two"},
        ),
        (
            "report/contents",
            {"Writing the report"},
            plots("one") | {"Judging what the models share"},
        ),
        (
            "wording/remarks",  # what a code of a table means
            {"Writing the report"},
            {"Judging what the models share", "Comparing the emotions inside one"},
        ),
    ],
)
def test_edited_function_reruns_what_uses_it(
    project: Project, module: str, redone: set[str], kept: set[str]
) -> None:
    path = project.folder / f"workflow/scripts/emovec/{module}.py"
    path.write_text(path.read_text() + "\nCHANGED = True\n")
    planned = project.planned()
    assert redone <= planned
    assert not kept & planned


def test_edited_verdict_judges_anew_and_nothing_before(project: Project) -> None:
    path = project.folder / "workflow/scripts/emovec/between_models/verdict.py"
    path.write_text(path.read_text() + "\nCHANGED = True\n")
    assert project.planned() == JUDGED - {
        "Joining the comparisons inside all models",
        "Plotting the similarity of emotions in all models",
    }


@pytest.mark.parametrize(
    "target", ["model_three", "results/tests/activations/three.h5", "results/tests/maps/x__one.csv"]
)  # fmt: skip
def test_unknown_model_is_refused(project: Project, target: str) -> None:
    run = project.snakemake("-n", target)
    assert run.code != 0
    assert "MissingRuleException" in run.text
