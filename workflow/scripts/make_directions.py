"""The directions a model is steered with: its emotion vectors, and controls to compare with."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.store import open_activations
    from emovec.io.seeds import generator
    from emovec.models.depths import nearest_depths
    from emovec.prompts.sentences import attributes_of, read_probe
    from emovec.steering.directions import make_directions
    from emovec.vectors.directions import EmotionVectors

    paths, params = snakemake.input, snakemake.params
    name, settings = snakemake.wildcards.model, params.steering
    activations = open_activations(paths.activations)
    found = EmotionVectors.read(paths.vectors)
    probe = read_probe(paths.probe)
    make_directions(
        dict(zip(found.emotions, found.vectors[settings["position"]], strict=True)),
        activations.probe(settings["position"], probe.id.tolist()),
        attributes_of(probe),
        nearest_depths(settings["depths"], activations.n_layers),
        settings["controls"],
        generator(params.seed, "steering", name),
        {"model": name, "position": settings["position"], "n_layers": activations.n_layers},
    ).write(snakemake.output[0])
