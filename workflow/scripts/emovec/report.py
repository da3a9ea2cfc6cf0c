"""The written report: what a run found, put into words by a template."""

from __future__ import annotations

import base64
import mimetypes
import re
from pathlib import Path

import jinja2
from markdown_it import MarkdownIt

from emovec.words import number, p_value, percent


def render(template: str, context: dict) -> str:
    """Fill one of the templates; a name that the context lacks is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "p": p_value, "percent": percent}
    text = environment.get_template(template).render(context)
    return re.sub(r"\n{3,}", "\n\n", text)


def to_html(markdown: str, folder: str | Path) -> str:
    """One page that needs no other file: pictures named relative to `folder` go inside."""
    body = MarkdownIt("commonmark").enable("table").render(markdown)

    def inline(match: re.Match) -> str:
        path = Path(folder) / match[1]
        kind = mimetypes.guess_type(path.name)[0]
        return f'src="data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"'

    body = re.sub(r'src="([^":]+)"', inline, body)
    title = re.search(r"<h1>(.*?)</h1>", body)
    return render("page.html.j2", {"title": title[1] if title else "Report", "body": body})
