"""How far tokens are along directions fitted without their topic: of some sentences, and of all."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.capture import Reader
    from emovec.activations.streams import load_streams
    from emovec.components.trajectories import Grid, Ruler, lined_up, trajectories
    from emovec.io.seeds import generator
    from emovec.io.tables import write_table
    from emovec.models.depths import middle, nearest_depths
    from emovec.prompts.sentences import control_half, read_probe, read_prompts
    from emovec.vectors.token_projections import (
        Scales,
        keeping,
        projections,
        selected,
        typical_topics,
    )

    paths, params, name = snakemake.input, snakemake.params, snakemake.wildcards.model
    classes, position = [*params.emotions, params.neutral], params.position
    prompts = read_prompts(paths.prompts, params.emotions, params.neutral)
    control = control_half(read_probe(paths.probe))
    streams = load_streams(
        paths.activations, name, position, classes, control.id.tolist(), params.seed
    )
    depths = nearest_depths(params.depths, streams.n_layers)
    rng = generator(params.seed, "trajectories", name)

    folder = Path(paths.model[0]).parent
    reader = Reader.load(name, folder, params.model, params.activations, params.suffix)
    names = [f"row {key!r} of {paths.prompts}" for key in prompts.id]
    encoded, read = reader.every_token(prompts.text.tolist(), names, position)
    typical = typical_topics(streams.residual[:, :, middle(depths)].astype(float))
    shown = selected(prompts, typical)
    kept = dict.fromkeys(shown.index)
    usual = {"neutral": params.neutral is not None}
    ruler = Ruler.of(control, streams.probe, streams.residual, rng, **usual)
    grid = Grid.like(encoded[0], len(prompts.text[0]), position)
    scales = Scales(streams.residual, **usual)
    values = lined_up(keeping(read, kept, depths), encoded, prompts, scales, ruler, grid)
    table = trajectories(
        values, prompts, classes, streams.residual, ruler, grid,
        primary=depths, statistics=params.statistics, rng=rng,
    )  # fmt: skip
    tokens = projections(
        shown, [encoded[row] for row in kept], list(kept.values()),
        Scales(streams.residual[:, :, depths], **usual), params.emotions, params.neutral,
    )  # fmt: skip
    tokens = tokens.assign(depth=[depths[depth] for depth in tokens.depth])
    for kind, one in (("trajectories", table), ("token_projections", tokens)):
        relative = one.depth.astype(float) / streams.n_layers
        one = one.assign(model=name, position=position, relative_depth=relative)
        write_table(one, snakemake.output[kind], kind)
