# The headline cosines of one model under every combination of choices.
rule vary_choices:
    input:
        activations="<results>/activations/{model}.h5",
        within="<results>/within_model/{model}.csv",
        others=in_other_formats,
        prompts=PROMPTS,
        probe=PROBE,
    output:
        "<results>/multiverse/{model}.csv",
    log:
        "<logs>/vary_choices/{model}.log",
    benchmark:
        "<benchmarks>/vary_choices/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(4000, 30),
    params:
        **CLASSES,
        positions=config["activations"]["positions"],
        precisions=other_formats,
        alpha=config["statistics"]["alpha"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE),
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
    resources:
        **needs(1000, 5),
    params:
        models=list(MODELS),
        depths=config["statistics"]["depths"],
        code=code_of("vary_pairs.py"),
    message:
        "Varying the choices between models"
    script:
        "../scripts/vary_pairs.py"


# The headline numbers of one model under every way to find a direction.
rule vary_ways:
    input:
        activations=["<results>/activations/{model}.h5"],
        prompts=PROMPTS,
        probe=PROBE,
    output:
        "<results>/ways/{model}.csv",
    log:
        "<logs>/vary_ways/{model}.log",
    benchmark:
        "<benchmarks>/vary_ways/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(3000, 20),
    params:
        **CLASSES,
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE),
        code=code_of("vary_ways.py"),
    message:
        "Finding the directions in other ways in {wildcards.model}"
    script:
        "../scripts/vary_ways.py"


# One emotion in two models under every way.
use rule vary_ways as compare_ways with:
    input:
        activations=["<results>/activations/{a}.h5", "<results>/activations/{b}.h5"],
        prompts=PROMPTS,
        probe=PROBE,
    output:
        "<results>/ways/{a}__{b}.csv",
    log:
        "<logs>/compare_ways/{a}__{b}.log",
    benchmark:
        "<benchmarks>/compare_ways/{a}__{b}.tsv"
    message:
        "Finding the directions in other ways in {wildcards.a} and {wildcards.b}"


# The headline numbers of one model in other number formats.
rule vary_precision:
    input:
        activations=["<results>/activations/{model}.h5"],
        others=in_other_formats,
        prompts=PROMPTS,
        probe=PROBE,
    output:
        "<results>/precision/{model}.csv",
    log:
        "<logs>/vary_precision/{model}.log",
    benchmark:
        "<benchmarks>/vary_precision/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(4000, 20),
    params:
        **CLASSES,
        precisions=other_formats,
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE),
        code=code_of("vary_precision.py"),
    message:
        "Varying the number format of {wildcards.model}"
    script:
        "../scripts/vary_precision.py"


# One emotion in two models, both in another number format.
use rule vary_precision as compare_precision with:
    input:
        activations=["<results>/activations/{a}.h5", "<results>/activations/{b}.h5"],
        others=in_other_formats,
        prompts=PROMPTS,
        probe=PROBE,
    output:
        "<results>/precision/{a}__{b}.csv",
    log:
        "<logs>/compare_precision/{a}__{b}.log",
    benchmark:
        "<benchmarks>/compare_precision/{a}__{b}.tsv"
    message:
        "Varying the number format of {wildcards.a} and {wildcards.b}"


# One table for all models and pairs.
use rule join_norms as join_precision with:
    input:
        collect("<results>/precision/{model}.csv", model=VARIED),
        [f"<results>/precision/{a}__{b}.csv" for a, b in VARIED_PAIRS],
    output:
        shown("<results>/precision.csv", "Multiverse", table="number formats"),
    log:
        "<logs>/join_precision.log",
    benchmark:
        "<benchmarks>/join_precision.tsv"
    message:
        "Joining what other number formats give"


# One table for all models and pairs.
use rule join_norms as join_ways with:
    input:
        collect("<results>/ways/{model}.csv", model=MODELS),
        [f"<results>/ways/{a}__{b}.csv" for a, b in MODEL_PAIRS],
    output:
        shown("<results>/ways.csv", "Multiverse", table="ways to find a direction"),
    log:
        "<logs>/join_ways.log",
    benchmark:
        "<benchmarks>/join_ways.tsv"
    message:
        "Joining what other ways to find a direction give"


# One table for all models and pairs.
use rule join_norms as join_multiverse with:
    input:
        collect("<results>/multiverse/{model}.csv", model=MODELS),
        "<results>/multiverse/between_models.csv",
    output:
        shown("<results>/multiverse.csv", "Multiverse", table="specifications"),
    log:
        "<logs>/join_multiverse.log",
    benchmark:
        "<benchmarks>/join_multiverse.tsv"
    message:
        "Joining the specifications of all models and pairs"
