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


# Which tokens of some sentences are read in one model.
rule mark_tokens:
    input:
        prompts=PROMPTS,
        model=tokenizer,
    output:
        "<results>/readings/{model}.csv",
    log:
        "<logs>/mark_tokens/{model}.log",
    benchmark:
        "<benchmarks>/mark_tokens/{model}.tsv"
    wildcard_constraints:
        model=one_of(CAPTURED),
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(1000, 5),
    params:
        **MODEL,
        **CLASSES,
        suffix=suffix,
        positions=config["activations"]["positions"],
        mean_from=config["activations"]["mean_from"],
        contents=contents(PROMPTS),
        code=code_of("mark_tokens.py"),
    message:
        "Marking the tokens that are read in {wildcards.model}"
    script:
        "../scripts/mark_tokens.py"
