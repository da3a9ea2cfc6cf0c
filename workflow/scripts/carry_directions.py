"""Directions of one model carried into another by a map that was fitted on neutral sentences."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.store import open_activations
    from emovec.io.files import read_json
    from emovec.io.seeds import generator
    from emovec.prompts.sentences import read_probe
    from emovec.steering.carry import carried
    from emovec.vectors.directions import EmotionVectors

    paths, params, names = snakemake.input, snakemake.params, snakemake.wildcards
    carried(
        open_activations(paths.source),
        open_activations(paths.target),
        EmotionVectors.read(paths.vectors),
        read_probe(paths.probe),
        position=params.steering["position"],
        depth=read_json(paths.choice)["depth"],
        controls=params.steering["controls"],
        rng=generator(params.seed, "steering", names.a, names.model),
    ).write(snakemake.output[0])
