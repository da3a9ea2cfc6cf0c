"""Sentences token by token: how far along an emotion's direction the stream is at each token.

A sentence is projected on directions that were fitted without any sentence on its topic, so that
what is seen in it was not put there by fitting.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.activations.store import Block
from emovec.prompts.tokenizer import Encoded
from emovec.vectors.directions import emotion_vectors

N_TOPICS = 8  # as many as a reader looks at, and a few seconds of a model


SINK = "attention_sink"


UNDEFINED = "no_direction"


@dataclass(frozen=True)
class Scale:
    """Where projections are counted from, along what, and in which unit, at each depth."""

    centre: np.ndarray  # [depth, d_model], the mean of the neutral sentences
    directions: np.ndarray  # [emotion, depth, d_model], of unit length; NaN where there is none
    spread: np.ndarray  # [emotion, depth], their standard deviation over the neutral sentences

    @classmethod
    def without_topic(cls, residual: np.ndarray, topic: int) -> Scale:
        """Everything from the sentences on all other topics.

        Parameters
        ----------
        residual : `[class, topic, depth, d_model]` at one position, neutral last.
        """
        others = np.delete(residual, topic, axis=1).astype(np.float64)
        vectors, neutral = emotion_vectors(others), others[-1]
        centre = neutral.mean(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            directions = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
            along = np.einsum("tdm,edm->ted", neutral - centre, directions)
            spread = np.sqrt((along**2).sum(0) / np.float64(len(neutral) - 1))
        return cls(centre, directions, spread)

    def __call__(self, stream: np.ndarray) -> np.ndarray:
        """Projections `[token, emotion, depth]` of `stream[token, depth, d_model]`.

        In standard deviations of the neutral sentences; NaN where that is undefined.
        """
        along = np.einsum("tdm,edm->ted", stream - self.centre, self.directions)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.spread > 0, along / self.spread, np.nan)


def selected(prompts: pd.DataFrame) -> pd.DataFrame:
    """The first prompt of every class on the first N_TOPICS topics, with each topic's number."""
    first = prompts.assign(place=pd.factorize(prompts.topic)[0])
    first = first.drop_duplicates(["topic", "emotion"])
    return first[first.place < N_TOPICS].reset_index(drop=True)


def streams(
    blocks: Iterable[Block], encoded: Sequence[Encoded], depths: Sequence[int]
) -> list[np.ndarray]:
    """For each text the stream `[token, depth, d_model]`, from blocks read at every token.

    NaN at a BOS, which is not read.
    """
    of_text: list[np.ndarray | None] = [None] * len(encoded)
    for block in blocks:
        for row, stream in zip(block.rows, block.residual[:, depths], strict=True):
            if of_text[row] is None:
                of_text[row] = np.full((len(encoded[row].ids), *stream.shape), np.nan)
            of_text[row][int(block.position)] = stream
    return of_text


def projections(
    prompts: pd.DataFrame,
    encoded: Sequence[Encoded],
    read: Sequence[np.ndarray],
    residual: np.ndarray,
    emotions: Sequence[str],
) -> pd.DataFrame:
    """One row for each prompt, depth, emotion and token but a BOS, whose stream says nothing.

    A first token without BOS before it is as little to be read; its projection is NaN.

    Parameters
    ----------
    prompts : from `selected`.
    encoded, read : of each prompt, from `streams`.
    residual : `[class, topic, depth, d_model]` at the position where directions are fitted.

    Returns
    -------
    Columns of the table `token_projections` without model, position and relative depth; `depth`
    counts the depths of `residual`.
    """
    scales = {place: Scale.without_topic(residual, place) for place in prompts.place.unique()}
    tables = []
    for prompt, one, stream in zip(prompts.itertuples(), encoded, read, strict=True):
        start = int(one.has_bos)
        values = scales[prompt.place](stream[start:])
        flags = np.where(np.isnan(values), UNDEFINED, "").astype(object)
        if not one.has_bos:
            values[0], flags[0] = np.nan, SINK
        n_tokens, n_emotions, n_depths = values.shape
        keys = pd.MultiIndex.from_product(
            [range(n_depths), emotions, range(start, start + n_tokens)],
            names=["depth", "direction", "token"],
        )
        order = (2, 1, 0)
        tables.append(
            keys.to_frame(index=False).assign(
                **{"prompt_id": prompt.id, "class": prompt.emotion, "topic": prompt.topic},
                text=one.pieces()[start:] * (n_depths * n_emotions),
                projection=values.transpose(order).ravel(),
                flag=flags.transpose(order).ravel(),
            )
        )
    return pd.concat(tables, ignore_index=True)
