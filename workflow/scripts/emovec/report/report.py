"""The whole report: its page, its Markdown and the main findings, out of the tables of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from emovec.explorer.explore import panels
from emovec.explorer.texts import written_texts
from emovec.prompts.positions import POSITIONS
from emovec.registry import titles
from emovec.report.answers import first_screen, lines
from emovec.report.components import component_facts, look_facts, loss_facts
from emovec.report.contents import describe
from emovec.report.geometry import (
    distance_facts,
    place_facts,
    place_lines,
    plane_facts,
    rating_facts,
    rating_lines,
)
from emovec.report.page import to_html
from emovec.report.readings import reading_facts
from emovec.report.render import render
from emovec.report.steering import describe_steering, examples
from emovec.report.trajectories import appearance_facts
from emovec.wording.language import LANGUAGES


class Steered(NamedTuple):
    """What steering one model gave."""

    effects: pd.DataFrame
    scores: pd.DataFrame
    choice: dict
    shown: pd.DataFrame  # texts that stand as examples


class Report(NamedTuple):
    """The three texts of a report."""

    markdown: str
    html: str
    findings: str


def make_report(
    tables: Mapping[str, pd.DataFrame],
    provenance: dict,
    audit: dict,
    tokens: Sequence[pd.DataFrame],
    steered: Sequence[Steered],
    openings: pd.DataFrame | None,
    *,
    models: Sequence[str],
    untrained: Sequence[str],
    languages: Mapping[str, str],
    readings: Sequence[pd.DataFrame] = (),
    trajectories: Sequence[pd.DataFrame] = (),
    components: Sequence[pd.DataFrame] = (),
    attention: Sequence[pd.DataFrame] = (),
    typical: Sequence[pd.DataFrame] = (),
    geometry: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    ablations: Sequence[pd.DataFrame] = (),
    prompts: pd.DataFrame | None = None,
    suffix: str,
    folder: Path,
) -> Report:
    """The report in the language that is spoken.

    Parameters
    ----------
    tables : norms, within, cross, maps, decoding, verdicts, published, multiverse
        and ways; precision where models were run in other number formats.
    tokens : the token projections of each model that has some.
    openings : None if nothing was steered.
    languages : the code of every language that a report is written in, by the suffix of its files.
    readings : which tokens are read in each model that was run.
    trajectories : the tables of each model that reads tokens.
    components, attention, typical, ablations : the tables of each model that was taken apart;
        the last is empty where nothing was taken out.
    geometry : inside models and between them, where there are emotions enough.
    prompts : the sentences that are analysed.
    suffix : that of this report's.
    folder : where the report and its figures are.
    """
    context = describe(provenance, audit, tables, models=list(models), untrained=list(untrained))
    settings = provenance["config"]
    targets = settings["steering"]["targets"]
    steering, texts = [], []
    for one in steered:
        model = describe_steering(
            one.effects,
            one.scores,
            one.choice,
            openings,
            context["emotions"],
            targets,
            settings["statistics"]["alpha"],
            settings["steering"]["classifiers"],
        )
        steering.append(model | {"examples": examples(one.shown, openings)})
        texts.append(written_texts(one.scores, openings, model["name"], targets))
    context["glance"] += [model["glance"] for model in steering]
    places = place_facts(geometry[1], models) if geometry else []
    ratings = rating_facts(geometry[0], models) if geometry else []
    context["glance"] += rating_lines(ratings, untrained) + place_lines(places, untrained)
    losses = loss_facts(ablations, context["alpha"])
    context |= first_screen(context, tables["verdicts"], steering, places, losses)
    context |= {
        "titles": titles(POSITIONS),
        "readings": reading_facts(readings),
        "steering": steering,
        "components": component_facts(components, context["alpha"]),
        "looks": look_facts(components, attention, context["alpha"]),
        "geometry": geometry is not None,
        "planes": plane_facts(geometry[0], models) if geometry else [],
        "ratings": ratings,
        "places": places,
        "appearing": appearance_facts(
            trajectories, settings["components"]["depth"], context["alpha"]
        ),
        "distances": distance_facts(geometry[1], models) if geometry else [],
        "decomposed": [table.model.iloc[0] for table in components],
        "losses": losses,
        "cost": provenance.get("cost", []),
        "lang": suffix,
        "other_languages": [
            {"code": code, "name": LANGUAGES[code].title, "markdown": f"report{other}.md"}
            for other, code in languages.items()
            if other != suffix
        ],
    }
    markdown = render("report.md.j2", context)
    shown = panels(
        tables,
        tokens,
        texts,
        (components, attention, typical),
        prompts if geometry else None,
        list(models),
        context["emotions"],
        context["level"],
        context["alpha"],
        context["primary"],
    )
    findings = "".join(f"{line}\n" for line in lines(context["answers"]))
    return Report(markdown, to_html(markdown, folder, shown), findings)
