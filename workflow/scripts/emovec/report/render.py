"""The written report: what a run found, put into words by a template."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jinja2

from emovec.wording.language import _, spoken
from emovec.wording.numbers import interval, listed, number, p_value, part, percent, span


def address(heading: str) -> str:
    """What the address of a heading ends with."""
    return re.sub(r"\W+", "-", heading.lower()).strip("-")


def render(template: str, context: dict) -> str:
    """Fill one of the templates; a name that the context lacks is an error."""
    text = _templates().get_template(template).render(context | {"language": spoken()})
    return re.sub(r"\n{3,}", "\n\n", text) if template.endswith(".md.j2") else text


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=jinja2.select_autoescape(enabled_extensions=["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(_, _plural, newstyle=True)
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters |= {
        "number": number, "p": p_value, "percent": percent, "listed": listed, "quoted": quoted,
        "address": address,
    }  # fmt: skip
    environment.globals |= {"interval": interval, "span": span, "part": part}
    return environment


def quoted(text: str) -> str:
    """Text from elsewhere inside a line of Markdown: letter by letter, and nothing but text.

    >>> print(quoted("*<b>* | a"))
    \\*\\<b\\>\\* \\| a
    """
    return re.sub(r"([\\`*_\[\]<>|&!~#])", r"\\\1", " ".join(str(text).split()))


def _plural(one: str, many: str, count: int) -> str:
    return _(one if count == 1 else many)
