"""Let a model continue the openings at the depth and strength that were chosen."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import read_json
    from emovec.io.tables import write_table
    from emovec.prompts.openings import read_openings
    from emovec.steering.conditions import to_show, to_write
    from emovec.steering.loading import load_steerer, sampling_of
    from emovec.steering.steerer import write_texts

    paths, params, settings = snakemake.input, snakemake.params, snakemake.params.steering
    choice, openings = read_json(paths.choice), read_openings(paths.openings)
    steerer, encode = load_steerer(
        snakemake.wildcards.model,
        Path(paths.model[0]).parent,
        params.model,
        params.activations,
        settings,
        paths.directions,
        paths.openings,
    )
    controls, directions = settings["text_controls"], steerer.directions
    texts = write_texts(
        steerer,
        to_write(directions, settings["strengths"], controls, choice)
        if "strengths" in settings
        else to_show(directions, controls, choice),
        openings.index[openings.half == "report"].tolist()[: settings.get("openings")],
        openings.id.tolist(),
        sampling_of(steerer.bridge, settings, params.seed),
        choice["strength"],
        encode.tokenizer.decode,
        part=(int(snakemake.wildcards.get("shard", 1)), settings["shards"]),
    )
    write_table(texts, snakemake.output[0], "texts")
