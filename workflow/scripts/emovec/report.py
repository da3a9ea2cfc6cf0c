"""The written report: what a run found, put into words by a template."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2

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
