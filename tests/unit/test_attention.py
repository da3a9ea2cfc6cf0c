"""What heads look at: spans of a sentence, and a head that looks at the emotion's word."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.components.attention import SPANS, attention, span_weights, spans_of
from emovec.models.untrained import BOS, byte_tokenizer
from emovec.prompts.tokenizer import TextEncoder
from emovec.prompts.turns import Turn
from tiny import CHAT, SUFFIX, model_folder

NAMES = list(SPANS)
CHATTING = Turn("m", CHAT, {"bos_token": BOS})
STATISTICS = {"alpha": 0.05, "permutations": 999}


def test_every_token_is_in_one_span() -> None:
    encoded = TextEncoder(byte_tokenizer(), 0)("I hug you, dear. End")
    found = span_weights(encoded, 16, "hug")
    assert (found.sum(0) == 1).all()
    at = {name: np.flatnonzero(row).tolist() for name, row in zip(NAMES, found, strict=True)}
    # a BOS first; a space alone counts as the word beside it would, as one of the rest
    assert at["first"] == [0] and at["word"] == [3, 4, 5]
    assert at["punctuation"] == [10, 16] and at["suffix"] == [17, 18, 19, 20]
    absent = span_weights(encoded, 16, "")
    assert np.isnan(absent[NAMES.index("word")]).all() and absent[0].sum() == 1


def test_a_chat_around_a_sentence_is_rest_before_it_and_suffix_after() -> None:
    encoded = TextEncoder(byte_tokenizer(), 0, CHATTING)("I hug a user.")
    found = span_weights(encoded, 13, "user")
    at = {name: np.flatnonzero(row) for name, row in zip(NAMES, found, strict=True)}
    pieces = encoded.pieces()
    text = {name: "".join(pieces[i] for i in tokens) for name, tokens in at.items()}
    assert text == {
        "first": BOS, "word": "user", "punctuation": ".", "suffix": "\n[reply]\n",
        "rest": "[user]\nI hug a ",
    }  # fmt: skip
    assert at["word"].min() > encoded.text.index("hug") - len(BOS)  # not that of the template


def prompts(topics: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"id": f"{t}-{c}", "topic": f"t{t}", "emotion": c, "emotion_word": "x"}
            for t in range(topics) for c in ("joy", "fear", "neutral")
        ]
    )  # fmt: skip


def looks(table: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Two blocks of two heads that look at anything, but head 1.0 of joy .2 more at the word."""
    found = rng.dirichlet(np.full(len(NAMES), 8), (len(table), 2, 2))
    joy = (table["emotion"] == "joy").to_numpy()
    found[joy, 1, 0] *= 0.8
    found[joy, 1, 0, NAMES.index("word")] += 0.2
    return found


def test_head_that_looks_at_the_word_is_found_and_no_other() -> None:
    false = 0
    for seed in range(40):
        rng, table = np.random.default_rng(seed), prompts(30)
        found = attention(
            looks(table, rng), table, ["joy", "fear", "neutral"], statistics=STATISTICS, rng=rng
        )
        sure = found[found.p_adjusted < 0.05].set_index(["emotion", "block", "head"])
        own = sure.loc[[("joy", 1, 0)]].set_index("span")
        assert own.value["word"] > 0.1 and own.ci_low["word"] > 0
        assert not own.null_low["word"] < own.value["word"] < own.null_high["word"]
        assert found.p.min() == pytest.approx(1 / 1000)
        assert found.p_adjusted.min() == pytest.approx(2 / 1000)  # of two emotions
        false += bool(len(sure.drop(index=("joy", 1, 0))))
    assert false <= 6  # of 40 at .05, beyond which chance goes once in a hundred


def test_a_word_that_no_sentence_marks_leaves_its_rows_empty() -> None:
    rng, table = np.random.default_rng(0), prompts(8)
    seen = looks(table, rng)
    seen[(table["emotion"] == "neutral").to_numpy(), ..., NAMES.index("word")] = np.nan
    found = attention(seen, table, ["joy", "fear", "neutral"], statistics=STATISTICS, rng=rng)
    word = found.span == "word"
    assert found.value[word].isna().all() and found.attention[word].notna().all()
    assert found.p_adjusted[~word].notna().all() and (found.n_topics[word] == 0).all()


@pytest.mark.parametrize("position", ["suffix", "mean"])
@pytest.mark.parametrize("architecture", ["gpt2", "gpt_neox", "gpt_neo", "llama"])
def test_attention_of_a_real_model(architecture: str, position: str, tiny_root: Path) -> None:
    """All of it, by Hugging Face's own attention weights, from all tokens that are read."""
    torch = pytest.importorskip("torch")
    from emovec.activations.capture import Reader
    from emovec.components.looking import read_attention

    reader = Reader.load(
        "tiny", model_folder(architecture, tiny_root),
        {"prepend_bos": True, "space": "raw", "template": "none"},
        {"device": "cpu", "dtype": "float32", "batch_tokens": 64, "mean_from": 0}, SUFFIX,
    )  # fmt: skip
    texts = ["I hug you.", "You are so kind to me, dear.", "Well, well, well!"]
    table = pd.DataFrame(
        {"id": ["a", "b", "c"], "text": texts, "emotion_word": ["hug", "", "Well"]}
    )
    plan = reader.plan_table("prompts", table, "prompts.csv", [position])
    spans = spans_of(table, reader.encode, SUFFIX, position)
    depth = reader.bridge.cfg.n_layers
    found = read_attention(reader, plan, spans, depth)
    tokens = {one.row: one.tokens[position] for batch in plan for one in batch.readings}
    assert position != "mean" or all(len(own) > 3 for own in tokens.values())
    for row, text in enumerate(texts):
        ids = torch.tensor([reader.encode(text + SUFFIX * (position == "suffix")).ids])
        with torch.inference_mode():
            theirs = reader.bridge.original_model(ids, output_attentions=True).attentions
        for block, pattern in enumerate(theirs):
            expected = pattern[0, :, tokens[row]].mean(1).numpy() @ spans[row].T
            assert found[row, block] == pytest.approx(expected, abs=1e-5, nan_ok=True)
        assert np.nansum(found[row], -1) == pytest.approx(1, abs=1e-5) or row == 1
