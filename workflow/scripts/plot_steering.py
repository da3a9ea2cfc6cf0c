"""What steering does by depth and strength, by dose, and against what it costs."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import steering
    from emovec.figures.asking import asking
    from emovec.figures.style import save
    from emovec.io.files import read_json
    from emovec.io.tables import read_table
    from emovec.prompts.openings import of_half, read_openings
    from emovec.wording.language import speak

    speak(snakemake.params.language)
    paths, params, name = snakemake.input, snakemake.params, snakemake.wildcards.model
    report = of_half(read_openings(paths.openings), "report")
    effects, choice = read_table(paths.effects, "steering"), read_json(paths.choice)
    read_outs, scores = read_table(paths.read_outs, "read_outs"), read_table(paths.scores, "scores")
    read_outs = read_outs[read_outs.opening.isin(report)]
    emotions, targets = list(params.emotions), params.steering["targets"]
    drawn = {
        snakemake.output.grid: steering.grid(effects, choice, emotions, name, params.alpha),
        snakemake.output.dose: steering.dose(read_outs, choice, emotions, name, params.alpha),
        snakemake.output.cost: steering.cost(scores, choice, emotions, targets, name),
    }
    if snakemake.output.get("asking"):
        figure = asking(effects, choice, emotions, name, params.alpha)
        drawn[snakemake.output.asking] = figure
    for path, figure in drawn.items():
        save(figure, path, params.plots["dpi"])
