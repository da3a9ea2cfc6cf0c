"""The configuration: checked against its schema, each mistake told in one sentence."""

from __future__ import annotations

import copy
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import combinations
from pathlib import Path

import jsonschema
import yaml

from emovec.errors import InputError
from emovec.io.yaml_keys import repeated_keys
from emovec.models.sources import KINDS, kind_of
from emovec.prompts.positions import POSITIONS, in_probe

SCHEMA = Path(__file__).parents[2] / "schemas/config.schema.yaml"
CLASSIFIER_KINDS = tuple(name for name, kind in KINDS.items() if kind.classifies)
LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}


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


def check(config: dict) -> dict:
    """The configuration with every default filled in.

    Raises
    ------
    InputError
        If a key is unknown, missing or of the wrong kind, or two keys contradict each other.
    """
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
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
    _check_references(filled, config.get("steering", {}).get("targets", {}))
    return _with_defaults(filled, schema)  # again, for the order of what that has filled in


def check_yaml(paths: Iterable[str | Path], whole: bool) -> None:
    """Refuse what Snakemake would lose or mix without a word when it reads configuration files.

    whole : whether each file is a configuration as such, not a part of another workflow's.

    Raises
    ------
    InputError
        If a key is given twice in one file, or two files give models or prompts.
    """
    holder: dict[str, Path] = {}
    for path in map(Path, paths):
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue  # Snakemake has read it, as something else than YAML
        for key, line in repeated_keys(root):
            raise InputError(
                f"config: {path.name} has the key {key!r} again in line {line}, where it would "
                "replace the first: keep one."
            )
        keys = [key.value for key, _ in root.value] if isinstance(root, yaml.MappingNode) else []
        for key in {"models", "prompts"}.intersection(keys) if whole else ():
            if key in holder:
                raise InputError(
                    f"config: {holder[key].name} and {path.name} both have {key}, which Snakemake "
                    f"would mix: keep {key} in one of them."
                )
            holder[key] = path


def check_files(config: dict, folders: Sequence[str | Path]) -> None:
    """Refuse a configuration that names a file which is in none of the folders.

    Raises
    ------
    InputError
        If one is not there, or is a folder.
    """
    prompts = config["prompts"]
    given = [key for key in ("file", "probe", "ratings") if key in prompts]
    named = {f"prompts.{key}": prompts[key] for key in given}
    entries = {f"models.{name}": model for name, model in config["models"].items()}
    if config["steering"]["models"]:
        files = ("openings", "words", "instructions")
        named |= {f"steering.{key}": config["steering"][key] for key in files}
        judges = config["steering"]["classifiers"]
        entries |= {f"steering.classifiers.{name}": judge for name, judge in judges.items()}
    if config["components"]["models"] and config["components"]["ablated"]:
        named["steering.words"] = config["steering"]["words"]
    for name, entry in entries.items():
        for kind in {"path", "activations"} & set(entry["source"]):
            named[f"{name}.source.{kind}"] = entry["source"][kind]
    for key, path in named.items():
        if path is None:
            continue
        paths = [Path(folder, path) for folder in folders]
        there = os.path.exists if key.endswith("source.path") else os.path.isfile
        if any(map(there, paths)):
            continue
        fault = "is a folder" if any(map(os.path.isdir, paths)) else "is not there"
        beside = [file.name for one in paths for file in one.parent.glob("*.*")]
        meant = get_close_matches(paths[0].name, beside, 1)
        hint = f" (did you mean {meant[0]!r}?)" if meant else ""
        raise InputError(
            f"config: {key} is {path!r}, which {fault}{hint}: paths are relative to the folder "
            f"that Snakemake works in, {os.getcwd()}."
        )


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
    kind = kind_of(error.instance).name
    index = [option["title"] for option in error.validator_value].index(kind)
    inner = [e for e in error.context if e.schema_path[0] == index]
    return jsonschema.exceptions.best_match(inner)


def _sentence(error: jsonschema.ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    at = f"config: {where}" if where else "config"
    value, limit = error.instance, error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        rule = {
            "type": "is text: put it in quotes",
            "maxLength": f"has {limit} characters at most",
            "pattern": f"is text that fits the pattern {limit}",
        }
        return f"{at} has the name {value!r}: a name {rule[error.validator]}."
    match error.validator:
        case "additionalProperties":
            known = list(error.schema.get("properties", {}))
            unknown = next(key for key in value if key not in known)
            meant = get_close_matches(str(unknown), known, 1)
            hint = f" (did you mean {meant[0]!r}?)" if meant else ""
            return f"{at} has the unknown key {unknown!r}{hint}: known here are {', '.join(known)}."
        case "required":
            missing = [key for key in limit if key not in value]
            return f"{at} lacks the key {missing[0]!r}."
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            text = "string" in kinds and isinstance(value, int | float)
            quotes = ": put it in quotes" if text else ""
            return f"{at} must be of type {' or '.join(kinds)}, not {value!r}{quotes}."
        case "enum":
            return f"{at} must be one of {', '.join(map(str, limit))}, not {value!r}."
        case "minItems" | "minProperties":
            return f"{at} needs at least {limit} entries, not {len(value)}."
        case "uniqueItems":
            return f"{at} names something twice: {value!r}."
        case "maxLength":
            return f"{at} has {len(value)} characters, but {limit} at most are allowed."
        case "pattern":
            return f"{at} has the value {value!r}, which does not fit the pattern {limit}."
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return f"{at} must be {LIMITS[error.validator]} {limit}, not {value!r}."
    return f"{at}: {error.message.rstrip('.')}."


def _with_defaults(value: object, schema: dict) -> object:
    """With the keys that the schema names in its order, whatever the order in the file."""
    if not isinstance(value, dict):
        return value
    if "oneOf" in schema:
        kind = kind_of(value).name
        schema = next(option for option in schema["oneOf"] if option["title"] == kind)
    for key, inner in schema.get("properties", {}).items():
        if key not in value and "default" in inner:
            value[key] = copy.deepcopy(inner["default"])
        if key in value:
            value[key] = _with_defaults(value[key], inner)
    if isinstance(others := schema.get("additionalProperties"), dict):
        for key in value.keys() - schema.get("properties", {}).keys():
            value[key] = _with_defaults(value[key], others)
    return {key: value[key] for key in schema.get("properties", {}) if key in value} | value


def _check_references(config: dict, targets: dict) -> None:
    """Refuse a key that names what another does not give; `targets` are nade's that are given."""
    emotions, neutral = config["prompts"]["emotions"], config["prompts"]["neutral"]
    if neutral in emotions:
        raise InputError(f"config: prompts.neutral is {neutral!r}, which is also an emotion.")
    if neutral is None and len(emotions) < 2:
        raise InputError(
            f"config: prompts.neutral is null and prompts.emotions names {emotions[0]!r} alone, "
            "which leaves nothing to contrast it with: name another emotion or a neutral class."
        )
    names = [
        *emotions,
        *filter(None, [neutral]),
        *(f"{a}-{b}" for a, b in combinations(emotions, 2)),
    ]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(
            f"config: prompts.emotions gives two contrasts the name {twice[0]!r}: a contrast of "
            "two emotions has the names of both with a hyphen between, so write one otherwise."
        )
    positions, steering = config["activations"]["positions"], config["steering"]
    primary = config["statistics"].setdefault("position", (in_probe(positions) or [""])[-1])
    steering.setdefault("position", primary)
    config["components"].setdefault("position", primary)
    read = (("statistics", " that the probe has too"), ("steering", ""), ("components", ""))
    for part, those in read:
        if (position := config[part]["position"]) not in positions:
            raise InputError(
                f"config: {part}.position must be one of activations.positions "
                f"({', '.join(positions)}){those}, not {position!r}."
            )
    if (dtype := config["activations"]["dtype"]) in config["multiverse"]["precisions"]:
        raise InputError(
            f"config: multiverse.precisions names {dtype}, which is activations.dtype: the models "
            "are run in it anyway, so leave it out."
        )
    in_turn = [position for position in positions if POSITIONS[position].in_turn]
    bare = [name for name, model in config["models"].items() if model["template"] == "none"]
    if in_turn and bare:
        raise InputError(
            f"config: activations.positions has {in_turn[0]}, which is in the turn of a chat, and "
            f"models.{bare[0]}.template is none: set it to chat, or leave that position out."
        )
    sources = {name: model["source"] for name, model in config["models"].items()}
    if config["multiverse"]["precisions"] and all("activations" in one for one in sources.values()):
        raise InputError(
            "config: multiverse.precisions asks for models to be run, and there is none that can "
            "be: take it out, or bring activations of each format as a model of its own."
        )
    for part in ("steering", "components"):
        for name in config[part]["models"]:
            if "activations" in sources.get(name, {"activations": ""}):
                raise InputError(
                    f"config: {part}.models names {name!r}, which is no model of this config that "
                    "can be run."
                )
    judges = {f"classifiers.{name}": judge for name, judge in steering["classifiers"].items()}
    aims = {"targets": targets} | {
        f"{name}.targets": one["targets"] for name, one in judges.items()
    }
    for key, of_emotion in aims.items():
        if unknown := [emotion for emotion in of_emotion if emotion not in emotions]:
            raise InputError(
                f"config: steering.{key} has the emotion {unknown[0]!r}, which is none of "
                f"prompts.emotions ({', '.join(emotions)})."
            )
    for name, judge in judges.items():
        for emotion, label in judge["targets"].items():
            if label not in judge.get("labels", [label]):
                raise InputError(
                    f"config: steering.{name}.targets.{emotion} is {label!r}, which is not among "
                    f"the labels kept: add it to steering.{name}.labels."
                )
    for name, source in sources.items():
        size = source.get("random", {"d_model": 0, "n_heads": 1})
        if size["d_model"] % (2 * size["n_heads"]):
            raise InputError(
                f"config: models.{name}.source.random.d_model is {size['d_model']}, which must be "
                f"n_heads ({size['n_heads']}) times an even number."
            )
        other = size.get("tokenizer")
        there = sources.get(other, {"activations": ""})
        if other is not None and ("activations" in there or "tokenizer" in there.get("random", {})):
            raise InputError(
                f"config: models.{name}.source.random.tokenizer names {other!r}, which is not a "
                "model of this config with a tokenizer of its own."
            )
