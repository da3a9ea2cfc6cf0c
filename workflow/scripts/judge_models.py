"""Correct the tests over all pairs of models, and give one verdict per emotion, pair and depth."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.between_models.evidence import verdicts
    from emovec.between_models.families import adjust_families
    from emovec.between_models.thresholds import Thresholds
    from emovec.io.tables import read_table, write_table

    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    settings = params.statistics

    def joined(files, kind):
        return pd.concat([read_table(path, kind) for path in files], ignore_index=True)

    similarity, decoding = adjust_families(
        joined(paths.similarity, "cross_model_similarity"),
        joined([*paths.decoding, *paths.transfer], "decoding"),
        controls=params.untrained,
    )
    maps = joined(paths.maps, "maps")
    judged = verdicts(
        similarity,
        maps,
        decoding,
        read_table(paths.within, "within_model_similarity"),
        settings["depths"],
        Thresholds(alpha=settings["alpha"], **settings["thresholds"]),
    )
    write_table(similarity, output.similarity, "cross_model_similarity")
    write_table(maps, output.maps, "maps")
    write_table(decoding, output.decoding, "decoding")
    write_table(judged, output.verdicts, "verdicts")
