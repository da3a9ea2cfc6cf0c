# Held-out decoding inside one model, or its label-shuffled copy.
rule decode_emotions:
    input:
        activations=activations_of("model"),
        prompts=PROMPTS,
        probe=PROBE,
    output:
        "<results>/decoding/{model}.csv",
    log:
        "<logs>/decode_emotions/{model}.log",
    benchmark:
        "<benchmarks>/decode_emotions/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(3000, 60),
    params:
        **CLASSES,
        statistics=config["statistics"],
        seed=config["seed"],
        untrained=is_untrained,
        contents=contents(PROMPTS, PROBE),
        code=code_of("decode_emotions.py"),
    message:
        "Decoding the emotions in {wildcards.model}"
    script:
        "../scripts/decode_emotions.py"


# What the same sentences give away without any model.
rule decode_texts:
    input:
        PROMPTS,
    output:
        "<results>/prompts/decoding.csv",
    log:
        "<logs>/decode_texts.log",
    benchmark:
        "<benchmarks>/decode_texts.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 20),
    params:
        **CLASSES,
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS),
        code=code_of("decode_texts.py"),
    message:
        "Decoding the emotions from the texts alone"
    script:
        "../scripts/decode_texts.py"
