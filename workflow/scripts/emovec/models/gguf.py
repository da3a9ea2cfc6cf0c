"""GGUF files, dequantised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from emovec.errors import InputError
from emovec.models import weights
from emovec.models.sealed import sealed
from emovec.models.weights import shares
from emovec.prompts.tokenizer import panics_told

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFReader
    from gguf.gguf_reader import ReaderTensor
    from torch import Tensor
    from transformers import PreTrainedModel

ROWS = 4096  # dequantised at once


def dequantise(gguf: Path, folder: Path) -> dict[str, float]:
    """Write the model and tokenizer of a GGUF file into `folder` in Hugging Face layout, float32.

    Tensor by tensor, as transformers converts them; it does so itself, all at once, where its
    checkpoints hold other tensors than its model (experts).

    Returns the share of its weights that each format has, see `weights.shares`.

    Raises
    ------
    InputError
        If transformers cannot read the file.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    file = {"gguf_file": gguf.name}
    try:
        with sealed(), panics_told(), _read_once(gguf) as reader:
            n_numbers = _check_blocks(reader)
            config = AutoConfig.from_pretrained(
                gguf.parent, local_files_only=True, trust_remote_code=False, **file
            )
            with torch.device("meta"):
                model = AutoModelForCausalLM.from_config(
                    config, dtype=torch.float32, trust_remote_code=False
                )
            if sum(map(torch.numel, model.parameters())) > n_numbers:
                raise ValueError("its tensors hold fewer numbers than its header asks for")
            if _one_by_one(model, reader):
                model.save_pretrained(folder, state_dict={})
                _convert(reader, model, folder / "model.safetensors")
                _, loaded = type(model).from_pretrained(
                    folder,
                    device_map="meta",
                    local_files_only=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                )
            else:
                whole, loaded = AutoModelForCausalLM.from_pretrained(
                    gguf.parent,
                    dtype=torch.float32,
                    local_files_only=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                    **file,
                )
                model.save_pretrained(folder, state_dict=whole.state_dict())
            tokenizer = AutoTokenizer.from_pretrained(
                gguf.parent, local_files_only=True, trust_remote_code=False, **file
            )
    # A damaged header makes its readers raise whatever comes of it.
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # of the disk that is written to
            raise
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise InputError(
            f"{gguf.name} cannot be read as a GGUF model ({said}): get the file anew."
        ) from error
    if missing := sorted(loaded["missing_keys"]):
        raise InputError(f"{gguf.name} lacks the tensor {missing[0]!r}: choose a whole model.")
    tokenizer.save_pretrained(folder)
    return shares((tensor.tensor_type.name, int(tensor.n_elements)) for tensor in reader.tensors)


def _one_by_one(model: PreTrainedModel, reader: GGUFReader) -> bool:
    """Whether each tensor of the file becomes one of the model, by the older of two loaders."""
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.integrations.gguf.utils import is_gguf_arch_supported

    return not is_gguf_arch_supported(_architecture(reader)) and not get_model_conversion_mapping(
        model, add_legacy=False
    )


def _convert(reader: GGUFReader, model: PreTrainedModel, target: Path) -> None:
    """Write the tensors that the model has, as `load_gguf_checkpoint` of transformers makes them.

    It keeps them all, and its caller a copy.
    """
    from transformers import modeling_gguf_pytorch_utils as loader

    kind = loader.TENSOR_PROCESSORS.get(_architecture(reader), loader.TensorProcessor)
    processor = kind(config=model.config.to_dict())
    names = loader.get_gguf_hf_weights_map(model, processor)
    sources = {names[one.name]: one for one in reader.tensors if one.name in names}

    def numbers(name: str) -> np.ndarray:
        aside: dict[str, Tensor] = {}  # where a processor names the tensor itself
        made = processor.process(
            weights=_numbers(sources[name]),
            name=sources[name].name,
            tensor_key_mapping=names,
            parsed_parameters={"tensors": aside},
        )
        return aside[name].numpy() if name in aside else made.weights

    state = model.state_dict()
    weights.write(target, {name: state[name].shape for name in sources}, numbers)


def _numbers(tensor: ReaderTensor) -> np.ndarray:
    """A tensor dequantised by rows: gguf would hold it twice."""
    import numpy as np
    from gguf import dequantize

    rows = tensor.data.reshape(-1, tensor.data.shape[-1])
    found = np.empty((len(rows), int(tensor.shape[0])), "f4")
    for start in range(0, len(rows), ROWS):
        part = slice(start, start + ROWS)
        found[part] = dequantize(rows[part], tensor.tensor_type)
    return found.reshape(tensor.shape[::-1].tolist())


@contextmanager
def _read_once(path: Path) -> Iterator[GGUFReader]:
    """A reader of a file, which transformers would make anew for settings, weights and tokenizer.

    It goes through all tokens one by one: a quarter of a million take some twenty seconds. The
    names of all tensors would be made anew for each part of the model: minutes for 100 blocks.
    """
    import gguf

    kind, reader, names = gguf.GGUFReader, gguf.GGUFReader(path), gguf.get_tensor_name_map
    gguf.GGUFReader, gguf.get_tensor_name_map = (lambda *_, **__: reader), cache(names)
    try:
        yield reader
    finally:
        gguf.GGUFReader, gguf.get_tensor_name_map = kind, names


def _check_blocks(reader: GGUFReader) -> int:
    """How many numbers the tensors hold, whose blocks are those that the header counts.

    transformers leaves further blocks out, and takes memory for all that the header asks for
    before it looks for the tensors.
    """
    said = reader.get_field(f"{_architecture(reader)}.block_count").contents()
    found = len({tensor.name.split(".")[1] for tensor in reader.tensors if "blk." in tensor.name})
    if said != found:
        raise ValueError(f"its header counts {said} blocks and its tensors {found}")
    return sum(int(tensor.n_elements) for tensor in reader.tensors)


def _architecture(reader: GGUFReader) -> str:
    return reader.get_field("general.architecture").contents()
