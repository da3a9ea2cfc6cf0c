"""Tiny random models with one head that writes a known direction where it sees a marker.

What it writes makes one token likelier.
"""

from __future__ import annotations

import numpy as np
import torch
from emovec.activations.capture import Reader
from tiny import LETTERS
from torch import Tensor, nn

PRESENT, ABSENT = "+", "-"  # the two markers; the tokens are alike but for one direction
SAID, UNSAID = "!", "?"  # what is written makes the first likelier, and not the other


def plant(reader: Reader, seed: int, block: int, head: int, gain: float) -> None:
    """New random weights for a model; `head` of `block` writes `gain` times a direction.

    The head sees all tokens alike. What tells the markers apart, and what the head writes, is seen
    by no other part; it makes SAID likelier as the next token. With `gain` 0 nothing is written.
    """
    torch.manual_seed(seed)
    bridge = reader.bridge
    width, n_heads = bridge.cfg.d_model, bridge.cfg.n_heads
    random = torch.randn(width, 2)  # without what a LayerNorm takes away
    marks, written = torch.linalg.qr(random - random.mean(0))[0].T
    hidden = torch.stack([marks, written])
    with torch.no_grad():
        for number, one in enumerate(bridge.blocks):
            for layer in readers(one):
                weight = rows_of(layer)
                weight.copy_(torch.randn_like(weight) / width**0.5)
                weight -= weight @ hidden.T @ hidden
            for layer in writers(one):
                weight = rows_of(layer)
                weight.copy_(torch.randn_like(weight) / weight.shape[1] ** 0.5)
                weight -= hidden.T @ hidden @ weight
            if number == block:
                _write(one.attn, head, n_heads, marks, gain * written)
        embedding = bridge.original_model.get_input_embeddings().weight
        ids = {one: reader.encode(one).ids[-1] for one in LETTERS + PRESENT + ABSENT}
        random = torch.randn(len(LETTERS), width)
        random -= random.mean(0) + random.mean(1, keepdim=True)
        random -= random @ hidden.T @ hidden
        embedding[[ids[one] for one in LETTERS]] = random
        embedding[ids[PRESENT]] = random[0] + 3 * marks
        embedding[ids[ABSENT]] = random[0] - 3 * marks
        said = bridge.original_model.get_output_embeddings().weight
        for token, foreseen in ((SAID, written), (UNSAID, 0 * written)):
            said[reader.encode(token).ids[-1]] = 2 * foreseen


def _write(attention: nn.Module, head: int, n_heads: int, marks: Tensor, written: Tensor) -> None:
    """The first value of `head` tells the markers apart, and is written out by it alone."""
    values, output = (
        rows_of(attention.v.original_component),
        rows_of(attention.o.original_component),
    )
    queries = rows_of(attention.q.original_component)
    size = queries.shape[0] // n_heads
    group = n_heads * size // values.shape[0]
    queries[head * size : (head + 1) * size] = 0
    values[head // group * size] = marks
    for other in range(head // group * group, (head // group + 1) * group):
        output[:, other * size] = 0
    output[:, head * size] = written


def readers(block: nn.Module) -> list[nn.Module]:
    """The layers of a block that read the stream."""
    mlp = [getattr(block.mlp, name) for name in ("in", "gate") if hasattr(block.mlp, name)]
    return [one.original_component for one in (*(getattr(block.attn, n) for n in "qkv"), *mlp)]


def writers(block: nn.Module) -> list[nn.Module]:
    return [block.attn.o.original_component, block.mlp.out.original_component]


def rows_of(layer: nn.Module) -> Tensor:
    """The weight `[out, in]`, of which GPT-2 keeps the transpose."""
    return layer.weight.data if isinstance(layer, nn.Linear) else layer.weight.data.T


def sentences(n_topics: int, rng: np.random.Generator) -> list[str]:
    """Random letters, topics × classes: only the first of three classes has the marker."""
    texts = []
    for _ in range(n_topics):
        for marker in (PRESENT, ABSENT, ABSENT):
            letters = rng.choice(list(LETTERS), 24)
            letters[rng.integers(4, 20)] = marker
            texts.append("".join(letters) + LETTERS[0])
    return texts
