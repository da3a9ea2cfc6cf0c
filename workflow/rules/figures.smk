# The study's three plots of one model.
rule plot_model:
    input:
        norms="<results>/layer_norms/{model}.csv",
        similarity="<results>/within_model/{model}.csv",
    output:
        norms=report(
            "<results>/plots/{model}/{model}_layer_norms_l2.png",
            category="Within models",
            labels={"figure": "norms by depth", "model": "{model}"},
            caption="../report/layer_norms.rst",
        ),
        distances=report(
            "<results>/plots/{model}/{model}_emotion_distances.png",
            category="Within models",
            labels={"figure": "similarity by depth", "model": "{model}"},
            caption="../report/emotion_distances.rst",
        ),
        heatmap=report(
            "<results>/plots/{model}/{model}_similarity_heatmap_avg.png",
            category="Within models",
            labels={"figure": "mean similarity", "model": "{model}"},
            caption="../report/similarity_heatmap.rst",
        ),
    log:
        "<logs>/plot_model/{model}.log",
    benchmark:
        "<benchmarks>/plot_model/{model}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        emotions=EMOTIONS,
        plots=config["plots"],
        code=code_of("plot_model.py"),
    message:
        "Plotting {wildcards.model}"
    script:
        "../scripts/plot_model.py"


# The study's plot of one emotion across models.
rule plot_cross_model:
    input:
        "<results>/cross_model_similarity.csv",
    output:
        report(
            "<results>/plots/cross_model/cross_model_{emotion}.png",
            category="Between models",
            labels={"figure": "raw cosine by depth", "emotion": "{emotion}"},
            caption="../report/cross_model.rst",
        ),
    log:
        "<logs>/plot_cross_model/{emotion}.log",
    benchmark:
        "<benchmarks>/plot_cross_model/{emotion}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        models=list(MODELS),
        plots=config["plots"],
        code=code_of("plot_cross_model.py"),
    message:
        "Plotting {wildcards.emotion} across models"
    script:
        "../scripts/plot_cross_model.py"
