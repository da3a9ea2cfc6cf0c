import ast
import hashlib
import re
import sys
from itertools import combinations
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.current_basedir).parent / "scripts"
sys.path.append(str(SCRIPTS))

from emovec.activations.copies import copies, split_name
from emovec.config import check
from emovec.errors import InputError
from emovec.models.sources import source_id
from emovec.vectors.formats import export_files

try:
    config |= check(config, SCRIPTS.parent / "schemas" / "config.schema.yaml")
except InputError as error:
    raise WorkflowError(str(error)) from None

MODELS = config["models"]
EMOTIONS = config["prompts"]["emotions"]
STEERED = config["steering"]["models"]
CLASSIFIERS = config["steering"]["classifiers"] if STEERED else {}
SOURCES = {
    source_id(model["source"]): model["source"]
    for model in [*MODELS.values(), *CLASSIFIERS.values()]
    if "activations" not in model["source"]
}
BROUGHT = [name for name, model in MODELS.items() if "activations" in model["source"]]
CAPTURED = [name for name in MODELS if name not in BROUGHT]
SHARDS = config["activations"]["shards"]
# What one capture job makes: all of a model, or one shard of it.
CAPTURE = "{model}" if SHARDS == 1 else f"{{model}}/{{shard}}-of-{SHARDS}"
TWINS = [copy for name in MODELS for copy in copies(name, beside_model=True)]
SHUFFLED = [copy for name in MODELS for copy in copies(name, beside_model=False)]
UNTRAINED = [name for name, model in MODELS.items() if "random" in model["source"]]
EXPORTED = export_files(config["exports"]["formats"], EMOTIONS)
PAIRS = [*combinations(MODELS, 2), *((split_name(twin)[0], twin) for twin in TWINS)]
PLOTS = [
    "layer_norms_l2",
    "emotion_distances",
    "similarity_heatmap_avg",
    "similarity_by_depth",
    "diagnostics",
]
# The first language has the plain names; a second one adds its code: report.html, report_ja.html.
LANGUAGES = {
    "en": {"": "en"},
    "ja": {"": "ja"},
    "both": {"": "en", "_ja": "ja"},
}[config["report"]["language"]]
STEERING_SHARDS = config["steering"]["shards"]
PART_SAID = "" if STEERING_SHARDS == 1 else f", shard {{wildcards.shard}} of {STEERING_SHARDS}"
STEERING_PLOTS = ["grid", "dose", "cost"]


def given(path):
    """A file that the config names, relative to where Snakemake runs.

    In a module it is a file of the workflow that uses it, without the prefix, or else of this one.
    """
    if workflow.modifier.namespace is None:
        return path
    shipped = SCRIPTS.parents[1] / path
    return local(str(shipped) if shipped.exists() and not Path(path).exists() else path)


PROMPTS = given(config["prompts"]["file"])
PROBE = given(config["prompts"]["probe"])
OPENINGS = given(config["steering"]["openings"])
WORDS = given(config["steering"]["words"])


def one_of(names):
    """A regular expression that matches exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


pathvars:
    results=f"results/{config['experiment']}",
    logs=f"logs/{config['experiment']}",
    benchmarks=f"logs/{config['experiment']}/benchmarks",


wildcard_constraints:
    lang="|".join(LANGUAGES) or "(?:)",
    model=one_of([*MODELS, *SHUFFLED]),
    source=one_of(SOURCES),
    shard=one_of(map(str, range(1, max(SHARDS, STEERING_SHARDS) + 1))),
    emotion=one_of(EMOTIONS),
    classifier=one_of(CLASSIFIERS),
    a=one_of(MODELS),
    b=one_of([*MODELS, *TWINS]),


def code_of(script, *data):
    """Digest of the library modules that a script imports, directly or through one another.

    Snakemake watches the script itself; modules and data files enter as a parameter.
    """
    texts = [(SCRIPTS / "emovec" / name).read_bytes() for name in data]
    found, waiting = {}, [SCRIPTS / script]
    while waiting:
        tree = ast.parse(waiting.pop().read_text())
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("emovec"):
                continue
            package = SCRIPTS / node.module.replace(".", "/")
            names = [alias.name for alias in node.names] if package.is_dir() else [""]
            for path in (package / f"{n}.py" if n else package.with_suffix(".py") for n in names):
                if path.is_file() and path not in found:
                    found[path] = path.read_bytes()
                    waiting.append(path)
    texts += [found[path] for path in sorted(found)]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


def model_file(name):
    """Input function: a file in the folder of the model's source."""

    def path(wildcards):
        return f"<resources>/models/{source_id(MODELS[wildcards.model]['source'])}/{name}"

    return path


def classifier_file(name):
    """Input function: a file in the folder of a text classifier's source."""

    def path(wildcards):
        source = CLASSIFIERS[wildcards.classifier]["source"]
        return f"<resources>/models/{source_id(source)}/{name}"

    return path


def is_classifier(wildcards):
    return wildcards.source in {source_id(one["source"]) for one in CLASSIFIERS.values()}


def shards(wildcards):
    """The shards of a model in their order."""
    return collect(
        f"<results>/activations/{CAPTURE}.h5", model=wildcards.model, shard=range(1, SHARDS + 1)
    )


def steering(*keys):
    """These settings of the steering alone."""
    return {key: config["steering"][key] for key in keys}


def part_of(path):
    """A file of one job that steers, for all of a table or one shard of it."""
    path = Path(path)
    shard = f"{{shard}}-of-{STEERING_SHARDS}{path.suffix}"
    return str(path if STEERING_SHARDS == 1 else path.with_suffix("") / shard)


def steered_part(name):
    """What one job that steers makes of a table."""
    path = part_of(f"<results>/steering/{{model}}/{name}.csv")
    return path if STEERING_SHARDS == 1 else temp(path)


def steered_parts(name):
    """All shards of a table in their order."""
    path = f"<results>/steering/{{{{model}}}}/{name}/{{shard}}-of-{STEERING_SHARDS}.csv"
    return collect(path, shard=range(1, STEERING_SHARDS + 1))


def source_inputs(wildcards):
    """What a source is made from here: a GGUF file, a folder's files, another's tokenizer."""
    source = SOURCES[wildcards.source]
    if "path" in source:
        path = Path(source["path"])
        files = [path] if path.suffix == ".gguf" else sorted(path.glob("*"))
        return [local(str(file)) for file in files if file.is_file()]
    if other := source.get("random", {}).get("tokenizer"):
        folder = f"<resources>/models/{source_id(MODELS[other]['source'])}"
        return [f"{folder}/manifest.json", f"{folder}/tokenizer.json"]
    return []


def activations_of(wildcard):
    """Input function: the activations of the model that a wildcard names, or its control."""

    def path(wildcards):
        return f"<results>/activations/{split_name(wildcards[wildcard])[0]}.h5"

    return path


def is_untrained(wildcards):
    return split_name(wildcards.model)[0] in UNTRAINED


def tokenizers(wildcards):
    """The tokenizers that the prompt set is audited with."""
    return {
        name: f"<resources>/models/{source_id(MODELS[name]['source'])}/tokenizer.json"
        for name in CAPTURED
    }


def brought_file(wildcards):
    return given(MODELS[wildcards.model]["source"]["activations"])


def carried(wildcards, kind):
    """Directions of all other models in a steered one, or what they do there."""
    others = [name for name in MODELS if name != wildcards.model]
    return [f"<results>/steering/{wildcards.model}/from_{name}.{kind}" for name in others]


def steering_of(name):
    """Input function: a file of a model's steering, if the exported vectors were steered with."""

    def path(wildcards):
        same = config["steering"]["position"] == config["statistics"]["position"]
        steered = same and wildcards.model in STEERED
        return f"<results>/steering/{wildcards.model}/{name}" if steered else []

    return path


def spoken(wildcards):
    """The language of a figure or page."""
    return LANGUAGES[wildcards.lang]


def labels(**of):
    """Input function: labels of a figure or page in Snakemake's report, told apart by language."""

    def labelled(wildcards):
        return of | ({"language": spoken(wildcards)} if len(LANGUAGES) > 1 else {})

    return labelled


def sentences(wildcards):
    """Digest of the catalogs of that language; English has none."""
    catalogs = sorted((SCRIPTS / "emovec/wording/locale" / spoken(wildcards)).glob("*.po"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in catalogs)).hexdigest()[:16]


def manifests(wildcards):
    return sorted(f"<resources>/models/{source}/manifest.json" for source in SOURCES)


def per_attempt(megabytes):
    """Resource function: memory that grows whenever a job is tried again."""

    def memory(wildcards, attempt):
        return megabytes * attempt

    return memory


def torch_environment():
    return "torch-gpu" if config["activations"]["device"].startswith("cuda") else "torch-cpu"


def show_findings(dag):
    """Print where the report is and the main findings, if the report belongs to this run."""
    if any(job.rule.name == "write_report" for job in dag.jobs):
        folder = Path("results") / config["experiment"]
        findings = folder / "findings.txt"
        if findings.exists():  # it may be in a bucket
            print(f"\n{findings.read_text()}Report: {folder / 'report.html'}")
