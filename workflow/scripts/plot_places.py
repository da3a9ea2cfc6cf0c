"""Where many emotions lie in each model, and how much of that two models share."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures.geometry import distances, distances_between, places, shared
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    speak(params.language)
    within = read_table(paths.within, "geometry")
    between = read_table(paths.between, "geometry_between")
    drawn = {
        output.places: places(within, params.models, params.alpha),
        output.shared: shared(between, params.alpha),
        output.distances: distances(within, params.models, params.alpha),
        output.distances_between: distances_between(between, params.alpha),
    }
    for path, figure in drawn.items():
        save(figure, path, params.plots["dpi"])
