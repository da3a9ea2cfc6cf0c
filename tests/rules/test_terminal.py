"""What a run says on the terminal."""

from pathlib import Path

from project import Project

TABLE = "results/tests/prompts/decoding.csv"


def test_a_line_for_each_job_and_last_what_stopped_the_run(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    said = project.build(TABLE).text
    assert "1 of 1 (100%): Decoding the emotions from the texts alone\n" in said
    assert len(said.splitlines()) < 12
    assert "Finished jobid" in next(project.folder.glob(".snakemake/log/*")).read_text()
    project.config["prompts"]["emotions"] = ["gratitude", "joy"]
    *_, last = project.snakemake(TABLE).text.splitlines()
    assert last.startswith("decode_texts: ") and "has no row with emotion 'joy'" in last
    assert last.endswith("(log: logs/tests/decode_texts.log)")
