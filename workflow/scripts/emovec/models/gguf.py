"""GGUF files, dequantised."""

from __future__ import annotations

from pathlib import Path

from emovec.errors import InputError


def dequantise(gguf: Path, folder: Path) -> None:
    """Write the model and tokenizer of a GGUF file into `folder` in Hugging Face layout, float32.

    Raises
    ------
    InputError
        If transformers cannot read the file.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
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
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            f"{gguf.name} cannot be read as a GGUF model ({' '.join(str(error).split())})."
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
