"""What would tell the classes apart without any emotion."""

from emovec.io.job import job, log

with job(snakemake.rule, snakemake.log[0]):
    from emovec.audit.audit import audit
    from emovec.io.files import write_json
    from emovec.io.tables import write_table
    from emovec.prompts.sentences import read_design, read_probe
    from emovec.prompts.tokenizer import load_encoder
    from emovec.wording.remarks import FINDINGS, told

    paths, params = snakemake.input, snakemake.params
    emotions, neutral = list(params.emotions), params.neutral
    tokenizers = {
        model: load_encoder(path, None, False, model).tokenizer
        for model, path in zip(params.models, paths.tokenizers, strict=True)
    }
    found = audit(
        read_design(paths.prompts, emotions, neutral),
        read_probe(paths.probe),
        tokenizers,
        emotions=emotions,
        neutral=neutral,
        seed=params.seed,
    )
    for finding in found.findings:
        log.warning("%s", told(FINDINGS, finding["code"], finding))
    write_json(snakemake.output.audit, found.summary)
    write_table(found.confounds, snakemake.output.confounds, "confounds")
