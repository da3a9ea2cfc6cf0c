"""The specification curves, inside models and between them."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec import multiverse, multiverse_pairs
    from emovec.figures import save
    from emovec.figures_multiverse import pair_specification_curve, specification_curve
    from emovec.language import speak
    from emovec.tables import read_table

    speak(snakemake.params.language)
    params, output = snakemake.params, snakemake.output
    table, dpi = read_table(snakemake.input[0]), params.plots["dpi"]
    save(
        specification_curve(table[table.model_b.isna()], multiverse.CHOICES, params.alpha),
        output.within,
        dpi,
    )
    between = pair_specification_curve(
        table[table.model_b.notna()], multiverse_pairs.CHOICES, params.emotions, params.models
    )
    save(between, output.between, dpi)
