# What a model's activations depend on besides files. The jobs that make shards and the job that
# joins them both state it, because the shards are gone when Snakemake looks for changes.
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
    priority: FIRST
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: THREADS
    resources:
        **needs_model(120),
    params:
        **READ,
    message:
        f"Reading the residual stream of {{wildcards.model}}{CAPTURE.said}"
    script:
        "../scripts/capture_activations.py"


# Merge the shards of one model into the file that a single job would have captured.
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
        "Merging the shards of {wildcards.model}"
    script:
        "../scripts/merge_shards.py"


# Import activations that were captured elsewhere.
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
        "Importing the activations of {wildcards.model}"
    script:
        "../scripts/import_activations.py"
