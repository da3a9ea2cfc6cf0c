"""emovec: emotion directions in language models, with nulls, intervals and controls.

One module is one idea. Only those that run a model (`capture`, `steering`, `steered`) import torch,
and `models` with what it calls when a model is fetched; everything else works on arrays and on the
files described in docs/formats.md. The names below are what a notebook needs; they are imported
when they are first used.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "EmotionVectors": "directions",
    "InputError": "errors",
    "Plan": "measured",
    "Streams": "measured",
    "compare": "cross",
    "decode_depths": "decoding",
    "emotion_vectors": "directions",
    "load_vectors": "exports",
    "open_activations": "store",
    "within_model": "within",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
