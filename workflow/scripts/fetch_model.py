"""Turn one source of the config into a model folder."""

from pathlib import Path

from emovec.io.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec.models.sources import fetch

    folder = Path(snakemake.output.manifest).parent
    source = snakemake.params.source
    borrows = "tokenizer" in source.get("random", {})
    fetch(
        source,
        folder,
        downloads=folder.parents[1] / "downloads",
        tokenizer_from=Path(snakemake.input[0]).parent if borrows else None,
        classifier=snakemake.params.classifier,
    )
