"""Record what was run."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.io.files import read_json, write_json
    from emovec.report.cost import costs
    from emovec.report.provenance import digests, kept, record

    paths, params, path = snakemake.input, snakemake.params, Path(snakemake.output[0])
    told = record(
        params.config,
        paths.prompts,
        paths.probe,
        dict(zip(params.others, paths.others, strict=True)),
        list(paths.manifests),
        list(paths.activations),
        Path(snakemake.scriptdir),
    )
    told |= {"code": params.tabulating, "tables": digests(path.parent, paths.tables)}
    told |= {"cost": costs(Path(snakemake.log[0]).parent / "benchmarks")}
    write_json(path, kept(read_json(path), told) if path.exists() else told)
