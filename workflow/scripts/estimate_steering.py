"""Effects of steering one model, each with its interval and its nulls."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import read_json
    from emovec.io.tables import read_table, write_table
    from emovec.prompts.openings import of_half, read_openings
    from emovec.steering.changes import check_texts
    from emovec.steering.directions import Directions
    from emovec.steering.effects import steering_table
    from emovec.steering.judges import TARGETED

    paths, params = snakemake.input, snakemake.params
    settings = params.steering
    scores = read_table(paths.scores, "scores")
    check_texts(scores, settings["max_empty"], paths.scores)
    own = Directions.read(paths.directions)
    carried = {
        Directions.read(path).metadata["source"]: read_table(table, "read_outs")
        for path, table in zip(paths.carried_directions, paths.carried, strict=True)
    }
    table = steering_table(
        read_table(paths.read_outs, "read_outs"),
        scores,
        carried,
        of_half(read_openings(paths.openings), "report"),
        read_json(paths.choice),
        params.emotions,
        {TARGETED.name: settings["targets"]}
        | {name: judge["targets"] for name, judge in settings["classifiers"].items()},
        params.alpha,
        *(read_table(path, "read_outs") for path in paths.asked),
    )
    last = own.metadata["n_layers"]
    write_table(
        table.assign(
            model=snakemake.wildcards.model,
            source=table.source.fillna(snakemake.wildcards.model),
            position=settings["position"],
            scope=settings["scope"],
            relative_depth=table.depth / last,
        ),
        snakemake.output[0],
        "steering",
    )
