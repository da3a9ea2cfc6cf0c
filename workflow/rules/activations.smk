# Run one model over the prompts and the probe.
rule capture_activations:
    input:
        prompts=PROMPTS,
        probe=PROBE,
        manifest=model_file("manifest.json"),
        config=model_file("config.json"),
        tokenizer=model_file("tokenizer.json"),
        weights=model_file("model.safetensors"),
    output:
        "<results>/activations/{model}.h5",
    log:
        "<logs>/capture_activations/{model}.log",
    benchmark:
        "<benchmarks>/capture_activations/{model}.tsv"
    wildcard_constraints:
        model=one_of(CAPTURED),
    conda:
        f"../../envs/{torch_environment()}.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=120,
        gpu=int(torch_environment() == "torch-gpu"),
    params:
        model=lookup("models/{model}", within=config),
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        suffix=config["prompts"]["suffix"],
        activations=config["activations"],
        code=code_of("capture_activations.py"),
    message:
        "Reading the residual stream of {wildcards.model}"
    script:
        "../scripts/capture_activations.py"


# Take in activations that someone else has captured.
rule import_activations:
    input:
        prompts=PROMPTS,
        probe=PROBE,
        activations=brought_file,
    output:
        "<results>/activations/{model}.h5",
    log:
        "<logs>/import_activations/{model}.log",
    benchmark:
        "<benchmarks>/import_activations/{model}.tsv"
    wildcard_constraints:
        model=one_of(BROUGHT),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        model=lookup("models/{model}", within=config),
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        positions=config["activations"]["positions"],
        code=code_of("import_activations.py"),
    message:
        "Taking in the activations of {wildcards.model}"
    script:
        "../scripts/import_activations.py"
