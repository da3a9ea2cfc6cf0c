"""The study's three plots of one model."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec import figures_study
    from emovec.figures import save
    from emovec.language import speak
    from emovec.tables import read_table

    speak(snakemake.params.language)
    model, emotions = snakemake.wildcards.model, list(snakemake.params.emotions)
    dpi, alpha = snakemake.params.plots["dpi"], snakemake.params.alpha
    norms = read_table(snakemake.input.norms)
    within = read_table(snakemake.input.similarity)
    drawn = {
        snakemake.output.norms: figures_study.layer_norms(norms, emotions, model),
        snakemake.output.distances: figures_study.emotion_distances(within, emotions, model, alpha),
        snakemake.output.heatmap: figures_study.similarity_heatmap(within, emotions, model, alpha),
    }
    for path, figure in drawn.items():
        save(figure, path, dpi)
