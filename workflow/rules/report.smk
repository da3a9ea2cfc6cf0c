# The tables from which the report is written.
TABLES = {
    "norms": "<results>/layer_norms.csv",
    "within": "<results>/within_model_similarity.csv",
    "cross": "<results>/cross_model_similarity.csv",
    "maps": "<results>/maps.csv",
    "decoding": "<results>/decoding.csv",
    "verdicts": "<results>/verdicts.csv",
    "published": "<results>/published_comparison.csv",
    "multiverse": "<results>/multiverse.csv",
    "ways": "<results>/ways.csv",
    "precision": ["<results>/precision.csv"] if READ_AS else [],
    "confounds": "<results>/prompts/confounds.csv",
    "readings": collect("<results>/readings/{model}.csv", model=CAPTURED),
    "tokens": collect("<results>/token_projections/{model}.csv", model=CAPTURED),
    "trajectories": collect("<results>/trajectories/{model}.csv", model=CAPTURED),
    "components": collect("<results>/components/{model}.csv", model=DECOMPOSED),
    "attention": collect("<results>/attention/{model}.csv", model=DECOMPOSED),
    "typical": collect("<results>/typical/{model}.csv", model=DECOMPOSED),
    "geometry": ["<results>/geometry.csv"] if MANY else [],
    "geometry_between": ["<results>/geometry_between.csv"] if MANY else [],
    "ablations": collect("<results>/ablations/{model}.csv", model=DECOMPOSED),
    "steering": collect("<results>/steering/{model}.csv", model=STEERED),
    "steering_scores": collect("<results>/steering/{model}/scores.csv", model=STEERED),
}
# All other tables: those from which these are joined and estimated.
PARTS = [
    collect("<results>/layer_norms/{model}.csv", model=MODELS),
    collect(
        "<results>/{kind}/{model}.csv",
        kind=["within_model", "decoding"],
        model=[*MODELS, *LONE_COPIES],
    ),
    collect("<results>/multiverse/{part}.csv", part=[*MODELS, "between_models"]),
    collect("<results>/ways/{model}.csv", model=MODELS),
    [f"<results>/ways/{a}__{b}.csv" for a, b in MODEL_PAIRS],
    collect("<results>/precision/{model}.csv", model=VARIED if PRECISIONS else []),
    [f"<results>/precision/{a}__{b}.csv" for a, b in VARIED_PAIRS if PRECISIONS],
    collect(
        "<results>/{kind}/{pair}.csv",
        kind=["cross_model", "maps", "transfer"],
        pair=[f"{a}__{b}" for a, b in PAIRS],
    ),
    "<results>/prompts/decoding.csv",
    [f"<results>/geometry/{name}.csv" for name in MODELS if MANY],
    [f"<results>/geometry/{a}__{b}.csv" for a, b in MODEL_PAIRS if MANY],
    collect(
        "<results>/steering/{model}/{kind}.csv", model=STEERED, kind=["read_outs", "texts", "shown"]
    ),
    collect("<results>/steering/{model}/{kind}.csv", model=ASKED, kind=["asked", "asked_texts"]),
    collect(
        "<results>/steering/{model}/classified/{classifier}.csv",
        model=STEERED,
        classifier=CLASSIFIERS,
    ),
    [f"<results>/steering/{a}/from_{b}.csv" for a in STEERED for b in MODELS if a != b],
]
ALL_TABLES = list(dict.fromkeys(flatten([*PARTS, *TABLES.values()])))
TABULATING = {*SCRIPTS.glob("*.py")} - {*SCRIPTS.glob("plot_*"), *SCRIPTS.glob("write_[cr]*")}


# Other files that the configuration names.
OTHERS = [config["steering"]["openings"]] if STEERED else []
OTHERS += [config["steering"]["words"]] if STEERED or ABLATED else []
OTHERS += [config["steering"]["instructions"] for _ in INSTRUCTIONS]
OTHERS += [config["prompts"]["ratings"] for _ in RATINGS]
# Of what was read, by its name in the configuration, copies are kept; of activations the digest is.
READ = {config["prompts"]["file"]: PROMPTS, config["prompts"]["probe"]: PROBE}
READ |= {path: given(path) for path in OTHERS}
OTHERS += [MODELS[name]["source"]["activations"] for name in BROUGHT]


# What was run, on what and with which versions, and the digest of every table.
rule write_provenance:
    input:
        manifests=manifests,
        tables=ALL_TABLES,
        activations=collect("<results>/activations/{model}.h5", model=MODELS),
        prompts=PROMPTS,
        probe=PROBE,
        others=[given(path) for path in OTHERS],
    output:
        updated("<results>/provenance.json"),
    log:
        "<logs>/write_provenance.log",
    benchmark:
        "<benchmarks>/write_provenance.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(1000, 10),
    params:
        config=config,
        others=OTHERS,
        contents=contents(
            PROMPTS,
            PROBE,
            *([OPENINGS] if STEERED else []),
            *([WORDS] if STEERED or ABLATED else []),
            *INSTRUCTIONS,
        ),
        tabulating=digest(*sorted(TABULATING.union(*map(library_of, TABULATING)))),
        code=code_of("write_provenance.py"),
    message:
        "Recording what was run"
    script:
        "../scripts/write_provenance.py"


# The figures that the report shows.
PLOTS = [
    *RUN_PLOTS,
    *collect(MODEL_PLOTS, model=MODELS, allow_missing=True),
    *collect(
        "<results>/plots{{lang}}/cross_model/cross_model_{emotion}.png", emotion=SLUGS.values()
    ),
    *collect(
        "<results>/plots{{lang}}/{model}/{model}_{kind}.png",
        model=DECOMPOSED,
        kind=["components", "attention"],
    ),
    *collect("<results>/plots{{lang}}/{model}/{model}_trajectories.png", model=CAPTURED),
    *collect("<results>/plots{{lang}}/{model}/{model}_ablations.png", model=ABLATED),
    *collect(STEERING_PLOTS, model=STEERED, allow_missing=True),
]


# The written report; every number comes from the tables.
rule write_report:
    input:
        **TABLES,
        parts=flatten(PARTS),
        prompts=PROMPTS,
        audit="<results>/prompts/audit.json",
        vectors=collect("<results>/emotion_vectors/{model}_vectors.h5", model=MODELS),
        provenance="<results>/provenance.json",
        plots=PLOTS,
        steering_choices=collect("<results>/steering/{model}/choice.json", model=STEERED),
        steering_openings=[OPENINGS] if STEERED else [],
        steering_shown=collect("<results>/steering/{model}/shown.csv", model=STEERED),
    output:
        markdown="<results>/report{lang}.md",
        findings="<results>/findings{lang}.txt",
        html=shown("<results>/report{lang}.html", "Report", page="written report"),
    log:
        "<logs>/write_report{lang}.log",
    benchmark:
        "<benchmarks>/write_report{lang}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(2000, 10),
    params:
        models=list(MODELS),
        untrained=UNTRAINED,
        language=spoken,
        languages=LANGUAGES,
        sentences=catalogs,
        contents=contents(PROMPTS, OPENINGS),
        code=code_of("write_report.py", "report/templates/*"),
    message:
        "Writing the report"
    script:
        "../scripts/write_report.py"


# The results folder as a research object (RO-Crate): what was made, of what, by what.
rule write_crate:
    input:
        provenance="<results>/provenance.json",
        read=list(READ.values()),
        made=[
            *ALL_TABLES,
            "<results>/prompts/audit.json",
            *collect("<results>/emotion_vectors/{model}_vectors.h5", model=MODELS),
            *collect("<results>/geometry/{model}.h5", model=MODELS if MANY else []),
            *collect(
                "<results>/steering/{model}/{name}",
                model=STEERED,
                name=["choice.json", "directions.h5"],
            ),
            *[f"<results>/steering/{a}/from_{b}.h5" for a in STEERED for b in MODELS if a != b],
            *collect("<results>/report{lang}.{kind}", lang=LANGUAGES, kind=["html", "md"]),
            *collect("<results>/findings{lang}.txt", lang=LANGUAGES),
            *collect(PLOTS, lang=LANGUAGES),
            *collect(
                "<results>/exports/{model}/{name}",
                model=MODELS,
                name=["card.json", *EXPORTED] if EXPORTED else [],
            ),
        ],
    output:
        crate="<results>/ro-crate-metadata.json",
        workflow="<results>/run/workflow/Snakefile",
        config="<results>/run/config.yaml",
        read=[f"<results>/run/{place(path)}" for path in READ],
    log:
        "<logs>/write_crate.log",
    benchmark:
        "<benchmarks>/write_crate.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        **needs(1000, 10),
    params:
        names=list(READ),
        code=code_of("write_crate.py", "../../Snakefile"),
    message:
        "Describing what was made"
    script:
        "../scripts/write_crate.py"


for name in MODELS:

    # One model's branch and nothing else.
    rule:
        name:
            f"model_{name}"
        input:
            f"<results>/emotion_vectors/{name}_vectors.h5",
            f"<results>/within_model/{name}.csv",
            collect(MODEL_PLOTS, model=name, lang=LANGUAGES),
        localrule: True
