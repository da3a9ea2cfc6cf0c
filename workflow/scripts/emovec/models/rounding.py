"""Weights rounded to a format of blocks and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from emovec.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def round_weights(model: PreTrainedModel, blocks: str, folder: Path) -> None:
    """Round the weights of all linear layers, in place; the output embeddings are left alone.

    Blocks lie along the inputs of a layer. A layer whose inputs are no multiple of a block keeps
    its weights, as it would in a file.

    Raises
    ------
    InputError
        If that leaves no layer of the model in `folder`.
    """
    import gguf

    kind = gguf.GGMLQuantizationType[blocks]
    size, _ = gguf.GGML_QUANT_SIZES[kind]
    rounded = 0
    for layer in model.modules():
        if not isinstance(layer, nn.Linear | Conv1D) or layer is model.get_output_embeddings():
            continue
        weights = layer.weight.data.T if isinstance(layer, Conv1D) else layer.weight.data
        if weights.shape[1] % size == 0:
            kept = gguf.quantize(weights.float().contiguous().numpy(), kind)
            weights.copy_(torch.from_numpy(gguf.dequantize(kept, kind)))
            rounded += 1
    if not rounded:
        raise InputError(
            f"No linear layer of the model in {folder} has a multiple of {size} inputs, which "
            f"blocks of {blocks} need: take {blocks.lower()} out of multiverse.precisions."
        )
