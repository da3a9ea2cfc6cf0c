"""Record what was run."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import write_json
    from emovec.report.provenance import record

    paths, config = snakemake.input, snakemake.params.config
    write_json(
        snakemake.output[0],
        record(
            config,
            {config["prompts"]["file"]: paths.prompts, config["prompts"]["probe"]: paths.probe},
            list(paths.manifests),
            list(paths.activations),
            Path(snakemake.scriptdir),
        ),
    )
