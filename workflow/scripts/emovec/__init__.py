"""emovec: emotion directions in language models, with nulls, intervals and controls.

A package is a stage of the workflow and stands on those before it; tests/unit/test_architecture.py
has their order. Only the modules that run a model import torch; everything else works on arrays and
on the files described in docs/formats.md. The names below are what a notebook needs; they are
imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "EmotionVectors": "vectors.directions",
    "InputError": "errors",
    "Plan": "between_models.pair",
    "Streams": "activations.streams",
    "compare_models": "between_models.compare",
    "judge_models": "between_models.verdict",
    "decode_depths": "decoding.held_out",
    "emotion_vectors": "vectors.directions",
    "load_vectors": "vectors.exported",
    "open_activations": "activations.store",
    "compare_emotions": "within_model.compare",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
