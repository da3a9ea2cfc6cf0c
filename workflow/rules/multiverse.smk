# The headline cosines of one model under every combination of choices.
rule vary_choices:
    input:
        activations="<results>/activations/{model}.h5",
        within="<results>/within_model/{model}.csv",
        probe=PROBE,
    output:
        "<results>/multiverse/{model}.csv",
    log:
        "<logs>/vary_choices/{model}.log",
    benchmark:
        "<benchmarks>/vary_choices/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=30,
    params:
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        positions=config["activations"]["positions"],
        alpha=config["statistics"]["alpha"],
        seed=config["seed"],
        code=code_of("vary_choices.py"),
    message:
        "Varying the choices in {wildcards.model}"
    script:
        "../scripts/vary_choices.py"


# One emotion in two models under every combination of choices.
rule vary_pairs:
    input:
        "<results>/cross_model_similarity.csv",
    output:
        "<results>/multiverse/between_models.csv",
    log:
        "<logs>/vary_pairs.log",
    benchmark:
        "<benchmarks>/vary_pairs.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        models=list(MODELS),
        depths=config["statistics"]["depths"],
        code=code_of("vary_pairs.py"),
    message:
        "Varying the choices between models"
    script:
        "../scripts/vary_pairs.py"


# One table for all models and pairs.
rule join_multiverse:
    input:
        collect("<results>/multiverse/{model}.csv", model=MODELS),
        "<results>/multiverse/between_models.csv",
    output:
        report(
            "<results>/multiverse.csv",
            category="Multiverse",
            labels={"table": "specifications"},
            caption="../report/multiverse.rst",
        ),
    log:
        "<logs>/join_multiverse.log",
    benchmark:
        "<benchmarks>/join_multiverse.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=5,
    params:
        code=code_of("join_tables.py"),
    message:
        "Joining the specifications of all models and pairs"
    script:
        "../scripts/join_tables.py"
