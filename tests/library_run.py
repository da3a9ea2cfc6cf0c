"""A whole experiment on brought activations by the library alone, in one process: what the scripts
do one after another, without Snakemake.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from emovec.activations.brought import adopt
from emovec.activations.copies import copies, split_name
from emovec.activations.store import open_activations
from emovec.activations.streams import Streams, load_streams
from emovec.audit.audit import audit
from emovec.between_models.compare import compare_files
from emovec.between_models.pair import Plan
from emovec.between_models.thresholds import Thresholds
from emovec.between_models.verdict import judge_models
from emovec.config import check
from emovec.decoding.table import decode_model, decode_texts
from emovec.figures import (
    answers,
    between_models,
    maps,
    multiverse,
    similarity,
    study,
    within_model,
)
from emovec.figures import audit as audit_figure
from emovec.figures import geometry as geometry_figures
from emovec.figures import ways as ways_figure
from emovec.geometry.between import judge_geometry
from emovec.geometry.fewest import FEWEST
from emovec.geometry.run import geometry_between, geometry_of
from emovec.io.files import sha256
from emovec.io.seeds import generator
from emovec.io.tables import read_table, typed, write_table
from emovec.models.depths import nearest_depths
from emovec.prompts.sentences import map_half, read_design, read_probe
from emovec.prompts.splits import near_by_head
from emovec.report.provenance import record
from emovec.report.report import make_report
from emovec.robustness import multiverse_between
from emovec.robustness.multiverse_within import vary_choices
from emovec.robustness.precision_run import precision_of
from emovec.robustness.published import compare_published
from emovec.robustness.ways_run import ways_of
from emovec.vectors.directions import emotion_vectors, norm_table
from emovec.within_model.compare import compare_emotions


def adopted_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.adopted.h5"


def adopted(
    folder: Path, config: dict, name: str, prompts: pd.DataFrame, probe: pd.DataFrame
) -> Path:
    """The brought activations of a model, taken in."""
    model, names = config["models"][name], config["prompts"]
    path = adopted_path(folder, name)
    adopt(
        open_activations(folder / model["source"]["activations"]),
        path,
        model=name,
        prompts=prompts,
        probe=probe,
        positions=config["activations"]["positions"],
        said={
            **model,
            "suffix": names["suffix"],
            "prompts_sha256": sha256(folder / names["file"]),
            "probe_sha256": sha256(folder / names["probe"]),
        },
    )
    return path


class LibraryRun:
    """The experiment of `config`, whose files are in `folder`; tables pass through files."""

    def __init__(self, folder: Path, config: dict) -> None:
        self.folder, self.config = folder, check(config)
        names, self.settings = self.config["prompts"], self.config["statistics"]
        self.emotions, self.neutral = names["emotions"], names["neutral"]
        self.classes = [*self.emotions, self.neutral]
        self.seed, self.alpha = self.config["seed"], self.settings["alpha"]
        self.positions = self.config["activations"]["positions"]
        self.models = list(self.config["models"])
        self.paths = {key: folder / names[key] for key in ("file", "probe")}
        self.design = read_design(self.paths["file"], self.emotions, self.neutral)
        self.prompts = self.design.prompts
        self.probe = read_probe(self.paths["probe"])
        self.near = near_by_head(self.prompts, self.emotions, neutral=self.neutral)
        self.fit = map_half(self.probe)
        self.audit = audit(
            self.design, self.probe, {},
            emotions=self.emotions, neutral=self.neutral, seed=self.seed,
        )  # fmt: skip
        for name in self.models:
            adopted(folder, self.config, name, self.prompts, self.probe)
        self.tables = self._tables()
        self.geometry = self._geometry() if len(self.emotions) >= FEWEST else None

    def _path(self, name: str) -> Path:
        return adopted_path(self.folder, split_name(name)[0])

    def _streams(self, name: str, position: str, ids: list[str]) -> Streams:
        return load_streams(self._path(name), name, position, self.classes, ids, self.seed)

    def _tables(self) -> dict[str, pd.DataFrame]:
        shuffled = [copy for name in self.models for copy in copies(name, beside_model=False)]
        twins = [copy for name in self.models for copy in copies(name, beside_model=True)]
        pairs = [*combinations(self.models, 2), *((split_name(twin)[0], twin) for twin in twins)]
        every = [*self.models, *shuffled]
        norms = self._kept("layer_norms", map(self._norms, self.models))
        within = self._kept("within_model_similarity", map(self._within, every))
        plan = Plan.of(self.emotions, self.neutral, self.settings)
        compared = [
            compare_files(
                (self._path(a), self._path(b)),
                (a, b),
                self.prompts,
                self.probe,
                self.positions,
                plan,
                self.seed,
            )
            for a, b in pairs
        ]
        cross, maps, transfer = (
            self._kept(kind, found)
            for kind, found in zip(
                ("cross_model_similarity", "maps", "decoding"), zip(*compared, strict=True),
                strict=True,
            )
        )  # fmt: skip
        texts = decode_texts(
            self.prompts, self.emotions, self.neutral, n_folds=self.settings["folds"],
            alpha=self.alpha, rng=generator(self.seed, "decoding", "texts"),
        )  # fmt: skip
        decoding = self._kept("decoding", [*map(self._decoding, every), texts, transfer])
        limits = Thresholds(alpha=self.alpha, **self.settings["thresholds"])
        cross, decoding, judged = judge_models(cross, decoding, limits)
        varied = [self._varied(name, within[within.model == name]) for name in self.models]
        varied.append(
            multiverse_between.between_models(cross, self.models, self.settings["depths"])
        )
        return {
            "norms": norms,
            "within": within,
            "cross": self._kept("cross_model_similarity", [cross]),
            "maps": maps,
            "decoding": self._kept("decoding", [decoding]),
            "verdicts": self._kept("verdicts", [judged]),
            "published": self._kept("published", [compare_published(within, cross)]),
            "multiverse": self._kept("multiverse", varied),
            "ways": self._kept("ways", map(self._ways, self._one_or_two())),
            "precision": self._kept("precision", map(self._precision, self._one_or_two())),
        }

    def _geometry(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        given = (self.prompts, self.probe, self.classes, self.config["prompts"].get("ratings"))
        within = [
            geometry_of(self._path(name), name, *given, self.settings, self.seed)
            for name in self.models
        ]
        between = [
            geometry_between(tuple(map(self._path, pair)), pair, *given, self.settings, self.seed)
            for pair in combinations(self.models, 2)
        ]
        found = pd.concat(between) if between else typed([], "geometry_between")
        limits = Thresholds(alpha=self.alpha, **self.settings["thresholds"])
        judged = judge_geometry(
            found.reset_index(drop=True), pd.concat(within), self.tables["verdicts"], limits
        )
        return self._kept("geometry", within), self._kept("geometry_between", [judged])

    def _kept(self, kind: str, tables: Iterator[pd.DataFrame]) -> pd.DataFrame:
        path = self.folder / f"{kind}.csv"
        write_table(pd.concat(tables), path, kind)
        return read_table(path, kind)

    def _norms(self, name: str) -> pd.DataFrame:
        tables = []
        for position in self.positions:
            residual = open_activations(self._path(name)).by_class(position, self.classes)
            table = norm_table(emotion_vectors(residual), residual, self.emotions)
            tables.append(table.assign(model=name, position=position, flag=""))
        return pd.concat(tables)

    def _within(self, name: str) -> pd.DataFrame:
        tables = []
        for position in self.positions:
            streams = self._streams(name, position, self.fit)
            tables.append(
                compare_emotions(
                    streams.residual, streams.probe, self.classes, self.neutral,
                    generator(self.seed, "within", name, position), model=name, position=position,
                    near=self.near, flips=self.settings["permutations"], alpha=self.alpha,
                    depths=nearest_depths(self.settings["depths"], streams.n_layers),
                    thresholds=self.settings["thresholds"],
                )
            )  # fmt: skip
        return pd.concat(tables)

    def _decoding(self, name: str) -> pd.DataFrame:
        position = self.settings["position"]
        return decode_model(
            self._streams(name, position, self.fit), self.prompts, self.classes, position=position,
            relative_depths=self.settings["depths"], n_folds=self.settings["folds"],
            draws=self.settings["permutations"], alpha=self.alpha,
            rng=generator(self.seed, "decoding", name),
        )  # fmt: skip

    def _varied(self, name: str, within: pd.DataFrame) -> pd.DataFrame:
        def load(position: str) -> tuple:
            streams = self._streams(name, position, self.fit)
            return streams.residual, streams.probe

        return vary_choices(
            within, open_activations(self._path(name)).attributes, load, self.positions,
            self.classes, model=name, alpha=self.alpha, near=self.near, seed=self.seed,
        )  # fmt: skip

    def _one_or_two(self) -> list[tuple[str, ...]]:
        return [*combinations(self.models, 1), *combinations(self.models, 2)]

    def _ways(self, names: tuple[str, ...]) -> pd.DataFrame:
        return ways_of(
            list(map(self._path, names)), names, self.prompts, self.probe, self.classes,
            self.settings, self.seed,
        )  # fmt: skip

    def _precision(self, names: tuple[str, ...]) -> pd.DataFrame:
        """Of the same streams again: nothing moves."""
        paths = list(map(self._path, names))
        table = precision_of(
            paths, {"bfloat16": paths}, names, self.prompts, self.probe, self.classes,
            self.settings, self.seed,
        )  # fmt: skip
        assert table.moved.isin([0.0, np.nan]).all()
        return table

    def figures(self) -> Iterator[tuple[str, plt.Figure]]:
        """Every picture of the report, by name; those of one model are of the first."""
        t, emotions, alpha = self.tables, self.emotions, self.alpha
        first = self.models[0]
        within, shuffled = (
            t["within"][t["within"].model == name] for name in (first, f"{first}@shuffled")
        )
        confounds = self._kept("confounds", [self.audit.confounds])
        varied = t["multiverse"]
        of_pairs = (t["cross"], emotions, self.models, self.settings["thresholds"], alpha)
        position = self.settings["position"]
        for draw, *given in (
            (answers.hero, *of_pairs),
            (answers.apart, t["within"], emotions, self.models, position, alpha),
            (answers.shared, *of_pairs),
            (answers.act, [], emotions, alpha),
            (answers.where, t["within"], emotions, self.models, position),
            (audit_figure.draw_audit, confounds, self.audit.summary, emotions, self.neutral),
            (study.layer_norms, t["norms"][t["norms"].model == first], emotions, first),
            (study.emotion_distances, within, emotions, first, alpha),
            (study.similarity_heatmap, within, emotions, first, alpha),
            (study.cross_model, t["cross"], emotions[0], self.models, alpha),
            (within_model.similarity_by_depth, within, emotions, first, alpha),
            (within_model.diagnostics, within, shuffled, emotions, first),
            (between_models.ruler, t["cross"], emotions, alpha, self.settings["thresholds"]),
            (between_models.matrices, t["cross"], emotions),
            (maps.transfer, t["decoding"], t["cross"], emotions, alpha),
            (maps.maps, t["maps"], t["cross"], emotions, [], 0.01),
            (similarity.similarity, t["within"], emotions, self.models, [], position, alpha),
            (multiverse.choices_within, varied[varied.model_b.isna()], position, []),
            (multiverse.choices_between, varied[varied.model_b.notna()], emotions, self.models, []),
            (ways_figure.ways, t["ways"], self.models, [], alpha,
             self.settings["thresholds"].get("margin", 0.9)),
        ):  # fmt: skip
            yield draw.__name__, draw(*given)
        if self.geometry:
            yield "places", geometry_figures.places(self.geometry[0], self.models, alpha)
            yield "shared_places", geometry_figures.shared(self.geometry[1], alpha)
            yield "distances", geometry_figures.distances(self.geometry[0], self.models, alpha)
            yield "distances_between", geometry_figures.distances_between(self.geometry[1], alpha)

    def report(self) -> str:
        """The page."""
        adopted = [self._path(name) for name in self.models]
        provenance = record(self.config, *self.paths.values(), {}, [], adopted, self.folder)
        return make_report(
            self.tables, provenance, self.audit.summary, [], [], None,
            models=self.models, untrained=[], languages={"": "en"}, suffix="", folder=self.folder,
            geometry=self.geometry, prompts=self.prompts,
        ).html  # fmt: skip
