"""Synthetic models with planted answers, two or more that read the same sentences.

Sentences have latents with a 1/i spectrum. A model reads some of them, turned into its own axes by
a random frame, plus a little noise of its own. Emotions and attributes are displacements in latents
drawn from one prior, so that in a private world an emotion is exchangeable with an attribute.

shared      all models read the same latents; each emotion has one direction in them
partial     the directions of an emotion in two models have a given cosine
private     the same latents, unrelated directions of the emotions
private_b   in all models but the first the emotions lie in latents that only that one reads
common      the emotions share one direction in all models; what tells them apart is unrelated
leading     private, all emotions in the first few latents
unrelated   the models read different latents; the attributes are those of model a
no_signal   the same latents, no emotion
twin        all models are model a, turned

Cosines are planted, and `Pair.truth` gives them, in the metric of canonical axes: as a comparison
of whitened read-outs would find them with sentences without end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from emovec.activations.streams import Streams
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EMOTIONS = ["gratitude", "anger", "apology"]
KINDS = (
    "shared", "partial", "private", "private_b", "common", "leading", "unrelated", "no_signal",
    "twin",
)  # fmt: skip
MARKED = 0.35  # of the probe sentences have an attribute
WRITERS = 4


@dataclass(frozen=True)
class Truth:
    """Cosines between two models without error: of each emotion, of its own part, of all."""

    common: Floats  # [emotion]
    specific: Floats  # [emotion]; less the mean of all emotions
    common_of_all: float
    specific_of_all: float


@dataclass(frozen=True)
class Pair:
    """Two models, or more, of one world."""

    streams: tuple[Streams, ...]
    probe: pd.DataFrame
    heads: NDArray[np.int_]  # [emotion, topic], the lexical head of each sentence
    displaced: tuple[Floats, ...]  # [emotion, latent] in each model
    covariance: Floats  # [latent, latent], of probe sentences
    noise: tuple[float, ...]  # variance in each dimension of each model
    related: bool  # the models read the same latents, and there are emotions

    @property
    def a(self) -> Streams:
        return self.streams[0]

    @property
    def b(self) -> Streams:
        return self.streams[1]

    def truth(self, a: int = 0, b: int = 1) -> Truth:
        """What a comparison of two of the models should find; NaN where there is no answer."""
        nothing = np.full(len(self.heads), 0.0 if self.related else np.nan)
        if not self.related or not self.displaced[b].any():
            return Truth(nothing, nothing, nothing[0], nothing[0])
        roots = []
        for variance in (self.noise[a], self.noise[b]):
            values, axes = np.linalg.eigh(self.covariance + variance * np.eye(len(self.covariance)))
            roots.append(axes / np.sqrt(values) @ axes.T)
        p, s, qt = np.linalg.svd(roots[0] @ self.covariance @ roots[1])
        x = self.displaced[a] @ roots[0] @ p * np.sqrt(s)
        y = self.displaced[b] @ roots[1] @ qt.T * np.sqrt(s)
        own_x, own_y = x - x.mean(axis=0), y - y.mean(axis=0)
        return Truth(_cosine(x, y), _cosine(own_x, own_y), _of_all(x, y), _of_all(own_x, own_y))


def _cosine(x: Floats, y: Floats) -> Floats:
    """Cosines of rows; 0 where there is nothing, as with the own part of a single emotion."""
    norms = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return (x * y).sum(axis=1) / np.where(norms > 0, norms, np.inf)


def _of_all(x: Floats, y: Floats) -> float:
    return float(_cosine(x.reshape(1, -1), y.reshape(1, -1))[0])


def pair(
    kind: str,
    rng: np.random.Generator,
    *,
    models: int = 2,
    emotions: int = len(EMOTIONS),
    topics: int = 70,
    probes: tuple[int, int] = (200, 240),
    widths: Sequence[int] = (64, 80),
    latents: int = 40,
    attributes: int = 14,
    layers: int = 1,
    s: float = 0.1,
    s_attribute: float = 0.1,
    noise: float = 0.3,
    cosine: float | None = None,
    components: int = 3,
    heads: int = 0,
    head_effect: float = 0.5,
    habit: float = 0.0,
    heavy: bool = False,
    rogue: bool = False,
) -> Pair:
    """Models in the world `kind`, of the widths given in turn.

    Parameters
    ----------
    probes
        Sentences in the halves map and control.
    s, s_attribute
        Squared displacement of an emotion and of an attribute over the variance of the latents.
    noise
        Part of the variance that is noise of one model and depth.
    cosine
        Between two models, of an emotion (partial; 0.6) or of what emotions share (common; 0.49).
    components
        Leading latents that hold all emotions (leading).
    heads, head_effect
        Three sentences in four of an emotion are written with one of so many words, each of which
        displaces them too, by this part of `s`, in all models alike. Without heads each topic is
        one of its own.
    habit
        One writer in four has a habit in each emotion that displaces sentences by this part of
        `s`, in all models alike. Nothing marks the writers.
    heavy
        Latents and noise have the tails of Student's t with 3 degrees of freedom.
    rogue
        Every model but the first has one more dimension, 30 times as wide, and neutral lies one of
        its standard deviations away there.
    """
    spectrum = 1 / np.sqrt(np.arange(1, latents + 1))
    trace = float((spectrum**2).sum())
    n_probe = sum(probes)
    sizes = [widths[i % len(widths)] for i in range(models)]
    labels = (rng.random((n_probe, attributes)) < MARKED).astype(int)
    effects = displacements(rng, attributes, spectrum, s_attribute * trace)

    def read(marked: NDArray[np.int_]) -> tuple[Floats, Floats]:
        return _latents(rng, emotions, topics, n_probe, spectrum, marked, effects, heavy)

    worlds = [read(labels)] * models
    if kind == "unrelated":
        worlds[1:] = [read(rng.permuted(labels, axis=0)) for _ in worlds[1:]]
    covariance = np.diag(spectrum**2) + MARKED * (1 - MARKED) * effects.T @ effects
    variances = tuple(noise * trace / size for size in sizes)
    strength = 0.0 if kind == "no_signal" else s * trace
    product = _metric(covariance, float(np.mean(variances)))
    within = spectrum * (np.arange(latents) < components) if kind == "leading" else spectrum
    drawn = [displacements(rng, emotions, within, strength) for _ in range(models)]
    displaced = _planted(kind, rng, drawn, spectrum, strength, product, cosine)
    lexical = np.tile(np.arange(topics), (emotions, 1))
    text = np.zeros((emotions, topics, latents))  # what all models read in the same way
    if heads:
        lexical, text = _head_effects(
            rng, topics, heads, emotions, spectrum, head_effect * strength
        )
    if habit:
        own = displacements(rng, emotions, spectrum, habit * strength)
        text = text + (rng.permutation(topics) % WRITERS == 0)[None, :, None] * own[:, None]
    streams = []
    for side, size in enumerate(sizes):
        sentences, probe = worlds[side]
        apart = kind == "private_b" and side > 0
        moved = text if apart else text + displaced[side][:, None]
        sentences = sentences + np.concatenate([moved, np.zeros((1, topics, latents))])
        extra = drawn[side] if apart else None
        name = chr(ord("a") + side)
        stream = _stream(rng, name, size, sentences, probe, extra, layers, noise * trace, heavy)
        streams.append(with_rogue_dimension(stream, rng) if rogue and side else stream)
    if kind == "twin":
        streams[1:] = [turned(streams[0], rng, width=size) for size in sizes[1:]]
    table = pd.DataFrame(labels, columns=[f"attr_{i}" for i in range(attributes)])
    table.insert(0, "half", ["map"] * probes[0] + ["control"] * probes[1])
    if kind == "private_b":
        displaced[1:] = [np.zeros_like(one) for one in displaced[1:]]
    return Pair(
        tuple(streams), table, lexical, tuple(displaced), covariance, variances,
        kind not in ("unrelated", "no_signal"),
    )  # fmt: skip


def displacements(rng: np.random.Generator, count: int, spectrum: Floats, norm2: float) -> Floats:
    """Directions [count, latent] drawn like latents, all of the same squared length."""
    drawn = rng.standard_normal((count, len(spectrum))) * spectrum
    return drawn * np.sqrt(norm2 / (drawn**2).sum(axis=1, keepdims=True))


def _metric(covariance: Floats, noise: float) -> Floats:
    """Products `[latent, latent]` in canonical axes of two models of equal noise."""
    inverse = np.linalg.inv(covariance + noise * np.eye(len(covariance)))
    return inverse @ covariance @ inverse


def _planted(
    kind: str,
    rng: np.random.Generator,
    drawn: list[Floats],
    spectrum: Floats,
    norm2: float,
    product: Floats,
    cosine: float | None,
) -> list[Floats]:
    """Displacements [emotion, latent] of the emotions in every model."""
    if kind in ("private", "private_b", "unrelated", "leading"):
        return drawn
    if kind == "partial":
        first = drawn[0]
        cosine = 0.6 if cosine is None else cosine
        return [first, *(_at_cosine(first, other, cosine, product) for other in drawn[1:])]
    if kind == "common":
        core = np.repeat(displacements(rng, 1, spectrum, norm2), len(drawn[0]), axis=0)
        share = np.sqrt(0.49 if cosine is None else cosine)
        return [_at_cosine(core, one, share, product) for one in drawn]
    return [drawn[0]] * len(drawn)


def _at_cosine(base: Floats, other: Floats, cosine: float, product: Floats) -> Floats:
    """Rows as long as those of `base` at the given cosine to them, tilted towards `other`."""

    def inner(x: Floats, y: Floats) -> Floats:
        return ((x @ product) * y).sum(axis=1, keepdims=True)

    length2 = inner(base, base)
    if not length2.all():
        return base
    across = other - base * inner(other, base) / length2
    across *= np.sqrt(length2 / inner(across, across))
    return cosine * base + np.sqrt(1 - cosine**2) * across


def _head_effects(
    rng: np.random.Generator, topics: int, heads: int, emotions: int, spectrum: Floats, norm2: float
) -> tuple[NDArray[np.int_], Floats]:
    """Heads [emotion, topic] and their displacements [emotion, topic, latent]."""
    lexical = np.tile(heads + np.arange(topics), (emotions, 1))  # implicit: one of its own
    text = np.zeros((emotions, topics, len(spectrum)))
    for emotion in range(emotions):
        written = rng.permutation(topics)[: topics * 3 // 4]
        lexical[emotion, written] = np.arange(len(written)) % heads
        effects = displacements(rng, heads, spectrum, norm2)
        text[emotion, written] = effects[lexical[emotion, written]]
    return lexical, text


def _normal(rng: np.random.Generator, shape: tuple[int, ...], heavy: bool) -> Floats:
    """Rows of unit variance; heavy ones are multivariate t with 3 degrees of freedom."""
    drawn = rng.standard_normal(shape)
    return drawn / np.sqrt(rng.chisquare(3, (*shape[:-1], 1))) if heavy else drawn


def _latents(
    rng: np.random.Generator,
    emotions: int,
    topics: int,
    n_probe: int,
    spectrum: Floats,
    labels: NDArray[np.int_],
    effects: Floats,
    heavy: bool,
) -> tuple[Floats, Floats]:
    """Latents of sentences [class, topic, latent], half their variance the topic's; of probes."""
    size = len(spectrum)
    topic = _normal(rng, (1, topics, size), heavy)
    own = _normal(rng, (emotions + 1, topics, size), heavy)
    probe = _normal(rng, (n_probe, size), heavy) * spectrum + labels @ effects
    return np.sqrt(0.5) * (topic + own) * spectrum, probe


def _stream(
    rng: np.random.Generator,
    name: str,
    width: int,
    sentences: Floats,
    probe: Floats,
    extra: Floats | None,
    layers: int,
    noise: float,
    heavy: bool,
) -> Streams:
    """One frame for each depth; depth 0 is one token in every sentence."""
    size = sentences.shape[-1]
    room = size + (len(extra) if extra is not None else 0)
    residual = np.zeros((*sentences.shape[:2], layers + 1, width))
    on_probe = np.zeros((len(probe), layers + 1, width))
    residual[:, :, 0] = on_probe[:, 0] = rng.standard_normal(width)
    for depth in range(1, layers + 1):
        frame = np.linalg.qr(rng.standard_normal((width, room)))[0].T
        offset = rng.standard_normal(width)
        residual[:, :, depth] = sentences @ frame[:size] + offset
        on_probe[:, depth] = probe @ frame[:size] + offset
        if extra is not None:
            lengths = np.sqrt((extra**2).sum(axis=1))
            residual[:-1, :, depth] += (np.diag(lengths) @ frame[size:])[:, None]
        for array in (residual, on_probe):
            array[..., depth, :] += np.sqrt(noise / width) * _normal(
                rng, array[..., depth, :].shape, heavy
            )
    return Streams(name, residual, on_probe, layers)


def with_rogue_dimension(model: Streams, rng: np.random.Generator) -> Streams:
    """One more dimension, 30 times as wide as the others, and neutral shifted along it."""

    def wide(shape: tuple[int, ...]) -> Floats:
        return 30 * spread * rng.standard_normal((*shape, 1))

    spread = model.probe[:, 1:].std(axis=0).mean()
    extra = wide(model.residual.shape[:-1])
    extra[-1] += 30 * spread
    residual = np.concatenate([model.residual, extra], axis=-1)
    probe = np.concatenate([model.probe, wide(model.probe.shape[:-1])], axis=-1)
    residual[:, :, 0], probe[:, 0] = 0, 0  # one token in every sentence
    return Streams(model.name, residual, probe, model.n_layers)


def turned(
    model: Streams, rng: np.random.Generator, *, width: int | None = None, scale: float = 3.0
) -> Streams:
    """The same activations in other axes, `width` of them (at least as many), and longer."""
    d = model.width
    frame = scale * np.linalg.qr(rng.standard_normal((width or d, d)))[0].T
    return Streams(
        f"{model.name}@twin", model.residual @ frame, model.probe @ frame, model.n_layers
    )


def shuffled(model: Streams, rng: np.random.Generator) -> Streams:
    """The probe sentences of the model in another order."""
    order = rng.permutation(len(model.probe))
    return Streams(f"{model.name}@unpaired", model.residual, model.probe[order], model.n_layers)
