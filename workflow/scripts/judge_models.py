"""Correct the tests over all pairs of models, and give one verdict per emotion and pair."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.between_models.thresholds import Thresholds
    from emovec.between_models.verdict import judge_models
    from emovec.io.tables import join_tables, read_table, write_table

    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    settings = params.statistics

    def joined(files, kind):
        return pd.concat([read_table(path, kind) for path in files], ignore_index=True)

    similarity, decoding, verdicts = judge_models(
        joined(paths.similarity, "cross_model_similarity"),
        joined([*paths.decoding, *paths.transfer], "decoding"),
        Thresholds(alpha=settings["alpha"], **settings["thresholds"]),
        params.untrained,
    )
    write_table(similarity, output.similarity, "cross_model_similarity")
    join_tables(paths.maps, output.maps)
    write_table(decoding, output.decoding, "decoding")
    write_table(verdicts, output.verdicts, "verdicts")
