"""Tiny untrained models of four architectures, made once per session and kept for all tests."""

from __future__ import annotations

from pathlib import Path

ARCHITECTURES = ("gpt2", "gpt_neox", "gpt_neo", "llama")
SUFFIX = " That is all there is to say about it."


def source(architecture: str, **changes: object) -> dict:
    settings = {"n_layers": 3, "d_model": 32, "n_heads": 4, "seed": 0}
    return {"random": {"architecture": architecture} | settings | changes}


def model_folder(architecture: str, root: Path, **changes: object) -> Path:
    """The folder of a tiny model below `root`, fetched if it is not there yet."""
    from emovec.models import fetch

    name = "-".join([architecture, *(f"{k}{v}" for k, v in sorted(changes.items()))])
    folder = root / name
    if not (folder / "manifest.json").is_file():
        fetch(source(architecture, **changes), folder, root / "downloads")
    return folder
