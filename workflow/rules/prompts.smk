# What could distinguish the classes without any emotion.
rule audit_prompts:
    input:
        tokenizers=[folder_of(MODELS[name]["source"])[1] for name in CAPTURED],
        prompts=PROMPTS,
        probe=PROBE,
    output:
        audit="<results>/prompts/audit.json",
        confounds=shown("<results>/prompts/confounds.csv", "Prompts", table="confounds"),
    log:
        "<logs>/audit_prompts.log",
    benchmark:
        "<benchmarks>/audit_prompts.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 15),
    params:
        **CLASSES,
        seed=config["seed"],
        models=CAPTURED,
        contents=contents(PROMPTS, PROBE),
        code=code_of("audit_prompts.py"),
    message:
        "Auditing the prompts"
    script:
        "../scripts/audit_prompts.py"
