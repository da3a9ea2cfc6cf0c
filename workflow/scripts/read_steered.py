"""What every direction, depth and strength does to the next token of every opening."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import read_json
    from emovec.io.tables import write_table
    from emovec.prompts.openings import read_openings, read_words, word_tokens
    from emovec.steering.conditions import to_read
    from emovec.steering.loading import load_steerer
    from emovec.steering.steerer import read_outs

    paths, params, emotions = snakemake.input, snakemake.params, snakemake.params.emotions
    steerer, encode = load_steerer(
        snakemake.wildcards.model,
        Path(paths.model[0]).parent,
        params.model,
        params.activations,
        params.steering,
        paths.directions,
        paths.openings,
    )
    choice = read_json(paths.choice) if paths.get("choice") else None
    openings = read_openings(paths.openings)
    table = read_outs(
        steerer,
        to_read(steerer.directions, params.steering["strengths"], choice),
        openings.id.tolist(),
        word_tokens(encode.tokenizer, read_words(paths.words, emotions), emotions),
        part=(int(snakemake.wildcards.get("shard", 1)), params.steering["shards"]),
        reported=openings.index[openings.half == "report"].tolist(),
    )
    write_table(table, snakemake.output[0], "read_outs")
