"""Corrected cosines by depth in one model, and what could distort them."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec import figures_within
    from emovec.figures import save
    from emovec.language import speak
    from emovec.tables import read_table

    speak(snakemake.params.language)
    model, params = snakemake.wildcards.model, snakemake.params
    within, shuffled = map(read_table, (snakemake.input.within, snakemake.input.shuffled))
    emotions = list(params.emotions)
    drawn = {
        snakemake.output.similarity: figures_within.similarity_by_depth(
            within, emotions, model, params.alpha
        ),
        snakemake.output.diagnostics: figures_within.diagnostics(within, shuffled, emotions, model),
    }
    for path, figure in drawn.items():
        save(figure, path, params.plots["dpi"])
