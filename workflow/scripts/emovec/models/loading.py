"""Load the model of a folder with transformers: from this disk, whole, and without foreign code."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from emovec.errors import InputError
from emovec.models.memory import available
from emovec.models.placing import Places, first_device, spread
from emovec.models.precisions import PRECISIONS
from emovec.models.rounding import round_weights
from emovec.models.sealed import sealed
from emovec.models.weights import n_parameters

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

PARTED = ("hf_device_map", "written_anew")  # of a model that is spread

# How far rounding may move the stream of a token, in its own length, when another text follows.
CAUSAL = {"float32": 1e-4, "bfloat16": 2e-2}


def choose_device(device: str) -> str:
    """`auto` is cuda where there is a GPU, else cpu."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("activations.device is cuda but torch sees no GPU: set it to auto or cpu.")
    number, there = int(device.partition(":")[2] or 0), torch.cuda.device_count()
    if number >= max(there, 1):
        raise InputError(
            f"activations.device is {device} but torch counts {there} GPUs from 0 on: set it to "
            "one of them."
        )
    return device


def load_weights(
    kind: type, folder: Path, dtype: str, smaller: str = "", places: Places | None = None
) -> PreTrainedModel:
    """The model of a folder as `kind`, a class of transformers such as AutoModelForCausalLM.

    `smaller` says what else could be done where memory does not suffice; `places` are those of the
    parts of a model that is not to be in memory.

    Raises
    ------
    InputError
        If the model is larger than the free memory, or its weights do not fit its configuration.
    """
    if places is None:
        _check_memory(folder, dtype, smaller)
    aside = tempfile.TemporaryDirectory(prefix="emovec-") if places else None
    try:
        with sealed():
            model, loaded = kind.from_pretrained(
                folder,
                dtype=DTYPES[dtype],
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                device_map=places,
                offload_folder=aside and aside.name,
            )
    # transformers says in different classes what does not fit
    except MemoryError:
        raise
    except Exception as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"The model in {folder} cannot be loaded ({said}): look at its config.json and where "
            "its weights come from."
        ) from error
    if aside:
        model.written_anew = aside  # for what the file holds in parts alone; it goes with the model
    # transformers would go on with random numbers in their place
    if missing := sorted(loaded["missing_keys"]):
        raise InputError(
            f"The weights in {folder} lack {missing[0]!r} and {len(missing) - 1} other tensors "
            "that its config.json asks for: get the model anew."
        )
    # and leave blocks out that the configuration does not count
    counted = _blocks(model.state_dict())
    for name, number in _blocks(loaded["unexpected_keys"]).items():
        if number > counted.get(name, number):
            raise InputError(
                f"The weights in {folder} hold {name}.{number}, where config.json ends with "
                f"{name}.{counted[name]}: correct the number of layers there."
            )
    return model


def _blocks(names: Iterable[str]) -> dict[str, int]:
    """The largest number that follows each name, as in `transformer.h.11.ln_1.weight`."""
    found: dict[str, int] = {}
    for name, number in (pair for key in names for pair in re.findall(r"(\w+)\.(\d+)\.", key)):
        found[name] = max(found.get(name, 0), int(number))
    return found


def _check_memory(folder: Path, dtype: str, smaller: str) -> None:
    """Weights are loaded into main memory, also on their way to a GPU."""
    needed = n_parameters(folder / "model.safetensors") * DTYPES[dtype].itemsize
    free = available()
    if needed > free:
        raise InputError(
            f"The weights in {folder} take {needed / 2**30:.1f} GiB in {dtype} and "
            f"{max(free, 0) / 2**30:.1f} GiB of memory are free: use a machine with more, "
            f"{smaller}or choose a smaller model."
        )


def load_model(
    folder: str | Path, device: str = "cpu", dtype: str = "float32"
) -> TransformerBridge:
    """The model of a folder under TransformerLens, with Hugging Face's own weights and numerics.

    Of a model that also sees or hears, the part that reads text. `dtype` is one of `PRECISIONS`.
    With `auto` one that no device holds is spread (`placing.spread`), with the same numbers as in
    memory, unless its weights are rounded to blocks.

    Raises
    ------
    InputError
        If the model is larger than the free memory, its weights do not fit its configuration or
        cannot be rounded to blocks, or a token sees those after it.
    """
    folder, blocks, dtype = Path(folder), PRECISIONS[dtype].blocks, PRECISIONS[dtype].dtype
    places = spread(folder, DTYPES[dtype]) if device == "auto" and not blocks else None
    smaller = "set activations.dtype to bfloat16, " if dtype == "float32" else ""
    if device != "auto":
        smaller += "set activations.device to auto, which leaves on disk what does not fit, "
    model = load_weights(AutoModelForCausalLM, folder, dtype, smaller, places)
    parted = hasattr(model, "hf_device_map")  # by accelerate, and not to be moved
    device = choose_device(device) if places is None else first_device(places)
    model = _text_part(model, folder).eval()
    if blocks:
        round_weights(model, blocks, folder)
    if not parted:
        model.to(device)
    _check_causal(model, folder, device)
    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    if tokenizer.pad_token is None:  # TransformerLens wants one; the ids are padded here
        tokenizer.pad_token = tokenizer.bos_token or tokenizer.convert_ids_to_tokens(0)
    with sealed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bridge = TransformerBridge.boot_transformers(
            str(folder), hf_model=model, tokenizer=tokenizer, dtype=DTYPES[dtype], device=device
        )
    if parted:
        bridge.cfg.device = device  # it takes that of the embedding, which may be on disk
    else:
        bridge.to(device)
    quicken(bridge.eval())
    return bridge


def quicken(model: nn.Module) -> None:
    """Let oneDNN multiply float32 matrices on a CPU, where torch would ask MKL.

    MKL leaves AVX-512 unused in processors that are not Intel's, and takes twice as long there.
    Gradients are left to torch. Results differ by rounding.
    """
    if not (
        torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    ):
        return  # the operator is not part of torch's public interface
    for layer in model.modules():
        if type(layer) in (nn.Linear, Conv1D):
            weight = layer.weight
            if weight.device.type in ("cpu", "meta") and weight.dtype == torch.float32:
                # accelerate's own brings the weights from the disk and calls the old one
                forward = "_old_forward" if hasattr(layer, "_hf_hook") else "forward"
                setattr(layer, forward, partial(_product, layer))


def _product(layer: nn.Linear | Conv1D, x: Tensor) -> Tensor:
    if torch.is_grad_enabled() or x.dtype != torch.float32:
        return type(layer).forward(layer, x)
    weight = layer.weight if isinstance(layer, nn.Linear) else layer.weight.T
    return torch.ops.mkldnn._linear_pointwise(x, weight, layer.bias, "none", [], "")


def _text_part(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    settings = model.config.get_text_config()
    if settings is model.config:
        return model
    try:
        with torch.device("meta"):
            text = AutoModelForCausalLM.from_config(settings, trust_remote_code=False)
        decoder = model.get_decoder()
        if type(text.get_decoder()) is not type(decoder):
            raise ValueError(f"its text is read by {type(decoder).__name__}")
    except (ValueError, AttributeError) as error:
        raise InputError(
            f"The model in {folder} does more than read text, and the part that does cannot be "
            f"had alone ({error}): choose a model of text."
        ) from error
    setattr(text, text.base_model_prefix, decoder)
    vars(text).update({key: vars(model)[key] for key in PARTED if key in vars(model)})
    text.set_output_embeddings(model.get_output_embeddings())
    text.config.architectures = [type(text).__name__]
    return text


def _check_causal(model: PreTrainedModel, folder: Path, device: str) -> None:
    """Two texts that begin alike must have the same streams there: no configuration proves it."""
    n_tokens = model.get_input_embeddings().weight.shape[0]
    ids = (torch.arange(32) * 7919 + 11).remainder(n_tokens).repeat(2, 1).to(device)
    ids[1, 16:] = (ids[1, 16:] + 1) % n_tokens
    with sealed(), torch.inference_mode():
        states = model(ids, output_hidden_states=True).hidden_states
    states = torch.stack([state.to(device) for state in states])
    one, other = states[..., :16, :].float().unbind(1)
    difference = ((one - other).norm(dim=-1) / one.norm(dim=-1)).max()
    if difference > CAUSAL[str(model.dtype).removeprefix("torch.")]:
        raise InputError(
            f"The model in {folder} is not causal, its tokens see those after them: choose one "
            "that reads from left to right."
        )
