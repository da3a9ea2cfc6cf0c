"""GGUF files, dequantised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from emovec.errors import InputError
from emovec.models.sealed import sealed
from emovec.models.weights import shares
from emovec.prompts.tokenizer import panics_told

if TYPE_CHECKING:
    from gguf import GGUFReader


def dequantise(gguf: Path, folder: Path) -> dict[str, float]:
    """Write the model and tokenizer of a GGUF file into `folder` in Hugging Face layout, float32.

    Returns the share of its weights that each format has, see `weights.shares`.

    Raises
    ------
    InputError
        If transformers cannot read the file.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    try:
        with sealed(), panics_told(), _read_once(gguf) as reader:
            n_numbers = _check_blocks(reader)
            config = AutoConfig.from_pretrained(
                gguf.parent, gguf_file=gguf.name, local_files_only=True, trust_remote_code=False
            )
            with torch.device("meta"):
                needed = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
            if sum(weights.numel() for weights in needed.parameters()) > n_numbers:
                raise ValueError("its tensors hold fewer numbers than its header asks for")
            model, loaded = AutoModelForCausalLM.from_pretrained(
                gguf.parent,
                config=config,
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
    with torch.device("meta"):
        plain = type(model)(type(model.config).from_dict(settings))
    plain.save_pretrained(folder, state_dict=model.state_dict())
    tokenizer.save_pretrained(folder)
    return shares((tensor.tensor_type.name, int(tensor.n_elements)) for tensor in reader.tensors)


@contextmanager
def _read_once(path: Path) -> Iterator[GGUFReader]:
    """A reader of a file, which transformers would make anew for settings, weights and tokenizer.

    It goes through all tokens one by one: a quarter of a million take some twenty seconds.
    """
    import gguf

    kind, reader = gguf.GGUFReader, gguf.GGUFReader(path)
    gguf.GGUFReader = lambda *_, **__: reader
    try:
        yield reader
    finally:
        gguf.GGUFReader = kind


def _check_blocks(reader: GGUFReader) -> int:
    """How many numbers the tensors hold, whose blocks are those that the header counts.

    transformers leaves further blocks out, and takes memory for all that the header asks for
    before it looks for the tensors.
    """
    architecture = reader.get_field("general.architecture").contents()
    said = reader.get_field(f"{architecture}.block_count").contents()
    found = len({tensor.name.split(".")[1] for tensor in reader.tensors if "blk." in tensor.name})
    if said != found:
        raise ValueError(f"its header counts {said} blocks and its tensors {found}")
    return sum(int(tensor.n_elements) for tensor in reader.tensors)
