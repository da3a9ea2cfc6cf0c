# One emotion in two models, or in one model and its rotated twin.
rule compare_models:
    input:
        a=activations_of("a"),
        b=activations_of("b"),
        probe=config["prompts"]["probe"],
    output:
        similarity="<results>/cross_model/{a}__{b}.csv",
        maps="<results>/maps/{a}__{b}.csv",
        decoding="<results>/transfer/{a}__{b}.csv",
    log:
        "<logs>/compare_models/{a}__{b}.log",
    benchmark:
        "<benchmarks>/compare_models/{a}__{b}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        positions=config["activations"]["positions"],
        statistics=config["statistics"],
        seed=config["seed"],
        code=code_of("compare_models.py"),
    message:
        "Comparing {wildcards.a} with {wildcards.b}"
    script:
        "../scripts/compare_models.py"


# One table for all pairs of models.
rule join_cross_model:
    input:
        [f"<results>/cross_model/{a}__{b}.csv" for a, b in PAIRS],
    output:
        report(
            "<results>/cross_model_similarity.csv",
            category="Between models",
            labels={"table": "similarity"},
            caption="../report/cross_model_similarity.rst",
        ),
    log:
        "<logs>/join_cross_model.log",
    benchmark:
        "<benchmarks>/join_cross_model.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        code=code_of("join_tables.py"),
    message:
        "Joining the comparisons between models"
    script:
        "../scripts/join_tables.py"
