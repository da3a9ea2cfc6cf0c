# The study's emotion vectors of one model and how strong they are at each depth.
rule compute_vectors:
    input:
        "<results>/activations/{model}.h5",
    output:
        vectors="<results>/emotion_vectors/{model}_vectors.h5",
        norms="<results>/layer_norms/{model}.csv",
    log:
        "<logs>/compute_vectors/{model}.log",
    benchmark:
        "<benchmarks>/compute_vectors/{model}.tsv"
    priority: FIRST
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(4000, 20),
    params:
        **CLASSES,
        positions=config["activations"]["positions"],
        code=code_of("compute_vectors.py"),
    message:
        "Computing the emotion vectors of {wildcards.model}"
    script:
        "../scripts/compute_vectors.py"


# One table of norms for all models.
rule join_norms:
    input:
        collect("<results>/layer_norms/{model}.csv", model=MODELS),
    output:
        shown("<results>/layer_norms.csv", "Within models", table="norms by depth"),
    log:
        "<logs>/join_norms.log",
    benchmark:
        "<benchmarks>/join_norms.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(1000, 5),
    params:
        code=code_of("join_tables.py"),
    message:
        "Joining the norms of all models"
    script:
        "../scripts/join_tables.py"
