"""Synthetic pairs of models with planted answers.

Sentences have latents with a 1/i spectrum. A model reads some of them, turned into its own axes by
a random frame, plus a little noise of its own. Emotions and attributes are displacements in latents
drawn from one prior, so that in a private world an emotion is exchangeable with an attribute.

shared      both models read the same latents; each emotion has one direction in them
partial     the two directions of an emotion have cosine 0.6
private     the same latents, unrelated directions of the emotions
private_b   in model b the emotions lie in latents that only b reads
common      the emotions share one direction in both models; what tells them apart is unrelated
unrelated   the models read different latents; the attributes are those of model a
no_signal   the same latents, no emotion
twin        model b is model a, turned
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from emovec.activations.streams import Streams
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EMOTIONS = ["gratitude", "anger", "apology"]
KINDS = (
    "shared", "partial", "private", "private_b", "common", "unrelated", "no_signal", "twin",
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    a: Streams
    b: Streams
    probe: pd.DataFrame


def pair(
    kind: str,
    rng: np.random.Generator,
    *,
    topics: int = 70,
    probes: tuple[int, int] = (200, 240),
    widths: tuple[int, int] = (64, 80),
    latents: int = 40,
    attributes: int = 14,
    layers: int = 1,
    s: float = 0.1,
    s_attribute: float = 0.1,
    noise: float = 0.3,
) -> Pair:
    """A pair of models in the world `kind`.

    Parameters
    ----------
    probes
        Sentences in the halves map and control.
    s, s_attribute
        Squared displacement of an emotion and of an attribute over the variance of the latents.
    noise
        Part of the variance that is noise of one model and depth.
    """
    spectrum = 1 / np.sqrt(np.arange(1, latents + 1))
    trace = float((spectrum**2).sum())
    n_probe = sum(probes)
    labels = (rng.random((n_probe, attributes)) < 0.35).astype(int)
    effects = displacements(rng, attributes, spectrum, s_attribute * trace)
    worlds = [_latents(rng, topics, n_probe, spectrum, labels, effects)] * 2
    if kind == "unrelated":
        worlds[1] = _latents(rng, topics, n_probe, spectrum, rng.permuted(labels, axis=0), effects)
    strength = 0.0 if kind == "no_signal" else s * trace
    emotions = emotion_directions(kind, rng, spectrum, strength)
    streams = []
    for side, (name, width) in enumerate(zip("ab", widths, strict=True)):
        sentences, probe = worlds[side]
        sentences = sentences + np.vstack([emotions[side], np.zeros(latents)])[:, None]
        extra = None
        if kind == "private_b" and side == 1:
            sentences = worlds[side][0]
            extra = emotions[1]
        streams.append(_stream(rng, name, width, sentences, probe, extra, layers, noise * trace))
    if kind == "twin":
        streams[1] = turned(streams[0], rng, width=widths[1])
    table = pd.DataFrame(labels, columns=[f"attr_{i}" for i in range(attributes)])
    table.insert(0, "half", ["map"] * probes[0] + ["control"] * probes[1])
    return Pair(streams[0], streams[1], table)


def displacements(rng: np.random.Generator, count: int, spectrum: Floats, norm2: float) -> Floats:
    """Directions [count, latent] drawn like latents, all of the same squared length."""
    drawn = rng.standard_normal((count, len(spectrum))) * spectrum
    return drawn * np.sqrt(norm2 / (drawn**2).sum(axis=1, keepdims=True))


def emotion_directions(
    kind: str, rng: np.random.Generator, spectrum: Floats, norm2: float
) -> tuple[Floats, Floats]:
    """Displacements [emotion, latent] of the emotions in both models."""
    count = len(EMOTIONS)
    a, other = (displacements(rng, count, spectrum, norm2) for _ in range(2))
    if kind in ("private", "private_b", "unrelated"):
        return a, other
    if kind == "partial":
        return a, _at_cosine(a, other, 0.6)
    if kind == "common":
        core = np.repeat(displacements(rng, 1, spectrum, norm2), count, axis=0)
        return _at_cosine(core, a, 0.7), _at_cosine(core, other, 0.7)
    return a, a


def _at_cosine(base: Floats, other: Floats, cosine: float) -> Floats:
    """Rows as long as those of `base` at the given cosine to them, tilted towards `other`."""
    length2 = (base**2).sum(axis=1, keepdims=True)
    if not length2.all():
        return base
    across = other - base * (other * base).sum(axis=1, keepdims=True) / length2
    across *= np.sqrt(length2 / (across**2).sum(axis=1, keepdims=True))
    return cosine * base + np.sqrt(1 - cosine**2) * across


def _latents(
    rng: np.random.Generator,
    topics: int,
    n_probe: int,
    spectrum: Floats,
    labels: NDArray[np.int_],
    effects: Floats,
) -> tuple[Floats, Floats]:
    """Latents of sentences [class, topic, latent], half their variance the topic's; of probes."""
    size = len(spectrum)
    topic = rng.standard_normal((1, topics, size))
    own = rng.standard_normal((len(EMOTIONS) + 1, topics, size))
    probe = rng.standard_normal((n_probe, size)) * spectrum + labels @ effects
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
) -> Streams:
    """One frame for each depth; depth 0 is one token in every sentence."""
    size = sentences.shape[-1]
    room = size + (len(EMOTIONS) if extra is not None else 0)
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
            array[..., depth, :] += np.sqrt(noise / width) * rng.standard_normal(
                array[..., depth, :].shape
            )
    return Streams(name, residual, on_probe, layers)


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
