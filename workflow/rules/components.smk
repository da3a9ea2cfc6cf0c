# Which heads and MLPs write the emotions, at one depth and position of a model.
rule decompose_stream:
    input:
        activations="<results>/activations/{model}.h5",
        model=model_folder,
        prompts=PROMPTS,
        probe=PROBE,
    output:
        shown(
            "<results>/components/{model}.csv", "Components", table="shares", caption="components"
        ),
    log:
        "<logs>/decompose_stream/{model}.log",
    benchmark:
        "<benchmarks>/decompose_stream/{model}.tsv"
    wildcard_constraints:
        model=one_of(DECOMPOSED),
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: 8
    resources:
        **needs(6000, 60, **GPU),
    params:
        **MODEL,
        **CLASSES,
        suffix=suffix,
        position=config["components"]["position"],
        depth=config["components"]["depth"],
        activations=config["activations"],
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE),
        code=code_of("decompose_stream.py"),
    message:
        "Taking the stream of {wildcards.model} apart"
    script:
        "../scripts/decompose_stream.py"


# A map of the heads and MLPs of one model.
rule plot_components:
    input:
        "<results>/components/{model}.csv",
    output:
        shown(
            "<results>/plots{lang}/{model}/{model}_components.png",
            "Components",
            figure="heads and MLPs",
        ),
    log:
        "<logs>/plot_components{lang}/{model}.log",
    benchmark:
        "<benchmarks>/plot_components{lang}/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        alpha=config["statistics"]["alpha"],
        code=code_of("plot_components.py"),
    message:
        "Plotting the heads and MLPs of {wildcards.model}"
    script:
        "../scripts/plot_components.py"
