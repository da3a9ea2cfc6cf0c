# What tells the classes of the prompts apart without any emotion.
rule plot_audit:
    input:
        audit="<results>/prompts/audit.json",
        confounds="<results>/prompts/confounds.csv",
    output:
        report(
            "<results>/prompts/audit{lang}.png",
            category="Prompts",
            labels=labels(figure="audit"),
            caption="../report/audit.rst",
        ),
    log:
        "<logs>/plot_audit{lang}.log",
    benchmark:
        "<benchmarks>/plot_audit{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(2000),
        runtime=10,
    params:
        emotions=EMOTIONS,
        neutral=config["prompts"]["neutral"],
        plots=config["plots"],
        language=spoken,
        sentences=sentences,
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
        norms=report(
            "<results>/plots{lang}/{model}/{model}_layer_norms_l2.png",
            category="Within models",
            labels=labels(figure="norms by depth", model="{model}"),
            caption="../report/layer_norms.rst",
        ),
        distances=report(
            "<results>/plots{lang}/{model}/{model}_emotion_distances.png",
            category="Within models",
            labels=labels(figure="similarity by depth", model="{model}"),
            caption="../report/emotion_distances.rst",
        ),
        heatmap=report(
            "<results>/plots{lang}/{model}/{model}_similarity_heatmap_avg.png",
            category="Within models",
            labels=labels(figure="mean similarity", model="{model}"),
            caption="../report/similarity_heatmap.rst",
        ),
    log:
        "<logs>/plot_model{lang}/{model}.log",
    benchmark:
        "<benchmarks>/plot_model{lang}/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(2000),
        runtime=10,
    params:
        emotions=EMOTIONS,
        alpha=config["statistics"]["alpha"],
        plots=config["plots"],
        language=spoken,
        sentences=sentences,
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
        similarity=report(
            "<results>/plots{lang}/{model}/{model}_similarity_by_depth.png",
            category="Within models",
            labels=labels(figure="corrected similarity by depth", model="{model}"),
            caption="../report/similarity_by_depth.rst",
        ),
        diagnostics=report(
            "<results>/plots{lang}/{model}/{model}_diagnostics.png",
            category="Within models",
            labels=labels(figure="diagnostics by depth", model="{model}"),
            caption="../report/diagnostics.rst",
        ),
    log:
        "<logs>/plot_geometry{lang}/{model}.log",
    benchmark:
        "<benchmarks>/plot_geometry{lang}/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(2000),
        runtime=10,
    params:
        emotions=EMOTIONS,
        alpha=config["statistics"]["alpha"],
        plots=config["plots"],
        language=spoken,
        sentences=sentences,
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
        report(
            "<results>/plots{lang}/cross_model/cross_model_{emotion}.png",
            category="Between models",
            labels=labels(figure="raw cosine by depth", emotion="{emotion}"),
            caption="../report/cross_model.rst",
        ),
    log:
        "<logs>/plot_cross_model{lang}/{emotion}.log",
    benchmark:
        "<benchmarks>/plot_cross_model{lang}/{emotion}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(2000),
        runtime=10,
    params:
        models=list(MODELS),
        alpha=config["statistics"]["alpha"],
        plots=config["plots"],
        language=spoken,
        sentences=sentences,
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
        ruler=report(
            "<results>/plots{lang}/cross_model/ruler.png",
            category="Between models",
            labels=labels(figure="raw and aligned cosines"),
            caption="../report/ruler.rst",
        ),
        matrices=report(
            "<results>/plots{lang}/cross_model/matrices.png",
            category="Between models",
            labels=labels(figure="same and other emotions"),
            caption="../report/matrices.rst",
        ),
        transfer=report(
            "<results>/plots{lang}/cross_model/transfer.png",
            category="Decoding",
            labels=labels(figure="transfer between models"),
            caption="../report/transfer.rst",
        ),
        maps=report(
            "<results>/plots{lang}/cross_model/maps.png",
            category="Between models",
            labels=labels(figure="maps and depths"),
            caption="../report/maps.rst",
        ),
    log:
        "<logs>/plot_comparison{lang}.log",
    benchmark:
        "<benchmarks>/plot_comparison{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(2000),
        runtime=10,
    params:
        emotions=EMOTIONS,
        untrained=UNTRAINED,
        alpha=config["statistics"]["alpha"],
        map_p=config["statistics"]["thresholds"]["map_p"],
        plots=config["plots"],
        language=spoken,
        sentences=sentences,
        code=code_of("plot_comparison.py"),
    message:
        "Plotting the comparison between models"
    script:
        "../scripts/plot_comparison.py"


# How the headline cosines move with the choices of the analysis.
rule plot_multiverse:
    input:
        "<results>/multiverse.csv",
    output:
        within=report(
            "<results>/plots{lang}/multiverse.png",
            category="Multiverse",
            labels=labels(figure="specification curve, within models"),
            caption="../report/multiverse.rst",
        ),
        between=report(
            "<results>/plots{lang}/multiverse_pairs.png",
            category="Multiverse",
            labels=labels(figure="specification curve, between models"),
            caption="../report/multiverse_pairs.rst",
        ),
    log:
        "<logs>/plot_multiverse{lang}.log",
    benchmark:
        "<benchmarks>/plot_multiverse{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(2000),
        runtime=10,
    params:
        emotions=EMOTIONS,
        models=list(MODELS),
        alpha=config["statistics"]["alpha"],
        plots=config["plots"],
        language=spoken,
        sentences=sentences,
        code=code_of("plot_multiverse.py"),
    message:
        "Plotting the specification curves"
    script:
        "../scripts/plot_multiverse.py"
