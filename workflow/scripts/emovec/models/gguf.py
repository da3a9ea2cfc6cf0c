"""GGUF files, dequantised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emovec.errors import InputError
from emovec.models.sealed import sealed
from emovec.prompts.tokenizer import panics_told

if TYPE_CHECKING:
    from gguf import GGUFReader


def dequantise(gguf: Path, folder: Path) -> None:
    """Write the model and tokenizer of a GGUF file into `folder` in Hugging Face layout, float32.

    Raises
    ------
    InputError
        If transformers cannot read the file.
    """
    import torch
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        with sealed(), panics_told():
            _check_counts(GGUFReader(gguf))
            model, loaded = AutoModelForCausalLM.from_pretrained(
                gguf.parent,
                gguf_file=gguf.name,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
            tokenizer = AutoTokenizer.from_pretrained(
                gguf.parent, gguf_file=gguf.name, local_files_only=True, trust_remote_code=False
            )
    # A damaged header makes its readers raise whatever comes of it.
    except Exception as error:
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise InputError(
            f"{gguf.name} cannot be read as a GGUF model ({said}): get the file anew."
        ) from error
    if missing := sorted(loaded["missing_keys"]):
        raise InputError(f"{gguf.name} lacks the tensor {missing[0]!r}: choose a whole model.")
    # A model marked as quantised cannot be saved: build it anew from its plain configuration.
    settings = model.config.to_dict()
    settings.pop("quantization_config", None)
    plain = type(model)(type(model.config).from_dict(settings))
    plain.load_state_dict(model.state_dict())
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _check_counts(reader: GGUFReader) -> None:
    """A model is built from what the header says before its tensors are looked for."""
    architecture = reader.get_field("general.architecture").contents()
    said = {
        key: reader.get_field(f"{architecture}.{key}").contents()
        for key in ("block_count", "embedding_length")
    }
    blocks = {tensor.name.split(".")[1] for tensor in reader.tensors if "blk." in tensor.name}
    sizes = {int(size) for tensor in reader.tensors for size in tensor.shape}
    if said["block_count"] > len(blocks) or said["embedding_length"] not in sizes:
        raise ValueError(f"its tensors do not fit what its header says: {said}")
