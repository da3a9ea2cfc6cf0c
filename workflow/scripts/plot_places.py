"""Where many emotions lie in each model, and how much of that two models share."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures.geometry import places, shared
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    speak(params.language)
    save(
        places(read_table(paths.within, "geometry"), params.models),
        output.places,
        params.plots["dpi"],
    )
    save(
        shared(read_table(paths.between, "geometry_between"), params.alpha),
        output.shared,
        params.plots["dpi"],
    )
