"""Another workflow takes this one in as a module, as docs/module.md says."""

import shutil
from pathlib import Path

import pytest
from guide import follow, run
from project import Project

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
