"""Text continued by a model, whose residual stream may be changed meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge
from transformers.cache_utils import DynamicLayer

from emovec.activations.resume import Start, noted, resumed
from emovec.errors import InputError
from emovec.models.depths import hook_points

NUMBERS = 2**24  # logits held at once


@dataclass(frozen=True)
class Prefix:
    """Openings read up to the token before the last, padded on the left."""

    last: Tensor  # [row], the last token of each opening
    mask: Tensor  # [row, token], 1 where a token of the opening is, the last included
    cache: object  # keys and values of all tokens but the last

    def own_cache(self) -> object:
        """A cache that may grow. Keys and values are shared: to grow, they are put together anew.

        What other kinds of layers keep is written over as a model reads, and copied.
        """
        layers = [one for one in getattr(self.cache, "layers", []) if isinstance(one, DynamicLayer)]
        shared = [numbers for one in layers for numbers in (one.keys, one.values)]
        return copy.deepcopy(self.cache, {id(numbers): numbers for numbers in shared})

    def repeated(self, times: int) -> Prefix:
        """Each row `times` times in succession; the original's cache is not touched."""
        cache = self.own_cache()
        if cache is not None:
            cache.batch_repeat_interleave(times)
        return Prefix(
            self.last.repeat_interleave(times, 0), self.mask.repeat_interleave(times, 0), cache
        )

    def selected(self, rows: Sequence[int]) -> Prefix:
        """The rows given, in that order."""
        index = torch.as_tensor(rows)
        cache = self.own_cache()
        if cache is not None:
            cache.batch_select_indices(index)
        return Prefix(self.last[index], self.mask[index], cache)


def read_prefix(bridge: TransformerBridge, openings: Sequence[Sequence[int]]) -> Prefix:
    """Read the token ids of openings but for their last token; wrap in `steered` for scope `all`.

    Raises
    ------
    InputError
        If an opening has no token.
    """
    if empty := [row for row, ids in enumerate(openings) if not len(ids)]:
        raise InputError(f"Opening number {empty[0] + 1} has no token: write it anew.")
    width = max(map(len, openings))
    ids = torch.zeros(len(openings), width, dtype=torch.long)
    mask = torch.zeros(len(openings), width, dtype=torch.long)
    for row, tokens in enumerate(openings):
        ids[row, width - len(tokens) :] = torch.as_tensor(tokens)
        mask[row, width - len(tokens) :] = 1
    ids, mask = ids.to(bridge.cfg.device), mask.to(bridge.cfg.device)
    if width == 1:
        return Prefix(ids[:, -1], mask, None)
    _, cache = _forward(bridge, ids[:, :-1], mask[:, :-1], None, keep=1)
    return Prefix(ids[:, -1], mask, cache)


def _forward(
    bridge: TransformerBridge, ids: Tensor, mask: Tensor, cache: object, keep: int = 0
) -> tuple[Tensor, object]:
    """Logits of the last `keep` tokens (0 is all) of `ids[row, token]`, and the grown cache.

    `mask` covers the cached tokens as well; positions are counted over it, so that padding on the
    left and the length of the cache make no difference.
    """
    positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    with torch.inference_mode():
        return bridge(
            ids,
            return_type="logits_and_cache",
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=keep,
        )


def next_log_probabilities(bridge: TransformerBridge, prefix: Prefix) -> Tensor:
    """Log-probabilities `[row, token id]` of the first new token, float32.

    Leaves `prefix` as it was.
    """
    cache = prefix.own_cache()
    logits, _ = _forward(bridge, prefix.last[:, None], prefix.mask, cache, keep=1)
    return logits[:, -1].float().log_softmax(-1)


def starts_at(
    bridge: TransformerBridge, prefix: Prefix, depths: Sequence[int]
) -> tuple[Tensor, dict[int, Start]]:
    """Log-probabilities `[row, token id]` after `prefix`, and from where they can be had again.

    A depth is left out where that gives anything else: there are models whose blocks read more
    than the stream that the block before gives out.
    """
    with noted(bridge, depths) as found:
        plain = next_log_probabilities(bridge, prefix)
    same = {}
    for depth, start in found.items():
        with resumed(bridge, start):
            if torch.equal(next_log_probabilities(bridge, prefix), plain):
                same[depth] = start
    return plain, same


def generate(
    bridge: TransformerBridge,
    prefix: Prefix,
    n_tokens: int,
    ends: frozenset[int],
    uniforms: np.ndarray,
    temperature: float,
) -> list[list[int]]:
    """New tokens of each row, up to the first of `ends`, which is left out.

    Parameters
    ----------
    uniforms : [row, n_tokens]
        Numbers in [0, 1) that pick each token from the cumulated probabilities, so that two
        conditions with the same numbers differ by the model alone; NaN for greedy rows.
    """
    cache = prefix.own_cache()
    token, mask = prefix.last, prefix.mask
    draws = torch.as_tensor(uniforms, dtype=torch.float64, device=token.device)
    finished = torch.zeros_like(token, dtype=torch.bool)
    stops = torch.tensor(sorted(ends), device=token.device, dtype=torch.long)
    chosen = []
    for step in range(n_tokens):
        logits, cache = _forward(bridge, token[:, None], mask, cache, keep=1)
        token = _pick(logits[:, -1], draws[:, step], temperature)
        chosen.append(token)
        finished |= torch.isin(token, stops)
        if bool(finished.all()):
            break
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
    rows = torch.stack(chosen, dim=1).tolist() if chosen else [[] for _ in token]
    return [_until(row, ends) for row in rows]


def _pick(logits: Tensor, draws: Tensor, temperature: float) -> Tensor:
    picked = logits.argmax(-1)
    sampled = ~draws.isnan()
    if bool(sampled.any()):
        heights = (logits[sampled].double() / temperature).softmax(-1).cumsum(-1)
        aims = (draws[sampled] * heights[:, -1])[:, None]
        picked[sampled] = torch.searchsorted(heights, aims, right=True)[:, 0].clamp(
            max=logits.shape[-1] - 1
        )
    return picked


def _until(tokens: list[int], ends: frozenset[int]) -> list[int]:
    for place, token in enumerate(tokens):
        if token in ends:
            return tokens[:place]
    return tokens


def read_back(
    bridge: TransformerBridge,
    prefix: Prefix,
    continuations: Sequence[Sequence[int]],
    depth: int,
    vectors: Tensor,
) -> tuple[np.ndarray, np.ndarray]:
    """What a model makes of continuations, averaged over their tokens; as many of each row.

    Those of a row follow one another; one that is there several times is read once. Returns the
    log-probability of a token, `[continuation]`, whose negative exponential is the perplexity, and
    the component of the stream at `depth` along each of `vectors[vector, d_model]`,
    `[continuation, vector]`; NaN where a continuation is empty. Run it outside of `steered`.
    """
    times = len(continuations) // len(prefix.last)
    asked = [(place // times, *tokens) for place, tokens in enumerate(continuations)]
    once = {one: place for place, one in enumerate(dict.fromkeys(asked))}
    unlike, width = [*once], max(map(len, once), default=1)
    size, read = max(1, NUMBERS // (bridge.cfg.d_vocab * width)), []
    for start in range(0, len(unlike), size):
        rows, tokens = zip(*((row, own) for row, *own in unlike[start : start + size]), strict=True)
        read.append(_read_back(bridge, prefix.selected(rows), tokens, depth, vectors))
    likely, along = map(np.concatenate, zip(*read, strict=True))
    found = [once[one] for one in asked]
    return likely[found], along[found]


def _read_back(bridge, prefix, continuations, depth, vectors) -> tuple[np.ndarray, np.ndarray]:
    lengths = torch.tensor([len(tokens) for tokens in continuations], device=prefix.last.device)
    width = int(lengths.max())
    if width == 0:
        nothing = np.full((len(continuations), 1 + len(vectors)), np.nan)
        return nothing[:, 0], nothing[:, 1:]
    targets = torch.zeros(len(continuations), width, dtype=torch.long)
    for row, tokens in enumerate(continuations):
        targets[row, : len(tokens)] = torch.as_tensor(tokens, dtype=torch.long)
    targets = targets.to(prefix.last.device)
    ids = torch.cat([prefix.last[:, None], targets], dim=1)
    # padding on the right is masked by its absence from the mean; causal attention never sees it
    mask = torch.cat([prefix.mask, torch.ones_like(targets)], dim=1)
    along = []

    def keep(stream: Tensor, hook: object) -> None:
        found = stream[:, 1:].float() @ vectors.to(stream.device, torch.float32).T
        along.append(found.to(targets.device))

    with bridge.hooks(fwd_hooks=[(hook_points(bridge.cfg.n_layers)[depth], keep)]):
        logits, _ = _forward(bridge, ids, mask, prefix.own_cache())
    logits = logits[:, :-1]
    picked = logits.gather(-1, targets[..., None])[..., 0].float() - logits.float().logsumexp(-1)
    real = torch.arange(width, device=targets.device) < lengths[:, None]
    likely = (picked * real).sum(-1) / lengths
    read = (along[0] * real[..., None]).sum(1) / lengths[:, None]
    return likely.double().cpu().numpy(), read.double().cpu().numpy()
