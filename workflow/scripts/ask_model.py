"""Let a model continue the openings when it is asked for an emotion instead of steered."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import read_json
    from emovec.io.seeds import generator
    from emovec.io.tables import write_table
    from emovec.prompts.openings import read_instructions, read_openings, read_words, word_tokens
    from emovec.prompts.sentences import read_prompts
    from emovec.steering.asker import ask, with_room
    from emovec.steering.asking import to_ask
    from emovec.steering.loading import load_steerer, sampling_of

    paths, params, settings = snakemake.input, snakemake.params, snakemake.params.steering
    emotions, folder = params.emotions, Path(paths.model[0]).parent
    instructions = read_instructions(paths.instructions[0])
    prompts = read_prompts(paths.prompts, emotions, params.neutral)
    steerer, encode = load_steerer(
        snakemake.wildcards.model,
        folder,
        params.model,
        params.activations,
        settings,
        paths.directions,
        paths.openings,
    )
    openings = read_openings(paths.openings)
    openings = openings[openings.half == "report"]
    context = read_json(folder / "manifest.json")["context"]
    read, written = ask(
        steerer,
        to_ask(
            instructions,
            prompts,
            emotions,
            params.neutral,
            len(openings),
            generator(params.seed, "asking"),
            with_room(encode, openings.text.tolist(), settings["tokens"], context),
        ),
        openings,
        word_tokens(encode.tokenizer, read_words(paths.words, emotions), emotions),
        sampling_of(steerer.bridge, settings, params.seed),
        read_json(paths.choice)["depth"],
        encode,
    )
    write_table(read, snakemake.output.read_outs, "read_outs")
    write_table(written, snakemake.output.texts, "texts")
