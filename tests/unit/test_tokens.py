"""Tokens are pieces of their sentence, and lie along directions that never saw its topic."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.models.untrained import BOS, byte_tokenizer
from emovec.prompts.tokenizer import Encoded, TextEncoder, load_encoder
from emovec.prompts.turns import Turn
from emovec.vectors.token_projections import (
    SENTENCES,
    SINK,
    UNDEFINED,
    Scales,
    projections,
    same_places,
    selected,
    typical_topics,
)
from tiny import CHAT, SUFFIX, model_folder

CLASSES = ["joy", "fear", "neutral"]
RNG = np.random.default_rng(5)


@pytest.mark.parametrize("text", ["Cheers 🎉, mate!", "本当に ありがとう。", " a\r\n\tb  ", "“é”"])
@pytest.mark.parametrize("bos", [0, None])
def test_pieces_are_the_text(text: str, bos: int | None) -> None:
    encoded = TextEncoder(byte_tokenizer(), bos)(text)
    assert len(encoded.pieces()) == len(encoded.ids)  # one for each byte
    assert "".join(encoded.pieces()) == text


def test_spaces_outside_of_tokens_go_with_the_next_one() -> None:
    encoded = Encoded(
        " So it\nis. ", [0, 1, 2, 3, 4], [(0, 0), (1, 3), (4, 6), (7, 9), (9, 10)], True
    )
    assert encoded.pieces() == ["", " So", " it", "\nis", ". "]


def test_prompts_are_selected_in_the_order_of_their_topics() -> None:
    topics = [f"t{i}" for i in range(9)]
    rows = [{"topic": t, "emotion": c} for t in topics for c in CLASSES for _ in range(2)]
    found = selected(pd.DataFrame(rows), [3, 0, 5])
    assert list(dict.fromkeys(found.topic)) == ["t3", "t0", "t5"]
    assert found.groupby("emotion").size().tolist() == [3] * 3
    assert (found.place == found.topic.map(topics.index)).all()


def test_typical_topics_are_those_near_the_median() -> None:
    residual = RNG.normal(size=(3, 21, 6)) * 0.01
    strength = np.r_[np.linspace(5, 7, 20), 60]  # the last topic is far out
    residual[0, :, 0] += strength
    residual[1, :, 1] += strength
    residual[2] += RNG.normal(size=(21, 6)) * 0.1  # neutral sentences differ
    found = typical_topics(residual)
    assert len(found) == SENTENCES // 3 and 20 not in found and 0 not in found
    assert set(found) <= set(range(2, 19))
    assert sorted(typical_topics(np.ones((3, 4, 6)))) == [0, 1, 2, 3]  # nothing can be told
    assert len(typical_topics(np.ones((SENTENCES, 4, 6)))) == 2


def test_same_place_is_the_same_part_of_a_sentence_and_the_same_token_after_it() -> None:
    encode = TextEncoder(byte_tokenizer(), 0)
    one, other = encode("abcd" + "xyz"), encode("abcdefgh" + "xyz")
    assert same_places(one, 4, other, 8) == [0, 2, 4, 6, 8, 9, 10, 11]
    assert same_places(other, 8, one, 4) == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7]
    assert same_places(one, 4, one, 4) == list(range(8))


def test_same_place_of_another_sentence_in_a_chat() -> None:
    encode = TextEncoder(byte_tokenizer(), 0, Turn("m", CHAT, {"bos_token": BOS}))
    one, other = encode("abcd"), encode("efghijkl")
    found, start = same_places(one, 4, other, 8), one.own.start
    assert found[:start] == list(range(start))
    assert [other.pieces()[i] for i in found[start : start + 4]] == ["f", "h", "j", "l"]
    assert found[start + 4 :] == list(range(start + 8, len(other.ids)))


def world(topics: int = 40) -> np.ndarray:
    """`[class, topic, depth, d_model]`: joy is 5 along axis 0; noise has deviation 2 there."""
    residual = RNG.normal(size=(3, topics, 2, 12)) * np.r_[2, np.full(11, 0.1)] + 7
    residual[0, ..., 0] += 5
    residual[1, ..., 1] += 1
    return residual


def test_unit_is_the_deviation_of_neutral_sentences() -> None:
    residual = world()
    scale = Scales(residual).without(3)
    neutral = np.delete(residual[-1], 3, axis=0)
    found = scale(neutral)
    assert found.mean(0) == pytest.approx(0, abs=1e-12)
    assert found.std(0, ddof=1) == pytest.approx(np.ones((2, 2)))
    joy = scale(residual[0, [3]])[0, 0]
    assert joy == pytest.approx((residual[0, 3, :, 0] - neutral[..., 0].mean(0)) / 2, abs=0.8)
    assert scale(residual[0])[:, 0].mean() == pytest.approx(5 / 2, rel=0.2)


def test_own_topic_has_no_part_in_its_scale() -> None:
    residual = world()
    changed = residual.copy()
    changed[:, 3] += RNG.normal(size=(3, 2, 12)) * 1000
    for field in ("centre", "directions", "spread"):
        one, two = (getattr(Scales(r).without(3), field) for r in (residual, changed))
        assert one == pytest.approx(two, rel=1e-9)  # but for rounding of large sums
    assert not np.allclose(
        Scales(residual).without(4).directions, Scales(changed).without(4).directions
    )


@pytest.mark.parametrize("topics", [2, 5])
def test_what_cannot_be_told_is_nan(topics: int) -> None:
    residual = world(topics)
    residual[:, :, 0] = 1.0  # at depth 0 no sentence differs
    found = Scales(residual).without(0)(residual[0])
    assert np.isnan(found[..., 0]).all()
    assert np.isnan(found[..., 1]).all() == (topics == 2)  # one sentence has no deviation


torch = pytest.importorskip("torch")
MARK, TOPICS = "@", [f"t{i}" for i in range(12)]


def planted(root: Path, bos: bool = True) -> pd.DataFrame:
    """The table of a tiny model in which the token @, of joyful sentences alone, has a direction.

    Directions are fitted at the last token, at every depth.
    """
    from emovec.activations.capture import Reader

    folder = model_folder("gpt2", root)
    reader = Reader.load(
        "tiny", folder, {"prepend_bos": bos, "space": "raw", "template": "none"},
        {"device": "cpu", "dtype": "float32", "batch_tokens": 256, "mean_from": 0}, SUFFIX,
    )  # fmt: skip
    embedding = reader.bridge.original_model.get_input_embeddings().weight
    direction = RNG.normal(size=embedding.shape[1])
    direction *= 20 * embedding.norm(dim=-1).mean().item() / np.linalg.norm(direction)
    with torch.no_grad():
        embedding[reader.encode(MARK).ids[-1]] += torch.from_numpy(direction).float()
    texts = {
        "joy": "{topic} is so {mark} fine{mark}", "fear": "{topic} is so bad?",
        "neutral": "{topic} is there.",
    }  # fmt: skip
    prompts = pd.DataFrame(
        [
            {"id": f"{t}-{c}", "topic": t, "emotion": c,
             "text": texts[c].format(topic=t * (1 + i % 3), mark=MARK)}
            for i, t in enumerate(TOPICS)
            for c in CLASSES
        ]
    )  # fmt: skip
    n_depths = reader.bridge.cfg.n_layers + 1
    residual = np.empty((len(prompts), n_depths, embedding.shape[1]))
    plan = reader.plan("prompts", prompts.text.tolist(), None, prompts.id.tolist(), ["last"])
    for block in reader.read(plan):
        residual[block.rows] = block.residual
    residual = residual.reshape(len(TOPICS), 3, *residual.shape[1:]).swapaxes(0, 1)

    chosen = selected(prompts, range(len(TOPICS)))
    encoded, read = reader.every_token(chosen.text, chosen.id.tolist(), "last")
    streams = [stream for _, stream in sorted(read, key=lambda one: one[0])]
    return projections(chosen, encoded, streams, Scales(residual), CLASSES[:-1], CLASSES[-1])


def test_planted_token_alone_lies_along_its_direction(tiny_root: Path) -> None:
    table = planted(tiny_root)
    assert len(table) == sum(
        4 * 2 * len(text)
        for text in table.drop_duplicates(["prompt_id", "token"]).groupby("prompt_id").text.sum()
    )
    joy = table[table.direction == "joy"]
    at = joy.groupby([joy.text == MARK, "depth"]).projection
    assert (at.min()[True] > 5 * at.max()[False].abs()).all()
    neutral = table[table["class"] == "neutral"]
    assert (neutral.beyond == 0).all()  # each place is beyond itself by nothing
    assert (joy[joy.text == MARK].beyond > 0).all()
    whole = joy[joy.depth == 0].groupby("prompt_id", sort=False).text.sum()
    assert whole["t0-joy"] == f"t0 is so {MARK} fine{MARK}"
    assert (table.flag == "").all() and table.projection.notna().all()


def test_first_token_without_bos_is_left_out(tiny_root: Path) -> None:
    table = planted(tiny_root, bos=False)
    first = table.token == 0
    assert table.projection.isna().eq(first).all() and first.any()
    assert set(table.flag[first]) == {SINK}
    # where nothing is defined the reason is another one
    assert UNDEFINED not in set(table.flag)


def test_tokenizer_of_a_model_gives_whole_sentences(tiny_root: Path) -> None:
    path = model_folder("llama", tiny_root) / "tokenizer.json"
    text = "Don’t\n you  dare – never!"
    assert "".join(load_encoder(path, 0, True, "tiny")(text).pieces()) == text
