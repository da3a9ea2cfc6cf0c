# Run one model over the prompts and the probe, or over one shard of them.
rule capture_activations:
    input:
        prompts=PROMPTS,
        probe=PROBE,
        manifest=model_file("manifest.json"),
        config=model_file("config.json"),
        tokenizer=model_file("tokenizer.json"),
        tokenizer_config=model_file("tokenizer_config.json"),
        weights=model_file("model.safetensors"),
    output:
        f"<results>/activations/{CAPTURE}.h5"
        if SHARDS == 1
        else temp(f"<results>/activations/{CAPTURE}.h5"),
    log:
        f"<logs>/capture_activations/{CAPTURE}.log",
    benchmark:
        f"<benchmarks>/capture_activations/{CAPTURE}.tsv"
    wildcard_constraints:
        model=one_of(CAPTURED),
    conda:
        f"../../envs/{torch_environment()}.yaml"
    threads: 8
    resources:
        mem_mb=per_attempt(6000),
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
        if SHARDS == 1
        else f"Reading shard {{wildcards.shard}} of {SHARDS} of {{wildcards.model}}"
    script:
        "../scripts/capture_activations.py"


# Put the shards of one model together, as one job would have captured it.
rule merge_shards:
    input:
        prompts=config["prompts"]["file"],
        probe=config["prompts"]["probe"],
        manifest=model_file("manifest.json"),
        tokenizer=model_file("tokenizer.json"),
        shards=shards,
    output:
        "<results>/activations/{model}.h5",
    log:
        "<logs>/merge_shards/{model}.log",
    benchmark:
        "<benchmarks>/merge_shards/{model}.tsv"
    wildcard_constraints:
        model=one_of(CAPTURED if SHARDS > 1 else []),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(2000),
        runtime=30,
    params:
        # all that the shards depend on, because they are gone when a change is looked for
        model=lookup("models/{model}", within=config),
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        suffix=config["prompts"]["suffix"],
        activations=config["activations"],
        capture=code_of("capture_activations.py"),
        code=code_of("merge_shards.py"),
    message:
        "Putting the shards of {wildcards.model} together"
    script:
        "../scripts/merge_shards.py"


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
        mem_mb=per_attempt(4000),
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
