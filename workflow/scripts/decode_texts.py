"""What classifiers reach on the same sentences without any model."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.decoding.table import decode_texts
    from emovec.io.seeds import generator
    from emovec.io.tables import write_table
    from emovec.prompts.sentences import read_prompts

    params = snakemake.params
    table = decode_texts(
        read_prompts(snakemake.input[0], params.emotions, params.neutral),
        params.emotions,
        params.neutral,
        n_folds=params.statistics["folds"],
        alpha=params.statistics["alpha"],
        rng=generator(params.seed, "decoding", "texts"),
    )
    write_table(table, snakemake.output[0], "decoding")
