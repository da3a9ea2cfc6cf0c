"""What a change makes Snakemake do again: all that depends on it, and nothing else."""

import os
from pathlib import Path

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
    "Plotting the specification curves",
    "Recording what was run",
    "Plotting the answers",
    "Writing the report",
}
JOINT = JUDGED | {"Joining the norms of all models"}
AUDIT = {"Auditing the prompts", "Plotting the audit of the prompts"}
DRAWN = {p for p in JOINT if p.startswith("Plotting")}


def plots(name: str) -> set[str]:
    return {f"Plotting {name}", f"Plotting the geometry of {name}"}


def branch(name: str) -> set[str]:
    """What the target of one model builds."""
    return plots(name) | {
        f"Reading the residual stream of {name}",
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
        f"Exporting the vectors of {name}",
    }


def test_finished_run_has_nothing_to_do(project: Project) -> None:
    assert "Nothing to be done" in project.build().text


def test_one_branch_builds_one_model(tmp_path: Path) -> None:
    planned = Project(tmp_path / "project").planned("model_one")
    assert {p for p in planned if not p.startswith("Fetching")} == branch("one")
    assert len(planned) == len(branch("one")) + 1


def test_one_branch_is_redone_alone(project: Project) -> None:
    planned = project.planned("model_two", "-F")
    assert {p for p in planned if not p.startswith("Fetching")} == branch("two")


def test_added_model_runs_its_branch_and_the_joint_steps(project: Project) -> None:
    project.config["models"]["three"] = tiny("llama", d_model=24)
    planned = project.planned()
    [fetched] = [p for p in planned if p.startswith("Fetching")]
    assert "llama" in fetched
    pairs = {"Comparing one with three", "Comparing two with three"}
    # the prompts are audited with the tokenizer of every model
    assert planned - {fetched} == whole("three") | pairs | AUDIT | JOINT


def test_removed_model_redoes_the_joint_steps_alone(project: Project) -> None:
    del project.config["models"]["two"]
    assert project.planned() <= JOINT | AUDIT


def test_changed_entry_redoes_that_model_alone(project: Project) -> None:
    project.config["models"]["one"]["prepend_bos"] = False
    planned = project.planned()
    assert planned == whole("one") | {"Comparing one with two"} | JOINT


def test_changed_source_is_fetched_anew(project: Project) -> None:
    project.config["models"]["two"]["source"]["random"]["seed"] = 5
    planned = project.planned()
    assert sum(p.startswith("Fetching") for p in planned) == 1
    assert "Reading the residual stream of two" in planned
    assert "Reading the residual stream of one" not in planned


def test_plot_setting_redraws_and_computes_nothing(project: Project) -> None:
    project.config["plots"]["dpi"] = 60
    planned = project.planned()
    drawn = {p for p in planned if p.startswith("Plotting")}
    own = {p for name in ("one", "two") for p in whole(name) if p.startswith("Plotting")}
    assert drawn == own | DRAWN | {"Plotting the audit of the prompts"}
    assert planned - drawn == {"Recording what was run", "Writing the report"}


def test_statistics_do_not_run_models(project: Project) -> None:
    project.config["statistics"]["permutations"] = 199
    planned = project.planned()
    assert "Comparing the emotions inside one" in planned
    assert not any(p.startswith(("Reading", "Fetching", "Computing")) for p in planned)


def test_changed_prompt_reads_all_models_again_and_fetches_none(project: Project) -> None:
    path = project.folder / CONFIG["prompts"]["file"]
    path.write_text(path.read_text().replace(" I ", " we ", 1))
    planned = project.planned()
    assert whole("one") | whole("two") | JOINT <= planned
    assert not any(p.startswith("Fetching") for p in planned)


def test_touched_prompt_file_changes_nothing(project: Project) -> None:
    (project.folder / CONFIG["prompts"]["file"]).touch()
    assert "Nothing to be done" in project.build("-n").text


@pytest.mark.parametrize("key", ["file", "probe"])
def test_older_file_in_place_of_another_is_noticed(project: Project, key: str) -> None:
    path = project.folder / CONFIG["prompts"][key]
    path.write_text(path.read_text().replace(" the ", " a ", 1))
    os.utime(path, (0, 0))
    assert {"Reading the residual stream of one", *JOINT} <= project.planned()


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
        ("prompts/positions", {"Reading the residual stream of one"}, set()),
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
    assert project.planned() == JUDGED - {"Joining the comparisons inside all models"}


@pytest.mark.parametrize(
    "target", ["model_three", "results/tests/activations/three.h5", "results/tests/maps/x__one.csv"]
)  # fmt: skip
def test_unknown_model_is_refused(project: Project, target: str) -> None:
    run = project.snakemake("-n", target)
    assert run.code != 0
    assert "MissingRuleException" in run.text
