# One emotion in two models, or in one model and its rotated twin.
rule compare_models:
    input:
        a=activations_of("a"),
        b=activations_of("b"),
        prompts=PROMPTS,
        probe=PROBE,
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
    resources:
        **needs(4000, 60),
    params:
        **CLASSES,
        positions=config["activations"]["positions"],
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE),
        code=code_of("compare_models.py"),
    message:
        "Comparing {wildcards.a} with {wildcards.b}"
    script:
        "../scripts/compare_models.py"


# Correct over all pairs; one verdict per emotion and pair.
rule judge_models:
    input:
        similarity=[f"<results>/cross_model/{a}__{b}.csv" for a, b in PAIRS],
        maps=[f"<results>/maps/{a}__{b}.csv" for a, b in PAIRS],
        transfer=[f"<results>/transfer/{a}__{b}.csv" for a, b in PAIRS],
        decoding=[
            "<results>/prompts/decoding.csv",
            *collect("<results>/decoding/{model}.csv", model=[*MODELS, *LONE_COPIES]),
        ],
    output:
        similarity=shown(
            "<results>/cross_model_similarity.csv", "Between models", table="similarity"
        ),
        maps=shown("<results>/maps.csv", "Between models", table="maps"),
        decoding=shown("<results>/decoding.csv", "Decoding", table="held-out decoding"),
        verdicts=shown("<results>/verdicts.csv", "Between models", table="verdicts"),
    log:
        "<logs>/judge_models.log",
    benchmark:
        "<benchmarks>/judge_models.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        statistics=config["statistics"],
        untrained=UNTRAINED,
        code=code_of("judge_models.py"),
    message:
        "Judging what the models share"
    script:
        "../scripts/judge_models.py"


# The figures in the study's report beside those of this run.
rule compare_published:
    input:
        within="<results>/within_model_similarity.csv",
        cross="<results>/cross_model_similarity.csv",
    output:
        shown("<results>/published_comparison.csv", "Multiverse", table="published and this run"),
    log:
        "<logs>/compare_published.log",
    benchmark:
        "<benchmarks>/compare_published.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(1000, 5),
    params:
        code=code_of("compare_published.py", "robustness/published.csv"),
    message:
        "Comparing with the published figures"
    script:
        "../scripts/compare_published.py"
