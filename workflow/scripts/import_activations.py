"""Take in activations that someone else has captured: check them and put them in order."""

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.activations.brought import adopt
    from emovec.activations.store import open_activations
    from emovec.io.files import sha256, whole
    from emovec.prompts.sentences import read_probe, read_prompts

    paths, params = snakemake.input, snakemake.params
    with whole(snakemake.output[0]) as part:
        adopt(
            open_activations(paths.activations),
            part,
            model=snakemake.wildcards.model,
            prompts=read_prompts(paths.prompts, params.emotions, params.neutral),
            probe=read_probe(paths.probe),
            positions=list(params.positions),
            said={
                **params.model,
                "suffix": params.suffix,
                "prompts_sha256": sha256(paths.prompts),
                "probe_sha256": sha256(paths.probe),
            },
        )
