"""Load the model of a folder with transformers: from this disk, whole, and without foreign code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from emovec.errors import InputError
from emovec.models.memory import available
from emovec.models.weights import n_parameters

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def choose_device(device: str) -> str:
    """`auto` is cuda where there is a GPU, else cpu."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("activations.device is cuda but torch sees no GPU: set it to auto or cpu.")
    return device


def load_weights(kind: type, folder: Path, dtype: str, smaller: str = "") -> PreTrainedModel:
    """The model of a folder as `kind`, a class of transformers such as AutoModelForCausalLM.

    `smaller` says what else could be done where memory does not suffice.

    Raises
    ------
    InputError
        If the model is larger than the free memory, or its weights do not fit its configuration.
    """
    _check_memory(folder, dtype, smaller)
    try:
        model, loaded = kind.from_pretrained(
            folder,
            dtype=DTYPES[dtype],
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    # transformers says in different classes what does not fit
    except (ImportError, RuntimeError, ValueError, KeyError) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise InputError(
            f"The model in {folder} cannot be loaded ({said}): look at its config.json and where "
            "its weights come from."
        ) from error
    # transformers would go on with random numbers in their place
    if missing := sorted(loaded["missing_keys"]):
        raise InputError(
            f"The weights in {folder} lack {missing[0]!r} and {len(missing) - 1} other tensors "
            "that its config.json asks for: get the model anew."
        )
    return model


def _check_memory(folder: Path, dtype: str, smaller: str) -> None:
    """Weights are loaded into main memory, also on their way to a GPU."""
    needed = n_parameters(folder / "model.safetensors") * DTYPES[dtype].itemsize
    free = available()
    if free is not None and needed > free:
        raise InputError(
            f"The weights in {folder} take {needed / 2**30:.1f} GiB in {dtype} and "
            f"{max(free, 0) / 2**30:.1f} GiB of memory are free: use a machine with more, "
            f"{smaller}or choose a smaller model."
        )


def load_model(
    folder: str | Path, device: str = "cpu", dtype: str = "float32"
) -> TransformerBridge:
    """The model of a folder under TransformerLens, with Hugging Face's own weights and numerics.

    Raises
    ------
    InputError
        If the model is larger than the free memory, or its weights do not fit its configuration.
    """
    folder = Path(folder)
    smaller = "set activations.dtype to bfloat16, " if dtype == "float32" else ""
    model = load_weights(AutoModelForCausalLM, folder, dtype, smaller)
    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    if tokenizer.pad_token is None:  # TransformerLens wants one; the ids are padded here
        tokenizer.pad_token = tokenizer.bos_token or tokenizer.convert_ids_to_tokens(0)
    with _quiet():
        bridge = TransformerBridge.boot_transformers(
            str(folder), hf_model=model, tokenizer=tokenizer, dtype=DTYPES[dtype], device=device
        )
    return bridge.to(device).eval()


@contextmanager
def _quiet() -> Iterator[None]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
