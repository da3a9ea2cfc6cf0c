"""Record what was run."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import write_json
    from emovec.report.provenance import record

    paths = snakemake.input
    write_json(
        snakemake.output[0],
        record(
            snakemake.params.config,
            paths.prompts,
            paths.probe,
            list(paths.manifests),
            list(paths.activations),
            Path(snakemake.scriptdir),
        ),
    )
