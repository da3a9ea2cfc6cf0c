"""A model made ready to be steered: loaded, with its openings and directions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from transformer_lens.model_bridge import TransformerBridge

from emovec.errors import InputError
from emovec.io.files import read_json
from emovec.models.loading import load_model
from emovec.prompts.openings import read_openings
from emovec.prompts.tokenizer import TextEncoder, check_known, load_encoder
from emovec.steering.directions import Directions
from emovec.steering.steerer import Sampling, Steerer


def load_steerer(
    name: str, folder: Path, entry: dict, settings: dict, steering: dict,
    directions: str | Path, openings: str | Path,
) -> tuple[Steerer, TextEncoder]:  # fmt: skip
    """The model in `folder` with its directions, and the encoder of its openings.

    Parameters
    ----------
    entry : what the configuration says of this model.
    settings, steering : its `activations` and its `steering`.

    Raises
    ------
    InputError
        If an opening is longer than the model's context allows, or has a token that it lacks.
    """
    manifest = read_json(folder / "manifest.json")
    encode = load_encoder(
        folder / "tokenizer.json", manifest["bos_token_id"], entry["prepend_bos"], name
    )
    table = read_openings(openings)
    ids = [encode(text).ids for text in table.text]
    context = manifest["context"] or np.inf
    for key, tokens in zip(table.id, ids, strict=True):
        if len(tokens) + steering["tokens"] > context:
            raise InputError(
                f"Opening {key!r} of {openings} with the new tokens is longer than the context of "
                f"{name} ({context}): shorten it, or set steering.tokens lower."
            )
    bridge = load_model(folder, settings["device"], settings["dtype"])
    for key, tokens in zip(table.id, ids, strict=True):
        check_known(tokens, bridge.cfg.d_vocab, f"Opening {key!r} of {openings}", name)
    return Steerer(bridge, ids, Directions.read(directions), steering["scope"]), encode


def sampling_of(bridge: TransformerBridge, steering: dict, seed: int) -> Sampling:
    """How texts are drawn; they end where the model's own configuration says so."""
    found = bridge.original_model.generation_config.eos_token_id
    ends = frozenset([] if found is None else np.atleast_1d(found).tolist())
    return Sampling(steering["tokens"], steering["samples"], steering["temperature"], seed, ends)
