"""The page of a run in a real browser: nothing from outside, no error, every control works."""

from pathlib import Path

import pytest
from project import Project

pytest.importorskip("torch")
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    project = Project(tmp_path_factory.mktemp("page") / "project")
    run = project.build()
    assert "Report: results/tests/report.html" in run.text
    assert len((project.results / "findings.txt").read_text().splitlines()) == 3
    return (project.results / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


def opened(browser, address: str, width: int, scheme: str):
    """The page with every panel drawn, and what went wrong on the way."""
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    wrong = []
    page.on("console", lambda m: m.type == "error" and wrong.append(m.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: r.url.startswith(("file:", "data:")) or wrong.append(r.url))
    page.goto(address)
    for panel in page.query_selector_all(".panel"):
        panel.scroll_into_view_if_needed()
        page.wait_for_function("p => p.querySelector('.count').textContent", arg=panel)
    page.wait_for_function(
        "[...document.querySelectorAll('.chart')].every(c => c.querySelector('svg'))"
    )
    return page, wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_scrolls_down_only_and_modes_turn(browser, address: str, scheme: str) -> None:
    page, wrong = opened(browser, address, 390, scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(paper)
    page.focus("#theme")
    page.keyboard.press("Enter")
    assert page.evaluate(paper) != before
    assert wrong == []


def test_every_choice_changes_what_is_shown(browser, address: str) -> None:
    page, wrong = opened(browser, address, 1280, "light")
    for panel in page.query_selector_all(".panel"):
        for control in panel.query_selector_all("select"):
            values = control.evaluate("s => [...s.options].map(o => o.value)")
            for value in values:
                control.select_option(value)
                assert not panel.query_selector(".count").inner_text().startswith("0 of")
    assert wrong == []


def test_table_sorts_by_keyboard(browser, address: str) -> None:
    page, wrong = opened(browser, address, 1280, "light")
    column = "#look-verdicts tbody td:nth-child(2)"
    for order in ("ascending", "descending"):
        page.focus("#look-verdicts th:nth-child(2) button")
        page.keyboard.press("Enter")
        assert page.get_attribute("#look-verdicts th:nth-child(2)", "aria-sort") == order
        found = [cell.inner_text() for cell in page.query_selector_all(column)]
        assert found == sorted(found, reverse=order == "descending")
    assert wrong == []
