# The vectors of one model for other programs, with a card that says how good they are.
rule export_vectors:
    input:
        activations="<results>/activations/{model}.h5",
        vectors="<results>/emotion_vectors/{model}_vectors.h5",
        norms="<results>/layer_norms/{model}.csv",
        within="<results>/within_model/{model}.csv",
        decoding="<results>/decoding/{model}.csv",
        texts="<results>/prompts/decoding.csv",
        choice=steering_of("choice.json"),
        read_outs=steering_of("read_outs.csv"),
    output:
        card="<results>/exports/{model}/card.json",
        files=[f"<results>/exports/{{model}}/{name}" for name in EXPORTED],
    log:
        "<logs>/export_vectors/{model}.log",
    benchmark:
        "<benchmarks>/export_vectors/{model}.tsv"
    wildcard_constraints:
        model=one_of(MODELS),
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(3000, 15),
    params:
        **CLASSES,
        position=config["statistics"]["position"],
        alpha=config["statistics"]["alpha"],
        exported=EXPORTED,
        untrained=is_untrained,
        code=code_of("export_vectors.py"),
    message:
        "Exporting the vectors of {wildcards.model}"
    script:
        "../scripts/export_vectors.py"
