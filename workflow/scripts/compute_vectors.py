"""Emotion vectors of one model, as the study defined them, and their norms."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import pandas as pd
    from emovec.activations.store import open_activations
    from emovec.io.tables import write_table
    from emovec.vectors.directions import EmotionVectors, emotion_vectors, norm_table

    emotions = list(snakemake.params.emotions)
    activations = open_activations(snakemake.input[0])
    vectors, tables = {}, []
    for position in snakemake.params.positions:
        residual = activations.by_class(position, [*emotions, snakemake.params.neutral])
        vectors[position] = emotion_vectors(residual)
        table = norm_table(vectors[position], residual, emotions)
        tables.append(table.assign(model=activations.model, position=position, flag=""))
    write_table(pd.concat(tables), snakemake.output.norms, "layer_norms")
    kept = ("model", "architecture", "n_layers", "d_model", "space", "weights_sha256", "license")
    metadata = {key: activations.attributes[key] for key in kept if key in activations.attributes}
    EmotionVectors(metadata, emotions, vectors).write(snakemake.output.vectors)
