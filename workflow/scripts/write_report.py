"""The written report, as Markdown and as one page."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.explorer.explore import panels
    from emovec.explorer.texts import written_texts
    from emovec.io.files import read_json, write_text
    from emovec.io.tables import read_table
    from emovec.prompts.openings import read_openings
    from emovec.prompts.positions import POSITIONS
    from emovec.registry import titles
    from emovec.report.contents import describe
    from emovec.report.page import to_html
    from emovec.report.render import render
    from emovec.report.steering import describe_steering
    from emovec.report.summary import three_lines
    from emovec.wording.language import LANGUAGES, speak

    paths, params = snakemake.input, snakemake.params
    speak(params.language)
    kinds = {
        "norms": "layer_norms",
        "within": "within_model_similarity",
        "cross": "cross_model_similarity",
        **{kind: kind for kind in ("maps", "decoding", "verdicts", "published", "multiverse")},
    }
    tables = {name: read_table(paths[name], kind) for name, kind in kinds.items()}
    context = describe(
        read_json(paths.provenance),
        read_json(paths.audit),
        tables,
        models=list(params.models),
        untrained=list(params.untrained),
    )
    settings = context["provenance"]["config"]
    alpha = settings["statistics"]["alpha"]
    targets = settings["steering"]["targets"]
    openings = [read_openings(path) for path in paths.steering_openings]
    steering, texts = [], []
    for effects, scored, choice in zip(
        paths.steering, paths.steering_scores, paths.steering_choices, strict=True
    ):
        scores = read_table(scored, "scores")
        model = describe_steering(
            read_table(effects, "steering"),
            scores,
            read_json(choice),
            openings[0],
            context["emotions"],
            targets,
            alpha,
            settings["steering"]["classifiers"],
        )
        steering.append(model)
        texts.append(written_texts(scores, openings[0], model["name"], targets))
    context["glance"] += [model["glance"] for model in steering]
    lang = snakemake.wildcards.lang
    others = [
        {"code": code, "name": LANGUAGES[code].title, "markdown": f"report{suffix}.md"}
        for suffix, code in params.languages.items()
        if suffix != lang
    ]
    context |= {
        "titles": titles(POSITIONS),
        "steering": steering,
        "lang": lang,
        "other_languages": others,
    }
    text = render("report.md.j2", context)
    write_text(snakemake.output.markdown, text)
    shown = panels(
        tables,
        [read_table(path, "token_projections") for path in paths.tokens],
        texts,
        list(params.models),
        context["emotions"],
        context["level"],
        context["primary"],
    )
    folder = Path(snakemake.output.markdown).parent
    write_text(snakemake.output.html, to_html(text, folder, shown))
    write_text(
        snakemake.output.findings,
        "\n".join(three_lines(context, tables["verdicts"], steering)) + "\n",
    )
