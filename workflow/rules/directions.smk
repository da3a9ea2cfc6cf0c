# The study's emotion vectors of one model and how strong they are at each depth.
rule compute_vectors:
    input:
        "<results>/activations/{model}.h5",
    output:
        vectors="<results>/emotion_vectors/{model}_vectors.h5",
        norms="<results>/layer_norms/{model}.csv",
    log:
        "<logs>/compute_vectors/{model}.log",
    benchmark:
        "<benchmarks>/compute_vectors/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=20,
    params:
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        positions=config["activations"]["positions"],
        code=code_of("compute_vectors.py"),
    message:
        "Computing the emotion vectors of {wildcards.model}"
    script:
        "../scripts/compute_vectors.py"


# How far each token of some sentences is along each emotion, where a model can be run.
rule project_tokens:
    input:
        activations="<results>/activations/{model}.h5",
        manifest=model_file("manifest.json"),
        config=model_file("config.json"),
        tokenizer=model_file("tokenizer.json"),
        tokenizer_config=model_file("tokenizer_config.json"),
        weights=model_file("model.safetensors"),
    output:
        "<results>/token_projections/{model}.csv",
    log:
        "<logs>/project_tokens/{model}.log",
    benchmark:
        "<benchmarks>/project_tokens/{model}.tsv"
    wildcard_constraints:
        model=one_of(CAPTURED),
    conda:
        f"../../envs/{torch_environment()}.yaml"
    threads: 8
    resources:
        mem_mb=per_attempt(6000),
        runtime=30,
        gpu=int(torch_environment() == "torch-gpu"),
    params:
        model=lookup("models/{model}", within=config),
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        suffix=config["prompts"]["suffix"],
        position=config["statistics"]["position"],
        depths=config["statistics"]["depths"],
        activations=config["activations"],
        code=code_of("project_tokens.py"),
    message:
        "Projecting the tokens of {wildcards.model}"
    script:
        "../scripts/project_tokens.py"


# One table of norms for all models.
rule join_norms:
    input:
        collect("<results>/layer_norms/{model}.csv", model=MODELS),
    output:
        report(
            "<results>/layer_norms.csv",
            category="Within models",
            labels={"table": "norms by depth"},
            caption="../report/layer_norms.rst",
        ),
    log:
        "<logs>/join_norms.log",
    benchmark:
        "<benchmarks>/join_norms.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=5,
    params:
        code=code_of("join_tables.py"),
    message:
        "Joining the norms of all models"
    script:
        "../scripts/join_tables.py"
