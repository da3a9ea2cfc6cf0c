import hashlib
import json
import os
import re
import sys
import tarfile
import tempfile
from functools import cache
from itertools import combinations
from pathlib import Path

from snakemake.exceptions import WorkflowError


def lies_in(basedir):
    """The folder `workflow/`; if Snakemake reads it from a repository, it is unpacked here."""
    if not hasattr(basedir, "hosted_repo"):
        return Path(basedir).parent
    repository = basedir.hosted_repo.repo
    folder = Path(".snakemake/emovec", repository.commit(basedir.ref).hexsha).resolve()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as part:
            with tempfile.TemporaryFile() as archive:
                repository.archive(archive, basedir.ref)
                archive.seek(0)
                tarfile.open(fileobj=archive).extractall(part, filter="data")
            Path(part).rename(folder)
            Path(part).mkdir()
    return folder / "workflow"


SCRIPTS = lies_in(workflow.current_basedir) / "scripts"
IMPORT = r"^ *from (emovec[\w.]*) import (\([^)]*\)|.*)$"
# the library beside the scripts, whichever emovec is installed: here and in every job
sys.path.insert(0, str(SCRIPTS))
os.environ |= {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(SCRIPTS), os.environ.get("PYTHONPATH")]))
}

if set("{}") & set(str(SCRIPTS)):
    raise WorkflowError(
        f"{SCRIPTS.parents[1]} has braces in its name, which Snakemake takes for wildcards: rename it."
    )

from emovec.activations.copies import copies, split_name
from emovec.config import check, check_files, check_yaml
from emovec.errors import InputError
from emovec.geometry.fewest import FEWEST
from emovec.io.files import slugs
from emovec.models.memory import available
from emovec.models.sources import kind_of, source_id
from emovec.prompts.positions import in_probe
from emovec.report.crate import place
from emovec.vectors.formats import export_files
from emovec.wording.language import languages_of

try:
    check_yaml(workflow.configfiles, whole=workflow.modifier.namespace is None)
    checked = check(config)
    config.clear()  # its keys are in the order of the file
    config |= checked
    if not workflow.storage_settings.default_storage_provider:
        check_files(config, [".", SCRIPTS.parents[1]])
except InputError as error:
    raise WorkflowError(str(error)) from None

MODELS = config["models"]
EMOTIONS = config["prompts"]["emotions"]
STEERED = config["steering"]["models"]
ASKED = STEERED if config["steering"]["instructions"] else []
DECOMPOSED = config["components"]["models"]
ABLATED = DECOMPOSED if config["components"]["ablated"] else []
CLASSIFIERS = config["steering"]["classifiers"] if STEERED else {}
SOURCES = {
    source_id(model["source"]): model["source"]
    for model in [*MODELS.values(), *CLASSIFIERS.values()]
    if kind_of(model["source"]).gather
}
BROUGHT = [name for name, model in MODELS.items() if kind_of(model["source"]).gather is None]
CAPTURED = [name for name in MODELS if name not in BROUGHT]
UNTRAINED = [name for name, model in MODELS.items() if "random" in model["source"]]
# Trained models, if there are any, are read once more in each of these number formats.
PRECISIONS = config["multiverse"]["precisions"]
VARIED = [name for name in CAPTURED if name not in UNTRAINED] or CAPTURED
READ_AS = [f"{name}@{precision}" for name in VARIED for precision in PRECISIONS]
COMPARED_COPIES = [copy for name in MODELS for copy in copies(name, beside_model=True)]
LONE_COPIES = [copy for name in MODELS for copy in copies(name, beside_model=False)]
SLUGS = slugs(EMOTIONS)  # names for files, from classes in any script
EXPORTED = export_files(config["exports"]["formats"], EMOTIONS)
MODEL_PAIRS = [*combinations(MODELS, 2)]
VARIED_PAIRS = [*combinations(VARIED, 2)]
PAIRS = [*MODEL_PAIRS, *((split_name(twin)[0], twin) for twin in COMPARED_COPIES)]
# Files in the first language have plain names; a second adds its code: report.html, report_ja.html.
LANGUAGES = languages_of(config["report"]["language"])


def given(path):
    """A file that the config names: relative to where Snakemake runs, or else shipped with this.

    In a module it is a file of the workflow that uses it, to which no prefix applies.
    """
    shipped = SCRIPTS.parents[1] / path
    if shipped.exists() and not Path(path).exists():
        return local(str(shipped))
    return path if workflow.modifier.namespace is None else local(path)


PROMPTS = given(config["prompts"]["file"])
PROBE = given(config["prompts"]["probe"])
OPENINGS = given(config["steering"]["openings"])
WORDS = given(config["steering"]["words"])
INSTRUCTIONS = [given(config["steering"]["instructions"]) for _ in ASKED[:1]]
RATINGS = [given(config["prompts"]["ratings"])] if "ratings" in config["prompts"] else []
# enough emotions to compare how they are arranged
MANY = len(EMOTIONS) >= FEWEST

# Parameters that several rules share.
CLASSES = {"emotions": EMOTIONS, "neutral": config["prompts"]["neutral"]}
MODEL = {"model": lookup("models/{model}", within=config)}


# whether jobs share the machine that Snakemake runs on
HERE = workflow.local_exec and not workflow.remote_exec
if HERE and not {"mem", "mem_mb", "mem_mib"} & set(workflow.global_resources):
    # as many jobs at once as its memory holds
    workflow.global_resources["mem_mb"] = available() // 10**6


def threads_of_models(most=8):
    """The threads of a job that runs a model: a machine's cores are divided among the models.

    Side by side they do more than one after another: only some of the work uses several threads.
    """
    cores = HERE and workflow.resource_settings.cores
    return min(most, max(1, cores // max(1, len(CAPTURED)))) if cores else most


THREADS = threads_of_models()
FIRST = 1  # priority of what most other jobs wait for, and of steering, the longest chain


def suffix(wildcards):
    """The suffix unchanged: braces in a plain parameter would be wildcards."""
    return config["prompts"]["suffix"]


def one_of(names):
    """A regular expression that matches exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


pathvars:
    results=f"results/{config['experiment']}",
    logs=f"logs/{config['experiment']}",
    benchmarks=f"logs/{config['experiment']}/benchmarks",


wildcard_constraints:
    lang="|".join(LANGUAGES) or "(?:)",
    model=one_of([*MODELS, *LONE_COPIES, *READ_AS]),
    source=one_of(SOURCES),
    shard="[1-9][0-9]*",
    key="[0-9a-f]{16}",
    emotion=one_of(SLUGS.values()),
    classifier=one_of(CLASSIFIERS),
    a=one_of(MODELS),
    b=one_of([*MODELS, *COMPARED_COPIES]),


@cache
def digest(*paths):
    """Digest of the contents of files."""
    contents = b"\0".join(path.read_bytes() for path in paths)
    return hashlib.sha256(contents).hexdigest()[:16]


@cache
def imported(path):
    """The modules of the library that a file imports."""
    found = set()
    for package, names in re.findall(IMPORT, path.read_text(), re.M):
        folder = SCRIPTS / package.replace(".", "/")
        found.add(folder.with_suffix(".py"))
        found |= {folder / f"{name}.py" for name in re.findall(r"\w+", names)}
    return [path for path in found if path.is_file()]


def library_of(script):
    """The library modules that a script imports, directly or indirectly."""
    found, waiting = set(), imported(SCRIPTS / script)
    while waiting:
        new = set(waiting) - found
        found |= new
        waiting = [path for module in new for path in imported(module)]
    return found


def code_of(script, *data):
    """Digest of the library modules that a script imports.

    Snakemake watches the script itself; modules and data files, which may be given by a pattern,
    enter as a parameter.
    """
    files = {path for pattern in data for path in (SCRIPTS / "emovec").glob(pattern)}
    return digest(*sorted(library_of(script) | files))


def contents(*paths):
    """Parameter function: digest of files that the config names.

    A file put in the place of another may be older, which Snakemake does not look at.
    """

    def contents_of(wildcards):
        return digest(*(Path(path) for path in paths if is_given(path)))

    return contents_of


@cache
def is_given(path):
    """Whether a file exists that Snakemake does not make; it tracks its own outputs itself."""
    return Path(path).is_file() and not any(rule.is_producer(path) for rule in workflow.rules)


def folder_of(source):
    """The files of a source, as `fetch_model` makes them."""
    names = ("manifest.json", "tokenizer.json", "config.json", "tokenizer_config.json")
    folder = f"<resources>/models/{source_id(source)}"
    return [f"{folder}/{name}" for name in (*names, "model.safetensors")]


def entry(wildcards):
    """What the configuration says of a model, whatever its number format."""
    return MODELS[split_name(wildcards.model)[0]]


def model_folder(wildcards):
    return folder_of(entry(wildcards)["source"])


def tokenizer(wildcards):
    """Manifest and tokenizer of a model."""
    return model_folder(wildcards)[:2]


def classifier_folder(wildcards):
    return folder_of(CLASSIFIERS[wildcards.classifier]["source"])


def is_classifier(wildcards):
    return wildcards.source in {source_id(one["source"]) for one in CLASSIFIERS.values()}


def steering(*keys):
    """Only these settings of the steering."""
    return {key: config["steering"][key] for key in keys}


class Shards:
    """What one job would make of a model, made by several: `x.csv` of `x/{shard}-of-3.csv`.

    Snakemake's scattergather always gathers, where one job of steering writes the whole itself.
    """

    def __init__(self, number):
        self.number = number
        self.said = f", shard {{wildcards.shard}} of {number}" if number > 1 else ""

    def part(self, path):
        """The file that one job writes."""
        path = Path(path)
        part = path.with_suffix("") / f"{{shard}}-of-{self.number}{path.suffix}"
        return str(part if self.said else path)

    def made(self, path):
        """Likewise, as the output of a rule."""
        return temp(self.part(path)) if self.said else path

    def parts(self, path, **others):
        """Input function: the files of all jobs, in order; `others` are functions of wildcards."""

        def paths(wildcards):
            found = {name: function(wildcards) for name, function in others.items()}
            shards = range(1, self.number + 1)
            return collect(self.part(path), shard=shards, **found, **wildcards)

        return paths

    def joined(self, models):
        """The models whose shards have to be merged."""
        return one_of(models if self.said else [])


def shard(wildcards):
    return int(wildcards.get("shard", 1))


CAPTURE = Shards(config["activations"]["shards"])
STEERING = Shards(config["steering"]["shards"])


def in_order(settings):
    """Settings with their keys in order: Snakemake compares parameters of two runs as text."""
    return json.loads(json.dumps(settings, sort_keys=True))


def reading(wildcards):
    """How the prompts are read: in the number format that the name of the model ends with."""
    precision = split_name(wildcards.model)[1]
    return config["activations"] | ({"dtype": precision} if precision else {})


def reading_probe(wildcards):
    """How the probe is read."""
    read = reading(wildcards)
    return in_order(read | {"positions": in_probe(read["positions"]), "mean_from": 0})


def probing(wildcards):
    """What the configuration says of the model that reads the probe."""
    return in_order(entry(wildcards))


def probe_key(wildcards):
    """Digest of what a model's reading of the probe depends on, but for the code.

    A probe that Snakemake makes has no contents yet and is known by its path alone.
    """
    settings = reading_probe(wildcards)
    read = [settings, probing(wildcards), suffix(wildcards), str(PROBE), contents(PROBE)(wildcards)]
    return hashlib.sha256(json.dumps(read).encode()).hexdigest()[:16]


def source_inputs(wildcards):
    """The local files a source is made from: a GGUF file, a folder, another model's tokenizer."""
    source = SOURCES[wildcards.source]
    if other := source.get("random", {}).get("tokenizer"):
        return folder_of(MODELS[other]["source"])[:2]
    kind = kind_of(source)
    return [local(str(file)) for file in kind.files(source[kind.name])]


def activations_of(wildcard):
    """Input function: the activations of the model, or control copy, that a wildcard names."""

    def path(wildcards):
        return f"<results>/activations/{split_name(wildcards[wildcard])[0]}.h5"

    return path


def other_formats(wildcards):
    """The number formats, other than that of the experiment, in which these models are run."""
    return PRECISIONS if set(wildcards) <= set(VARIED) else []


def in_other_formats(wildcards):
    """The activations of one model or two in each of these formats."""
    formats = other_formats(wildcards)
    return [f"<results>/activations/{name}@{one}.h5" for one in formats for name in wildcards]


def is_untrained(wildcards):
    return split_name(wildcards.model)[0] in UNTRAINED


def brought_file(wildcards):
    return given(MODELS[wildcards.model]["source"]["activations"])


def carried(kind):
    """Input function: directions of all other models in a steered one, or their effects there."""

    def paths(wildcards):
        others = [name for name in MODELS if name != wildcards.model]
        return [f"<results>/steering/{wildcards.model}/from_{name}.{kind}" for name in others]

    return paths


def steering_of(name):
    """Input function: a file from a model's steering, if the exported vectors were used for it."""

    def path(wildcards):
        same = config["steering"]["position"] == config["statistics"]["position"]
        steered = same and wildcards.model in STEERED
        return f"<results>/steering/{wildcards.model}/{name}" if steered else []

    return path


def spoken(wildcards):
    """The language of a figure or page."""
    return LANGUAGES[wildcards.lang]


def shown(path, category, caption=None, **labels):
    """A table or figure in Snakemake's report, labelled by its wildcards too.

    Its caption is in `report/`, under the name of the file unless another is given.
    """
    caption = caption or re.sub("_?{.*?}_?", "", Path(path).stem)

    def labelled(wildcards):
        told = dict(wildcards.items())
        if told.pop("lang", None) is not None and len(LANGUAGES) > 1:
            told["language"] = spoken(wildcards)
        return labels | told

    return report(path, category=category, labels=labelled, caption=f"../report/{caption}.rst")


def catalogs(wildcards):
    """Digest of the catalogs of that language; English has none."""
    return digest(*sorted((SCRIPTS / "emovec/wording/locale" / spoken(wildcards)).glob("*.po")))


def updated(path):
    """An output that its rule can still read; in a bucket, Snakemake cannot keep it."""
    return path if workflow.storage_settings.default_storage_provider else update(path)


# Parameters of all figures.
DRAWING = {"plots": config["plots"], "language": spoken, "sentences": catalogs}


def manifests(wildcards):
    return sorted(f"<resources>/models/{source}/manifest.json" for source in SOURCES)


def needs(megabytes, minutes, **others):
    """Resources of a job; memory grows with each attempt."""

    def memory(wildcards, attempt):
        return megabytes * attempt

    return {"mem_mb": memory, "runtime": minutes, **others}


def needs_model(minutes):
    """Likewise of a job that runs a model: both grow with the files it reads, mostly the weights."""

    def memory(wildcards, input, attempt):
        return (4000 + 3 * input.size_mb) * attempt

    def runtime(wildcards, input):
        return minutes * max(1, input.size_mb / 1000)

    return {"mem_mb": memory, "runtime": runtime, **GPU}


TORCH = "torch-gpu" if config["activations"]["device"].startswith("cuda") else "torch-cpu"
GPU = {"gpu": int(TORCH == "torch-gpu")}
