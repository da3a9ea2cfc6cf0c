"""Where in a sentence, and how deep in the model, an emotion appears: the table trajectories.

Every token of every sentence is projected on directions that were fitted without the sentence's
topic, and counted from the neutral sentence of that topic at the same place. Directions of ordinary
attributes, projected in the same way, say what any direction of the model would show there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emovec.between_models.attributes import balanced_contrasts, contrast_reliability
from emovec.components.shares import LEAST_ATTRIBUTES, RULER, against
from emovec.io.tables import typed
from emovec.prompts.design import cells_of, in_cells
from emovec.prompts.positions import POSITIONS
from emovec.prompts.sentences import attributes_of, marked_words
from emovec.prompts.splits import IMPLICIT, near_by_head
from emovec.prompts.tokenizer import Encoded
from emovec.statistics.arrays import Floats, Mask, mean_defined, ratio
from emovec.statistics.clustered import reliability
from emovec.statistics.corrections import holm
from emovec.statistics.paired import LEAST_TOPICS, Paired, mean_difference
from emovec.statistics.unbiased import differences
from emovec.vectors.token_projections import UNDEFINED, Scales, spread_along, usual_sentences

BEFORE, AFTER, TENTHS = 6, 12, 10  # tokens around the word; parts of a sentence
FEW_TOPICS = "too_few_topics"


@dataclass(frozen=True)
class Grid:
    """The places at which sentences are lined up: the words', the tenths', the suffix's.

    A suffix is here what follows a sentence up to where directions are read, in a chat that of the
    template too.
    """

    n_suffix: int

    @classmethod
    def like(cls, encoded: Encoded, length: int, position: str) -> Grid:
        """That of all sentences, from one of `length` characters that is read at `position`."""
        last = POSITIONS[position].find(encoded, "", "")[-1]
        return cls(max(0, last + 1 - encoded.sentence(length).stop))

    @property
    def places(self) -> list[tuple[str, int]]:
        """Which alignment each place belongs to, and its number there."""
        return [
            *(("word", offset) for offset in range(-BEFORE, AFTER + 1)),
            *(("tenth", 1 + tenth) for tenth in range(TENTHS)),
            *(("suffix", 1 + token) for token in range(self.n_suffix)),
        ]

    def weights(self, encoded: Encoded, length: int, word: str) -> Floats:
        """`[place, token]`, which average the tokens at each place; 0 where there is none.

        The first token is left out: a BOS or, without one, the attention sink.

        Parameters
        ----------
        encoded : a sentence of `length` characters, with what follows it.
        word : the span that is marked in it, or nothing.
        """
        own = np.array(encoded.sentence(length), int)
        after = np.arange(encoded.sentence(length).stop, len(encoded.ids))
        found = np.zeros((len(self.places), len(encoded.ids)))
        if encoded.characters(word):
            [last] = POSITIONS["emotion_word"].find(encoded, word, "")
            offset = own - last + BEFORE
            near = (offset >= 0) & (offset <= BEFORE + AFTER)
            found[offset[near], own[near]] = 1
        start = BEFORE + AFTER + 1
        found[start + np.arange(len(own)) * TENTHS // max(1, len(own)), own] = 1
        after = after[: self.n_suffix]
        found[start + TENTHS + np.arange(len(after)), after] = 1
        return ratio(found, np.maximum(1, found.sum(1, keepdims=True)))


@dataclass(frozen=True)
class Ruler:
    """Directions of ordinary attributes, in units of the neutral sentences as the emotions'."""

    directions: Floats  # float32 [depth, d_model, attribute]
    spread: Floats  # [attribute, depth]
    usable: Mask  # [attribute, depth], reliable there

    @classmethod
    def of(
        cls, control: pd.DataFrame, stream: Floats, residual: Floats, rng: np.random.Generator,
        *, neutral: bool = True,
    ) -> Ruler:  # fmt: skip
        """From `stream[sentence, depth, d_model]` of the probe's control half, which may be empty.

        `residual` is `[class, topic, depth, d_model]`, neutral last; see `usual_sentences`.
        """
        n_topics, n_depths, width = residual.shape[1:]
        if not len(stream):
            return cls(
                np.empty((n_depths, width, 0), "f4"),
                np.empty((0, n_depths)),
                np.empty((0, n_depths), bool),
            )
        labels = attributes_of(control)
        contrasts = balanced_contrasts(labels.to_numpy(), list(labels), n_topics, rng)
        sides = contrasts.positive.astype(float) - contrasts.negative
        vectors = np.einsum("as,sdm->adm", sides, stream, optimize=True)
        vectors = ratio(vectors, np.linalg.norm(vectors, axis=-1, keepdims=True))
        known = [contrast_reliability(one, contrasts)[1] for one in stream.swapaxes(0, 1)]
        usual = usual_sentences(residual, neutral=neutral).astype(float)
        return cls(
            np.moveaxis(vectors, 0, -1).astype("f4"),
            spread_along(usual, vectors),
            np.stack(known, axis=-1) >= RULER,
        )

    def __call__(self, stream: Floats) -> Floats:
        """Projections `[token, attribute, depth]` of `stream[token, depth, d_model]`."""
        along = np.matmul(stream.swapaxes(0, 1).astype("f4"), self.directions)
        return ratio(np.moveaxis(along, 0, -1), self.spread)


def lined_up(
    read: Iterable[tuple[int, Floats]], encoded: Sequence[Encoded], prompts: pd.DataFrame,
    scales: Scales, ruler: Ruler, grid: Grid,
) -> Floats:  # fmt: skip
    """float32 `[row, place, direction, depth]`: emotions, then attributes; NaN where no token is.

    Parameters
    ----------
    read, encoded : from `Reader.every_token`.
    scales : those without each topic, counted in the order of first rows.
    """
    topic = pd.factorize(prompts["topic"])[0]
    words = marked_words(prompts)
    kept: dict[int, object] = {}
    found = None
    for row, stream in read:
        if topic[row] not in kept:
            kept[topic[row]] = scales.without(topic[row])
        one = encoded[row]
        weights = grid.weights(one, len(prompts["text"].iloc[row]), words[row])
        along = np.concatenate([kept[topic[row]](stream), ruler(stream)], axis=1)
        along[0] = 0  # belongs to no place
        values = np.tensordot(weights, along, 1)
        values[~weights.any(1)] = np.nan
        if found is None:
            found = np.full((len(encoded), *values.shape), np.nan, np.float32)
        found[row] = values
    return found


def trajectories(
    values: Floats, prompts: pd.DataFrame, classes: Sequence[str | None], residual: Floats,
    ruler: Ruler, grid: Grid, *, primary: Sequence[int], statistics: dict, rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """The table `trajectories` without model, position and relative depth.

    Parameters
    ----------
    values : from `lined_up`.
    classes : the emotions, and neutral last, or None for the mean of the others.
    residual : `[class, topic, depth, d_model]`, where directions are fitted.
    primary : the depths at which explicit and implicit sentences are told apart, and emotions from
        one another.
    """
    emotions, alpha = list(classes[:-1]), statistics["alpha"]
    groups = against(len(emotions), classes[-1])
    cells = in_cells(prompts, classes, values).astype(float)  # [class, topic, place, axis, depth]
    from_neutral = _with_changes(cells[:-1] - cells[-1])
    near = near_by_head(prompts, emotions, neutral=classes[-1])
    places = [*grid.places, ("rise", 0), ("reach", 0)]
    every, tables = list(range(cells.shape[-1])), []
    for e, emotion in enumerate(emotions):
        along = from_neutral[:, :, :, e]
        null = _band(from_neutral[e, :, :, len(emotions) :], ruler.usable, alpha)
        families = [(groups[0], "all", along[e], every)]
        for words, which in _worded(prompts, emotion).items():
            part = np.where(which[:, None, None], along[e], np.nan)
            families.append((groups[0], words, part, list(primary)))
        for group in groups[1:]:
            others = np.delete(along, e, axis=0).mean(0)
            families.append((group, "all", along[e] - others, list(primary)))
        known = _known(residual[[e, -1]], near[[e]], statistics)
        for group, words, d, depths in families:
            # the direction is of other topics, so that only one sign of the mean speaks for it
            found = mean_difference(
                d[..., depths], near[e], alpha, statistics["permutations"], rng, "upper"
            )
            keys = [(*place, depth) for place in places for depth in depths]
            table = pd.DataFrame(keys, columns=["aligned", "place", "depth"]).assign(
                flag=_flags(found).ravel(), **found.columns()
            )
            if group == groups[0]:
                table["null_high"], table["n_null"] = (one[:, depths].ravel() for one in null)
                table["null_low"] = -table["null_high"]
            told = known[table["depth"].to_numpy()]
            tables.append(table.assign(direction=emotion, against=group, words=words, gate_ok=told))
    whole = pd.concat(tables, ignore_index=True)
    for _, own in whole[whole["p"].notna()].groupby(["against", "words"]):
        whole.loc[own.index, "p_adjusted"] = holm(own["p_adjusted"], own["direction"].tolist())
    return typed(whole, "trajectories")


def _with_changes(d: Floats) -> Floats:
    """`d[emotion, topic, place, axis, depth]` with two more places: what changes at the word.

    A whole sentence may be along a direction, its words before the emotion's too.
    """
    before = mean_defined(d[:, :, BEFORE - 3 : BEFORE], axis=2)
    after = mean_defined(d[:, :, BEFORE : BEFORE + 3], axis=2)
    change = np.stack([after - before, d[:, :, -1] - before], axis=2)
    return np.concatenate([d, change], axis=2)


def _worded(prompts: pd.DataFrame, emotion: str) -> dict[str, Mask]:
    """In which topics the emotion has a word of its own, and in which it has none."""
    if "phrase" not in prompts:
        return {}
    cells = cells_of(prompts, emotion, "phrase")
    implicit = np.array([set(cell) == {IMPLICIT} for cell in cells])
    explicit = np.array([IMPLICIT not in cell for cell in cells])
    return {"explicit": explicit, "implicit": implicit} if implicit.any() else {}


def _known(x: Floats, near: Mask, statistics: dict) -> Mask:
    """At which depths the direction is reliable where it is fitted; `x` of the emotion, neutral."""
    weights, alpha = np.array([[1, -1]]), statistics["alpha"]
    found = [
        reliability(differences(x[:, :, depth], weights), near, alpha)[0][0]
        for depth in range(x.shape[2])
    ]
    return np.array(found) >= statistics["thresholds"]["reliability"]


def _band(d: Floats, usable: Mask, alpha: float) -> tuple[Floats, Floats]:
    """How far attributes go, either way, and how many there are, `[place, depth]`.

    `d[topic, place, attribute, depth]`.
    """
    size = np.where(usable, np.abs(mean_defined(d)), np.nan)
    count = np.isfinite(size).sum(1)
    enough = count >= LEAST_ATTRIBUTES
    high = np.full(count.shape, np.nan)
    for place, depth in np.argwhere(enough):
        high[place, depth] = np.nanquantile(size[place, :, depth], 1 - alpha)
    return high, count


def _flags(found: Paired) -> NDArray:
    why = np.where(found.count == 0, UNDEFINED, FEW_TOPICS)
    return np.where(found.count < LEAST_TOPICS, why, "")


def near_depth(table: pd.DataFrame, relative: float) -> int:
    """The depth of one model's `table` that is nearest to a relative one."""
    return int(table["depth"].loc[(table["relative_depth"] - relative).abs().idxmin()])


def beyond(table: pd.DataFrame, alpha: float) -> pd.Series:
    """Which rows beat flipped signs, and ordinary attributes where there are enough of them."""
    ordinary = table["null_high"].notna() & (table["value"] <= table["null_high"])
    return (table["gate_ok"] & (table["p_adjusted"] < alpha) & ~ordinary).fillna(False).astype(bool)
