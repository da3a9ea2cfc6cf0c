"""Change the residual stream of a running model, and read or generate under the change.

A change acts at the hook point of a depth, the very place where `capture` reads that depth, so a
vector goes back where it came from. Hooks live in a context and are gone when it ends.

The last token of an opening is always the first to be read under a change: it is the one that
predicts the first new token. With scope `new` the tokens before it are read unchanged and their
keys and values are shared by all conditions; with scope `all` they are changed too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from emovec.errors import InputError
from emovec.models.depths import hook_points

SCOPES = ("new", "all")


@dataclass(frozen=True)
class Change:
    """What is done to the stream `x` of each row at one depth: `x − (x·remove) remove + add`.

    Zeros leave a row bit for bit as it was.
    """

    depth: int
    add: Tensor  # [row, d_model], or [1, d_model] for all rows
    remove: Tensor  # likewise, of unit length or zero (directional ablation, Arditi et al. 2024)

    @classmethod
    def adding(cls, depth: int, vector: Tensor) -> Change:
        return cls(depth, torch.atleast_2d(vector), torch.zeros_like(torch.atleast_2d(vector)))

    @classmethod
    def removing(cls, depth: int, vector: Tensor) -> Change:
        unit = torch.atleast_2d(vector)
        unit = unit / unit.norm(dim=-1, keepdim=True)
        return cls(depth, torch.zeros_like(unit), unit)

    def __call__(self, stream: Tensor, hook: object = None) -> Tensor:
        """Change `stream[row, token, d_model]`, in its own number format."""
        add, remove = (v.to(stream.device, stream.dtype)[:, None] for v in (self.add, self.remove))
        along = (stream * remove).sum(-1, keepdim=True)
        return stream - along * remove + add


@contextmanager
def steered(bridge: TransformerBridge, changes: Sequence[Change]) -> Iterator[None]:
    """Inside this context the model runs with the changes; outside it is what it was.

    Raises
    ------
    InputError
        If the model has no such depth or another width.
    """
    names = hook_points(bridge.cfg.n_layers)
    for change in changes:
        if not 0 <= change.depth < len(names) or change.add.shape[-1] != bridge.cfg.d_model:
            raise InputError(
                f"A change of width {change.add.shape[-1]} at depth {change.depth} does not fit a "
                f"model of width {bridge.cfg.d_model} with depths 0 to {len(names) - 1}."
            )
    with bridge.hooks(fwd_hooks=[(names[change.depth], change) for change in changes]):
        yield
