"""Sentences token by token: how far along an emotion's direction the stream is at each token.

A sentence is projected on directions that were fitted without any sentence on its topic, so that
what is seen in it was not put there by fitting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emovec.prompts.tokenizer import Encoded
from emovec.statistics.arrays import ratio

SENTENCES = 24  # as many as a reader looks at


SINK = "attention_sink"


UNDEFINED = "no_direction"


@dataclass(frozen=True)
class Scale:
    """Where projections are counted from, along what, and in which unit, at each depth."""

    centre: np.ndarray  # [depth, d_model], the mean of the neutral sentences, or of all
    directions: np.ndarray  # [emotion, depth, d_model], of unit length; NaN where there is none
    spread: np.ndarray  # [emotion, depth], the standard deviation of these sentences along each

    def __call__(self, stream: np.ndarray) -> np.ndarray:
        """Projections `[token, emotion, depth]` of `stream[token, depth, d_model]`.

        In standard deviations of the sentences of the scale; NaN where that is undefined.
        """
        along = (stream - self.centre).swapaxes(0, 1) @ np.moveaxis(self.directions, 0, -1)
        return ratio(np.moveaxis(along, 0, -1), self.spread)


class Scales:
    """The scales that sentences on all topics but one give."""

    def __init__(self, residual: np.ndarray, *, neutral: bool = True) -> None:
        """`residual[class, topic, depth, d_model]` at one position; see `usual_sentences`."""
        self._residual = residual.astype(np.float64)
        self._total = self._residual.sum(1)
        self._usual = usual_sentences(self._residual, neutral=neutral)

    def without(self, topic: int) -> Scale:
        """Everything from the sentences on all topics but this."""
        n_topics = self._residual.shape[1]
        means = (self._total - self._residual[:, topic]) / np.float64(n_topics - 1)
        vectors, centre = means[:-1] - means[-1], means[-1]
        directions = ratio(vectors, np.linalg.norm(vectors, axis=-1, keepdims=True))
        others = np.arange(len(self._usual)) % n_topics != topic
        return Scale(centre, directions, spread_along(self._usual, directions, others))


def usual_sentences(residual: np.ndarray, *, neutral: bool) -> np.ndarray:
    """What projections are scaled by, `[sentence, depth, d_model]`: the neutral sentences.

    They are the last class of `residual[class, topic, depth, d_model]`; unless that is the mean of
    the others, whose sentences are then taken.
    """
    return residual[-1] if neutral else residual[:-1].reshape(-1, *residual.shape[2:])


def spread_along(
    sentences: np.ndarray, directions: np.ndarray, which: np.ndarray | slice = slice(None)
) -> np.ndarray:
    """Standard deviation `[direction, depth]` of `sentences[sentence, depth, d_model]` along each.

    NaN of a single sentence.

    Parameters
    ----------
    directions : `[direction, depth, d_model]`, of unit length.
    which : of the sentences; all, unless given.
    """
    along = sentences.swapaxes(0, 1) @ np.moveaxis(directions, 0, -1)
    along = along[:, which]
    away = along - along.mean(1, keepdims=True)
    return np.sqrt(ratio((away**2).sum(1), along.shape[1] - 1)).T


def typical_topics(residual: np.ndarray) -> list[int]:
    """The numbers of a few topics, the most typical first; `residual[class, topic, d_model]`.

    As many as give SENTENCES, but two at least. Those whose emotions lie along their directions,
    fitted without the topic and counted from neutral, nearest to the median of all topics: neither
    the best examples nor the worst.
    """
    scales, along = Scales(residual[:, :, None]), []
    for topic in range(residual.shape[1]):
        found = scales.without(topic)(residual[:, topic, None])[..., 0]
        along.append(np.diag(found[:-1] - found[-1]).mean())
    away = np.abs(along - np.nanmedian(along)) if np.isfinite(along).any() else np.zeros(len(along))
    count = max(2, SENTENCES // len(residual))
    return np.argsort(away, kind="stable")[:count].tolist()


def selected(prompts: pd.DataFrame, topics: Sequence[int]) -> pd.DataFrame:
    """The first prompt of every class on these topics, in their order, each with its number."""
    first = prompts.assign(place=pd.factorize(prompts.topic)[0])
    first = first.drop_duplicates(["topic", "emotion"])
    first = first[first.place.isin(topics)]
    return first.iloc[np.argsort(first.place.map(list(topics).index), kind="stable")]


def keeping(
    read: Iterable[tuple[int, np.ndarray]], kept: dict[int, np.ndarray], depths: Sequence[int]
) -> Iterator[tuple[int, np.ndarray]]:
    """Hand streams on, and keep those of the texts whose numbers are in `kept`, at some depths."""
    for row, stream in read:
        if row in kept:
            kept[row] = stream[:, depths]
        yield row, stream


def projections(
    prompts: pd.DataFrame,
    encoded: Sequence[Encoded],
    read: Sequence[np.ndarray],
    scales: Scales,
    emotions: Sequence[str],
    neutral: str | None,
) -> pd.DataFrame:
    """One row for each prompt, depth, emotion and token but a BOS, whose stream says nothing.

    A first token without BOS before it is as little to be read; its projection is NaN.

    Parameters
    ----------
    prompts : from `selected`.
    encoded, read : of each prompt, as `Reader.every_token` gives them, at some depths.
    scales : at the same depths.
    neutral : the class whose sentence others are compared with; None for the mean of all.

    Returns
    -------
    Columns of the table `token_projections` without model, position and relative depth; `depth`
    counts the depths of `scales`.
    """
    own = {place: scales.without(place) for place in prompts.place.unique()}
    rows = list(zip(prompts.itertuples(), encoded, read, strict=True))
    values, plain = [], {}
    for prompt, one, stream in rows:
        values.append(own[prompt.place](stream))
        values[-1][0] = np.nan  # a BOS, which has no row, or what stands in for one
        if neutral in (prompt.emotion, None):
            plain.setdefault(prompt.place, []).append((values[-1], one, len(prompt.text)))
    tables = []
    for (prompt, one, _), projected in zip(rows, values, strict=True):
        usual = [
            of_other[same_places(one, len(prompt.text), other, length)]
            for of_other, other, length in plain[prompt.place]
        ]
        beyond = projected - np.mean(usual, axis=0)
        start = int(one.has_bos)
        projected, beyond = projected[start:], beyond[start:]
        flags = np.where(np.isnan(projected), UNDEFINED, "").astype(object)
        if not one.has_bos:
            flags[0] = SINK
        n_tokens, n_emotions, n_depths = projected.shape
        keys = pd.MultiIndex.from_product(
            [range(n_depths), emotions, range(start, start + n_tokens)],
            names=["depth", "direction", "token"],
        )
        order = (2, 1, 0)
        tables.append(
            keys.to_frame(index=False).assign(
                **{"prompt_id": prompt.id, "class": prompt.emotion, "topic": prompt.topic},
                text=one.pieces()[start:] * (n_depths * n_emotions),
                projection=projected.transpose(order).ravel(),
                beyond=beyond.transpose(order).ravel(),
                flag=flags.transpose(order).ravel(),
            )
        )
    return pd.concat(tables, ignore_index=True)


def same_places(one: Encoded, length: int, other: Encoded, other_length: int) -> list[int]:
    """For each token the one of another sentence at the same place: both may have a suffix.

    Within a sentence of so many characters that is the same part of its tokens, the first left
    out; after it the same token of what follows, and before it that of the same chat.
    """
    inside, others = one.sentence(length), other.sentence(other_length)
    n, of = len(inside), len(others)
    within = [others.start + int((i + 0.5) / n * of) for i in range(n)]
    after = range(others.stop, others.stop + len(one.ids) - inside.stop)
    return [*range(inside.start), *within, *(min(i, len(other.ids) - 1) for i in after)]
