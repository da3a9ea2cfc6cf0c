"""Finding positions by character offsets, on sentences that break token arithmetic."""

import pytest
from emovec.errors import InputError
from emovec.models.untrained import byte_tokenizer
from emovec.prompts.positions import POSITIONS, marked_tokens, plan_readings
from emovec.prompts.tokenizer import TextEncoder
from emovec.prompts.turns import Turn
from tiny import CHAT, SUFFIX
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


def chat_encoder(*texts: str, template: str = CHAT, bos: bool = True) -> TextEncoder:
    """Words in the user's turn: `<bos>[user]`, the text and `[reply]`, each with a line end."""
    turn = Turn("m", template, {"bos_token": "<bos>"})
    encode = word_encoder("[user]\n[reply]\n", *texts, bos=bos)
    encode.tokenizer.add_special_tokens(["<bos>"])
    return TextEncoder(encode.tokenizer, encode.bos_id, turn)


@pytest.mark.parametrize("bos", [True, False])
def test_positions_of_a_sentence_in_a_turn(bos: bool) -> None:
    text = "I reply “fed up”, to the user."
    encode = chat_encoder(text, bos=bos)
    encoded = encode(text)
    assert encoded.text == f"<bos>[user]\n{text}\n[reply]\n"
    assert encoded.ids.count(0) == 1  # the template's own
    assert "".join(encoded.pieces()) == encoded.text

    def read(position: str, word: str = "") -> list[str]:
        found = POSITIONS[position].find(encoded, word, "x")
        return [encoded.text[slice(*encoded.spans[i])] for i in found]

    assert read("last") == read("user_end") == ["."]
    assert read("last_content") == [" user"]
    assert read("mean") == ["I", " reply", "fed", " up", " to", " the", " user"]
    assert read("emotion_word", "fed up") == [" up"]
    assert read("emotion_word", "user") == [" user"]  # not that of the template
    assert read("emotion_word", "reply") == [" reply"]
    [end] = POSITIONS["reply_start"].find(encoded, "", "x")
    assert end == len(encoded.ids) - 1 and encoded.text[slice(*encoded.spans[end])] == "\n"
    with pytest.raises(InputError, match="a marked word"):
        read("emotion_word", "bos")


@pytest.mark.parametrize("bos", [True, False])
def test_bos_that_no_template_renders_is_put_first(bos: bool) -> None:
    encode = chat_encoder("I am calm.", template=CHAT.removeprefix("{{ bos_token }}"), bos=bos)
    encoded = encode("I am calm.")
    assert encoded.ids.count(0) == int(bos) == (encoded.ids[0] == 0)
    assert encoded.text.startswith("[user]")
    assert [encoded.text[slice(*encoded.spans[i])] for i in encoded.own] == [
        "I",
        " am",
        " calm",
        ".",
    ]


def test_token_across_the_border_of_a_turn_is_the_sentences() -> None:
    encode = chat_encoder("Calm.")
    split = pre_tokenizers.Split(Regex(r"\w+|\.\n|[^\w.]"), behavior="isolated")
    encode.tokenizer.pre_tokenizer = split
    encoded = encode("Calm.")
    assert [encoded.text[slice(*encoded.spans[i])] for i in encoded.own] == ["Calm", ".\n"]


def test_suffix_is_said_in_the_turn_and_the_reply_has_its_own_pass() -> None:
    text, suffix = "Thanks a lot.", " That is all."
    encode = chat_encoder(text + suffix)

    def plan(*positions: str) -> list[dict[str, list[int]]]:
        found = plan_readings(encode, [text], None, ["x"], list(positions), suffix)
        return [reading.tokens for reading in found]

    first = encode(text).own.start  # Thanks a lot . That is all .
    assert plan("user_end", "suffix") == [{"user_end": [first + 3], "suffix": [first + 7]}]
    end = len(encode(text).ids) - 1
    assert plan("suffix", "reply_start") == [{"reply_start": [end]}, {"suffix": [first + 7]}]


def test_mean_of_a_long_turn_begins_at_a_token_of_the_text() -> None:
    text = "One, two three. Four five."
    encode = chat_encoder(text)
    [reading] = plan_readings(encode, [text], None, ["x"], ["mean"], "", 3)
    read = [reading.encoded.text[slice(*reading.encoded.spans[i])] for i in reading.tokens["mean"]]
    assert read == [" three", " Four", " five"]
    with pytest.raises(InputError, match="has 8 tokens and no word from there on"):
        plan_readings(encode, [text], None, ["x"], ["mean"], "", 7)


@pytest.mark.parametrize("text", ["user", "", "\n"])
def test_sentence_that_is_also_in_the_template(text: str) -> None:
    encode = chat_encoder(text)
    with pytest.raises(InputError, match=r"row 't9' does not stand once and unchanged in the chat"):
        plan_readings(encode, [text], None, ["row 't9'"], ["last"], "")


def test_sentence_that_the_template_changes() -> None:
    encode = chat_encoder("I am calm.", template=CHAT.replace(".content", ".content | trim"))
    encode("I am calm.")
    with pytest.raises(InputError, match=r"row 't9' does not .* set models\.m\.template to none"):
        encode("I am calm. ", "row 't9'")


@pytest.mark.parametrize("position", ["user_end", "reply_start"])
def test_position_of_a_turn_without_a_template(position: str) -> None:
    with pytest.raises(InputError, match=f"The position {position} is that of a turn"):
        plan_readings(word_encoder("Thanks."), ["Thanks."], None, ["x"], ["last", position], "")


def test_every_token_is_marked_as_read_or_not() -> None:
    text = "Thanks, a lot."
    encode = word_encoder(text + " So.")
    plan = plan_readings(encode, [text], None, ["x"], ["last_content", "suffix"], " So.")
    rows = marked_tokens(encode, plan, ["t0"])
    drawn = {
        position: "".join(
            f"<{row['text']}>" if row["read"] else row["text"]
            for row in rows
            if row["position"] == position
        )
        for position in ("last_content", "suffix")
    }
    assert drawn == {
        "last_content": "<bos>Thanks, a< lot>. So.",
        "suffix": "<bos>Thanks, a lot. So<.>",
    }
    assert [row["token"] for row in rows if row["position"] == "suffix"] == list(range(8))
    assert {row["prompt_id"] for row in rows} == {"t0"}
