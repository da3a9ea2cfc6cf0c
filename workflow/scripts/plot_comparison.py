"""What the comparison between models says, and what it rests on."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec import figures_cross
    from emovec.figures import save
    from emovec.language import speak
    from emovec.tables import read_table

    speak(snakemake.params.language)
    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    cross, maps, decoding = map(read_table, (paths.cross, paths.maps, paths.decoding))
    emotions = list(params.emotions)
    drawn = {
        output.ruler: figures_cross.ruler(cross, emotions, params.alpha),
        output.matrices: figures_cross.matrices(cross, emotions),
        output.transfer: figures_cross.transfer(decoding, emotions, params.alpha),
        output.maps: figures_cross.maps(maps, cross, emotions, params.untrained, params.map_p),
    }
    for path, figure in drawn.items():
        save(figure, path, params.plots["dpi"])
