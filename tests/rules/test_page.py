"""The page of a run in a real browser: nothing from outside, no complaint, every control works."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from emovec.io.tables import read_table
from emovec.report.provenance import digests
from emovec.steering.asking import WAYS
from emovec.wording.remarks import REASONS, told_each
from markdown_it import MarkdownIt
from project import ROOT, Project

pytest.importorskip("torch")
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")

PHONE, DESK, PAPER = 390, 1280, 718  # an A4 page between its margins is 718 px wide
DEFAULT = ROOT / "results/default/report.html"
PAGES = ["en", "ja", pytest.param("default", marks=pytest.mark.skipif(
    not DEFAULT.exists(), reason="the default experiment has not been run here"))]  # fmt: skip


@pytest.fixture(scope="module")
def addresses(steered: Project) -> dict[str, str]:
    """A run with everything that a page can show, in both languages."""
    pages = {"en": steered.results / "report.html", "ja": steered.results / "report_ja.html"}
    return {name: path.as_uri() for name, path in (pages | {"default": DEFAULT}).items()}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@contextmanager
def opened(browser, address: str, width: int = DESK, scheme: str = "light") -> Iterator:
    """The page with every panel drawn; in the end nothing may have gone wrong."""
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    wrong = []
    page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: r.url.startswith(("file:", "data:")) or wrong.append(r.url))
    page.goto(address)
    page.evaluate("document.querySelectorAll('.part, .more').forEach((one) => (one.open = true))")
    for panel in page.query_selector_all(".panel"):
        panel.scroll_into_view_if_needed()
        page.wait_for_function("p => p.querySelector('.count').textContent", arg=panel)
    drawn(page)
    yield page
    page.close()
    assert wrong == []


def drawn(page) -> None:
    page.wait_for_function(
        "[...document.querySelectorAll('.chart')].every(c => c.querySelector('svg'))"
    )


def texts(page, selector: str) -> list[str]:
    return [one.inner_text() for one in page.query_selector_all(selector)]


def choose(page, panel: str, **values: str) -> None:
    for column, value in values.items():
        page.select_option(f"#look-{panel} select[name={column}]", value)


def unfold(page, panel: str) -> None:
    """Show the numbers below a view."""
    page.click(f"#look-{panel} summary")
    page.wait_for_selector(f"#look-{panel} td")


def offered(control) -> list[str]:
    return control.evaluate("s => [...s.options].map(o => o.value)")


@pytest.mark.parametrize("name", PAGES)
def test_every_choice_shows_something(browser, addresses: dict[str, str], name: str) -> None:
    with opened(browser, addresses[name]) as page:
        panels = page.query_selector_all(".panel")
        assert len(panels) == 6
        for panel in panels:
            for control in panel.query_selector_all("select"):
                for value in offered(control):
                    control.select_option(value)
                    assert control.input_value() == value
                    assert re.search("[1-9]", panel.query_selector(".count").inner_text())
        drawn(page)


@pytest.mark.parametrize(("width", "most"), [(DESK, 9_000), (PHONE, 12_000)])
@pytest.mark.parametrize("name", PAGES)
def test_four_answers_stand_on_the_first_two_screens(
    browser, addresses: dict[str, str], name: str, width: int, most: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(addresses[name])
    cards = page.query_selector_all(".answer tbody tr")
    assert len(cards) == 4
    for card in cards:
        assert card.bounding_box()["y"] + card.bounding_box()["height"] < 2 * 844
        assert card.query_selector("img").evaluate("image => image.naturalWidth") > 0
    assert page.evaluate("document.documentElement.scrollHeight") < most
    target = "document.getElementById(decodeURIComponent(location.hash.slice(1)))"
    for link in page.query_selector_all(".answer tbody a"):
        link.click()
        assert page.evaluate(f"{target}.closest('.part').open")
    page.close()


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("name", PAGES)
def test_contents_lead_to_their_headings(
    browser, addresses: dict[str, str], name: str, width: int
) -> None:
    """Past panels that are drawn on the way, by a click and by an address."""
    resting = """() => new Promise((rest) => {
      let before = -1;
      setInterval(() => {
        if (scrollY === before && document.querySelector(".chart svg")) rest();
        before = scrollY;
      }, 300);
    })"""
    missed = """link => {
      const heading = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      const lowest = document.documentElement.scrollHeight - innerHeight;
      const wanted = Math.min(heading.getBoundingClientRect().top + scrollY - 16, lowest);
      return Math.abs(scrollY - wanted);
    }"""
    link, address = "nav li:last-child a", addresses[name]
    for click in (True, False):
        page = browser.new_page(viewport={"width": width, "height": 844})
        page.goto(address)
        if click:
            page.click(link)
            address = page.url
        page.evaluate(resting)
        assert page.eval_on_selector(link, missed) < 2
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_phone_scrolls_down_only_and_modes_turn(
    browser, addresses: dict[str, str], name: str, scheme: str
) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, addresses[name], PHONE, scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        before, said = page.evaluate(paper), page.inner_text("#theme")
        page.focus("#theme")
        page.keyboard.press("Enter")
        assert page.evaluate(paper) != before and page.inner_text("#theme") != said


def test_primary_position_is_offered_first(browser, addresses: dict[str, str]) -> None:
    with opened(browser, addresses["en"]) as page:
        for panel in ("within", "depths"):
            control = f"#look-{panel} select[name=position]"
            assert page.input_value(control) == "after a fixed neutral suffix"


def test_chart_draws_the_rows_that_are_chosen(
    browser, addresses: dict[str, str], steered: Project
) -> None:
    table = pd.read_csv(steered.results / "within_model_similarity.csv")
    own = table[
        (table.model == "two") & (table.position == "last") & (table.metric == "raw")
        & (table.stat == "cos_naive") & table.depth.notna()
    ]  # fmt: skip
    marks = "#look-within .mark-symbol.role-mark path"
    with opened(browser, addresses["en"]) as page:
        choose(page, "within", model="two", position="last token", estimator="the study's")
        choose(page, "within", metric="raw")
        unfold(page, "within")
        assert len(page.query_selector_all("#look-within tbody tr")) == len(own)
        assert page.inner_text("#look-within .count").startswith(f"{len(own)} of ")
        page.wait_for_function(
            f"n => document.querySelectorAll('{marks}').length === n",
            arg=int(own.value.notna().sum()),
        )


def test_tables_sort_figures_open_large_and_the_section_is_marked(
    browser, addresses: dict[str, str]
) -> None:
    with opened(browser, addresses["en"]) as page:
        table = page.locator(".part table:not(.panel table)").filter(has_text="cosine").first
        column = table.locator("th").filter(has_text="cosine").first
        place = column.evaluate("head => head.cellIndex")

        def numbers() -> list[float]:
            cells = table.locator(f"tbody td:nth-child({place + 1})").all_inner_texts()
            found = [re.match(r"[−\d.]+", cell.strip()) for cell in cells]
            return [float(one[0].replace("−", "-")) for one in found if one]

        before = numbers()
        column.locator("button").click()
        assert numbers() == sorted(before) and column.get_attribute("aria-sort") == "ascending"
        column.locator("button").click()
        assert numbers() == sorted(before, reverse=True)
        page.locator(".part figure img").first.click()
        assert page.locator("dialog[open] img").is_visible()
        page.locator("dialog").click()
        assert not page.locator("dialog").is_visible()
        page.locator("nav a").nth(2).click()
        page.wait_for_function(
            "document.querySelectorAll('nav a')[2].getAttribute('aria-current') === 'true'"
        )


def test_a_part_that_is_clicked_tells_all_of_itself(
    browser, addresses: dict[str, str], steered: Project
) -> None:
    table = read_table(next((steered.results / "components").glob("*.csv")), "components")
    own = table[(table.metric == "lda") & (table.against == "neutral")]
    # where the squared length of a direction is not positive its shares are undefined
    own = own[own.part.isin(["head", "mlp"]) & own.value.notna()]
    own = own[own.emotion == own.emotion.iloc[0]]
    with opened(browser, addresses["en"]) as page:
        choose(page, "parts", model=table.model[0], emotion=own.emotion.iloc[0])
        marks = page.query_selector_all("#look-parts .mark-rect.role-mark path")
        assert len(marks) == len(own)
        marks[0].click()
        told = dict(zip(texts(page, "#look-parts dt"), texts(page, "#look-parts dd"), strict=True))
        part = own[(own.block == int(told["block"]))]
        part = part[part["head"].astype(str).replace("<NA>", "MLP") == told["head or MLP"]]
        assert told["share"] == f"{part.value.item():.3f}".replace("-", "−")
        if told["head or MLP"] != "MLP":
            assert "attention to the emotion's word" in told


def test_verdicts_are_filtered(browser, addresses: dict[str, str], steered: Project) -> None:
    with opened(browser, addresses["en"]) as page:
        choose(page, "verdicts", emotion="anger")
        table = read_table(steered.results / "verdicts.csv", "verdicts")
        own = table[(table.emotion == "anger") & ~table.model_b.str.contains("@")]
        assert texts(page, "#look-verdicts tbody td:nth-child(2)") == ["anger"] * len(own)
        said = told_each(REASONS, own, "reason").tolist()
        assert texts(page, "#look-verdicts tbody td:last-child") == said


def test_texts_are_filtered(browser, addresses: dict[str, str], steered: Project) -> None:
    scores = read_table(steered.results / "steering/one/scores.csv", "scores")
    scores = scores.assign(text=scores.text.fillna(""))
    openings = pd.read_csv(steered.folder / "resources/steering/openings.csv", index_col="id").text
    with opened(browser, addresses["en"]) as page:
        choose(page, "texts", direction="anger", sign="+", strength="1")
        opening = page.input_value("#look-texts select[name=opening]")
        own = scores[scores.opening.map(openings) == opening]
        added = own[(own.direction == "anger") & (own.sign == 1) & (own.strength == 1)]
        alone = own[own.operation == "none"]
        # what was projected out has no strength, so that it fits every choice of one
        removed = own[(own.direction == "anger") & (own.operation == "remove")]
        asked = own[own.operation.isin(list(WAYS))]
        asked = asked[(asked.direction == "anger") | (asked.kind != "emotion")]
        said = texts(page, "#look-texts h4")
        assert said.count("+ anger") == len(added) > 0
        assert said.count("not steered") == len(alone) > 0
        assert len(said) == len(added) + len(alone) + len(removed) + len(asked)
        shown = set(
            page.eval_on_selector_all("#look-texts .cards p", "all => all.map(p => p.textContent)")
        )
        assert set(added.text.replace("", "(nothing)")) <= shown
        choose(page, "texts", direction="control directions")
        assert not any("anger" in one for one in texts(page, "#look-texts h4"))


def test_tokens_are_those_of_the_table(
    browser, addresses: dict[str, str], steered: Project
) -> None:
    table = read_table(steered.results / "token_projections/two.csv", "token_projections")
    depth, topic = str(table.depth.max()), table.topic.iloc[-1]
    own = table[
        (table.depth == int(depth)) & (table.topic == topic) & (table.direction == "apology")
    ]
    with opened(browser, addresses["en"]) as page:
        choose(page, "tokens", model="two", depth=depth, direction="apology", topic=topic)
        spans = "#look-tokens p:not(.scale) span"
        found = page.eval_on_selector_all(spans, "all => all.map(s => s.textContent)")
        assert found == own.text.fillna("").tolist()
        titles = page.eval_on_selector_all(spans, "all => all.map(s => s.title)")
        assert [float(t.replace("−", "-")) for t in titles] == pytest.approx(
            own.beyond.tolist(), abs=0.006, rel=1e-3
        )
        more = page.eval_on_selector_all(spans, "all => all.map(s => s.className === 'more')")
        assert more == (own.beyond >= 0).tolist()
        # the same as a table
        unfold(page, "tokens")
        choose(page, "tokens", **{"class": "anger"})
        cells = texts(page, "#look-tokens tbody td:nth-child(4)")
        assert cells == [t for t, c in zip(titles, own["class"], strict=True) if c == "anger"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_coloured_tokens_can_be_read(browser, addresses: dict[str, str], scheme: str) -> None:
    """Contrast of 4.5 : 1 (WCAG 2.1, AA), whatever the colour."""
    ratios = """spans => {
      const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const luminance = (colour) => {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => {
          const share = part / 255;
          return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
      };
      return spans.map((span) => {
        const style = getComputedStyle(span);
        const both = [style.color, style.backgroundColor].map(luminance);
        return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
      });
    }"""
    with opened(browser, addresses["en"], scheme=scheme) as page:
        found = page.eval_on_selector_all("#look-tokens .tokens span", ratios)
        assert min(found) >= 4.5
        assert max(found) - min(found) > 3  # there are colours


SCRIPT = "<script>window.ran = 1</script>"
HOSTILE = (
    f"{SCRIPT}<img src=x onerror='window.ran = 1'></script>{SCRIPT}"
    " [read](javascript:window.ran=1) ![seen](x.png) | **b**"
)


def test_what_came_as_data_stays_text(browser, steered: Project, tmp_path: Path) -> None:
    """Licences, architectures, openings, texts, tokens and labels from anywhere run nothing.

    In the page, in its Markdown where a viewer lets HTML through, and in the card of vectors.
    """
    project = steered.copy(tmp_path / "project")
    provenance = project.results / "provenance.json"
    told = json.loads(provenance.read_text())
    for model in told["models"].values():
        model |= {"license": HOSTILE, "architecture": HOSTILE}
    for attributes in told["activations"].values():
        attributes |= {"license": HOSTILE, "architecture": HOSTILE}
    told["config"]["steering"]["classifiers"]["judge"]["targets"] = {"anger": HOSTILE}
    audit = project.results / "prompts/audit.json"
    finding = {"code": "shared_topics", "n": 1, "topic": HOSTILE}
    audit.write_text(json.dumps(json.loads(audit.read_text()) | {"findings": [finding]}))
    effects = project.results / "steering/one.csv"
    effects.write_text(effects.read_text().replace("judge_letter", f'"judge_{HOSTILE}"'))
    tables = {
        project.results / "steering/one/scores.csv": "text",
        project.results / "token_projections/one.csv": "text",
        project.results / "token_projections/two.csv": "text",
        project.results / "readings/one.csv": "text",
        project.folder / "resources/steering/openings.csv": "text",
    }
    for path, column in tables.items():
        table = pd.read_csv(path, keep_default_na=False)
        table[column] = [f"{HOSTILE} {row}" for row in table.index]
        table.to_csv(path, index=False)
    told["tables"] = digests(project.results, [project.results / name for name in told["tables"]])
    provenance.write_text(json.dumps(told))
    report = "results/tests/report.html"
    project.build("--allowed-rules", "write_report", "--force", report)
    with opened(browser, (project.folder / report).as_uri()) as page:
        assert page.evaluate("window.ran") is None
        assert not page.query_selector_all("[onerror], a[href^=javascript]")
        for part in ("article", "#look-texts .cards p", "#look-tokens p:not(.scale) span"):
            assert SCRIPT in page.text_content(part)
        rows = page.eval_on_selector_all(
            "article tr, article li", "all => all.map(r => r.innerText)"
        )
        for about in ("shares with the prompts", "one\t", "one\tlast token", "+ anger\tjudge"):
            assert any(SCRIPT in row for row in rows if about in row), about
    page = browser.new_page()
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    markdown.validateLink = lambda _: True
    page.set_content(markdown.render((project.folder / report).with_suffix(".md").read_text()))
    assert page.evaluate("window.ran") is None
    assert not page.query_selector_all("script, [onerror], a[href^=javascript]")
    assert page.text_content("body").count(SCRIPT) > 10
    card = project.results / "exports/one/card.json"
    card.write_text(card.read_text().replace('"not stated"', json.dumps(HOSTILE)))
    page.goto(card.as_uri())
    assert page.evaluate("window.ran") is None and SCRIPT in page.text_content("body")
    page.close()


def tab_to(page, selector: str) -> None:
    """Press Tab until an element of `selector` has the focus."""
    for _ in range(300):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"no Tab leads to {selector}")


def test_keyboard_alone_is_enough(browser, addresses: dict[str, str]) -> None:
    with opened(browser, addresses["en"]) as page:
        page.evaluate("scrollTo(0, 0)")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('.skip')")
        tab_to(page, "#look-within select[name=model]")
        before = page.input_value("#look-within select[name=model]")
        page.keyboard.press("ArrowDown")
        assert page.input_value("#look-within select[name=model]") != before
        tab_to(page, "#look-within summary")
        page.keyboard.press("Enter")
        page.wait_for_selector("#look-within td")
        column = "#look-verdicts tbody td:nth-child(2)"
        tab_to(page, "#look-verdicts th:nth-child(2) button")
        for order in ("ascending", "descending"):
            page.keyboard.press("Enter")
            assert page.get_attribute("#look-verdicts th:nth-child(2)", "aria-sort") == order
            found = texts(page, column)
            assert found == sorted(found, reverse=order == "descending")


@pytest.mark.parametrize("name", PAGES)
def test_paper_shows_what_was_chosen(browser, addresses: dict[str, str], name: str) -> None:
    with opened(browser, addresses[name], PAPER, "dark") as page:
        page.emulate_media(media="print")
        assert not page.is_visible("nav") and not page.is_visible("#theme")
        assert page.is_visible("#look-within select") and page.is_visible("#look-tokens .tokens")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_japanese_page_speaks_japanese(browser, addresses: dict[str, str]) -> None:
    names = {"p", "anger", "joy", "sadness"}  # names stay
    with opened(browser, addresses["ja"]) as page:
        assert page.get_attribute("html", "lang") == "ja"
        for summary in page.query_selector_all(".panel summary"):
            summary.click()
        said = [page.inner_text("#theme"), page.get_attribute("nav", "aria-label")]
        said += texts(page, ".skip, nav > p, .panel h3, .what, .count, summary, .panel th")
        said += page.eval_on_selector_all("label", "all => all.map(l => l.firstChild.textContent)")
        said += texts(page, ".scale")
        said += page.eval_on_selector_all(
            "select[name=method] option, select[name=verdict] option, select[name=sign] option",
            "all => all.map(o => o.textContent)",
        )
        said += page.eval_on_selector_all(
            ".chart text", "all => all.map(t => t.textContent).filter(t => /[a-z]/i.test(t))"
        )
        left = [one for one in said if not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", one)]
        assert {one.strip() for one in left} <= names | {"+", "−", "MLP"} | {
            f"{a} – {b}" for a in ("gratitude", "anger") for b in ("anger", "apology")
        }
