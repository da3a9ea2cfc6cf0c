"""Corrected cosines by depth in one model, and what could distort them."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures import within_model
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    speak(snakemake.params.language)
    model, params = snakemake.wildcards.model, snakemake.params
    within, shuffled = (
        read_table(path, "within_model_similarity")
        for path in (snakemake.input.within, snakemake.input.shuffled)
    )
    emotions = list(params.emotions)
    drawn = {
        snakemake.output.similarity: within_model.similarity_by_depth(
            within, emotions, model, params.alpha
        ),
        snakemake.output.diagnostics: within_model.diagnostics(within, shuffled, emotions, model),
    }
    for path, figure in drawn.items():
        save(figure, path, params.plots["dpi"])
