# The headline cosines of one model under every combination of choices.
rule vary_choices:
    input:
        activations="<results>/activations/{model}.h5",
        within="<results>/within_model/{model}.csv",
        probe=config["prompts"]["probe"],
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


# One table for all models.
rule join_multiverse:
    input:
        collect("<results>/multiverse/{model}.csv", model=MODELS),
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
        "Joining the specifications of all models"
    script:
        "../scripts/join_tables.py"
