# Geometry inside one model: every cosine and norm with its null and its interval.
rule compare_emotions:
    input:
        activations=activations_of("model"),
        prompts=PROMPTS,
        probe=PROBE,
    output:
        "<results>/within_model/{model}.csv",
    log:
        "<logs>/compare_emotions/{model}.log",
    benchmark:
        "<benchmarks>/compare_emotions/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(4000, 60),
    params:
        **CLASSES,
        positions=config["activations"]["positions"],
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE),
        code=code_of("compare_emotions.py"),
    message:
        "Comparing the emotions inside {wildcards.model}"
    script:
        "../scripts/compare_emotions.py"


# One table for all models.
use rule join_norms as join_within_model with:
    input:
        collect("<results>/within_model/{model}.csv", model=[*MODELS, *LONE_COPIES]),
    output:
        shown("<results>/within_model_similarity.csv", "Within models", table="similarity"),
    log:
        "<logs>/join_within_model.log",
    benchmark:
        "<benchmarks>/join_within_model.tsv"
    message:
        "Joining the comparisons inside all models"
