"""What choices of analysis change, and what other ways to find a direction give."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures.multiverse import choices_between, choices_within
    from emovec.figures.style import save
    from emovec.figures.ways import ways
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    speak(snakemake.params.language)
    params, output = snakemake.params, snakemake.output
    table, models = read_table(snakemake.input.choices, "multiverse"), params.models
    within, between = table[table.model_b.isna()], table[table.model_b.notna()]
    drawn = {
        output.within: choices_within(within, params.position, params.untrained),
        output.between: choices_between(between, params.emotions, models, params.untrained),
        output.ways: ways(
            read_table(snakemake.input.ways, "ways"),
            models,
            params.untrained,
            params.alpha,
            params.margin,
        ),
    }
    for path, figure in drawn.items():
        save(figure, path, params.plots["dpi"])
