"""One emotion in two models, or in one model and its rotated twin."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.activations.store import check_same_sentences, open_activations
    from emovec.activations.streams import load_streams
    from emovec.between_models.compare import compare_models
    from emovec.between_models.pair import Plan
    from emovec.between_models.raw_cosines import raw_cosines
    from emovec.between_models.thresholds import Thresholds
    from emovec.io.seeds import generator
    from emovec.io.tables import typed, write_table
    from emovec.prompts.sentences import read_probe

    paths, params = snakemake.input, snakemake.params
    names = (snakemake.wildcards.a, snakemake.wildcards.b)
    emotions, settings = list(params.emotions), params.statistics
    classes = [*emotions, params.neutral]
    probe = read_probe(paths.probe)
    check_same_sentences(list(map(open_activations, (paths.a, paths.b))))

    def streams(position):
        return [
            load_streams(path, name, position, classes, probe.id.tolist(), params.seed)
            for path, name in zip((paths.a, paths.b), names, strict=True)
        ]

    similarity = []
    for position in params.positions:
        a, b = streams(position)
        similarity.append(
            raw_cosines(names, a.residual, b.residual, emotions, position, settings["alpha"])
        )
    a, b = streams(settings["position"])
    aligned, maps, decoding = (
        typed([], kind) for kind in ("cross_model_similarity", "maps", "decoding")
    )
    if len(a.probe) and len(b.probe):  # without a probe there is nothing to fit a map on
        aligned, maps, decoding = compare_models(
            a,
            b,
            probe,
            Plan(
                emotions=emotions,
                neutral=params.neutral,
                position=settings["position"],
                relative_depths=settings["depths"],
                thresholds=Thresholds(alpha=settings["alpha"], **settings["thresholds"]),
                folds=settings["folds"],
                draws=settings["permutations"],
                shuffles=min(settings["permutations"], 999),
            ),
            generator(params.seed, "cross", *names),
        )
    write_table(
        pd.concat([*similarity, aligned]), snakemake.output.similarity, "cross_model_similarity"
    )
    write_table(maps, snakemake.output.maps, "maps")
    write_table(decoding, snakemake.output.decoding, "decoding")
