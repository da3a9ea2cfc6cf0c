"""The study's three plots of one model."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import study
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    speak(snakemake.params.language)
    model, emotions = snakemake.wildcards.model, list(snakemake.params.emotions)
    dpi, alpha = snakemake.params.plots["dpi"], snakemake.params.alpha
    norms = read_table(snakemake.input.norms, "layer_norms")
    within = read_table(snakemake.input.similarity, "within_model_similarity")
    drawn = {
        snakemake.output.norms: study.layer_norms(norms, emotions, model),
        snakemake.output.distances: study.emotion_distances(within, emotions, model, alpha),
        snakemake.output.heatmap: study.similarity_heatmap(within, emotions, model, alpha),
    }
    for path, figure in drawn.items():
        save(figure, path, dpi)
