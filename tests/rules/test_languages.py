"""The report in a second language: the same run, the same numbers, other words."""

import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from project import Project
from retold import retold
from test_snakemake_report import build, variable

pytest.importorskip("torch")


def numbers(text: str) -> Counter:
    return Counter(re.findall(r"[−±]?\d+\.\d+", text))


def lasting(text: str) -> list[str]:
    """The lines of a report but for the one that says when it was made."""
    return [line for line in text.splitlines() if not line.startswith("Run at ")]


@pytest.fixture(scope="module")
def both(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = finished.copy(tmp_path_factory.mktemp("languages") / "project")
    project.config["report"] = {"language": "both"}
    project.build()
    return project


def test_english_report_gains_a_link_and_nothing_else(finished: Project, both: Project) -> None:
    before, after = ((p.results / "report.md").read_text() for p in (finished, both))
    assert lasting(after) == ["[日本語](report_ja.md)", "", *lasting(before)]
    assert '<a href="report_ja.html">日本語</a>' in (both.results / "report.html").read_text()
    assert both.tables() == finished.tables()


def test_japanese_report_holds_the_same_numbers(both: Project) -> None:
    english, japanese = ((both.results / f"report{of}.md").read_text() for of in ("", "_ja"))
    assert japanese.startswith("[English](report.md)\n") and "残差ストリーム" in japanese
    assert numbers(japanese) == numbers(english)
    pictures = re.findall(r"!\[.+?\]\((.+?)\)", japanese)
    assert len(pictures) == english.count("![")
    assert all("_ja" in name and (both.results / name).is_file() for name in pictures)
    page = (both.results / "report_ja.html").read_text()
    assert '<a href="report.html">English</a>' in page and "残差ストリーム" in page
    lines = (both.results / "findings_ja.txt").read_text().splitlines()
    assert lines[2] == "ステアリングは実行していない。"


def test_labels_tell_the_languages_apart(both: Project) -> None:
    found = variable(build(both), "results").values()
    labels = [tuple(sorted(one["labels"].items())) for one in found if "png" in one["name"]]
    assert labels and len(set(labels)) == len(labels)
    assert {dict(one)["language"] for one in labels} == {"en", "ja"}


def test_changed_translation_redoes_its_language_alone(both: Project, tmp_path: Path) -> None:
    project = both.copy(tmp_path / "project")
    catalog = project.folder / "workflow/scripts/emovec/wording/locale/ja/report.po"
    catalog.write_text(catalog.read_text().replace("要約", "概要"))
    jobs = Counter(re.findall(r"^Job \d+: (.+)$", project.build("-n").text, re.M))
    assert jobs["Writing the report"] == 1 and set(jobs.values()) == {1}  # of two languages
    assert all(job.startswith(("Writing the report", "Plotting ")) for job in jobs)


def test_all_that_the_tables_say_is_retold(finished: Project) -> None:
    said = set(json.loads((finished.results / "prompts/audit.json").read_text())["findings"])
    for path in finished.results.rglob("*.csv"):
        table = pd.read_csv(path)
        for column in {"flag", "reason"} & set(table):
            said |= set(table[column].dropna().astype(str))
    said = {text for text in said if not re.fullmatch(r"[\d .]+", text)}  # names of dimensions
    assert len(said) > 10
    for text in said:
        retold(text)


def test_japanese_alone_has_the_plain_names(finished: Project, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "project")
    project.config["report"] = {"language": "ja"}
    project.build()
    text = (project.results / "report.md").read_text()
    assert text.startswith("# 感情方向ベクトル：tests\n") and "](plots/" in text
    assert "残差ストリーム" in (project.results / "report.html").read_text()
    assert "ステアリングは実行していない。" in (project.results / "findings.txt").read_text()
    assert not list(project.results.rglob("*_ja*"))
