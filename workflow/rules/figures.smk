# What distinguishes the classes of the prompts without any emotion.
rule plot_audit:
    input:
        audit="<results>/prompts/audit.json",
        confounds="<results>/prompts/confounds.csv",
    output:
        shown("<results>/prompts/audit{lang}.png", "Prompts", figure="audit"),
    log:
        "<logs>/plot_audit{lang}.log",
    benchmark:
        "<benchmarks>/plot_audit{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **CLASSES,
        **DRAWING,
        code=code_of("plot_audit.py"),
    message:
        "Plotting the audit of the prompts"
    script:
        "../scripts/plot_audit.py"


# The study's three plots of one model.
rule plot_model:
    input:
        norms="<results>/layer_norms/{model}.csv",
        similarity="<results>/within_model/{model}.csv",
    output:
        norms=shown(
            "<results>/plots{lang}/{model}/{model}_layer_norms_l2.png",
            "Within models",
            figure="norms by depth",
            caption="layer_norms",
        ),
        distances=shown(
            "<results>/plots{lang}/{model}/{model}_emotion_distances.png",
            "Within models",
            figure="similarity by depth",
        ),
        heatmap=shown(
            "<results>/plots{lang}/{model}/{model}_similarity_heatmap_avg.png",
            "Within models",
            figure="mean similarity",
        ),
    log:
        "<logs>/plot_model{lang}/{model}.log",
    benchmark:
        "<benchmarks>/plot_model{lang}/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        alpha=config["statistics"]["alpha"],
        code=code_of("plot_model.py"),
    message:
        "Plotting {wildcards.model}"
    script:
        "../scripts/plot_model.py"


# Corrected cosines by depth in one model, and what could distort them.
rule plot_geometry:
    input:
        within="<results>/within_model/{model}.csv",
        shuffled="<results>/within_model/{model}@shuffled.csv",
    output:
        similarity=shown(
            "<results>/plots{lang}/{model}/{model}_similarity_by_depth.png",
            "Within models",
            figure="corrected similarity by depth",
        ),
        diagnostics=shown(
            "<results>/plots{lang}/{model}/{model}_diagnostics.png",
            "Within models",
            figure="diagnostics by depth",
        ),
    log:
        "<logs>/plot_geometry{lang}/{model}.log",
    benchmark:
        "<benchmarks>/plot_geometry{lang}/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        alpha=config["statistics"]["alpha"],
        code=code_of("plot_geometry.py"),
    message:
        "Plotting the geometry of {wildcards.model}"
    script:
        "../scripts/plot_geometry.py"


# The study's plot of one emotion across models.
rule plot_cross_model:
    input:
        "<results>/cross_model_similarity.csv",
    output:
        shown(
            "<results>/plots{lang}/cross_model/cross_model_{emotion}.png",
            "Between models",
            figure="raw cosine by depth",
        ),
    log:
        "<logs>/plot_cross_model{lang}/{emotion}.log",
    benchmark:
        "<benchmarks>/plot_cross_model{lang}/{emotion}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotion=lambda wildcards: next(e for e in SLUGS if SLUGS[e] == wildcards.emotion),
        models=list(MODELS),
        alpha=config["statistics"]["alpha"],
        code=code_of("plot_cross_model.py"),
    message:
        "Plotting {wildcards.emotion} across models"
    script:
        "../scripts/plot_cross_model.py"


# What the comparison between models says, and what it rests on.
rule plot_comparison:
    input:
        cross="<results>/cross_model_similarity.csv",
        maps="<results>/maps.csv",
        decoding="<results>/decoding.csv",
    output:
        ruler=shown(
            "<results>/plots{lang}/cross_model/ruler.png",
            "Between models",
            figure="cosines between models",
        ),
        matrices=shown(
            "<results>/plots{lang}/cross_model/matrices.png",
            "Between models",
            figure="same and other emotions",
        ),
        transfer=shown(
            "<results>/plots{lang}/cross_model/transfer.png",
            "Decoding",
            figure="transfer between models",
        ),
        maps=shown(
            "<results>/plots{lang}/cross_model/maps.png",
            "Between models",
            figure="maps and depths",
        ),
    log:
        "<logs>/plot_comparison{lang}.log",
    benchmark:
        "<benchmarks>/plot_comparison{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        untrained=UNTRAINED,
        alpha=config["statistics"]["alpha"],
        limits=config["statistics"]["thresholds"],
        code=code_of("plot_comparison.py"),
    message:
        "Plotting the comparison between models"
    script:
        "../scripts/plot_comparison.py"


# How alike two emotions are, all models side by side.
rule plot_similarity:
    input:
        "<results>/within_model_similarity.csv",
    output:
        shown(
            "<results>/plots{lang}/similarity.png",
            "Within models",
            figure="similarity in all models",
        ),
    log:
        "<logs>/plot_similarity{lang}.log",
    benchmark:
        "<benchmarks>/plot_similarity{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        models=list(MODELS),
        untrained=UNTRAINED,
        position=config["statistics"]["position"],
        alpha=config["statistics"]["alpha"],
        code=code_of("plot_similarity.py"),
    message:
        "Plotting the similarity of emotions in all models"
    script:
        "../scripts/plot_similarity.py"


# How the headline cosines change with the choices of the analysis.
rule plot_multiverse:
    input:
        choices="<results>/multiverse.csv",
        ways="<results>/ways.csv",
    output:
        within=shown(
            "<results>/plots{lang}/multiverse.png",
            "Multiverse",
            figure="choices of analysis, within models",
        ),
        between=shown(
            "<results>/plots{lang}/multiverse_pairs.png",
            "Multiverse",
            figure="choices of analysis, between models",
        ),
        ways=shown(
            "<results>/plots{lang}/multiverse_ways.png",
            "Multiverse",
            figure="ways to find a direction",
        ),
    log:
        "<logs>/plot_multiverse{lang}.log",
    benchmark:
        "<benchmarks>/plot_multiverse{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        models=list(MODELS),
        untrained=UNTRAINED,
        position=config["statistics"]["position"],
        alpha=config["statistics"]["alpha"],
        margin=config["statistics"]["thresholds"]["margin"],
        code=code_of("plot_multiverse.py"),
    message:
        "Plotting the choices of analysis"
    script:
        "../scripts/plot_multiverse.py"


# The first screen of the report: a picture for each question, and one for slides.
rule plot_answers:
    input:
        within="<results>/within_model_similarity.csv",
        cross="<results>/cross_model_similarity.csv",
        steering=collect("<results>/steering/{model}.csv", model=STEERED),
        choices=collect("<results>/steering/{model}/choice.json", model=STEERED),
    output:
        hero=shown("<results>/plots{lang}/answers/hero.png", "Answers", figure="in one figure"),
        apart=shown("<results>/plots{lang}/answers/apart.png", "Answers", figure="kept apart?"),
        shared=shown("<results>/plots{lang}/answers/shared.png", "Answers", figure="shared?"),
        act=shown("<results>/plots{lang}/answers/act.png", "Answers", figure="do they act?"),
        where=shown("<results>/plots{lang}/answers/where.png", "Answers", figure="where?"),
    log:
        "<logs>/plot_answers{lang}.log",
    benchmark:
        "<benchmarks>/plot_answers{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        **DRAWING,
        emotions=EMOTIONS,
        # untrained models are left out, unless there are no others
        models=[name for name in MODELS if name not in UNTRAINED] or list(MODELS),
        statistics=config["statistics"],
        code=code_of("plot_answers.py"),
    message:
        "Plotting the answers"
    script:
        "../scripts/plot_answers.py"


# The figures the report shows for a run, for each model and for each steered model. They are paths,
# not outputs of rules, which cannot be expanded under a default storage provider.
RUN_PLOTS = [
    *collect(
        "<results>/plots{{lang}}/geometry/{kind}.png",
        kind=["places", "shared", "distances", "distances_between"] if MANY else [],
    ),
    "<results>/prompts/audit{lang}.png",
    *collect(
        "<results>/plots{{lang}}/answers/{kind}.png",
        kind=["hero", "apart", "shared", "act", "where"],
    ),
    *collect(
        "<results>/plots{{lang}}/cross_model/{kind}.png",
        kind=["ruler", "matrices", "transfer", "maps"],
    ),
    "<results>/plots{lang}/similarity.png",
    "<results>/plots{lang}/multiverse.png",
    "<results>/plots{lang}/multiverse_pairs.png",
    "<results>/plots{lang}/multiverse_ways.png",
]
MODEL_PLOTS = collect(
    "<results>/plots{{lang}}/{{model}}/{{model}}_{kind}.png",
    kind=[
        "layer_norms_l2",
        "emotion_distances",
        "similarity_heatmap_avg",
        "similarity_by_depth",
        "diagnostics",
    ],
)
STEERING_PLOTS = collect(
    "<results>/plots{{lang}}/steering/{{model}}_{kind}.png",
    kind=["grid", "dose", "cost", *(["asking"] if ASKED else [])],
)
