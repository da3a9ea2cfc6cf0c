"""Score every generated text, without the model that wrote it."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.io.tables import read_table, write_table
    from emovec.prompts.openings import read_words
    from emovec.steering.judges import judge
    from emovec.steering.texts import read_texts

    texts = read_texts(snakemake.input.texts, *snakemake.input.asked)
    scores = judge(
        texts.text.tolist(), read_words(snakemake.input.words, snakemake.params.emotions)
    )
    classified = [read_table(path, "classified") for path in snakemake.input.classified]
    scored = pd.concat([texts, scores, *classified], axis=1)
    write_table(scored, snakemake.output[0], "scores")
