"""Directions of one model carried into another by a map that was fitted on neutral sentences."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.store import open_activations
    from emovec.io.files import read_json
    from emovec.io.seeds import generator
    from emovec.models.depths import nearest_depth
    from emovec.prompts.sentences import ATTRIBUTE, read_probe
    from emovec.steering.carry import carry
    from emovec.steering.directions import make_directions
    from emovec.vectors.directions import EmotionVectors

    paths, params, names = snakemake.input, snakemake.params, snakemake.wildcards
    position, depth = params.steering["position"], read_json(paths.choice)["depth"]
    source, target = open_activations(paths.source), open_activations(paths.target)
    probe = read_probe(paths.probe)
    streams = [model.probe(position, probe.id.tolist()) for model in (source, target)]
    start = nearest_depth(depth / target.n_layers, source.n_layers)
    vectors = EmotionVectors.read(paths.vectors)
    found = make_directions(
        dict(zip(vectors.emotions, vectors.vectors[position], strict=True)),
        streams[0],
        probe[[column for column in probe if column.startswith(ATTRIBUTE)]],
        [start],
        params.steering["controls"],
        generator(params.seed, "steering", names.a, names.model),
        {
            "model": names.model,
            "source": names.a,
            "source_depth": start,
            "position": position,
            "n_layers": target.n_layers,
        },
    )
    on_map = (probe.half == "map").to_numpy()
    carry(found, streams[0][on_map, start], streams[1][on_map, depth], depth).write(
        snakemake.output[0]
    )
