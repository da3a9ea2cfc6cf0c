"""Where the parts of a model go that one device cannot hold."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from emovec.io.job import log
from emovec.models.memory import available
from emovec.models.weights import n_parameters

SHARE = 0.8  # of what is free: the rest is for what a model computes

Places = dict[str, int | str]  # the number of a GPU, `cpu` or `disk`, of each part


def spread(folder: Path, dtype: torch.dtype) -> Places | None:
    """The places of the parts of a model; None where the first GPU, or else the memory, holds it.

    They are the GPUs together. Where these do not suffice it is the memory, and what it does not
    hold stays on disk, to be read whenever it is run: TransformerLens runs no model that is on GPUs
    and elsewhere.
    """
    needed = n_parameters(folder / "model.safetensors") * dtype.itemsize
    gpus = {gpu: torch.cuda.mem_get_info(gpu)[0] for gpu in range(torch.cuda.device_count())}
    memory = available()
    if needed <= min(memory, gpus.get(0, memory)):
        return None
    places = (gpus and _places(folder, dtype, gpus)) or {"": "disk"}
    if "disk" in places.values():
        places = _places(folder, dtype, {"cpu": max(0, memory)})
    log.info(
        "%s takes %.1f GiB and is spread over %s",
        folder,
        needed / 2**30,
        ", ".join(sorted({str(place) for place in places.values()})),
    )
    return places


def _places(folder: Path, dtype: torch.dtype, free: dict[int | str, int]) -> Places:
    """Parts in the order in which they are run; `disk` for those that the `free` bytes lack."""
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype, trust_remote_code=False)
    model.tie_weights()
    whole = {"no_split_module_classes": list(model._no_split_modules or []), "dtype": dtype}
    room: dict = {place: int(SHARE * size) for place, size in free.items()}
    if "cpu" not in room:
        room = get_balanced_memory(model, room, **whole)
    return dict(infer_auto_device_map(model, room, **whole))


def first_device(places: Places) -> str:
    """Where a model that is spread takes its tokens and gives its logits."""
    gpus = [place for place in places.values() if isinstance(place, int)]
    return f"cuda:{gpus[0]}" if gpus else "cpu"
