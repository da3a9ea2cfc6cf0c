"""The written report, as Markdown and as one page."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import read_json, write_text
    from emovec.io.tables import read_table
    from emovec.prompts.openings import read_openings
    from emovec.prompts.sentences import read_prompts
    from emovec.report.provenance import compare
    from emovec.report.report import Steered, make_report
    from emovec.steering.texts import read_texts
    from emovec.wording.language import speak

    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    speak(params.language)
    provenance = read_json(paths.provenance)
    classes = provenance["config"]["prompts"]
    compare(Path(paths.provenance).parent, provenance["tables"])
    kinds = {
        "norms": "layer_norms",
        "within": "within_model_similarity",
        "cross": "cross_model_similarity",
        **{kind: kind for kind in ("maps", "decoding", "verdicts", "published")},
        **{kind: kind for kind in ("multiverse", "ways")},
    }
    tables = {name: read_table(paths[name], kind) for name, kind in kinds.items()}
    if paths.precision:
        tables["precision"] = read_table(paths.precision[0], "precision")
    steered = zip(
        paths.steering,
        paths.steering_scores,
        paths.steering_choices,
        paths.steering_shown,
        strict=True,
    )
    report = make_report(
        tables,
        provenance,
        read_json(paths.audit),
        [read_table(path, "token_projections") for path in paths.tokens],
        [
            Steered(
                read_table(effects, "steering"),
                read_table(scores, "scores"),
                read_json(choice),
                read_texts(shown),
            )
            for effects, scores, choice, shown in steered
        ],
        read_openings(paths.steering_openings[0]) if paths.steering_openings else None,
        models=params.models,
        untrained=params.untrained,
        languages=params.languages,
        trajectories=[read_table(path, "trajectories") for path in paths.trajectories],
        readings=[read_table(path, "readings") for path in paths.readings],
        components=[read_table(path, "components") for path in paths.components],
        attention=[read_table(path, "attention") for path in paths.attention],
        typical=[read_table(path, "typical") for path in paths.typical],
        geometry=(
            (
                read_table(paths.geometry[0], "geometry"),
                read_table(paths.geometry_between[0], "geometry_between"),
            )
            if paths.geometry
            else None
        ),
        ablations=[read_table(path, "ablations") for path in paths.ablations],
        prompts=read_prompts(
            paths.prompts,
            *(provenance["config"]["prompts"][key] for key in ("emotions", "neutral")),
        ),
        suffix=snakemake.wildcards.lang,
        folder=Path(output.markdown).parent,
    )
    write_text(output.markdown, report.markdown)
    write_text(output.html, report.html)
    write_text(output.findings, report.findings)
