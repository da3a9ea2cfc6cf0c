"""Score every generated text, without the model that wrote it."""

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.judging import judge
    from emovec.openings import read_words
    from emovec.tables import read_table, write_frame

    texts = read_table(snakemake.input.texts)
    texts.text = texts.text.fillna("")
    scores = judge(
        texts.text.tolist(), read_words(snakemake.input.words, snakemake.params.emotions)
    )
    classified = map(read_table, snakemake.input.classified)
    write_frame(pd.concat([texts, scores, *classified], axis=1), snakemake.output[0])
