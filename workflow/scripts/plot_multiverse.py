"""The specification curves, inside models and between them."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.figures.multiverse import pair_specification_curve, specification_curve
    from emovec.figures.style import save
    from emovec.io.tables import read_table
    from emovec.wording.language import speak

    speak(snakemake.params.language)
    params, output = snakemake.params, snakemake.output
    table, dpi = read_table(snakemake.input[0], "multiverse"), params.plots["dpi"]
    save(
        specification_curve(table[table.model_b.isna()], params.alpha),
        output.within,
        dpi,
    )
    between = pair_specification_curve(table[table.model_b.notna()], params.emotions, params.models)
    save(between, output.between, dpi)
