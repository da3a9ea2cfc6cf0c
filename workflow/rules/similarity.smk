# Geometry inside one model: every cosine and norm with its null and its interval.
rule compare_emotions:
    input:
        activations=activations_of("model"),
        probe=PROBE,
    output:
        "<results>/within_model/{model}.csv",
    log:
        "<logs>/compare_emotions/{model}.log",
    benchmark:
        "<benchmarks>/compare_emotions/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=60,
    params:
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        positions=config["activations"]["positions"],
        statistics=config["statistics"],
        seed=config["seed"],
        code=code_of("compare_emotions.py"),
    message:
        "Comparing the emotions inside {wildcards.model}"
    script:
        "../scripts/compare_emotions.py"


# One table for all models.
rule join_within_model:
    input:
        collect("<results>/within_model/{model}.csv", model=[*MODELS, *SHUFFLED]),
    output:
        report(
            "<results>/within_model_similarity.csv",
            category="Within models",
            labels={"table": "similarity"},
            caption="../report/within_model_similarity.rst",
        ),
    log:
        "<logs>/join_within_model.log",
    benchmark:
        "<benchmarks>/join_within_model.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=5,
    params:
        code=code_of("join_tables.py"),
    message:
        "Joining the comparisons inside all models"
    script:
        "../scripts/join_tables.py"
