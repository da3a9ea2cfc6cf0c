# What a model's activations depend on besides files: stated by the jobs that make shards of them
# and by the one that joins these, because shards are gone when a change is looked for.
READ = {
    **MODEL,
    **CLASSES,
    "suffix": suffix,
    "activations": config["activations"],
    "contents": contents(PROMPTS, PROBE),
    "capture": code_of("capture_activations.py"),
}


# Run one model over the prompts and the probe, or over one shard of them.
rule capture_activations:
    input:
        prompts=PROMPTS,
        probe=PROBE,
        model=model_folder,
    output:
        CAPTURE.made("<results>/activations/{model}.h5"),
    log:
        CAPTURE.part("<logs>/capture_activations/{model}.log"),
    benchmark:
        CAPTURE.part("<benchmarks>/capture_activations/{model}.tsv")
    wildcard_constraints:
        model=one_of(CAPTURED),
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: 8
    resources:
        **needs(6000, 120, **GPU),
    params:
        **READ,
    message:
        f"Reading the residual stream of {{wildcards.model}}{CAPTURE.said}"
    script:
        "../scripts/capture_activations.py"


# Put the shards of one model together, as one job would have captured it.
rule merge_shards:
    input:
        prompts=PROMPTS,
        probe=PROBE,
        model=tokenizer,
        shards=CAPTURE.parts("<results>/activations/{model}.h5"),
    output:
        "<results>/activations/{model}.h5",
    log:
        "<logs>/merge_shards/{model}.log",
    benchmark:
        "<benchmarks>/merge_shards/{model}.tsv"
    wildcard_constraints:
        model=CAPTURE.joined(CAPTURED),
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 30),
    params:
        **READ,
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
    resources:
        **needs(4000, 30),
    params:
        **MODEL,
        **CLASSES,
        suffix=config["prompts"]["suffix"],
        positions=config["activations"]["positions"],
        contents=contents(PROMPTS, PROBE),
        code=code_of("import_activations.py"),
    message:
        "Taking in the activations of {wildcards.model}"
    script:
        "../scripts/import_activations.py"
