"""Another workflow takes this one in as a module, as docs/module.md says."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from guide import blocks, follow, run
from project import Project, tiny

pytest.importorskip("torch")


def test_guide_followed_literally(root: Path, tmp_path: Path) -> None:
    clone = Project(tmp_path / "emovec").folder
    prompts = clone / "resources/prompts"
    # the sentences of the user, found by the name in the guide and nowhere in the clone
    shutil.move(prompts / "smoke.csv", tmp_path / "sentences.csv")
    _, planned = follow(root / "docs/module.md", tmp_path)
    assert (tmp_path / "longest.txt").read_text().startswith("tiny,")
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {
        *("Snakefile", "study.yaml", "sentences.csv", "longest.txt", "emovec", "emotions", "logs"),
        ".snakemake",
    }
    below = {path.name for path in (tmp_path / "emotions").iterdir()}
    assert below == {"results", "resources", "logs"}
    assert not any((clone / name).exists() for name in ("results", "logs", "resources/models"))
    assert "emovec_write_report" in planned and "emovec_export_vectors" in planned
    assert "Nothing to be done" in run("snakemake --cores 2", tmp_path, {})


def test_mistake_in_the_modules_part_is_one_sentence(root: Path, tmp_path: Path) -> None:
    Project(tmp_path / "emovec")
    guide = tmp_path / "module.md"
    text = (root / "docs/module.md").read_text()
    guide.write_text(text.replace("  experiment:", "  sedd: 1\n  experiment:", 1))
    with pytest.raises(AssertionError, match="config has the unknown key 'sedd'"):
        follow(guide, tmp_path)


def test_shards_of_a_module_find_its_files(root: Path, tmp_path: Path) -> None:
    [workflow] = [one.text for one in blocks(root / "docs/module.md") if one.file == "Snakefile"]
    (tmp_path / "Snakefile").write_text(workflow.replace("emovec/workflow", f"{root}/workflow"))
    config = {
        "prompts": {
            "file": "resources/prompts/smoke.csv",
            "probe": "resources/prompts/smoke_probe.csv",
        },
        "models": {"one": tiny("gpt2"), "two": tiny("gpt_neox")},
        "activations": {"shards": 2},
        "steering": {"models": ["one"], "shards": 3},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({"emovec": config}))
    planned = run("snakemake -n emovec_all", tmp_path, {})
    for path in ("activations/one/prompts/2-of-2.h5", "steering/one/texts/3-of-3.csv"):
        assert f"emotions/results/default/{path}" in planned, path
    assert "Merging the activations of two" in planned
    assert re.search("emotions/resources/readings/two/[0-9a-f]{16}/2-of-2.h5", planned)
    assert "Merging the effects of the directions of two in one" in planned


def test_deployed_from_its_repository(tmp_path: Path) -> None:
    """As snakedeploy does, with a folder in the place of GitHub; nothing else has to be cloned."""
    project, user, hub = (tmp_path / name for name in ("project", "user", "hub/emovec/emovec"))
    config = Project(project).config
    author = "-c user.name=a -c user.email=a@b.c"
    run(f"git init -q && git add . && git {author} commit -qm all && git tag v9", project, {})
    run(f"git clone -q --bare . {hub}", project, {})
    (tmp_path / "git").write_text(
        f'[url "file://{tmp_path}/hub/"]\ninsteadOf = https://github.com/\n'
    )
    (user / "config").mkdir(parents=True)
    (user / "config/config.yaml").write_text(yaml.safe_dump(config))
    (user / "workflow").mkdir()
    (user / "workflow/Snakefile").write_text(
        'configfile: "config/config.yaml"\n'
        "module emovec:\n"
        '    snakefile: github("emovec/emovec", path="workflow/Snakefile", tag="v9")\n'
        "    config: config\n"
        "use rule * from emovec\n"
    )
    offline = {
        "GIT_CONFIG_GLOBAL": str(tmp_path / "git"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    table = "results/tests/prompts/decoding.csv"
    run(f"snakemake --cores 1 {table}", user, offline)
    assert (user / table).read_text().startswith("train_model,")
    assert "Nothing to be done" in run(f"snakemake -n {table}", user, offline)
    assert "write_report" in run("snakemake -n", user, offline)
