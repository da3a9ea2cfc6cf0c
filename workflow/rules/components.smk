# Which heads and MLPs write the emotions at one depth and position, and what is lost without them.
rule decompose_stream:
    input:
        activations="<results>/activations/{model}.h5",
        model=model_folder,
        prompts=PROMPTS,
        probe=PROBE,
        words=WORDS if ABLATED else [],
    output:
        components=shown(
            "<results>/components/{model}.csv", "Components", table="shares", caption="components"
        ),
        typical="<results>/typical/{model}.csv",
        attention=shown(
            "<results>/attention/{model}.csv", "Components", table="attention", caption="attention"
        ),
        ablations=shown(
            "<results>/ablations/{model}.csv", "Components", table="losses", caption="ablations"
        ),
    log:
        "<logs>/decompose_stream/{model}.log",
    benchmark:
        "<benchmarks>/decompose_stream/{model}.tsv"
    wildcard_constraints:
        model=one_of(DECOMPOSED),
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: THREADS
    resources:
        **needs_model(60),
    params:
        **MODEL,
        **CLASSES,
        suffix=suffix,
        position=config["components"]["position"],
        depth=config["components"]["depth"],
        ablated=config["components"]["ablated"],
        activations=config["activations"],
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE, *([WORDS] if ABLATED else [])),
        code=code_of("decompose_stream.py"),
    message:
        "Decomposing the stream of {wildcards.model}"
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


# What heads write against what they look at.
rule plot_attention:
    input:
        components="<results>/components/{model}.csv",
        attention="<results>/attention/{model}.csv",
    output:
        shown(
            "<results>/plots{lang}/{model}/{model}_attention.png",
            "Components",
            figure="shares and attention",
        ),
    log:
        "<logs>/plot_attention{lang}/{model}.log",
    benchmark:
        "<benchmarks>/plot_attention{lang}/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        alpha=config["statistics"]["alpha"],
        code=code_of("plot_attention.py"),
    message:
        "Plotting what heads of {wildcards.model} look at"
    script:
        "../scripts/plot_attention.py"


# Shares of heads and MLPs, compared with what is lost without them.
rule plot_ablations:
    input:
        "<results>/ablations/{model}.csv",
    output:
        shown(
            "<results>/plots{lang}/{model}/{model}_ablations.png",
            "Components",
            figure="shares and losses",
        ),
    log:
        "<logs>/plot_ablations{lang}/{model}.log",
    benchmark:
        "<benchmarks>/plot_ablations{lang}/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        alpha=config["statistics"]["alpha"],
        code=code_of("plot_ablations.py"),
    message:
        "Plotting shares and losses of {wildcards.model}"
    script:
        "../scripts/plot_ablations.py"


# How far each token is along each emotion, where a model can be run: of some sentences, and where
# in all of them an emotion appears.
rule project_tokens:
    input:
        activations="<results>/activations/{model}.h5",
        model=model_folder,
        prompts=PROMPTS,
        probe=PROBE,
    output:
        token_projections="<results>/token_projections/{model}.csv",
        trajectories=shown(
            "<results>/trajectories/{model}.csv",
            "Components",
            table="places of a sentence",
            caption="trajectories",
        ),
    log:
        "<logs>/project_tokens/{model}.log",
    benchmark:
        "<benchmarks>/project_tokens/{model}.tsv"
    wildcard_constraints:
        model=one_of(CAPTURED),
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: THREADS
    resources:
        **needs_model(30),
    params:
        **MODEL,
        **CLASSES,
        suffix=suffix,
        position=config["statistics"]["position"],
        depths=config["statistics"]["depths"],
        activations=config["activations"],
        statistics=config["statistics"],
        seed=config["seed"],
        contents=contents(PROMPTS, PROBE),
        code=code_of("project_tokens.py"),
    message:
        "Projecting the tokens of {wildcards.model}"
    script:
        "../scripts/project_tokens.py"


# Where in a sentence the emotions appear in one model.
rule plot_trajectories:
    input:
        "<results>/trajectories/{model}.csv",
    output:
        shown(
            "<results>/plots{lang}/{model}/{model}_trajectories.png",
            "Components",
            figure="places of a sentence",
        ),
    log:
        "<logs>/plot_trajectories{lang}/{model}.log",
    benchmark:
        "<benchmarks>/plot_trajectories{lang}/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        alpha=config["statistics"]["alpha"],
        depth=config["components"]["depth"],
        code=code_of("plot_trajectories.py"),
    message:
        "Plotting where the emotions appear in {wildcards.model}"
    script:
        "../scripts/plot_trajectories.py"
