"""The written report, as Markdown and as one page."""

from pathlib import Path

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import POSITION_TITLES
    from emovec.files import read_json, write_text
    from emovec.findings import describe
    from emovec.findings_steering import describe_steering
    from emovec.openings import read_openings
    from emovec.report import render, to_html
    from emovec.tables import read_table

    paths, params = snakemake.input, snakemake.params
    names = (
        *("norms", "within", "cross", "maps", "decoding"),
        *("verdicts", "published", "multiverse"),
    )
    context = describe(
        read_json(paths.provenance),
        read_json(paths.audit),
        {name: read_table(paths[name]) for name in names},
        models=list(params.models),
        untrained=list(params.untrained),
    )
    settings = context["provenance"]["config"]
    alpha = settings["statistics"]["alpha"]
    steering = [
        describe_steering(
            read_table(effects),
            read_table(scores),
            read_json(choice),
            read_openings(paths.steering_openings[0]),
            context["emotions"],
            settings["steering"]["targets"],
            alpha,
        )
        for effects, scores, choice in zip(
            paths.steering, paths.steering_scores, paths.steering_choices, strict=True
        )
    ]
    context["glance"] += [model["glance"] for model in steering]
    context |= {"titles": POSITION_TITLES, "steering": steering}
    text = render("report.en.md.j2", context)
    write_text(snakemake.output.markdown, text)
    folder = Path(snakemake.output.markdown).parent
    write_text(snakemake.output.html, to_html(text, folder))
