"""The geometry of an experiment, from its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from emovec.activations.store import check_same_sentences, open_activations
from emovec.activations.streams import Streams, load_streams
from emovec.between_models.thresholds import Thresholds
from emovec.geometry.between import Texts, compare_geometry
from emovec.geometry.features import text_features, word_counts
from emovec.geometry.matrices import Matrices, matrices_at
from emovec.geometry.sharing import Read
from emovec.geometry.within import describe_model
from emovec.io.seeds import generator
from emovec.io.tables import typed
from emovec.prompts.design import written
from emovec.prompts.ratings import in_plane, read_ratings
from emovec.prompts.sentences import map_half
from emovec.prompts.splits import near_by_head, writers
from emovec.statistics import metrics

AVERAGED = "mean"  # the position at which the stream before the first block is the mean embedding


def geometry_of(
    path: Path,
    name: str,
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    classes: Sequence[str | None],
    ratings: str | None,
    settings: dict,
    seed: int,
) -> pd.DataFrame:
    """Rows of geometry.csv for one model; see `within.describe_model`."""
    fit = map_half(probe)
    streams = load_streams(path, name, settings["position"], classes, fit, seed)
    emotions = classes[:-1]
    start = None
    if AVERAGED in open_activations(path).positions:
        averaged = load_streams(path, name, AVERAGED, classes, fit, seed)
        metric = metrics.fit("lda" if len(averaged.probe) else "raw", averaged.probe[:, 0])
        start = metric.apply(averaged.residual[:, :, 0])
    rated, values = read_ratings(ratings, emotions)
    return describe_model(
        streams,
        word_counts(prompts, classes, []).sentences,
        start,
        emotions,
        rated,
        values,
        near_by_head(prompts, emotions),
        writers(prompts),
        relative_depths=settings["depths"],
        draws=settings["permutations"],
        alpha=settings["alpha"],
        least=settings["thresholds"]["reliability"],
        rng=generator(seed, "geometry", name),
    )


def matrices_of(
    path: Path,
    name: str,
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    classes: Sequence[str | None],
    positions: Sequence[str],
    table: pd.DataFrame,
    seed: int,
) -> Matrices:
    """Distances and cosines at every depth and position; `table` is that of `geometry_of`."""
    fit, emotions = map_half(probe), list(classes[:-1])
    near, found = near_by_head(prompts, emotions), {}
    for position in positions:
        found[position] = matrices_at(load_streams(path, name, position, classes, fit, seed), near)
    order = table[table.stat == "order"].sort_values("value").emotion.tolist()
    return Matrices(name, emotions, order, found)


def geometry_between(
    paths: tuple[Path, Path],
    names: tuple[str, str],
    prompts: pd.DataFrame,
    probe: pd.DataFrame,
    classes: Sequence[str | None],
    ratings: str | None,
    settings: dict,
    seed: int,
) -> pd.DataFrame:
    """Rows of geometry_between.csv for two models; see `between.compare_geometry`.

    What the text tells is its words and, where models were read at the position `mean`, their
    token embeddings.

    Raises
    ------
    InputError
        If the activations were made of different sentences.
    """
    files = [open_activations(path) for path in paths]
    check_same_sentences(files)

    def streams(position: str) -> list[Streams]:
        return [
            load_streams(path, name, position, classes, probe.id.tolist(), seed)
            for path, name in zip(paths, names, strict=True)
        ]

    models = tuple(streams(settings["position"]))
    if not all(len(one.probe) for one in models):  # nothing to find common axes on
        return typed([], "geometry_between")
    averaged = streams(AVERAGED) if all(AVERAGED in file.positions for file in files) else []
    control = (probe["half"] == "control").to_numpy()
    starts = [Read(one.residual[:, :, 0], one.probe[control, 0]) for one in averaged]
    counts = word_counts(prompts, classes, probe.text[control].tolist())
    emotions, topics = classes[:-1], prompts.topic.nunique()
    sentences = len(written(classes)) * (topics // 2) + control.sum() // 2  # of a half
    texts = Texts(
        text_features(counts, starts, sentences),
        near_by_head(prompts, emotions),
        writers(prompts),
        in_plane(*read_ratings(ratings, emotions)),
    )
    return compare_geometry(
        models,
        emotions,
        texts,
        probe,
        settings["depths"],
        Thresholds(alpha=settings["alpha"], **settings["thresholds"]),
        settings["permutations"],
        generator(seed, "geometry", *names),
    )
