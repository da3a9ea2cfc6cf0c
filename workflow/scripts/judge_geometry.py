"""Join the geometry of all models, correct over all pairs, and give one verdict per pair."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.between_models.thresholds import Thresholds
    from emovec.geometry.between import judge_geometry
    from emovec.io.tables import join_tables, read_table, typed, write_table

    paths, output, settings = snakemake.input, snakemake.output, snakemake.params.statistics
    join_tables(paths.within, output.within)
    within = read_table(output.within, "geometry")
    found = [read_table(path, "geometry_between") for path in paths.between]
    judged = judge_geometry(
        pd.concat([typed([], "geometry_between"), *found], ignore_index=True),
        within,
        read_table(paths.verdicts, "verdicts"),
        Thresholds(alpha=settings["alpha"], **settings["thresholds"]),
    )
    write_table(judged, output.between, "geometry_between")
