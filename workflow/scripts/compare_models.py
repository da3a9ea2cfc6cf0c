"""One emotion in two models, or in one model and its rotated twin."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.between_models.compare import compare_files
    from emovec.between_models.pair import Plan
    from emovec.geometry.fewest import FEWEST
    from emovec.io.tables import write_table
    from emovec.prompts.sentences import read_probe, read_prompts

    paths, params, output = snakemake.input, snakemake.params, snakemake.output
    many = len(params.emotions) >= FEWEST
    similarity, maps, decoding = compare_files(
        (paths.a, paths.b),
        (snakemake.wildcards.a, snakemake.wildcards.b),
        read_prompts(paths.prompts, params.emotions, params.neutral),
        read_probe(paths.probe),
        params.positions,
        Plan.of(params.emotions, params.neutral, params.statistics, brief=many),
        params.seed,
    )
    write_table(similarity, output.similarity, "cross_model_similarity")
    write_table(maps, output.maps, "maps")
    write_table(decoding, output.decoding, "decoding")
