"""The configuration: checked against its schema, each mistake told in one sentence."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import yaml

from emovec.errors import InputError
from emovec.models.sources import KINDS
from emovec.prompts.positions import in_probe

CLASSIFIER_KINDS = tuple(name for name, kind in KINDS.items() if kind.classifies)


def _is_number(_: object, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(
    _: object, pattern: str, value: object, schema: dict
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


# Stricter than the standard: 2.0 is no integer, NaN no number, and no line end slips past a `$`.
_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"pattern": _pattern},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": _is_number, "integer": _is_integer}
    ),
)


def check(config: dict, schema_path: str | Path) -> dict:
    """The configuration with every default filled in.

    Raises
    ------
    InputError
        If a key is unknown, missing or of the wrong kind, or two keys contradict each other.
    """
    schema = yaml.safe_load(Path(schema_path).read_text(encoding="utf-8"))
    for where, source, kinds in _sources(config):
        given = [kind for kind in kinds if isinstance(source, dict) and kind in source]
        if len(given) != 1:
            raise InputError(
                f"config: {where}.source must have exactly one of {', '.join(kinds)}"
                f"{' instead of ' + ' and '.join(given) if given else ''}."
            )
    if error := jsonschema.exceptions.best_match(_Validator(schema).iter_errors(config)):
        raise InputError(_sentence(_innermost(error)))
    filled = _with_defaults(copy.deepcopy(config), schema)
    _check_references(filled)
    return filled


def _sources(config: dict) -> Iterator[tuple[str, object, tuple[str, ...]]]:
    """Every source as it is given: its place, itself, and the kinds that it may be of."""
    for place, kinds in (("models", tuple(KINDS)), ("steering.classifiers", CLASSIFIER_KINDS)):
        entries = config
        for key in place.split("."):
            entries = entries.get(key) if isinstance(entries, dict) else None
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            yield f"{place}.{name}", entry.get("source") if isinstance(entry, dict) else None, kinds


def _innermost(error: jsonschema.ValidationError) -> jsonschema.ValidationError:
    """The error inside the one alternative of `source` that was meant."""
    if error.validator != "oneOf":
        return error
    kind = next(kind for kind in KINDS if kind in error.instance)
    index = [option["title"] for option in error.validator_value].index(kind)
    inner = [e for e in error.context if e.schema_path[0] == index]
    return jsonschema.exceptions.best_match(inner)


def _sentence(error: jsonschema.ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    at = f"config: {where}" if where else "config"
    value, limit = error.instance, error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        pattern = error.schema["pattern"]
        return f"{at} has the name {value!r}: a name is text that fits the pattern {pattern}."
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            unknown = sorted(set(value) - set(known), key=str)
            return f"{at} has the unknown key {unknown[0]!r}: known here are {', '.join(known)}."
        case "required":
            missing = [key for key in limit if key not in value]
            return f"{at} lacks the key {missing[0]!r}."
        case "type":
            return f"{at} must be of type {limit}, not {value!r}."
        case "enum":
            return f"{at} must be one of {', '.join(map(str, limit))}, not {value!r}."
        case "minItems" | "minProperties":
            return f"{at} needs at least {limit} entries, not {len(value)}."
        case "pattern":
            return f"{at} has the value {value!r}, which does not fit the pattern {limit}."
    return f"{at}: {error.message.rstrip('.')}."


def _with_defaults(value: object, schema: dict) -> object:
    if not isinstance(value, dict):
        return value
    if "oneOf" in schema:
        kind = next(kind for kind in KINDS if kind in value)
        schema = next(option for option in schema["oneOf"] if option["title"] == kind)
    for key, inner in schema.get("properties", {}).items():
        if key not in value and "default" in inner:
            value[key] = copy.deepcopy(inner["default"])
        if key in value:
            value[key] = _with_defaults(value[key], inner)
    if isinstance(others := schema.get("additionalProperties"), dict):
        for key in value.keys() - schema.get("properties", {}).keys():
            value[key] = _with_defaults(value[key], others)
    return value


def _check_references(config: dict) -> None:
    emotions, neutral = config["prompts"]["emotions"], config["prompts"]["neutral"]
    if neutral in emotions:
        raise InputError(f"config: prompts.neutral is {neutral!r}, which is also an emotion.")
    positions = config["activations"]["positions"]
    primary = config["statistics"].setdefault("position", (in_probe(positions) or [""])[-1])
    if primary not in positions:
        raise InputError(
            "config: statistics.position must be one of activations.positions "
            f"({', '.join(positions)}) that the probe has too, not {primary!r}."
        )
    config["steering"].setdefault("position", primary)
    if config["steering"]["position"] not in positions:
        raise InputError(
            "config: steering.position must be one of activations.positions "
            f"({', '.join(positions)}), not {config['steering']['position']!r}."
        )
    for name in config["steering"]["models"]:
        if "activations" in config["models"].get(name, {}).get("source", {"activations": ""}):
            raise InputError(
                f"config: steering.models names {name!r}, which is no model of this config that "
                "can be run."
            )
    for name, classifier in config["steering"]["classifiers"].items():
        for emotion, label in classifier["targets"].items():
            where = f"config: steering.classifiers.{name}.targets"
            if emotion not in emotions:
                raise InputError(
                    f"{where} has the emotion {emotion!r}, which is none of prompts.emotions "
                    f"({', '.join(emotions)})."
                )
            if label not in classifier.get("labels", [label]):
                raise InputError(
                    f"{where}.{emotion} is {label!r}, which is not among the labels kept: add it "
                    f"to steering.classifiers.{name}.labels."
                )
    for name, model in config["models"].items():
        other = model["source"].get("random", {}).get("tokenizer")
        if other is None:
            continue
        there = config["models"].get(other, {}).get("source", {})
        if not there or "activations" in there or "tokenizer" in there.get("random", {}):
            raise InputError(
                f"config: models.{name}.source.random.tokenizer names {other!r}, which is not a "
                "model of this config with a tokenizer of its own."
            )
