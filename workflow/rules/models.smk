# Every source becomes one folder. The only rule that uses the network.
rule fetch_model:
    input:
        source_inputs,
    output:
        manifest="<resources>/models/{source}/manifest.json",
        config="<resources>/models/{source}/config.json",
        tokenizer="<resources>/models/{source}/tokenizer.json",
        tokenizer_config="<resources>/models/{source}/tokenizer_config.json",
        weights="<resources>/models/{source}/model.safetensors",
    log:
        "logs/fetch_model/{source}.log",
    benchmark:
        "logs/fetch_model/{source}.tsv"
    localrule: True
    conda:
        "../../envs/torch-cpu.yaml"
    resources:
        **needs(6000, 60),
    params:
        source=lookup("{source}", within=SOURCES),
        classifier=is_classifier,
        license=lookup("{source}/license", within=SOURCES, default="licence not stated"),
        code=code_of("fetch_model.py"),
    message:
        "Fetching the model {wildcards.source} ({params.license})"
    script:
        "../scripts/fetch_model.py"
