"""What every direction, depth and strength does to the next token of every opening."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import read_json
    from emovec.io.tables import write_frame
    from emovec.prompts.openings import read_openings, read_words, word_tokens
    from emovec.steering.conditions import conditions
    from emovec.steering.steerer import load_steerer, read_outs

    paths, params = snakemake.input, snakemake.params
    openings = read_openings(paths.openings)
    steerer, encode = load_steerer(
        snakemake.wildcards.model, paths, params, openings, snakemake.threads
    )
    depths, strengths = steerer.directions.depths, sorted(params.steering["strengths"])
    if hasattr(paths, "choice"):  # carried directions go where the model's own ones were chosen
        plan = conditions(
            steerer.directions, depths, [read_json(paths.choice)["strength"]], remove=False
        )
    else:
        plan = conditions(steerer.directions, depths, strengths)
    sets = word_tokens(encode.tokenizer, read_words(paths.words, params.emotions), params.emotions)
    part = int(snakemake.wildcards.get("shard", 1)), params.steering["shards"]
    table = read_outs(steerer, plan, openings.id.tolist(), sets, part)
    write_frame(table, snakemake.output[0])
