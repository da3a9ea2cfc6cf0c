"""A text classifier gives the scores that its weights say, whatever is read beside a text."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from emovec.errors import InputError
from emovec.io.files import read_json, sha256
from emovec.models.sources import FILES, fetch
from tiny import model_folder, write_classifier
from tokenizers import Regex, pre_tokenizers

torch = pytest.importorskip("torch")
from emovec.steering.classifiers import TEXTS, Classifier, chosen_labels, load_classifier  # noqa: E402

VOWELS = "aeiou"
# more than one batch, of many lengths
READ = [f"{'word ' * (n % 9)}ends in {chr(97 + n % 26)}" for n in range(2 * TEXTS + 5)]


def fetched(local: Path, folder: Path) -> Classifier:
    manifest = fetch({"path": str(local)}, folder, folder.parent, classifier=True)
    return load_classifier(folder, "cpu", manifest)


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text and "Traceback" not in text
    return text


def softmax(x: float) -> float:
    return float(np.exp(x) / (np.exp(x) + np.exp(2 - x)))


@pytest.mark.parametrize(
    ("problem", "score"),
    [
        (None, softmax),
        ("single_label_classification", softmax),
        ("multi_label_classification", lambda x: float(1 / (1 + np.exp(-x)))),
        ("regression", float),
    ],
)
def test_scores_are_those_that_were_planted(
    tmp_path: Path, problem: str | None, score: Callable[[float], float]
) -> None:
    local = write_classifier(tmp_path / "local", VOWELS, problem_type=problem)
    found = fetched(local, tmp_path / "m").scores(READ)
    assert list(found.columns) == ["other", "planted"]
    ends = np.array([text[-1] in VOWELS for text in READ])
    assert 0 < ends.sum() < len(READ)
    assert np.allclose(found.planted, np.where(ends, score(2), score(0)), atol=1e-6)
    assert np.allclose(found.other, np.where(ends, score(0), score(2)), atol=1e-6)


def test_single_label_is_a_probability(tmp_path: Path) -> None:
    local = write_classifier(tmp_path / "local", VOWELS, ("other",))
    found = fetched(local, tmp_path / "m").scores(["me", "us"])
    assert np.allclose(found.other, [0.5, 1 / (1 + np.exp(-2))], atol=1e-6)


def test_classifier_without_padding_reads_one_text_at_a_time(tmp_path: Path) -> None:
    padded = fetched(write_classifier(tmp_path / "a", VOWELS), tmp_path / "m")
    plain = fetched(write_classifier(tmp_path / "b", VOWELS, pad_token_id=None), tmp_path / "n")
    assert np.allclose(plain.scores(READ), padded.scores(READ), atol=1e-6)


def test_text_of_nothing_has_no_score_and_space_around_a_text_is_none(tmp_path: Path) -> None:
    classifier = fetched(write_classifier(tmp_path / "local", VOWELS), tmp_path / "m")
    found = classifier.scores(["", " \n", "?!", " the\nsea \n", "the sea"])
    assert found.planted.isna().tolist() == [True, True, True, False, False]
    assert found.planted[3] == found.planted[4] > 0.8
    assert classifier.scores([]).shape == (0, 2)


def test_text_that_is_too_long_is_cut_at_its_end(tmp_path: Path) -> None:
    classifier = fetched(write_classifier(tmp_path / "local", VOWELS), tmp_path / "m")
    found = classifier.scores(["b" * 63 + "a" + "b" * 20, "b" * 64 + "a"])
    assert found.planted[0] > 0.8 > 0.2 > found.planted[1]


# An encoder, which looks in both directions -------------------------------------------------------


def write_encoder(folder: Path) -> Path:
    """A BERT that adds the mean of all tokens to the first one; words are `joy` and `grey`."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "joy", "grey"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    config = BertConfig(
        vocab_size=6, hidden_size=4, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=4, max_position_embeddings=32, id2label={0: "dull", 1: "bright"},
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    layer = model.bert.encoder.layer[0]
    norms = (
        model.bert.embeddings.LayerNorm,
        layer.attention.output.LayerNorm,
        layer.output.LayerNorm,
    )
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        for norm in norms:
            norm.weight.fill_(1)
        for same in (layer.attention.self.value, layer.attention.output.dense):
            same.weight.copy_(torch.eye(4))
        model.bert.pooler.dense.weight.copy_(torch.eye(4))
        model.bert.embeddings.word_embeddings.weight[:] = torch.tensor(EMBEDDED)
        model.classifier.weight[1] = torch.tensor(EMBEDDED[4])
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        unk_token="[UNK]",
    ).save_pretrained(folder)  # fmt: skip
    return folder


PLAIN = [1.0, -1.0, -1.0, 1.0]
EMBEDDED = [PLAIN, PLAIN, PLAIN, PLAIN, [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0]]


def by_hand(text: str) -> float:
    ids = [1, *(4 if word == "joy" else 5 for word in text.split()), 2]
    stream = np.array(EMBEDDED[1]) + np.array([EMBEDDED[i] for i in ids]).mean(axis=0)
    stream = (stream - stream.mean()) / stream.std()
    return 1 / (1 + np.exp(-np.tanh(stream) @ EMBEDDED[4]))


def test_encoder_reads_a_text_alike_alone_and_among_others(tmp_path: Path) -> None:
    classifier = fetched(write_encoder(tmp_path / "local"), tmp_path / "m")
    texts = ["joy", "grey", "grey grey joy grey grey grey", "joy joy joy grey", "grey grey"] * 9
    found = classifier.scores(texts)
    assert np.allclose(found.bright, [by_hand(text) for text in texts], atol=1e-5)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-6)
    assert found.bright[3] > found.bright[0] > found.bright[2] > found.bright[1]


# Mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"labels": ["joy", "rage"], "targets": {}}, "go.labels names 'rage'"),
        ({"targets": {"anger": "rage"}}, "go.targets names 'rage'"),
    ],
)
def test_label_that_the_classifier_does_not_know(settings: dict, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        chosen_labels("go", settings, ["joy", "fear"])
    assert "its labels are joy, fear" in sentence(caught)
    assert chosen_labels("go", {"targets": {}}, ["joy", "fear"]) == ["joy", "fear"]
    assert chosen_labels("go", {"labels": ["fear"], "targets": {}}, ["joy", "fear"]) == ["fear"]


def test_tokenizer_that_is_not_the_classifiers(tmp_path: Path) -> None:
    classifier = fetched(write_classifier(tmp_path / "local", VOWELS), tmp_path / "m")
    classifier.tokenizer.add_tokens(["ladder"])
    with pytest.raises(InputError, match=r"the token \d+, where the classifier in .*/m knows"):
        classifier.scores(["a word", "a ladder"])
    slow = pre_tokenizers.Split(Regex("(x+x+)+y"), "isolated")
    classifier.tokenizer.backend_tokenizer.pre_tokenizer = slow
    with pytest.raises(InputError, match="The tokenizer breaks down"):
        classifier.scores(["x" * 5000])


def test_manifest_holds_the_labels_and_true_digests(tmp_path: Path) -> None:
    local = write_classifier(tmp_path / "local", VOWELS, ("no", "yes"))
    manifest = fetch({"path": str(local)}, tmp_path / "m", tmp_path, classifier=True)
    assert (manifest["labels"], manifest["problem_type"]) == (["no", "yes"], None)
    assert manifest["files"] == {name: sha256(tmp_path / "m" / name) for name in FILES}


def test_language_model_is_no_classifier(tiny_root: Path, tmp_path: Path) -> None:
    local = model_folder("gpt2", tiny_root)
    with pytest.raises(InputError, match=r"is no text classifier .* GPT2LMHeadModel") as caught:
        fetch({"path": str(local)}, tmp_path / "m", tmp_path, classifier=True)
    assert str(local) in sentence(caught)
    assert list((tmp_path / "m").iterdir()) == []


@pytest.mark.parametrize("names", [{"0": "a", "2": "b"}, {"0": "a", "1": "a"}, {}, "ab", ["a"]])
def test_outputs_without_a_name_of_their_own(tmp_path: Path, names: object) -> None:
    local = write_classifier(tmp_path / "local", VOWELS)
    config = read_json(local / "config.json") | {"id2label": names}
    (local / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"must name every output|cannot be used") as caught:
        fetch({"path": str(local)}, tmp_path / "m", tmp_path, classifier=True)
    sentence(caught)


def test_weights_without_a_head_are_refused(tmp_path: Path) -> None:
    """transformers would give them one of random numbers."""
    from safetensors.torch import load_file, save_file

    local = write_classifier(tmp_path / "local", VOWELS)
    weights = load_file(local / "model.safetensors")
    del weights["score.weight"]
    save_file(weights, local / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"lack 'score\.weight'") as caught:
        fetched(local, tmp_path / "m")
    sentence(caught)
