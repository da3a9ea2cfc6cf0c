# What read-outs and texts depend on besides files. The jobs that make shards and those that join
# them both state it, because the shards are gone when Snakemake looks for changes.
READING = {
    **MODEL,
    "emotions": EMOTIONS,
    "activations": config["activations"],
    "steering": steering("strengths", "scope", "tokens", "shards"),
    "contents": contents(OPENINGS, WORDS),
    "reading": code_of("read_steered.py"),
}
WRITING = {
    **MODEL,
    "activations": config["activations"],
    "steering": steering(
        "strengths", "scope", "text_controls", "tokens", "samples", "temperature", "shards"
    ),
    "seed": config["seed"],
    "contents": contents(OPENINGS),
    "writing": code_of("write_steered.py"),
}
EXAMPLES = {
    **steering("scope", "text_controls", "temperature"),
    **{"openings": 4, "tokens": config["steering"]["shown_tokens"], "samples": 0, "shards": 1},
}
ASKED_TEXTS = ["<results>/steering/{model}/asked_texts.csv"] if ASKED else []


# The directions with which a model is steered: its emotions, and controls of equal length.
rule make_directions:
    input:
        activations="<results>/activations/{model}.h5",
        vectors="<results>/emotion_vectors/{model}_vectors.h5",
        probe=PROBE,
    output:
        "<results>/steering/{model}/directions.h5",
    log:
        "<logs>/make_directions/{model}.log",
    benchmark:
        "<benchmarks>/make_directions/{model}.tsv"
    priority: FIRST
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(4000, 20),
    params:
        steering=steering("position", "depths", "controls"),
        seed=config["seed"],
        contents=contents(PROBE),
        code=code_of("make_directions.py"),
    message:
        "Making the directions that {wildcards.model} is steered with"
    script:
        "../scripts/make_directions.py"


# What every direction, depth and strength does to the next token.
rule read_steered:
    input:
        directions="<results>/steering/{model}/directions.h5",
        openings=OPENINGS,
        words=WORDS,
        model=model_folder,
    output:
        STEERING.made("<results>/steering/{model}/read_outs.csv"),
    log:
        STEERING.part("<logs>/read_steered/{model}.log"),
    benchmark:
        STEERING.part("<benchmarks>/read_steered/{model}.tsv")
    priority: FIRST
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: THREADS
    resources:
        **needs_model(120),
    params:
        **READING,
    message:
        f"Steering {{wildcards.model}} at every depth and strength{STEERING.said}"
    script:
        "../scripts/read_steered.py"


# Merge the shards of a table into what a single job would have written.
use rule join_norms as join_read_outs with:
    input:
        directions="<results>/steering/{model}/directions.h5",
        openings=OPENINGS,
        words=WORDS,
        model=tokenizer,
        shards=STEERING.parts("<results>/steering/{model}/read_outs.csv"),
    output:
        "<results>/steering/{model}/read_outs.csv",
    log:
        "<logs>/join_read_outs/{model}.log",
    benchmark:
        "<benchmarks>/join_read_outs/{model}.tsv"
    wildcard_constraints:
        model=STEERING.joined(STEERED),
    params:
        **READING,
    message:
        "Merging the read-outs of {wildcards.model}"


# Depth and strength, chosen on one half of the openings.
rule choose_steering:
    input:
        read_outs="<results>/steering/{model}/read_outs.csv",
        openings=OPENINGS,
    output:
        "<results>/steering/{model}/choice.json",
    log:
        "<logs>/choose_steering/{model}.log",
    benchmark:
        "<benchmarks>/choose_steering/{model}.tsv"
    priority: FIRST
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(1000, 10),
    params:
        emotions=EMOTIONS,
        max_kl=config["steering"]["max_kl"],
        contents=contents(OPENINGS),
        code=code_of("choose_steering.py"),
    message:
        "Choosing how to steer {wildcards.model}"
    script:
        "../scripts/choose_steering.py"


# Texts at the chosen depth, on the other half of the openings.
rule write_steered:
    input:
        directions="<results>/steering/{model}/directions.h5",
        choice="<results>/steering/{model}/choice.json",
        openings=OPENINGS,
        model=model_folder,
    output:
        STEERING.made("<results>/steering/{model}/texts.csv"),
    log:
        STEERING.part("<logs>/write_steered/{model}.log"),
    benchmark:
        STEERING.part("<benchmarks>/write_steered/{model}.tsv")
    priority: FIRST
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: THREADS
    resources:
        **needs_model(120),
    params:
        **WRITING,
    message:
        f"Writing texts with {{wildcards.model}} under steering{STEERING.said}"
    script:
        "../scripts/write_steered.py"


# A few longer texts for the report: of the first openings, with nothing chosen by what they say.
use rule write_steered as show_texts with:
    output:
        "<results>/steering/{model}/shown.csv",
    log:
        "<logs>/show_texts/{model}.log",
    benchmark:
        "<benchmarks>/show_texts/{model}.tsv"
    priority: 0
    resources:
        **needs_model(20),
    params:
        **WRITING | {"steering": EXAMPLES},
    message:
        "Writing examples with {wildcards.model} under steering"


# The same for the texts.
use rule join_norms as join_texts with:
    input:
        directions="<results>/steering/{model}/directions.h5",
        choice="<results>/steering/{model}/choice.json",
        openings=OPENINGS,
        model=tokenizer,
        shards=STEERING.parts("<results>/steering/{model}/texts.csv"),
    output:
        "<results>/steering/{model}/texts.csv",
    log:
        "<logs>/join_texts/{model}.log",
    benchmark:
        "<benchmarks>/join_texts/{model}.tsv"
    wildcard_constraints:
        model=STEERING.joined(STEERED),
    params:
        **WRITING,
    message:
        "Merging the texts of {wildcards.model}"


# The same openings after an instruction or a sentence, and nothing steered.
rule ask_model:
    input:
        directions="<results>/steering/{model}/directions.h5",
        choice="<results>/steering/{model}/choice.json",
        openings=OPENINGS,
        words=WORDS,
        prompts=PROMPTS,
        instructions=INSTRUCTIONS,
        model=model_folder,
    output:
        read_outs="<results>/steering/{model}/asked.csv",
        texts="<results>/steering/{model}/asked_texts.csv",
    log:
        "<logs>/ask_model/{model}.log",
    benchmark:
        "<benchmarks>/ask_model/{model}.tsv"
    priority: FIRST
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: THREADS
    resources:
        **needs_model(60),
    params:
        **MODEL,
        **CLASSES,
        activations=config["activations"],
        steering=steering("scope", "tokens", "samples", "temperature"),
        seed=config["seed"],
        contents=contents(OPENINGS, WORDS, PROMPTS, *INSTRUCTIONS),
        code=code_of("ask_model.py"),
    message:
        "Asking {wildcards.model} instead of steering it"
    script:
        "../scripts/ask_model.py"


# Scores of every text by one text classifier.
rule classify_texts:
    input:
        texts="<results>/steering/{model}/texts.csv",
        asked=ASKED_TEXTS,
        model=classifier_folder,
    output:
        "<results>/steering/{model}/classified/{classifier}.csv",
    log:
        "<logs>/classify_texts/{model}_{classifier}.log",
    benchmark:
        "<benchmarks>/classify_texts/{model}_{classifier}.tsv"
    conda:
        f"../../envs/{TORCH}.yaml"
    threads: THREADS
    resources:
        **needs_model(60),
    params:
        classifier=lookup("{classifier}", within=CLASSIFIERS),
        device=config["activations"]["device"],
        code=code_of("classify_texts.py"),
    message:
        "Classifying the texts of {wildcards.model} with {wildcards.classifier}"
    script:
        "../scripts/classify_texts.py"


# Scores of every text, by judges that are independent of the model.
rule judge_texts:
    input:
        texts="<results>/steering/{model}/texts.csv",
        asked=ASKED_TEXTS,
        words=WORDS,
        classified=collect(
            "<results>/steering/{{model}}/classified/{classifier}.csv", classifier=CLASSIFIERS
        ),
    output:
        "<results>/steering/{model}/scores.csv",
    log:
        "<logs>/judge_texts/{model}.log",
    benchmark:
        "<benchmarks>/judge_texts/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 20),
    params:
        emotions=EMOTIONS,
        contents=contents(WORDS),
        code=code_of("judge_texts.py"),
    message:
        "Judging the texts of {wildcards.model}"
    script:
        "../scripts/judge_texts.py"


# Another model's directions, carried over by a map that was fitted on neutral sentences.
rule carry_directions:
    input:
        source="<results>/activations/{a}.h5",
        target="<results>/activations/{model}.h5",
        vectors="<results>/emotion_vectors/{a}_vectors.h5",
        probe=PROBE,
        choice="<results>/steering/{model}/choice.json",
    output:
        "<results>/steering/{model}/from_{a}.h5",
    log:
        "<logs>/carry_directions/{model}_from_{a}.log",
    benchmark:
        "<benchmarks>/carry_directions/{model}_from_{a}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(4000, 20),
    params:
        steering=steering("position", "controls"),
        seed=config["seed"],
        contents=contents(PROBE),
        code=code_of("carry_directions.py"),
    message:
        "Carrying the directions of {wildcards.a} into {wildcards.model}"
    script:
        "../scripts/carry_directions.py"


# What carried directions do to the next token.
use rule read_steered as read_carried with:
    input:
        directions="<results>/steering/{model}/from_{a}.h5",
        choice="<results>/steering/{model}/choice.json",
        openings=OPENINGS,
        words=WORDS,
        model=model_folder,
    output:
        STEERING.made("<results>/steering/{model}/from_{a}.csv"),
    log:
        STEERING.part("<logs>/read_carried/{model}_from_{a}.log"),
    benchmark:
        STEERING.part("<benchmarks>/read_carried/{model}_from_{a}.tsv")
    message:
        f"Steering {{wildcards.model}} with the directions of {{wildcards.a}}{STEERING.said}"


# The same for the effects of carried directions.
use rule join_read_outs as join_carried with:
    input:
        directions="<results>/steering/{model}/from_{a}.h5",
        choice="<results>/steering/{model}/choice.json",
        openings=OPENINGS,
        words=WORDS,
        model=tokenizer,
        shards=STEERING.parts("<results>/steering/{model}/from_{a}.csv"),
    output:
        "<results>/steering/{model}/from_{a}.csv",
    log:
        "<logs>/join_carried/{model}_from_{a}.log",
    benchmark:
        "<benchmarks>/join_carried/{model}_from_{a}.tsv"
    message:
        "Merging the effects of the directions of {wildcards.a} in {wildcards.model}"


# Effects with their intervals and nulls.
rule estimate_steering:
    input:
        directions="<results>/steering/{model}/directions.h5",
        read_outs="<results>/steering/{model}/read_outs.csv",
        scores="<results>/steering/{model}/scores.csv",
        asked=["<results>/steering/{model}/asked.csv"] if ASKED else [],
        choice="<results>/steering/{model}/choice.json",
        openings=OPENINGS,
        carried_directions=carried("h5"),
        carried=carried("csv"),
    output:
        shown("<results>/steering/{model}.csv", "Steering", table="effects", caption="steering"),
    log:
        "<logs>/estimate_steering/{model}.log",
    benchmark:
        "<benchmarks>/estimate_steering/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 20),
    params:
        emotions=EMOTIONS,
        steering=steering("position", "scope", "targets", "classifiers", "max_empty"),
        alpha=config["statistics"]["alpha"],
        contents=contents(OPENINGS),
        code=code_of("estimate_steering.py"),
    message:
        "Estimating the effects of steering in {wildcards.model}"
    script:
        "../scripts/estimate_steering.py"


# Effects by depth and strength, by dose, against what they cost, and beside those of asking.
rule plot_steering:
    input:
        effects="<results>/steering/{model}.csv",
        read_outs="<results>/steering/{model}/read_outs.csv",
        scores="<results>/steering/{model}/scores.csv",
        choice="<results>/steering/{model}/choice.json",
        openings=OPENINGS,
    output:
        **{
            kind: shown(
                f"<results>/plots{{lang}}/steering/{{model}}_{kind}.png",
                "Steering",
                figure=kind.replace("_", " "),
                caption="steering",
            )
            for kind in ["grid", "dose", "cost", *(["asking"] if ASKED else [])]
        },
    log:
        "<logs>/plot_steering{lang}/{model}.log",
    benchmark:
        "<benchmarks>/plot_steering{lang}/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        steering=steering("targets"),
        alpha=config["statistics"]["alpha"],
        contents=contents(OPENINGS),
        code=code_of("plot_steering.py"),
    message:
        "Plotting the effects of steering in {wildcards.model}"
    script:
        "../scripts/plot_steering.py"
