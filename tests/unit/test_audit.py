"""The audit: clean sets pass, and each planted fault is found, named, and nothing else is."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.audit import classifiers
from emovec.audit.audit import Audit, audit
from emovec.audit.duplicates import _similar
from emovec.audit.form import _smd, _total_variation
from emovec.audit.ledger import LIMITS
from emovec.audit.text_baseline import text_baseline
from emovec.figures.audit import draw_audit
from emovec.figures.style import save
from emovec.io.tables import read_table, write_table
from emovec.prompts.design import Design
from emovec.prompts.sentences import read_probe, read_prompts
from emovec.statistics.auroc import HeldOut, each_left_out, over_folds
from emovec.statistics.folds import Folds, topic_folds
from emovec.statistics.resampling import jackknife_se
from emovec.wording.remarks import FINDINGS
from tokenizers import Tokenizer, models, pre_tokenizers
from told import told_in_both

EMOTIONS = ["gratitude", "anger", "apology"]
NEUTRAL = "neutral"
SHIPPED = Path(__file__).parents[2] / "resources" / "prompts"


def byte_level() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def word_level(texts: pd.Series) -> Tokenizer:
    words = sorted(set(texts.str.findall(r"\w+|[^\w\s]+").explode()))
    vocabulary = {word: i for i, word in enumerate(["?unknown", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?unknown"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation()]
    )
    return tokenizer


SHIPPED_PROMPTS = read_prompts(SHIPPED / "baseline.csv", EMOTIONS, NEUTRAL)
SHIPPED_PROBE = read_probe(SHIPPED / "probe.csv")
TOKENIZERS = {"bytes": byte_level(), "words": word_level(SHIPPED_PROMPTS["text"])}


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked again of the same texts and folds is not fitted again."""
    monkeypatch.setattr(classifiers, "text_baseline", _remembered)


def _remembered(sees: str, classes: list, folds: Folds) -> HeldOut:
    cells = [tuple(cell) for one in classes for cell in one]
    key = (sees, *cells, folds.train.tobytes(), folds.test.tobytes())
    if key not in BASELINES:
        BASELINES[key] = text_baseline(sees, classes, folds)
    return BASELINES[key]


BASELINES: dict[tuple, HeldOut] = {}


def run(prompts: pd.DataFrame, probe: pd.DataFrame = SHIPPED_PROBE, **options) -> Audit:
    options = {"emotions": EMOTIONS, "neutral": NEUTRAL, "seed": 0} | options
    return audit(Design(prompts), probe, options.pop("tokenizers", TOKENIZERS), **options)


def failing(result: Audit) -> set[str]:
    """The checks that fail; if any does there are findings, which JSON holds and both tell."""
    table = result.confounds
    failed = table[table["ok"].notna() & ~table["ok"].fillna(True)]
    assert bool(len(failed)) == bool(result.findings)
    for finding in json.loads(json.dumps(result.findings)):
        told_in_both(FINDINGS, finding["code"], finding)
    return set(failed["check"])


def values(result: Audit, check: str, statistic: str, model: str = "") -> pd.Series:
    table = result.confounds
    here = table[
        table["check"].eq(check) & table["statistic"].eq(statistic) & table["model"].eq(model)
    ]
    return here.set_index("scope")["value"]


def changed(where: pd.Series | np.ndarray, change: Callable[[str], str]) -> pd.DataFrame:
    prompts = SHIPPED_PROMPTS.copy()
    prompts.loc[where, "text"] = prompts.loc[where, "text"].map(change)
    return prompts


def of(emotion: str, share: float = 1.0) -> np.ndarray:
    """The rows of a class, or a share of them spread over the file."""
    rows = SHIPPED_PROMPTS["emotion"].eq(emotion).to_numpy()
    order = np.cumsum(rows) * share
    return rows & (np.floor(order) > np.floor(order - share))


@pytest.fixture(scope="module")
def clean() -> Audit:
    return run(SHIPPED_PROMPTS)


# --- the shipped sets ---------------------------------------------------------------------------


def test_shipped_set_has_no_findings(clean):
    assert clean.findings == []
    assert failing(clean) == set()


def test_shipped_set_keeps_the_limits_without_allowance_for_chance(clean):
    for unit, model in (("words", ""), ("characters", ""), ("tokens", "bytes")):
        assert values(clean, "length", f"abs_smd_{unit}", model).max() < LIMITS["smd"]
    assert values(clean, "nuisance", "auroc_topic").max() < LIMITS["nuisance_auroc"]
    assert values(clean, "first_word", "accuracy")["classes"] == 0.25
    assert values(clean, "first_word", "total_variation").eq(0).all()


def test_words_tell_the_shipped_classes_apart(clean):
    topic = values(clean, "bag_of_words", "auroc_topic")
    phrase = values(clean, "bag_of_words", "auroc_phrase")
    assert (topic > 0.8).all() and (phrase > 0.55).all() and (phrase < topic).all()


def test_smoke_set_fails_for_its_size_alone():
    prompts = read_prompts(SHIPPED / "smoke.csv", EMOTIONS, NEUTRAL)
    result = run(prompts, read_probe(SHIPPED / "smoke_probe.csv"))
    assert failing(result) == {"size", "heads", "probe_size", "probe_attribute"}
    assert result.findings[0] == {"code": "few_topics", "n": 10, "units": "topics", "limit": 70}
    assert len(result.findings) == 6


def test_summary_is_json(clean):
    summary = json.loads(json.dumps(clean.summary))
    assert summary["classes"] == dict.fromkeys([*EMOTIONS, NEUTRAL], 168)
    assert (summary["prompts"], summary["topics"]) == (672, 168)
    assert (summary["probe"], summary["attributes"]) == (1600, 69)
    assert summary["halves"] == {"map": 800, "control": 800}
    assert summary["tokenizers"] == ["bytes", "words"]
    assert summary["findings"] == [] and summary["thresholds"]["smd"] == 0.1


def test_same_seed_same_numbers(clean):
    again = run(SHIPPED_PROMPTS)
    pd.testing.assert_frame_equal(again.confounds, clean.confounds, check_exact=True)
    other = run(SHIPPED_PROMPTS, seed=1)
    assert not other.confounds["value"].equals(clean.confounds["value"])


# --- planted faults -----------------------------------------------------------------------------


def test_same_sentence_twice():
    first = SHIPPED_PROMPTS["text"][1]
    result = run(changed(SHIPPED_PROMPTS.index == 9, lambda _: first.upper()))
    assert failing(result) == {"duplicates"}
    same = {"code": "same_sentences", "scope": "within a class", "n": 1}
    assert result.findings == [same | {"a": "t001-anger", "b": "t003-anger"}]
    assert values(result, "duplicates", "exact_pairs")["within a class"] == 1


def test_one_word_changed():
    first = SHIPPED_PROMPTS["text"][3]
    result = run(changed(SHIPPED_PROMPTS.index == 11, lambda _: first.replace("shed", "barn")))
    assert failing(result) == {"duplicates"}
    near = {"code": "near_duplicates", "scope": "within a class", "n": 1}
    assert result.findings == [near | {"a": "t001-neutral", "b": "t003-neutral"}]


def test_classes_of_one_topic_may_share_more_words():
    def shared(scope_of: int) -> set[str]:
        text = SHIPPED_PROMPTS["text"][0].replace("my whole Saturday", "your entire Sunday")
        return failing(run(changed(SHIPPED_PROMPTS.index == scope_of, lambda _: text)))

    assert 0.6 < next(_similar([SHIPPED_PROMPTS["text"][0], "x"], 0.0), (0, 0, 0.7))[2] < 0.75
    assert shared(3) == set()
    assert shared(7) == {"duplicates"}


def test_probe_repeats_a_prompt():
    probe = SHIPPED_PROBE.copy()
    probe.loc[[5, 6], "text"] = SHIPPED_PROMPTS["text"][3]
    result = run(SHIPPED_PROMPTS, probe)
    assert failing(result) == {"duplicates"}
    assert values(result, "duplicates", "exact_pairs")["between prompts and probe"] == 2
    assert values(result, "duplicates", "exact_pairs")["within the probe"] == 1
    assert len(result.findings) == 2


def test_probe_shares_a_topic():
    probe = SHIPPED_PROBE.assign(topic="spare-key")
    result = run(SHIPPED_PROMPTS, probe)
    assert failing(result) == {"duplicates"}
    assert result.findings[0] == {"code": "shared_topics", "n": 1, "topic": "spare-key"}


def test_final_mark_of_a_few():
    result = run(changed(of("anger", 0.05), lambda text: text[:-1] + "!"))
    assert failing(result) == {"final_character", "final_token", "nuisance"}
    assert len(result.findings) == 4  # once for the character, for each tokenizer, and a classifier
    first = result.findings[0]
    assert (first["mark"], first["a"], first["b"]) == (".", "gratitude", "anger")
    assert (first["share_a"], first["share_b"]) == (1, pytest.approx(160 / 168))
    variation = values(result, "final_character", "total_variation")
    assert variation["anger vs neutral"] == pytest.approx(8 / 168)
    assert variation["gratitude vs neutral"] == 0


def test_final_mark_of_the_original_study():
    """40 '.' and 10 '!' in each emotion, 37 '.' and 13 '?' in neutral."""
    prompts = SHIPPED_PROMPTS[:200].copy()
    for emotion in [*EMOTIONS, NEUTRAL]:
        mark, count = ("?", 13) if emotion == NEUTRAL else ("!", 10)
        rows = prompts.index[prompts["emotion"] == emotion][:count]
        prompts.loc[rows, "text"] = prompts.loc[rows, "text"].str[:-1] + mark
    result = run(prompts)
    assert {"final_character", "final_token"} <= failing(result)
    variation = values(result, "final_character", "total_variation")
    assert variation["gratitude vs neutral"] == pytest.approx(13 / 50)
    assert variation["gratitude vs anger"] == 0
    assert values(result, "final_character", "chi_square_p")["classes"] < 1e-4


def test_class_that_ends_otherwise():
    result = run(changed(of("apology"), lambda text: text[:-1] + "?"))
    assert failing(result) == {"final_character", "final_token", "balance", "nuisance"}
    assert values(result, "nuisance", "auroc_topic")["apology vs neutral"] == 1
    assert values(result, "nuisance", "auroc_topic")["gratitude vs neutral"] < 0.6


def test_class_that_is_longer_by_a_third():
    result = run(changed(of("anger"), lambda text: text[:-1] + " over there by the old gate."))
    assert failing(result) == {"length", "nuisance"}
    assert all("anger" in finding.values() for finding in result.findings)
    assert [result.findings[0][key] for key in ("code", "unit")] == ["longer", "words"]
    assert values(result, "length", "smd_words")["anger vs neutral"] > 5
    assert values(result, "nuisance", "auroc_topic")["anger vs neutral"] > 0.99


def test_class_that_is_shorter():
    result = run(
        changed(of("gratitude"), lambda text: " ".join(text.split()[:-3]).rstrip(",") + ".")
    )
    assert failing(result) == {"length", "nuisance"}
    assert [result.findings[0][key] for key in ("code", "emotion")] == ["shorter", "gratitude"]


def test_longer_in_the_tokens_of_one_model_only():
    def split(text: str) -> str:
        """Break the longest word with a mark: as many words and bytes, but two tokens more."""
        word = max(re.findall(r"[a-z]{3,}", text), key=len)
        return text.replace(word, word[:1] + "_" + word[2:], 1)

    result = run(changed(of("apology"), split))
    assert failing(result) == {"length"}
    assert len(result.findings) == 1
    assert [result.findings[0][key] for key in ("code", "model")] == ["longer_in_tokens", "words"]


def test_first_words_of_some():
    def opened(text: str) -> str:
        first, rest = text.split(" ", 1)
        return f"{'Oooooo'[: len(first)]} {rest}"

    result = run(changed(of("apology", 0.2), opened))
    assert failing(result) == {"first_word", "nuisance"}
    assert result.findings[0]["code"] == "first_words" and "apology" in result.findings[0].values()
    variation = values(result, "first_word", "total_variation")
    assert variation["apology vs neutral"] == pytest.approx(0.2, abs=0.01)
    assert variation["gratitude vs anger"] == 0


def test_first_words_of_all():
    def opened(word: str) -> Callable[[str], str]:
        return lambda text: f"{word} {text.split(' ', 1)[1]}"

    prompts = SHIPPED_PROMPTS.copy()
    for emotion, word in zip([*EMOTIONS, NEUTRAL], ["So", "Oh", "Ah", "By"], strict=True):
        rows = of(emotion)
        prompts.loc[rows, "text"] = prompts.loc[rows, "text"].map(opened(word))
    result = run(prompts)
    assert failing(result) == {"first_word", "nuisance"}
    assert result.findings[1] == {"code": "first_word", "accuracy": 1, "chance": 0.25}
    assert values(result, "first_word", "accuracy")["classes"] == 1
    assert values(result, "nuisance", "auroc_topic").eq(1).all()


def test_negation_of_one_class():
    result = run(changed(of("anger", 0.5), lambda text: text.replace(" the ", " no ", 1)))
    assert failing(result) == {"balance"}
    assert [result.findings[0][key] for key in ("emotion", "form")] == ["anger", "are negated"]


def test_sentences_of_few_tokens():
    prompts = changed(SHIPPED_PROMPTS["topic"].eq("spare-key"), lambda text: text.split()[0] + ".")
    result = run(prompts, tokenizers={"words": TOKENIZERS["words"]})
    assert failing(result) == {"duplicates", "min_length"}
    short = {"code": "short_sentences", "n": 4, "limit": 5, "model": "words"}
    assert any(short.items() <= finding.items() for finding in result.findings)


def test_few_words_carry_an_emotion():
    phrase = SHIPPED_PROMPTS["phrase"]
    phrase = phrase.where(~of("anger") | phrase.eq("implicit"), "mad")
    result = run(SHIPPED_PROMPTS.assign(phrase=phrase))
    assert failing(result) == {"heads"}
    assert result.findings == [
        {"code": "few_heads", "emotion": "anger", "n": 1, "limit": 12},
        {"code": "common_head", "head": "mad", "share": 0.75, "emotion": "anger"},
    ]


def test_file_of_the_required_columns_only():
    result = run(SHIPPED_PROMPTS[["id", "topic", "emotion", "text"]])
    assert result.findings == [{"code": "no_phrases"}]
    assert "auroc_phrase" not in set(result.confounds["statistic"])


def test_emotion_word_in_the_probe():
    probe = SHIPPED_PROBE.copy()
    probe.loc[0, "text"] = "The Angry river made the mill wheel groan."
    probe.loc[1, "text"] = "Three madrigals were sung at the adjoining chapel."  # "mad" inside
    result = run(SHIPPED_PROMPTS, probe)
    assert failing(result) == {"probe_words"}
    found = {"code": "probe_words", "n": 1, "word": "angry", "example": "p0001"}
    assert result.findings == [found]


def test_attribute_with_a_thin_side():
    probe = SHIPPED_PROBE.copy()
    rows = probe.index[(probe["half"] == "control") & (probe["attr_question"] == 1)]
    probe.loc[rows[30:], "attr_question"] = 0
    result = run(SHIPPED_PROMPTS, probe)
    assert failing(result) == {"probe_attribute"}
    thin = {"code": "thin_attributes", "n": 1, "limit": 80, "least": 40}
    assert result.findings == [thin | {"example": "attr_question"}]


def test_attribute_that_repeats_another():
    probe = SHIPPED_PROBE.assign(attr_again=1 - SHIPPED_PROBE["attr_past"])
    result = run(SHIPPED_PROMPTS, probe)
    assert failing(result) == {"attribute_correlation"}
    alike = {"code": "alike_attributes", "n": 1, "limit": 0.7, "a": "attr_past", "b": "attr_again"}
    assert result.findings == [alike | {"value": pytest.approx(-1)}]


@pytest.mark.parametrize("m", [2, 5])
def test_effective_number_of_attributes(m):
    """All 2^m patterns of m labels are m attributes; each of them twice is still m."""
    labels = np.array(list(np.ndindex(*[2] * m)))
    probe = SHIPPED_PROBE[["id", "text", "half"]][: len(labels)]
    for count in (1, 2):
        table = pd.DataFrame(np.tile(labels, count)).add_prefix("attr_")
        result = run(SHIPPED_PROMPTS, probe.join(table.assign(attr_constant=1)))
        number = values(result, "attribute_correlation", "n_effective")["probe"]
        assert number == pytest.approx(m)


def test_probe_without_attributes():
    result = run(SHIPPED_PROMPTS, SHIPPED_PROBE[["id", "text", "half"]])
    assert failing(result) == {"probe_size"}
    assert result.findings == [{"code": "few_attributes", "n": 0, "limit": 20}]


def test_probe_of_one_half():
    probe = SHIPPED_PROBE.assign(half="map")
    result = run(SHIPPED_PROMPTS, probe)
    assert failing(result) == {"probe_size", "probe_attribute"}
    assert result.findings[0]["part"] == "the control half of the probe"
    assert result.findings[0]["n"] == 0


# --- tokenizers ---------------------------------------------------------------------------------


def test_padding_truncation_and_special_tokens_do_not_count(clean):
    tokenizer = byte_level()
    tokenizer.add_special_tokens(["<s>"])
    tokenizer.enable_padding(length=300)
    tokenizer.enable_truncation(20)
    result = run(SHIPPED_PROMPTS, tokenizers={"bytes": tokenizer})
    assert result.findings == []
    pd.testing.assert_series_equal(
        values(result, "length", "mean_tokens", "bytes"),
        values(clean, "length", "mean_tokens", "bytes"),
    )
    assert tokenizer.padding is not None and tokenizer.truncation is not None


def test_no_tokenizers():
    assert run(SHIPPED_PROMPTS, tokenizers={}).findings == []


# --- known answers ------------------------------------------------------------------------------


def made(n_topics: int, heads: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Random filler words; each emotion has heads of its own, dealt over the topics."""
    rng = np.random.default_rng(seed)
    filler = ["".join(rng.choice(list("abcdefgh"), 5)) for _ in range(400)]
    rows = []
    for topic in range(n_topics):
        for name in [*EMOTIONS, NEUTRAL]:
            words = rng.choice(filler, 10).tolist()
            phrase = "" if name == NEUTRAL else f"{name[:2]}{topic % heads:03d}"
            words[5] = phrase or words[5]
            rows.append((f"{name}-{topic}", f"t{topic}", name, " ".join(words) + ".", phrase))
    columns = ["id", "topic", "emotion", "text", "phrase"]
    return pd.DataFrame(rows, columns=columns), SHIPPED_PROBE[:40]


def test_words_of_heads_do_not_carry_over_to_other_heads():
    result = run(*made(120, 12), tokenizers={})
    topic = values(result, "bag_of_words", "auroc_topic")
    phrase = values(result, "bag_of_words", "auroc_phrase")
    assert topic.min() > 0.65
    assert np.abs(phrase - 0.5).max() < 0.12


def test_classes_of_one_kind_are_told_apart_by_nothing():
    """Random text: the checks with an allowance for chance hold over many draws."""
    failed = [
        failing(run(*made(n, 12, seed), tokenizers={})) & {"nuisance", "length", "first_word"}
        for n in (8, 40)
        for seed in range(3)
    ]
    assert sum(map(bool, failed)) <= 1


def test_error_of_an_auroc_is_that_of_other_topics():
    rng = np.random.default_rng(0)
    n = 200
    kept = each_left_out(n)
    made = topic_folds(n, 2, rng)
    score = rng.normal(size=(2, n)) + np.array([[1], [0]]) + rng.normal(size=n)

    def held_out(rows: np.ndarray) -> HeldOut:
        scores = (score[:, rows][test][None] for test in made.test)
        return HeldOut.of(over_folds(scores, made, kept))

    error = jackknife_se(held_out(np.arange(n)).left_out)
    draws = [held_out(rng.integers(n, size=n)).auroc for _ in range(300)]
    assert error == pytest.approx(np.std(draws), rel=0.2)


def test_standardised_difference():
    own, other = np.array([3.0, 5.0, 7.0]), np.array([1.0, 3.0, 5.0])
    assert _smd(own, other) == (1.0, 0.0)  # 2 over a standard deviation of 2; always exactly 2
    assert _smd(own, own) == (0.0, 0.0)
    assert _smd(np.full(3, 2.0), np.full(3, 1.0))[0] == np.inf
    value, error = _smd(own, np.array([1.0, 5.0, 3.0]))
    assert value == 1.0
    assert error == pytest.approx(np.std([2, 0, 4], ddof=1) / np.sqrt(3) / 2)


def test_total_variation():
    rng = np.random.default_rng(0)
    assert _total_variation(np.eye(3), np.eye(3)[::-1], rng) == (0.0, 0.0)
    a, b = np.eye(2)[np.zeros(50, int)], np.eye(2)[np.ones(50, int)]
    value, chance = _total_variation(a, b, rng)
    assert value == 1.0 and 0.2 < chance < 0.5


def test_similarity_of_sentences():
    pairs = list(_similar(["abcdef", "abcdef", "abcdeg", "", "zzzzzz"], 0.5))
    assert [(i, j) for i, j, _ in pairs] == [(0, 1), (0, 2), (1, 2)]
    assert pairs[0][2] == 1.0
    assert pairs[1][2] == pytest.approx(5 / 9)  # 7 shingles each, 2 of them not shared
    assert list(_similar(["", ""], 0.5)) == []


# --- the picture --------------------------------------------------------------------------------


def draw(result, emotions, path):
    """By way of the table on disk, as the workflow does."""
    table = path.with_suffix(".csv")
    write_table(result.confounds, table, "confounds")
    save(draw_audit(read_table(table, "confounds"), result.summary, emotions, NEUTRAL), path, 100)


def test_picture_is_the_same_each_time(clean, tmp_path):
    for name in ("a.png", "b.png"):
        draw(clean, EMOTIONS, tmp_path / name)
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) > 10_000
    assert content == (tmp_path / "b.png").read_bytes()


def test_picture_of_extremes(tmp_path):
    """One unknown emotion, no phrases, lengths that do not vary, a single tokenizer."""
    rows = [
        (f"{name}{i}", f"t{i}", name, text, "")
        for i in range(6)
        for name, text in (("envy", f"Some words more {i}."), (NEUTRAL, f"Some words {i}."))
    ]
    prompts = pd.DataFrame(rows, columns=["id", "topic", "emotion", "text", "emotion_word"])
    result = run(prompts, emotions=["envy"], tokenizers={"bytes": byte_level()})
    assert values(result, "length", "smd_words")["envy vs neutral"] == np.inf
    draw(result, ["envy"], tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000


# The spectrum -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spectrum() -> pd.DataFrame:
    return pd.read_csv(SHIPPED / "spectrum.csv", keep_default_na=False)


def test_spectrum_is_complete_and_alike_in_form(spectrum: pd.DataFrame) -> None:
    emotions = list(dict.fromkeys(spectrum.emotion))[:-1]
    assert len(emotions) == 32 and len(spectrum) == 60 * 33 and spectrum.id.is_unique
    read = read_prompts(SHIPPED / "spectrum.csv", emotions, NEUTRAL)  # spans, topics, classes
    assert len(read) == len(spectrum) and spectrum.text.is_unique
    assert (spectrum.groupby("topic")[["register", "writer"]].nunique() == 1).all(axis=None)
    assert (spectrum.text.str.split().str[0].groupby(spectrum.topic).nunique() == 1).all()
    words = spectrum.text.str.split().str.len()
    assert words.between(10, 18).all() and spectrum.text.str.fullmatch(r"[^.!?\"]*\.").all()
    assert (words.groupby(spectrum.emotion).mean() - words.mean()).abs().max() < 0.8


def test_words_of_the_spectrum_belong_to_one_emotion(spectrum: pd.DataFrame) -> None:
    emotions = list(dict.fromkeys(spectrum.emotion))[:-1]
    number = spectrum.groupby("writer").topic.transform(lambda t: pd.factorize(t)[0] + 1)
    feeling = spectrum[spectrum.emotion != NEUTRAL]
    place = feeling.emotion.map(emotions.index)
    implicit = feeling.phrase == "implicit"
    assert (implicit == ((place + number[feeling.index]) % 3 == 0)).all()
    named = feeling[~implicit]
    heads = named.groupby("emotion").phrase.nunique()
    assert heads.min() >= 8 and (named.groupby("phrase").emotion.nunique() == 1).all()
    owner = dict(zip(named.emotion_word.str.lower(), named.emotion, strict=True))
    for text, emotion in zip(spectrum.text.str.lower(), spectrum.emotion, strict=True):
        words = re.findall(r"[a-z'-]+", text)
        assert {owner.get(word, emotion) for word in words} == {emotion}, text


def test_ratings_are_of_the_spectrum(spectrum: pd.DataFrame) -> None:
    ratings = pd.read_csv(SHIPPED.parent / "ratings.csv")
    assert list(ratings.emotion) == list(dict.fromkeys(spectrum.emotion))[:-1]
    rated = ratings.dropna()
    assert len(rated) == 29 and set(ratings.emotion) - set(rated.emotion) == {
        "envy", "resignation", "nostalgia",
    }  # fmt: skip
    assert rated[["valence", "arousal", "dominance"]].stack().between(1, 9).all()
    assert rated.n.min() >= 30
