# What would tell the classes apart without any emotion.
rule audit_prompts:
    input:
        unpack(tokenizers),
        prompts=PROMPTS,
        probe=PROBE,
    output:
        audit="<results>/prompts/audit.json",
        confounds=report(
            "<results>/prompts/confounds.csv",
            category="Prompts",
            labels={"table": "confounds"},
            caption="../report/confounds.rst",
        ),
    log:
        "<logs>/audit_prompts.log",
    benchmark:
        "<benchmarks>/audit_prompts.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(2000),
        runtime=15,
    params:
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        seed=config["seed"],
        models=CAPTURED,
        code=code_of("audit_prompts.py"),
    message:
        "Auditing the prompts"
    script:
        "../scripts/audit_prompts.py"
