"""Snakemake's own report: built offline, every figure and table in a category, with a caption."""

import json
import re
import zipfile
from pathlib import Path

import pytest
from project import Project

# nothing listens there, so that any request fails
OFFLINE = dict.fromkeys(["http_proxy", "https_proxy", "HTTPS_PROXY"], "http://127.0.0.1:9")
PAGE = "report/report.html"


def build(project: Project) -> str:
    """The page of Snakemake's report."""
    project.build("--report", "report.zip", **OFFLINE)
    with zipfile.ZipFile(project.folder / "report.zip") as archive:
        return archive.read(PAGE).decode()


@pytest.fixture(scope="module")
def project(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return finished.copy(tmp_path_factory.mktemp("archive") / "project")


@pytest.fixture(scope="module")
def page(project: Project) -> str:
    return build(project)


def variable(page: str, name: str) -> dict:
    """What the page's script keeps under a name."""
    *_, found = re.finditer(rf"var {name} = ", page)  # libraries come before
    return json.JSONDecoder().raw_decode(page, found.end())[0]


def test_every_figure_and_joined_table_is_there(project: Project, page: str) -> None:
    shown = {Path(path).relative_to("results/tests") for path in variable(page, "results")}
    expected = {
        path.relative_to(project.results)
        for pattern in ("*.csv", "prompts/*.csv", "prompts/*.png", "plots/**/*.png", "report.html")
        for path in project.results.glob(pattern)
    }
    assert len(expected) > 25 and shown == expected


def test_each_has_labels_and_a_caption_that_was_filled_in(page: str) -> None:
    for path, result in variable(page, "results").items():
        assert result["labels"], path
        assert len(result["caption"]) > 40 and "{{" not in result["caption"], path


def test_categories_lead_the_reader(page: str) -> None:
    assert set(variable(page, "categories")) >= {
        "Report", "Prompts", "Within models", "Between models", "Decoding", "Multiverse",
    }  # fmt: skip


def test_first_page_names_the_experiment_and_asks_nothing_of_the_network(page: str) -> None:
    assert "gratitude, anger, apology against neutral" in " ".join(page.split())
    assert not re.findall(r"""(?:src|href)=["']https?://""", page)
