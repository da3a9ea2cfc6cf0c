"""What steering does by depth and strength, by dose, and against what it costs."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec import figures_steering
    from emovec.figures import save
    from emovec.files import read_json
    from emovec.language import speak
    from emovec.openings import read_openings
    from emovec.tables import read_table

    speak(snakemake.params.language)
    paths, params = snakemake.input, snakemake.params
    name, dpi = snakemake.wildcards.model, params.plots["dpi"]
    effects, choice = read_table(paths.effects), read_json(paths.choice)
    openings = read_openings(paths.openings)
    report = openings.id[openings.half == "report"].tolist()
    read_outs = read_table(paths.read_outs)
    read_outs = read_outs[read_outs.opening.isin(report)]
    emotions, targets = list(params.emotions), params.steering["targets"]
    save(figures_steering.grid(effects, choice, emotions, name), snakemake.output.grid, dpi)
    save(
        figures_steering.dose(read_outs, choice, emotions, name, params.alpha),
        snakemake.output.dose,
        dpi,
    )
    save(
        figures_steering.cost(read_table(paths.scores), choice, emotions, targets, name),
        snakemake.output.cost,
        dpi,
    )
