"""What the comparison between models says, and what it rests on."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import between_models
    from emovec.figures import maps as of_maps
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    speak(snakemake.params.language)
    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    cross = read_table(paths.cross, "cross_model_similarity")
    maps, decoding = (read_table(paths[kind], kind) for kind in ("maps", "decoding"))
    emotions = list(params.emotions)
    drawn = {
        output.ruler: between_models.ruler(cross, emotions, params.alpha, params.limits),
        output.matrices: between_models.matrices(cross, emotions),
        output.transfer: of_maps.transfer(decoding, cross, emotions, params.alpha),
        output.maps: of_maps.maps(maps, cross, emotions, params.untrained, params.alpha),
    }
    for path, figure in drawn.items():
        save(figure, path, params.plots["dpi"])
