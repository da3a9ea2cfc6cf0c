"""The written report, as Markdown and as one page."""

from pathlib import Path

from emovec.job import job

with job(snakemake.rule, snakemake.log[0]):
    from emovec import report
    from emovec.figures import POSITION_TITLES
    from emovec.files import read_json, write_text
    from emovec.tables import read_table

    paths, params = snakemake.input, snakemake.params
    norms, within, cross = map(read_table, (paths.norms, paths.within, paths.cross))
    context = report.describe(
        read_json(paths.provenance),
        read_json(paths.audit),
        norms,
        within,
        cross,
        models=list(params.models),
    )
    text = report.render("report.en.md.j2", context | {"titles": POSITION_TITLES})
    write_text(snakemake.output.markdown, text)
    folder = Path(snakemake.output.markdown).parent
    write_text(snakemake.output.html, report.to_html(text, folder))
