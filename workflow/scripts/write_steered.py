"""Let a model continue the openings at the depth and strength that were chosen."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import read_json
    from emovec.io.tables import write_frame
    from emovec.prompts.openings import read_openings
    from emovec.steering.conditions import UNSTEERED, conditions
    from emovec.steering.controls import CONTROLS
    from emovec.steering.directions import EMOTION
    from emovec.steering.steerer import Sampling, end_tokens, load_steerer, write_texts

    paths, params = snakemake.input, snakemake.params
    settings = params.steering
    openings = read_openings(paths.openings)
    choice = read_json(paths.choice)
    steerer, encode = load_steerer(
        snakemake.wildcards.model, paths, params, openings, snakemake.threads
    )
    at = [choice["depth"]]
    plan = [
        UNSTEERED,
        *conditions(steerer.directions, at, sorted(settings["strengths"]), kinds=[EMOTION]),
        *conditions(
            steerer.directions,
            at,
            [choice["strength"]],
            kinds=[kind for kind in CONTROLS if kind in settings["text_controls"]],
            remove=False,
        ),
    ]
    texts = write_texts(
        steerer,
        plan,
        openings.index[openings.half == "report"].tolist(),
        openings.id.tolist(),
        Sampling(
            settings["tokens"],
            settings["samples"],
            settings["temperature"],
            params.seed,
            end_tokens(steerer.bridge),
        ),
        choice["strength"],
        encode.tokenizer.decode,
        part=(int(snakemake.wildcards.get("shard", 1)), settings["shards"]),
    )
    write_frame(texts, snakemake.output[0])
