"""Which heads and MLPs write the emotions of one model, and what is lost without them."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.capture import Reader
    from emovec.activations.store import open_activations
    from emovec.activations.streams import load_streams
    from emovec.components.ablation import ablations, plan_cuts
    from emovec.components.attention import attention, spans_of
    from emovec.components.decompose import decompose
    from emovec.components.looking import read_attention
    from emovec.components.parts import norm_after, parts_of, read_parts
    from emovec.components.taken_out import take_out
    from emovec.io.seeds import generator
    from emovec.io.tables import typed, write_table
    from emovec.models.depths import nearest_depth
    from emovec.prompts.openings import known_words, read_words
    from emovec.prompts.sentences import control_half, map_half, read_probe, read_prompts

    paths, params, name = snakemake.input, snakemake.params, snakemake.wildcards.model
    classes, position = [*params.emotions, params.neutral], params.position
    prompts = read_prompts(paths.prompts, params.emotions, params.neutral)
    probe = read_probe(paths.probe)
    control = control_half(probe)
    fit = map_half(probe)
    streams = load_streams(paths.activations, name, position, classes, fit, params.seed)
    stream = open_activations(paths.activations).probe(position, control.id.tolist())
    depth = nearest_depth(params.depth, streams.n_layers)

    folder = Path(paths.model[0]).parent
    reader = Reader.load(name, folder, params.model, params.activations, params.suffix)
    plans = [
        reader.plan_table(group, table, path, [position])
        for group, table, path in (
            ("prompts", prompts, paths.prompts),
            ("probe", control, paths.probe),
        )
    ]
    read = [list(read_parts(reader, plan, depth)) for plan in plans]
    tables = decompose(
        *read,
        streams,
        control,
        stream[:, depth],
        prompts,
        params.emotions,
        params.neutral,
        parts_of(depth, reader.bridge.cfg.n_heads),
        depth=depth,
        statistics=params.statistics,
        held=norm_after(reader.bridge),
        rng=generator(params.seed, "components", name),
    )
    for table, kind in zip(tables, ("components", "typical"), strict=True):
        write_table(table.assign(position=position), snakemake.output[kind], kind)

    spans = spans_of(prompts, reader.encode, params.suffix, position)
    seen = attention(
        read_attention(reader, plans[0], spans, depth), prompts, classes,
        statistics=params.statistics, rng=generator(params.seed, "attention", name),
    )  # fmt: skip
    places = {"position": position, "depth": depth, "relative_depth": depth / streams.n_layers}
    write_table(seen.assign(model=name, **places), snakemake.output.attention, "attention")

    taken = typed([], "ablations")
    if params.ablated:
        rng = generator(params.seed, "ablations", name)
        parts = parts_of(depth, reader.bridge.cfg.n_heads)
        plan = plan_cuts(
            read[0], streams, prompts, params.emotions, params.neutral, parts,
            depth=depth, ablated=params.ablated, statistics=params.statistics, rng=rng,
        )  # fmt: skip
        words = known_words(reader.encode.tokenizer, read_words(paths.words, []), params.emotions)
        without = take_out(
            reader, plan, prompts, classes, paths.prompts, position, parts, depth, words, rng
        )
        taken = ablations(
            plan, without, parts,
            alpha=params.statistics["alpha"], draws=params.statistics["permutations"], rng=rng,
        )  # fmt: skip
        taken = taken.assign(depth=depth, relative_depth=depth / streams.n_layers, model=name)
    write_table(taken.assign(position=position), snakemake.output.ablations, "ablations")
