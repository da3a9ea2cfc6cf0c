"""What steering does by depth and strength, by dose, and against what it costs."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import steering
    from emovec.figures.style import save
    from emovec.io.files import read_json
    from emovec.io.tables import read_table
    from emovec.prompts.openings import read_openings
    from emovec.wording.language import speak

    speak(snakemake.params.language)
    paths, params = snakemake.input, snakemake.params
    name, dpi = snakemake.wildcards.model, params.plots["dpi"]
    effects, choice = read_table(paths.effects, "steering"), read_json(paths.choice)
    openings = read_openings(paths.openings)
    report = openings.id[openings.half == "report"].tolist()
    read_outs = read_table(paths.read_outs, "read_outs")
    read_outs = read_outs[read_outs.opening.isin(report)]
    emotions, targets = list(params.emotions), params.steering["targets"]
    save(steering.grid(effects, choice, emotions, name), snakemake.output.grid, dpi)
    save(
        steering.dose(read_outs, choice, emotions, name, params.alpha),
        snakemake.output.dose,
        dpi,
    )
    save(
        steering.cost(read_table(paths.scores, "scores"), choice, emotions, targets, name),
        snakemake.output.cost,
        dpi,
    )
