"""Which tokens of three sentences are read in a model, at every position."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.io.files import read_json
    from emovec.io.tables import write_table
    from emovec.prompts.positions import marked_tokens, plan_readings
    from emovec.prompts.sentences import read_prompts
    from emovec.prompts.turns import encoder_of

    paths, params, name = snakemake.input, snakemake.params, snakemake.wildcards.model
    manifest, tokenizer = paths.model
    encode = encoder_of(tokenizer, read_json(manifest), params.model, name)
    prompts = read_prompts(paths.prompts, params.emotions, params.neutral).head(3)
    ids, texts = prompts.id.tolist(), prompts.text.tolist()
    words = prompts.emotion_word.tolist() if "emotion_word" in prompts else None
    names = [f"row {key!r} of {paths.prompts}" for key in ids]
    plan = plan_readings(
        encode, texts, words, names, params.positions, params.suffix, params.mean_from
    )
    table = pd.DataFrame(marked_tokens(encode, plan, ids)).assign(model=name)
    write_table(table, snakemake.output[0], "readings")
