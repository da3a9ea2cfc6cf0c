# What the activations of the prompts depend on besides files. The jobs that read them and the job
# that merges them both state it, because the parts are gone when Snakemake looks for changes.
READ = {
    **CLASSES,
    "model": entry,
    "suffix": suffix,
    "activations": reading,
    "contents": contents(PROMPTS),
    "capture": code_of("capture_activations.py"),
}


# Run one model over the prompts, or over one shard of them.
rule capture_activations:
    input:
        sentences=PROMPTS,
        model=model_folder,
    output:
        temp(CAPTURE.part("<results>/activations/{model}/prompts.h5")),
    log:
        CAPTURE.part("<logs>/capture_activations/{model}.log"),
    benchmark:
        CAPTURE.part("<benchmarks>/capture_activations/{model}.tsv")
    wildcard_constraints:
        model=one_of([*CAPTURED, *READ_AS]),
    priority: FIRST
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: THREADS
    resources:
        **needs_model(120),
    params:
        **READ,
        group="prompts",
        shard=shard,
    message:
        f"Reading the prompts with {{wildcards.model}}{CAPTURE.said}"
    script:
        "../scripts/capture_activations.py"


# Likewise over the probe. What is read is kept for every experiment that reads the same in the
# same way; nothing that can differ between them may be stated here.
use rule capture_activations as capture_probe with:
    input:
        sentences=PROBE,
        model=model_folder,
    output:
        CAPTURE.part("<resources>/readings/{model}/{key}.h5"),
    log:
        CAPTURE.part("<logs>/capture_probe/{model}/{key}.log"),
    benchmark:
        CAPTURE.part("<benchmarks>/capture_probe/{model}/{key}.tsv")
    params:
        model=probing,
        emotions=None,
        neutral=None,
        activations=reading_probe,
        contents=contents(PROBE),
        group="probe",
    message:
        f"Reading the probe with {{wildcards.model}}{CAPTURE.said}"


if workflow.workflow_settings.cache is not None:
    # Snakemake shares between folders only what it makes without a benchmark
    rules.capture_probe.rule._benchmark = None


# Merge what was read of the prompts and of the probe, each perhaps in shards.
rule merge_activations:
    input:
        prompts=PROMPTS,
        probe=PROBE,
        model=tokenizer,
        prompts_read=CAPTURE.parts("<results>/activations/{model}/prompts.h5"),
        probe_read=CAPTURE.parts("<resources>/readings/{model}/{key}.h5", key=probe_key),
    output:
        "<results>/activations/{model}.h5",
    log:
        "<logs>/merge_activations/{model}.log",
    benchmark:
        "<benchmarks>/merge_activations/{model}.tsv"
    wildcard_constraints:
        model=one_of([*CAPTURED, *READ_AS]),
    priority: FIRST
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 30),
    params:
        **READ,
        code=code_of("merge_activations.py"),
    message:
        "Merging the activations of {wildcards.model}"
    script:
        "../scripts/merge_activations.py"


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
