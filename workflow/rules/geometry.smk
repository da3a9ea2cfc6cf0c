# The places of many emotions inside one model, and whether they predict how people rate the words.
rule estimate_geometry:
    input:
        activations="<results>/activations/{model}.h5",
        prompts=PROMPTS,
        probe=PROBE,
        ratings=RATINGS,
    output:
        table="<results>/geometry/{model}.csv",
        matrices="<results>/geometry/{model}.h5",
    log:
        "<logs>/estimate_geometry/{model}.log",
    benchmark:
        "<benchmarks>/estimate_geometry/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(3000, 20),
    params:
        **CLASSES,
        positions=config["activations"]["positions"],
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE, *RATINGS),
        code=code_of("estimate_geometry.py"),
    message:
        "Measuring where the emotions lie in {wildcards.model}"
    script:
        "../scripts/estimate_geometry.py"


# How much of this arrangement two models share, and how much of it goes beyond the text.
rule compare_geometry:
    input:
        a=activations_of("a"),
        b=activations_of("b"),
        prompts=PROMPTS,
        probe=PROBE,
        ratings=RATINGS,
    output:
        "<results>/geometry/{a}__{b}.csv",
    log:
        "<logs>/compare_geometry/{a}__{b}.log",
    benchmark:
        "<benchmarks>/compare_geometry/{a}__{b}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(4000, 60),
    params:
        **CLASSES,
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE, *RATINGS),
        code=code_of("compare_geometry.py"),
    message:
        "Comparing where the emotions lie in {wildcards.a} and {wildcards.b}"
    script:
        "../scripts/compare_geometry.py"


# Correct over all pairs; one verdict per pair.
rule judge_geometry:
    input:
        within=collect("<results>/geometry/{model}.csv", model=MODELS),
        between=[f"<results>/geometry/{a}__{b}.csv" for a, b in MODEL_PAIRS],
        verdicts="<results>/verdicts.csv",
    output:
        within=shown("<results>/geometry.csv", "Geometry", table="inside models"),
        between=shown("<results>/geometry_between.csv", "Geometry", table="between models"),
    log:
        "<logs>/judge_geometry.log",
    benchmark:
        "<benchmarks>/judge_geometry.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(1000, 5),
    params:
        statistics=config["statistics"],
        code=code_of("judge_geometry.py"),
    message:
        "Judging what the models share of the geometry"
    script:
        "../scripts/judge_geometry.py"


# Figures of both.
rule plot_places:
    input:
        within="<results>/geometry.csv",
        between="<results>/geometry_between.csv",
    output:
        places=shown("<results>/plots{lang}/geometry/places.png", "Geometry", figure="places"),
        shared=shown(
            "<results>/plots{lang}/geometry/shared.png",
            "Geometry",
            figure="shared places",
            caption="geometry_between",
        ),
        distances=shown(
            "<results>/plots{lang}/geometry/distances.png", "Geometry", figure="distances"
        ),
        distances_between=shown(
            "<results>/plots{lang}/geometry/distances_between.png",
            "Geometry",
            figure="distances between models",
        ),
    log:
        "<logs>/plot_places{lang}.log",
    benchmark:
        "<benchmarks>/plot_places{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        models=list(MODELS),
        alpha=config["statistics"]["alpha"],
        code=code_of("plot_places.py"),
    message:
        "Plotting where the emotions lie"
    script:
        "../scripts/plot_places.py"
