"""Run a model over sentences and keep the residual stream at the positions that are read.

Depth 0 is the stream before the first block, depth l the stream after block l − 1, always
before the final norm (Hugging Face's last hidden state is after it, and is not used).
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformer_lens.model_bridge import TransformerBridge

from emovec.activations.store import RESIDUAL, SCHEMA_VERSION, Block, check_finite
from emovec.errors import InputError
from emovec.io.files import check_digests, read_json, sha256
from emovec.io.job import progress
from emovec.models.depths import hook_points
from emovec.models.loading import load_model
from emovec.models.sealed import sealed
from emovec.prompts.positions import POSITIONS, Reading, plan_readings, read_every_token
from emovec.prompts.sentences import marked_words
from emovec.prompts.tokenizer import Encoded, TextEncoder, check_known
from emovec.prompts.turns import encoder_of

PACKAGES = ("torch", "transformers", "transformer-lens", "tokenizers")


class AllRead(Exception):
    """The last depth has been read."""


@dataclass(frozen=True)
class Batch:
    """Readings of one table that go through the model together; `names` are for errors."""

    group: str
    positions: list[str]
    names: list[str]
    readings: list[Reading]

    @property
    def n_streams(self) -> int:
        """How many streams are read."""
        return sum(len(reading.tokens) for reading in self.readings)


def in_batches(readings: list[Reading], batch_tokens: int) -> list[list[Reading]]:
    """Readings of like length together, at most `batch_tokens` tokens with padding each."""
    grouped: list[list[Reading]] = []
    for reading in sorted(readings, key=lambda r: (-len(r.ids), r.row)):
        if grouped and (len(grouped[-1]) + 1) * len(grouped[-1][0].ids) <= batch_tokens:
            grouped[-1].append(reading)
        else:
            grouped.append([reading])
    return grouped


def run_hooked(
    bridge: TransformerBridge, batch: list[Reading], hooks: list[tuple[str, Callable]]
) -> torch.Tensor:
    """Logits `[row, token, token id]` of one batch; a hook may end the pass by raising AllRead."""
    device, width = bridge.cfg.device, max(len(reading.ids) for reading in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    mask = torch.zeros(len(batch), width, dtype=torch.long)
    for i, reading in enumerate(batch):
        ids[i, : len(reading.ids)] = torch.tensor(reading.ids)
        mask[i, : len(reading.ids)] = 1
    with sealed(), torch.inference_mode():
        return bridge.run_with_hooks(
            ids.to(device), attention_mask=mask.to(device), fwd_hooks=hooks
        )


def read_streams(
    bridge: TransformerBridge, batch: list[Reading], positions: list[str], centered: bool
) -> dict[str, tuple[list[int], np.ndarray]]:
    """The residual stream of one batch at its positions.

    Returns
    -------
    {position: (rows, residual)} with residual float32 `[reading, depth, d_model]`.
    """
    width = max(len(reading.ids) for reading in batch)
    # weights[reading, position, token] average the stream over the tokens of a position
    weights = torch.zeros(len(batch), len(positions), width)
    for i, reading in enumerate(batch):
        for j, position in enumerate(positions):
            if tokens := reading.tokens.get(position):
                weights[i, j, tokens] = 1 / len(tokens)
    n_layers = bridge.cfg.n_layers
    read = torch.empty(n_layers + 1, len(batch), len(positions), bridge.cfg.d_model)

    def keep(depth: int):
        def hook(stream, hook):
            read[depth] = torch.bmm(weights.to(stream.device), stream.float()).cpu()
            if depth == n_layers:
                raise AllRead

        return hook

    hooks = [(name, keep(depth)) for depth, name in enumerate(hook_points(n_layers))]
    # TransformerLens stops before a block, and there is none after the last: without the
    # exception the unembedding would be computed, which is most of the work of a small model
    with suppress(AllRead):
        run_hooked(bridge, batch, hooks)
    if centered:
        read -= read.mean(-1, keepdim=True)
    found = {}
    for j, position in enumerate(positions):
        has = [i for i, reading in enumerate(batch) if position in reading.tokens]
        if has:
            rows = [batch[i].row for i in has]
            found[position] = (rows, read[:, has, j].transpose(0, 1).numpy())
    return found


@dataclass(frozen=True)
class Reader:
    """One model with the way it reads sentences."""

    model: str
    bridge: TransformerBridge
    encode: TextEncoder
    suffix: str
    batch_tokens: int
    centered: bool
    mean_from: int = 0  # the token of a prompt with which averages begin

    @classmethod
    def load(cls, model: str, folder: Path, entry: dict, settings: dict, suffix: str) -> Reader:
        """The reader of the model in `folder`.

        Parameters
        ----------
        entry : what the configuration says of this model.
        settings : its `activations`.

        Raises
        ------
        InputError
            If a file is not the one that came with the model, or the model cannot be loaded.
        """
        manifest = read_json(folder / "manifest.json")
        check_digests(folder, manifest["files"])
        return cls(
            model=model,
            bridge=load_model(folder, settings["device"], settings["dtype"]),
            encode=encoder_of(folder / "tokenizer.json", manifest, entry, model),
            suffix=suffix,
            batch_tokens=settings["batch_tokens"],
            centered=entry["space"] == "centered",
            mean_from=settings["mean_from"],
        )

    @property
    def normalization(self) -> str:
        """LayerNorm, which sees nothing of a vector's mean over d_model, or RMSNorm."""
        return "RMSNorm" if "RMS" in str(self.bridge.cfg.normalization_type) else "LayerNorm"

    def __post_init__(self) -> None:
        if self.centered and self.normalization == "RMSNorm":
            raise InputError(
                f"{self.model} normalises by RMS, where centring the residual stream changes what "
                f"the model computes: set models.{self.model}.space to raw."
            )

    def plan(
        self,
        group: str,
        texts: list[str],
        words: list[str] | None,
        names: list[str],
        positions: list[str],
    ) -> list[Batch]:
        """The batches that read all texts of a table at the positions.

        The last bits of a stream depend on the batch it is in: batches are formed from all texts,
        so that whoever reads some of the batches gets the same bits.

        Parameters
        ----------
        group : prompts or probe.
        words : the marked span of each text, for the position emotion_word.
        names : how to call each row in an error.

        Raises
        ------
        InputError
            If a position is not in a text, or a text is longer than the context.
        """
        start = self.mean_from if group == "prompts" else 0  # the probe is sentences
        readings = plan_readings(self.encode, texts, words, names, positions, self.suffix, start)
        return self.batches(group, readings, names, positions)

    def plan_table(
        self, group: str, table: pd.DataFrame, path: str, positions: list[str]
    ) -> list[Batch]:
        """Likewise for a table of prompts or of the probe that was read from `path`."""
        names = [f"row {key!r} of {path}" for key in table.id]
        return self.plan(group, table.text.tolist(), marked_words(table), names, positions)

    def every_token(
        self, texts: Sequence[str], names: list[str], position: str
    ) -> tuple[list[Encoded], Iterator[tuple[int, np.ndarray]]]:
        """The tokens of texts, and the number of each text with its stream, as it is read.

        A stream is float32 `[token, depth, d_model]`, NaN at a BOS. The suffix belongs to a text
        where `position`, at which directions are read, is in it.
        """
        end = self.suffix if POSITIONS[position].after_suffix else ""
        encoded = [self.encode(text + end, name) for text, name in zip(texts, names, strict=True)]
        places = list(map(str, range(max(len(one.ids) for one in encoded))))
        plan = self.batches("prompts", read_every_token(encoded), names, places)
        return encoded, _by_text(self.read(plan), [len(one.ids) for one in encoded])

    def batches(
        self, group: str, readings: list[Reading], names: list[str], positions: list[str]
    ) -> list[Batch]:
        """The batches of readings that are planned already; see `plan`."""
        self._check_ids(readings, names)
        return [
            Batch(group, positions, names, batch)
            for batch in in_batches(readings, self.batch_tokens)
        ]

    def read(self, batches: list[Batch]) -> Iterator[Block]:
        """Run the model batch by batch, so that memory does not grow with their number.

        Raises
        ------
        InputError
            If the stream is not finite.
        """
        for batch in progress(batches, len(batches), f"{self.model}, batches"):
            streams = read_streams(self.bridge, batch.readings, batch.positions, self.centered)
            for position, (rows, residual) in streams.items():
                check_finite(
                    residual,
                    [batch.names[row] for row in rows],
                    position,
                    f"{self.model} gives a residual stream",
                    "use dtype float32, or check its weights",
                )
                yield Block(batch.group, position, rows, residual)

    def _check_ids(self, readings: list[Reading], names: list[str]) -> None:
        context = self.bridge.cfg.n_ctx
        n_tokens = self.bridge.cfg.d_vocab
        for reading in readings:
            check_known(reading.ids, n_tokens, names[reading.row], self.model)
            if context and len(reading.ids) > context:
                raise InputError(
                    f"{names[reading.row]} has {len(reading.ids)} tokens with its suffix, more "
                    f"than the context of {self.model} ({context}): shorten the text."
                )


def _by_text(
    blocks: Iterable[Block], lengths: Sequence[int]
) -> Iterator[tuple[int, np.ndarray]]:  # fmt: skip
    """Each text as soon as its last token is read; the position of a block is a token's place."""
    begun: dict[int, np.ndarray] = {}
    for block in blocks:
        place = int(block.position)
        for row, stream in zip(block.rows, block.residual, strict=True):
            if row not in begun:
                begun[row] = np.full((lengths[row], *stream.shape), np.nan, np.float32)
            begun[row][place] = stream
            if place == lengths[row] - 1:
                yield row, begun.pop(row)


def origin(reader: Reader, manifest: dict, entry: dict, dtype: str, files: dict[str, str]) -> dict:
    """The attributes of an activations file: the model, how it was read, and digests of `files`.

    What only the prompts or only the probe can state is None without its file; the probe can be
    that of several experiments, which may name the model as they like.
    """
    kept = (
        *("source", "license", "architecture", "n_layers", "d_model"),
        *("weights_sha256", "tokenizer_sha256"),
    )
    return {
        "schema_version": SCHEMA_VERSION,
        "model": reader.model if "prompts" in files else None,
        **{key: manifest[key] for key in kept},
        **{f"{name}_sha256": sha256(files[name]) if name in files else None for name in RESIDUAL},
        "space": entry["space"],
        "normalization": reader.normalization,
        "prepend_bos": entry["prepend_bos"],
        "template": entry["template"],
        **({"chat_template_sha256": turn.sha256} if (turn := reader.encode.turn) else {}),
        "dtype": dtype,
        "suffix": reader.suffix,
        "mean_from": reader.mean_from if "prompts" in files else None,
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
    }
