"""Emotion vectors of one model, as the study defined them, and their norms."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import numpy as np
    import pandas as pd
    from emovec.activations.store import open_activations
    from emovec.io.tables import write_table
    from emovec.vectors.directions import EmotionVectors, chance_norm, emotion_vectors, norms

    emotions = list(snakemake.params.emotions)
    classes = [*emotions, snakemake.params.neutral]
    activations = open_activations(snakemake.input[0])
    vectors, tables = {}, []
    for position in snakemake.params.positions:
        residual = activations.by_class(position, classes)
        vectors[position] = emotion_vectors(residual)
        chance = chance_norm(residual)
        depths = np.arange(residual.shape[2])
        for norm, values in norms(vectors[position]).items():
            for emotion, value, expected in zip(emotions, values, chance, strict=True):
                # noise has a known expected squared length, hence a chance level for L2 alone
                tables.append(
                    pd.DataFrame(
                        {
                            "model": activations.model,
                            "position": position,
                            "depth": depths,
                            "relative_depth": depths / activations.n_layers,
                            "emotion": emotion,
                            "norm": norm,
                            "value": value,
                            "chance": expected if norm == "l2" else np.nan,
                            "flag": "",
                        }
                    )
                )
    write_table(pd.concat(tables), snakemake.output.norms, "layer_norms")
    kept = ("model", "architecture", "n_layers", "d_model", "space", "weights_sha256", "license")
    metadata = {key: activations.attributes[key] for key in kept if key in activations.attributes}
    EmotionVectors(metadata, emotions, vectors).write(snakemake.output.vectors)
