"""Number formats in which a model can be run.

In bfloat16 weights and streams have 8 significant bits (Kalamkar et al. 2019, arXiv:1905.12322). A
format of blocks rounds the weights of the linear layers as GGML's of that name does, 32 of a row
with one scale (block-wise quantisation, Dettmers et al. 2022, arXiv:2110.02861), and the model then
runs in float32: what a file of the weights at hand in that format would give, but for its
embeddings, which are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from emovec.registry import Kind, registry


@dataclass(frozen=True)
class Precision(Kind):
    """A number format: torch's, in which the model runs, and the blocks of its weights."""

    dtype: str
    blocks: str = ""  # of GGML; none if empty


PRECISIONS = registry(
    Precision("float32", "float32", "float32"),
    Precision("bfloat16", "bfloat16", "bfloat16"),
    Precision("q8_0", "q8_0", "float32", "Q8_0"),
    Precision("q4_0", "q4_0", "float32", "Q4_0"),
)
