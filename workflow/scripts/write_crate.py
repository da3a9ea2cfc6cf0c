"""Describe a finished run as a research object."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    import emovec
    import yaml
    from emovec.io.files import read_json, write_json, write_text
    from emovec.report.crate import describe, keep
    from emovec.report.provenance import compare

    paths, names, output = snakemake.input, snakemake.params.names, snakemake.output
    folder = Path(output.crate).parent
    told = read_json(paths.provenance)
    compare(folder, told["tables"])
    keep(Path(emovec.__file__).parents[2] / "Snakefile", output.workflow)
    write_text(output.config, yaml.safe_dump(told["config"], sort_keys=False, allow_unicode=True))
    for source, target, name in zip(paths.read, output.read, names, strict=True):
        keep(source, target, told["inputs"][name])
    made, [workflow, config, *read] = (
        [Path(path).relative_to(folder).as_posix() for path in some]
        for some in (
            [paths.provenance, *paths.made],
            [output.workflow, output.config, *output.read],
        )
    )
    called = {config: "configuration", **dict(zip(read, names, strict=True))}
    write_json(output.crate, describe(told, folder, made, workflow, called))
