"""The written report as one page that needs no other file."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from PIL import Image

from emovec.explorer.panel import Panel
from emovec.report.render import address, render
from emovec.wording.language import _

LOOK_AROUND = "<!-- look around -->"
FOLDED, UNTIL = "<!-- folded -->", "<!-- until here -->"
# what stays on one line of a screen: intervals, spans, signed directions
WHOLE = re.compile(r"[−\d.]+ \[[−\d.]+, [−\d.]+\]|[−\d.]+ (?:to|〜) [−\d.]+|^[+−] [^\d\W]+")


def to_html(markdown: str, folder: str | Path, panels: Sequence[Panel] = ()) -> str:
    """The page of a report; pictures named relative to `folder` go inside.

    Panels stand where the report holds the comment LOOK_AROUND; what stands between FOLDED and
    UNTIL is folded up to its first line, which is bold. What comes before the first heading of the
    second level is the first screen; the sections below it are folded up.
    """
    # what is quoted in a report may come from anywhere: HTML in it stays text
    markdown_it = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown_it.parse(markdown)
    contents = _number_headings(tokens)
    body = markdown_it.renderer.render(tokens, markdown_it.options, {})
    body = re.sub(r"(?<=<td>)[^<]*(?=</td>)", lambda cell: WHOLE.sub(_on_one_line, cell[0]), body)
    body = re.sub(r'<img src="([^"]*)"', lambda match: _picture(Path(folder), match[1]), body)
    body = re.sub(r'href="([\w-]+)\.md"', r'href="\1.html"', body)  # the other language's page
    body = _figures(body)
    body = body.replace("<table>", '<div class="scroll" tabindex="0"><table>')
    body = body.replace("</table>", "</table></div>")
    answer, heading, rest = body.partition("<h2")
    title = re.search(r"<h1[^>]*>(.*?)</h1>", answer)
    rest = _folded(_more(heading + rest)).replace(
        f"<p>{escape(LOOK_AROUND)}</p>", _look_around(panels), 1
    )
    scripts = [_library()] if panels else []
    scripts.append(render("page.js.j2", {}))
    return render(
        "page.html.j2",
        {
            "title": Markup(title[1]) if title else _("Report"),
            "answer": Markup(answer),
            "contents": contents,
            "rest": Markup(rest),
            "scripts": [Markup(script) for script in scripts],
            "allowed": Markup(" ".join(map(_fingerprint, scripts))),
        },
    )


def _on_one_line(found: re.Match) -> str:
    return f'<span class="interval">{found[0]}</span>'


def _more(body: str) -> str:
    """What is for those who ask for it, folded up to its first line."""
    start, end = (f"<p>{escape(mark)}</p>" for mark in (FOLDED, UNTIL))
    return re.sub(
        rf"{re.escape(start)}\s*<p><strong>(.*?)</strong></p>(.*?){re.escape(end)}",
        r'<details class="more"><summary>\1</summary>\2</details>',
        body,
        flags=re.DOTALL,
    )


def _folded(body: str) -> str:
    """Sections of the second level, folded up to their headings but for the first."""
    before, *sections = re.split(r"(?=<h2)", body)
    for place, section in enumerate(sections):
        heading, _end, rest = section.partition("</h2>")
        opened = " open" if place == 0 else ""
        before += f'<details class="part"{opened}><summary>{heading}</h2></summary>{rest}</details>'
    return before


def _fingerprint(script: str) -> str:
    """What the content security policy calls a script by; no other one runs."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _number_headings(tokens: list) -> list[tuple[str, str]]:
    """Give every heading an address; what the table of contents lists is returned."""
    contents, known = [], Counter()
    for opening, text in pairwise(tokens):
        if opening.type == "heading_open":
            place = address(text.content)
            known[place] += 1
            if known[place] > 1:
                place = f"{place}-{known[place]}"
            opening.attrSet("id", place)
            if opening.tag == "h2":
                contents.append((place, text.content))
    return contents


def _figures(body: str) -> str:
    """Pictures that stand alone become figures; a line in italics below one is its caption."""
    return re.sub(
        r"<p>(<img[^>]*?>)</p>\n(?:<p><em>(.*?)</em></p>\n)?",
        lambda m: f"<figure>{m[1]}<figcaption>{m[2] or _alternative(m[1])}</figcaption></figure>\n",
        body,
    )


def _alternative(image: str) -> str:
    found = re.search(r'alt="([^"]*)"', image)
    return found[1] if found else ""


def _picture(folder: Path, name: str) -> str:
    """The start of a picture's element: its file as lossless WebP, half the size of its PNG.

    Only pictures of the report's own folder are shown. Width and height are given so that nothing
    jumps.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return "<img"
    buffer = io.BytesIO()
    with Image.open(path) as picture:
        width, height = picture.size
        picture.save(buffer, "WEBP", lossless=True, method=2, quality=30)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img width="{width}" height="{height}" src="data:image/webp;base64,{data}"'


def _look_around(panels: Sequence[Panel]) -> str:
    shown = []
    for panel in panels:
        content = json.dumps(panel.content(), separators=(",", ":"))
        # a text may hold "</script>"
        shown.append({"panel": panel, "json": Markup(content.replace("<", "\\u003c"))})
    return render("explore.html.j2", {"panels": shown})


def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed in one piece."""
    import vl_convert

    return vl_convert.javascript_bundle()
