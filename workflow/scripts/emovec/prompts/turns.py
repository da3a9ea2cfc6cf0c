"""A sentence as what the user says, in the chat template that came with a model's tokenizer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from emovec.errors import InputError
from emovec.prompts.tokenizer import TextEncoder, load_encoder

# What templates write that ask for the day: the one that Llama's falls back on. A true one would
# change the streams overnight.
TODAY = date(2024, 7, 26)


class _Generation(Extension):
    """A tag around what the model says, for those who train it."""

    tags = frozenset(["generation"])

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


@dataclass(frozen=True)
class Turn:
    """The user's turn of a chat, up to where the model's reply begins.

    A template comes from elsewhere: it is rendered in a sandbox, as transformers does.
    """

    model: str
    template: str
    special_tokens: dict[str, str]  # by the names that templates call them

    @property
    def sha256(self) -> str:
        """Digest of the template."""
        return hashlib.sha256(self.template.encode()).hexdigest()

    def __call__(self, sentence: str, name: str) -> tuple[str, tuple[int, int]]:
        """The rendered text, and from where to where in it the sentence stands.

        `name` is how to call the sentence in an error.

        Raises
        ------
        InputError
            If the template cannot be rendered, or does not hold the sentence once as it is.
        """
        said = [{"role": "user", "content": sentence}]
        remedy = f"set models.{self.model}.template to none"
        try:
            text = self._rendered.render(
                messages=said, tools=None, documents=None, add_generation_prompt=True,
                **self.special_tokens,
            )  # fmt: skip
        # a template does what it likes
        except Exception as error:
            why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise InputError(
                f"The chat template of {self.model} cannot be rendered ({why}): {remedy}."
            ) from error
        begin = text.find(sentence)
        if begin < 0 or begin != text.rfind(sentence):
            raise InputError(
                f"{name} does not stand once and unchanged in the chat template of {self.model}: "
                f"change the text, or {remedy}."
            )
        return text, (begin, begin + len(sentence))

    @cached_property
    def _rendered(self) -> jinja2.Template:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
        )
        kept = {key: environment.globals[key] for key in ("namespace", "range")}
        environment.globals = kept | {"raise_exception": _refuse, "strftime_now": TODAY.strftime}
        return environment.from_string(self.template)


def encoder_of(tokenizer_json: str | Path, manifest: dict, entry: dict, model: str) -> TextEncoder:
    """The encoder of a model as `entry`, what the configuration says of it, has it read.

    Raises
    ------
    InputError
        If it asks for a BOS or a chat template that the tokenizer does not have.
    """
    turn = None
    if entry["template"] != "none":
        if not manifest["chat_template"]:
            raise InputError(
                f"The tokenizer of {model} has no chat template: set models.{model}.template to "
                "none."
            )
        turn = Turn(model, manifest["chat_template"], manifest["special_tokens"])
    bos = manifest["bos_token_id"]
    return load_encoder(tokenizer_json, bos, entry["prepend_bos"], model, turn)


def _refuse(why: str) -> None:
    raise jinja2.TemplateError(why)
