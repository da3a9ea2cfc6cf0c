"""Let a model continue a few openings at length, at the depth and strength that were chosen."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import read_json
    from emovec.io.tables import write_table
    from emovec.prompts.openings import read_openings
    from emovec.steering.conditions import SHOWN, to_show
    from emovec.steering.loading import load_steerer, sampling_of
    from emovec.steering.steerer import write_texts

    paths, params = snakemake.input, snakemake.params
    settings = params.steering | {"tokens": params.steering["shown_tokens"], "samples": 0}
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
    texts = write_texts(
        steerer,
        to_show(steerer.directions, settings["text_controls"], choice),
        openings.index[openings.half == "report"].tolist()[:SHOWN],
        openings.id.tolist(),
        sampling_of(steerer.bridge, settings, params.seed),
        choice["strength"],
        encode.tokenizer.decode,
    )
    write_table(texts, snakemake.output[0], "texts")
