"""Finding positions by character offsets, on sentences that break token arithmetic."""

import pytest
from emovec.errors import InputError
from emovec.models.untrained import byte_tokenizer
from emovec.prompts.positions import POSITIONS, plan_readings
from emovec.prompts.tokenizer import TextEncoder
from tiny import SUFFIX
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers


def word_encoder(*texts: str, bos: bool = True) -> TextEncoder:
    """Words with their leading space, marks apart: the shape of the tokens real models use."""
    split = pre_tokenizers.Split(Regex(r" ?[\w']+| ?[^\w\s]|\s"), behavior="isolated")
    pieces = sorted({p for text in texts for p, _ in split.pre_tokenize_str(text)})
    vocabulary = {"<bos>": 0, "<unk>": 1} | {p: i for i, p in enumerate(pieces, start=2)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = split
    return TextEncoder(tokenizer, 0 if bos else None)


def pieces(encode: TextEncoder, text: str, position: str, word: str = "") -> list[str]:
    encoded = encode(text)
    return [
        text[slice(*encoded.spans[i])] for i in POSITIONS[position].find(encoded, word, "row 'x'")
    ]


@pytest.mark.parametrize(
    ("text", "last", "last_content", "mean"),
    [
        ("I am frustrated.", ".", " frustrated", ["I", " am", " frustrated"]),
        (" Leading space here!", "!", " here", [" Leading", " space", " here"]),
        ("Wait... what?!", "!", " what", ["Wait", " what"]),
        ('She said "thanks".', ".", "thanks", ["She", " said", "thanks"]),
        ("Cheers 🎉", " 🎉", " 🎉", ["Cheers", " 🎉"]),
        ("本当にありがとう。", "。", "本当にありがとう", ["本当にありがとう"]),
        ("“Sorry”, he said…", "…", " said", ["Sorry", " he", " said"]),
    ],
)
def test_positions_of_awkward_sentences(
    text: str, last: str, last_content: str, mean: list[str]
) -> None:
    encode = word_encoder(text)
    assert pieces(encode, text, "last") == [last]
    assert pieces(encode, text, "last_content") == [last_content]
    assert pieces(encode, text, "mean") == mean


@pytest.mark.parametrize(
    ("text", "word", "piece"),
    [
        ("I am frustrated.", "frustrated", " frustrated"),
        ("I am fed up, really.", "fed up", " up"),
        ("frustrated, I left.", "frustrated", "frustrated"),
        ("He was 'livid' then.", "livid", " 'livid'"),
    ],
)
def test_emotion_word_is_the_token_that_ends_the_span(text: str, word: str, piece: str) -> None:
    assert pieces(word_encoder(text), text, "emotion_word", word) == [piece]


def test_word_of_several_bytes_ends_at_its_last_byte() -> None:
    encode = TextEncoder(byte_tokenizer(), 0)
    encoded = encode("désolé 🙏 ici")
    [token] = POSITIONS["emotion_word"].find(encoded, "désolé 🙏", "row 'x'")
    # BOS, then bytes: d é(2) s o l é(2) space and the four of the emoji
    assert token == 8 + 1 + 4


def test_mean_of_a_long_text_begins_at_a_token() -> None:
    text = "One, two three. Four five."
    for bos in (True, False):
        encode = word_encoder(text, bos=bos)
        [reading] = plan_readings(encode, [text], None, ["x"], ["mean", "last"], "", 3)
        read = [text[slice(*encode(text).spans[i])] for i in reading.tokens["mean"]]
        assert read == [" three", " Four", " five"]  # tokens: One , two three
        assert reading.tokens["last"] == [len(reading.ids) - 1]
        for late in (7, 8):  # token 7 is a mark
            with pytest.raises(InputError, match="row 't9' has 8 tokens and no word from there on"):
                plan_readings(encode, [text], None, ["row 't9'"], ["mean"], "", late)


def test_bos_is_never_read() -> None:
    text = "Thanks a lot."
    with_bos, without = word_encoder(text), word_encoder(text, bos=False)
    mean = POSITIONS["mean"].find
    assert mean(with_bos(text), "", "x") == [1, 2, 3]
    # without a BOS the first token is the attention sink and is left out of the mean
    assert mean(without(text), "", "x") == [1, 2]
    assert mean(without("Thanks."), "", "x") == [0]


@pytest.mark.parametrize(
    ("text", "position", "word", "says"),
    [
        ("", "last", "", "no token"),
        ("", "suffix", "", "no token"),
        ("?!...", "last_content", "", "not punctuation"),
        ("?!...", "mean", "", "not punctuation"),
        ("I am calm.", "emotion_word", "", "marked word"),
        ("I am calm.", "emotion_word", "livid", "marked word"),
    ],
)
def test_miss_is_an_error_that_names_the_row(
    text: str, position: str, word: str, says: str
) -> None:
    encode = TextEncoder(byte_tokenizer(), 0)
    with pytest.raises(InputError, match=says) as caught:
        plan_readings(encode, [text], [word], ["row 't9' of prompts.csv"], [position], SUFFIX)
    assert "row 't9' of prompts.csv" in str(caught.value)


def test_one_pass_serves_all_positions_where_tokens_do_not_merge() -> None:
    text = "Thanks a lot."
    encode = word_encoder(text + SUFFIX)
    [reading] = plan_readings(encode, [text], [""], ["x"], ["last", "suffix"], SUFFIX)
    assert reading.tokens == {"last": [4], "suffix": [len(reading.ids) - 1]}
    assert reading.ids == encode(text + SUFFIX).ids


def test_two_passes_where_the_suffix_changes_the_tokens_of_the_text() -> None:
    encode = word_encoder("Thanks", "Thanksgiving")
    readings = plan_readings(encode, ["Thanks"], [""], ["x"], ["last", "suffix"], "giving")
    assert [r.tokens for r in readings] == [{"last": [1]}, {"suffix": [1]}]
    assert readings[0].ids != readings[1].ids


def test_suffix_without_a_token() -> None:
    """The position after it would be that of the last token, under another name."""
    encode = word_encoder("Thanks.", bos=False)
    encode.tokenizer.normalizer = normalizers.Strip()
    with pytest.raises(InputError, match=r"no token for prompts\.suffix ' ' after row 't9'"):
        plan_readings(encode, ["Thanks."], [""], ["row 't9'"], ["suffix"], " ")
