"""How far each token of some sentences is along directions fitted without their topic."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import numpy as np
    from emovec.activations.capture import Reader
    from emovec.activations.store import open_activations
    from emovec.io.tables import write_table
    from emovec.models.depths import nearest_depths
    from emovec.vectors.token_projections import projections, selected, streams

    paths, params, name = snakemake.input, snakemake.params, snakemake.wildcards.model
    activations = open_activations(paths.activations)
    depths = nearest_depths(params.depths, activations.n_layers)
    classes = [*params.emotions, params.neutral]
    residual = activations.by_class(params.position, classes)[:, :, depths]

    folder = Path(paths.model[0]).parent
    reader = Reader.load(name, folder, params.model, params.activations, params.suffix)
    prompts = selected(activations.prompts)
    names = [f"the prompt {key!r} of {paths.activations}" for key in prompts.id]
    encoded, blocks = reader.every_token(prompts.text, names, params.position)
    read = streams(blocks, encoded, depths)
    table = projections(prompts, encoded, read, residual, params.emotions)
    depth = np.asarray(depths)[table.depth]
    table = table.assign(
        model=name,
        position=params.position,
        depth=depth,
        relative_depth=depth / activations.n_layers,
    )
    write_table(table, snakemake.output[0], "token_projections")
