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


@pytest.fixture(scope="module")
def page(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of Snakemake's report."""
    project = finished.copy(tmp_path_factory.mktemp("archive") / "project")
    project.build("--report", "report.zip", **OFFLINE)
    with zipfile.ZipFile(project.folder / "report.zip") as archive:
        return archive.read(PAGE).decode()


def variable(page: str, name: str) -> dict:
    """What the page's script keeps under a name."""
    *_, found = re.finditer(rf"var {name} = ", page)  # libraries come before
    return json.JSONDecoder().raw_decode(page, found.end())[0]


def test_every_figure_and_joined_table_is_there(finished: Project, page: str) -> None:
    shown = {Path(path).relative_to("results/tests") for path in variable(page, "results")}
    expected = {
        path.relative_to(finished.results)
        for pattern in (
            "*.csv",
            "prompts/confounds.csv",
            "trajectories/*.csv",
            "prompts/*.png",
            "plots*/**/*.png",
            "report*.html",
        )
        for path in finished.results.glob(pattern)
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


def test_labels_tell_the_languages_apart(page: str) -> None:
    found = variable(page, "results").values()
    labels = [tuple(sorted(one["labels"].items())) for one in found if "png" in one["name"]]
    assert labels and len(set(labels)) == len(labels)
    assert {dict(one)["language"] for one in labels} == {"en", "ja"}
