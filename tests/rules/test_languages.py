"""The report in a second language: the same run, the same numbers, other words."""

import json
import re
from collections import Counter

import pytest
from emovec.io.tables import read_table
from emovec.wording.remarks import FINDINGS, FLAGS, REASONS
from project import Project
from told import told_in_both

pytest.importorskip("torch")


def numbers(text: str) -> Counter:
    return Counter(re.findall(r"[−±]?\d+\.\d+", text))


def lasting(text: str) -> list[str]:
    """The lines of a report but for the one that says when it was made."""
    text = re.sub(r"^## What the run cost$.*?(?=^## )", "", text, flags=re.M | re.S)
    return [line for line in text.splitlines() if not line.startswith("Run at ")]


def test_english_report_gains_a_link_and_nothing_else(finished: Project, project: Project) -> None:
    project.config["report"] = {"language": "en"}
    assert "Writing the report" in (planned := project.planned())
    assert not any(job.startswith("Plotting") for job in planned)
    project.build()
    before, after = ((p.results / "report.md").read_text() for p in (project, finished))
    assert lasting(after) == ["[日本語](report_ja.md)", "", *lasting(before)]
    assert '<a href="report_ja.html">日本語</a>' in (finished.results / "report.html").read_text()
    assert project.tables() == finished.tables()


def test_japanese_report_holds_the_same_numbers(finished: Project) -> None:
    english, japanese = ((finished.results / f"report{of}.md").read_text() for of in ("", "_ja"))
    assert japanese.startswith("[English](report.md)\n") and "残差ストリーム" in japanese
    assert numbers(japanese) == numbers(english)
    pictures = re.findall(r"!\[.+?\]\((.+?)\)", japanese)
    assert len(pictures) == english.count("![")
    assert all("_ja" in name and (finished.results / name).is_file() for name in pictures)
    page = (finished.results / "report_ja.html").read_text()
    assert '<a href="report.html">English</a>' in page and "残差ストリーム" in page
    answers = (finished.results / "findings_ja.txt").read_text().splitlines()
    assert answers[2] == "方向は作用するか：この実行では試していない。（未決）"


def test_changed_translation_redoes_its_language_alone(project: Project) -> None:
    catalog = project.folder / "workflow/scripts/emovec/wording/locale/ja/report.po"
    catalog.write_text(catalog.read_text().replace("数値で見る結果", "数値"))
    jobs = Counter(re.findall(r"^Job \d+: (.+)$", project.build("-n").text, re.M))
    assert jobs["Writing the report"] == 1 and set(jobs.values()) == {1}  # of two languages
    written = ("Writing the report", "Describing what was made", "Plotting ")
    assert all(job.startswith(written) for job in jobs)


def test_all_that_the_tables_say_is_told(finished: Project) -> None:
    audit = json.loads((finished.results / "prompts/audit.json").read_text())
    said = {told_in_both(FINDINGS, one["code"], one) for one in audit["findings"]}
    for kind in ("within_model_similarity", "cross_model_similarity", "maps", "verdicts"):
        table = read_table(finished.results / f"{kind}.csv", kind)
        for column, sentences in {"flag": FLAGS, "reason": REASONS}.items():
            rows = table.dropna(subset=column) if column in table else table[:0]
            for row in rows.drop_duplicates(column).to_dict("records"):
                said.add(told_in_both(sentences, row[column], row))
    assert len(said) > 10
