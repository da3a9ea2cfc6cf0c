"""A direction that was planted to raise an emotion's words is found causal, a random one is not."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.errors import InputError
from emovec.io.tables import join_tables, write_table
from emovec.prompts.openings import known_words, word_tokens
from emovec.steering.changes import READ_OUTS
from emovec.steering.choice import choose
from emovec.steering.conditions import UNSTEERED, conditions
from emovec.steering.directions import Directions, make_directions
from emovec.steering.dose import dose_response
from emovec.steering.effects import adjust, effects
from tiny import model_folder
from tokenizers import Tokenizer

torch = pytest.importorskip("torch")
from emovec.models.loading import load_model  # noqa: E402
from emovec.steering import generation, steerer  # noqa: E402
from emovec.steering.generation import next_log_probabilities, read_prefix  # noqa: E402
from emovec.steering.hooks import Change, steered  # noqa: E402
from emovec.steering.loading import load_steerer  # noqa: E402
from emovec.steering.steerer import Sampling, Steerer, read_outs, write_texts  # noqa: E402

EMOTIONS = ["planted", "idle"]
SETS = {"planted": [81, 82, 83], "idle": [101, 102, 103]}
WORDS = ["logp_planted", "logp_idle"]
DEPTHS, STRENGTHS, N_LAYERS, WIDTH = [1, 2], [0.5, 1.0], 3, 32
RNG = np.random.default_rng(8)
OPENINGS = [[0, *RNG.integers(1, 250, RNG.integers(2, 9))] for _ in range(16)]
NAMES = [f"o{i}" for i in range(16)]


def plant(architecture: str, root: Path):
    """A tiny model whose unembedding gives the words of one set a share of a fixed vector."""
    bridge = load_model(model_folder(architecture, root))
    v = torch.randn(WIDTH, generator=torch.Generator().manual_seed(1))
    v -= v.mean()  # LayerNorm sees nothing of the mean
    v /= v.norm()
    head = bridge.original_model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())  # untied
    with torch.no_grad():
        head.weight[SETS["planted"]] += 0.5 * v
    return bridge, v.numpy().astype(float)


def directions(planted: np.ndarray, controls: int = 20) -> Directions:
    rng = np.random.default_rng(4)
    probe = rng.normal(size=(60, N_LAYERS + 1, WIDTH))
    everywhere = np.ones((N_LAYERS + 1, 1))
    return make_directions(
        {"planted": everywhere * 3 * planted, "idle": everywhere * rng.normal(size=WIDTH)},
        probe,
        pd.DataFrame({f"attr_{i}": rng.integers(0, 2, 60) for i in range(controls)}),
        DEPTHS,
        controls,
        rng,
        {"model": "tiny", "position": "last", "n_layers": N_LAYERS},
    )


@pytest.fixture(scope="module")
def gpt2(tiny_root: Path) -> Steerer:
    bridge, planted = plant("gpt2", tiny_root)
    return Steerer(bridge, OPENINGS, directions(planted), "new")


@pytest.mark.parametrize(("architecture", "scope"), [("gpt2", "new"), ("llama", "all")])
def test_planted_direction_is_causal_and_a_random_one_is_not(
    tiny_root: Path, architecture: str, scope: str
) -> None:
    bridge, planted = plant(architecture, tiny_root)
    steerer = Steerer(bridge, OPENINGS, directions(planted, controls=39), scope)
    table = read_outs(steerer, conditions(steerer.directions, DEPTHS, STRENGTHS), NAMES, SETS)
    choice = choose(table, NAMES[::2], EMOTIONS, 5.0)
    own = table[table.opening.isin(NAMES[1::2])]
    targets = list(zip(EMOTIONS, WORDS, strict=True))
    shown = effects(own, [*WORDS, "kl"], EMOTIONS, 0.05, READ_OUTS, targets)
    shown["p_adjusted"] = adjust(own, shown, EMOTIONS, targets)
    at = shown[
        (shown.depth == choice["depth"]) & (shown.strength == choice["strength"])
        & (shown.operation == "add") & (shown.measure == "logp_" + shown.direction)
    ]  # fmt: skip
    found = at[at.direction == "planted"]
    up, down = found[found.sign == 1], found[found.sign == -1]
    assert len(up) == len(down) == 4  # kinds of control, and all
    assert (up.ci_low > 0.1).all() and (up.value > up.null_high).all()
    assert (down.ci_high < -0.1).all() and (down.value < down.null_low).all()
    assert (found.p_adjusted <= 0.05).all()
    assert not (at.p_adjusted[at.direction == "idle"] <= 0.05).any()
    slopes = dose_response(own, EMOTIONS, 0.05)
    slope = slopes[(slopes.measure == "slope_logp_planted") & (slopes.direction == "planted")]
    assert (slope.ci_low > 0).all() and (slope.p <= 0.05).all() and len(slope) == 8
    idle = slopes[slopes.measure == "slope_logp_idle"]
    assert not (idle.groupby("depth").p.max() <= 0.05).any()
    anti = slopes[(slopes.measure == "anti_steerable_logp_planted")]
    assert (anti.value == 0).all()


def test_every_row_is_its_own_condition_and_opening(
    gpt2: Steerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = conditions(gpt2.directions, DEPTHS, STRENGTHS)
    table = read_outs(gpt2, plan, NAMES, SETS)
    assert len(table) == 16 * (1 + len(plan))
    before = next_log_probabilities(gpt2.bridge, gpt2.prefix(range(16), 1))
    keyed = table.set_index(["operation", "direction", "depth", "strength", "sign", "opening"])
    for condition in plan[:: len(plan) // 12]:
        place = DEPTHS.index(condition.depth)
        v = torch.from_numpy(gpt2.directions.vectors[condition.direction, place]).float()
        length = condition.sign * condition.strength * gpt2.scale[condition.depth]
        change = (
            Change.removing(condition.depth, v)
            if condition.operation == "remove"
            else Change.adding(condition.depth, length * v)
        )
        for row in (0, 7, 15):
            alone = read_prefix(gpt2.bridge, [OPENINGS[row]])
            with steered(gpt2.bridge, [change]):
                after = next_log_probabilities(gpt2.bridge, alone)[0]
            keys = condition.columns()
            cell = keyed.loc[
                (keys["operation"], keys["direction"], keys["depth"], keys["strength"],
                 keys["sign"], NAMES[row])
            ]  # fmt: skip
            p, q = after.double().exp(), before[row].double()
            assert cell.kl == pytest.approx(float((p * (after - q)).sum()), abs=1e-5)
            for name, ids in SETS.items():
                assert cell[f"logp_{name}"] == pytest.approx(float(p[ids].sum().log()), abs=1e-4)
            raw = abs(length) / gpt2.directions.norms[condition.direction, place]
            assert cell.alpha == pytest.approx(raw if condition.operation == "add" else 0)
    monkeypatch.setattr(steerer, "NUMBERS", 16 * 257 * 7)
    pieces = read_outs(gpt2, plan, NAMES, SETS)
    keys = list(keyed.index.names)
    pieces, table = (t.sort_values(keys, ignore_index=True) for t in (pieces, table))
    pd.testing.assert_frame_equal(pieces, table, rtol=1e-4, atol=1e-5)


def test_strength_is_in_medians_of_the_streams_length_without_first_tokens(gpt2: Steerer) -> None:
    lengths = []
    for ids in OPENINGS:
        with torch.inference_mode():
            states = gpt2.bridge.original_model(
                torch.tensor([ids]), output_hidden_states=True
            ).hidden_states
        lengths += states[2][0, 1:].norm(dim=-1).tolist()
    assert gpt2.scale[2] == pytest.approx(np.median(lengths), rel=1e-5)


def _along(steerer: Steerer, ids: list[int], depth: int) -> torch.Tensor:
    """The stream's components `[token, emotion]` along the emotions, as transformers reads it."""
    with torch.inference_mode():
        states = steerer.bridge.original_model(
            torch.tensor([ids]), output_hidden_states=True
        ).hidden_states
    vectors = steerer.directions.vectors[: len(EMOTIONS), DEPTHS.index(depth)]
    return states[depth][0] @ torch.from_numpy(vectors).float().T


def test_controls_are_read_where_results_are_reported(gpt2: Steerer) -> None:
    plan = conditions(gpt2.directions, DEPTHS, STRENGTHS[:1])
    table = read_outs(gpt2, plan, NAMES, SETS, reported=[1, 3])
    read = table.groupby("kind").opening.agg(set)
    assert read["baseline"] == read["emotion"] == set(NAMES)
    assert read["random"] == read["covariance"] == {NAMES[1], NAMES[3]}


def test_texts_are_each_conditions_own_and_judged_by_the_model_as_it_is(gpt2: Steerer) -> None:
    plan = conditions(gpt2.directions, [2], [4.0], kinds=["emotion", "random"], remove=False)
    sampling = Sampling(5, 1, 1.0, 3, frozenset())
    table = write_texts(gpt2, [UNSTEERED, *plan], [3, 8], NAMES, sampling, 4.0, str)
    assert len(table) == 2 * (1 + 4 + 20) + 2 * (1 + 4)  # controls write greedily alone
    keys = ["direction", "sign", "opening", "sample"]
    assert not table.duplicated(keys).any()
    known = table.set_index(keys)
    for condition in plan[:6]:
        for row in (3, 8):
            change = gpt2.change([condition], 1)
            ids = list(OPENINGS[row])
            alone = read_prefix(gpt2.bridge, [ids])
            with steered(gpt2.bridge, [change]):
                new = generation.generate(
                    gpt2.bridge, alone, 5, frozenset(),
                    np.full((1, 5), np.nan), 1.0,
                )[0]  # fmt: skip
            cell = known.loc[(condition.name, condition.sign, NAMES[row], 0)]
            assert cell.text == str(new) and cell.n_tokens == 5
            with torch.inference_mode():
                logp = gpt2.bridge(torch.tensor([ids + new]), return_type="logits")[0]
            logp = logp.log_softmax(-1)[len(ids) - 1 : -1][range(5), new].mean()
            assert cell.log_probability == pytest.approx(float(logp), rel=1e-4)
            along = _along(gpt2, ids + new, 2)[len(ids) :].mean(0) / gpt2.scale[2]
            assert [cell.read_planted, cell.read_idle] == pytest.approx(along.tolist(), rel=1e-3)
    again = write_texts(gpt2, plan[:2], [8], NAMES, sampling, 4.0, str)
    both = again.merge(table, on=keys)
    assert len(both) == 4 and (both.text_x == both.text_y).all()


@pytest.mark.parametrize("shards", [2, 3, 50])
def test_shards_put_together_are_the_bytes_of_one_job(
    gpt2: Steerer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    monkeypatch.setattr(steerer, "NUMBERS", 16 * 257 * 7)
    plan = conditions(gpt2.directions, DEPTHS, [4.0], kinds=["emotion", "random"])
    at_one = conditions(gpt2.directions, DEPTHS[:1], [4.0], kinds=["emotion", "random"])
    sampling = Sampling(5, 2, 1.0, 3, frozenset())
    for kind, job in {
        "read_outs": lambda part: read_outs(gpt2, plan, NAMES, SETS, part),
        "texts": lambda part: write_texts(
            gpt2, [UNSTEERED, *at_one], range(3, 16), NAMES, sampling, 4.0, str, part
        ),
    }.items():
        write_table(job((1, 1)), tmp_path / "whole.csv", kind)
        parts = [tmp_path / f"{shard}.csv" for shard in range(1, shards + 1)]
        tables = [job((shard, shards)) for shard in range(1, shards + 1)]
        assert max(map(len, tables)) < sum(map(len, tables))
        for table, path in zip(tables, parts, strict=True):
            write_table(table, path, kind)
        join_tables(parts, tmp_path / "joined.csv")
        assert (tmp_path / "joined.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


# Directions and words -----------------------------------------------------------------------------


def test_directions_have_length_one_and_are_the_same_every_time() -> None:
    planted = np.eye(WIDTH)[0]
    one, two = directions(planted), directions(planted)
    assert np.array_equal(one.vectors, two.vectors)
    assert np.allclose(np.linalg.norm(one.vectors, axis=-1), 1)
    assert one.norms[0] == pytest.approx([3, 3])
    assert {k: one.kinds.count(k) for k in set(one.kinds)} == {
        "emotion": 2, "random": 20, "covariance": 20, "attribute": 20
    }  # fmt: skip


def test_controls_are_what_they_are_called() -> None:
    rng = np.random.default_rng(0)
    probe = rng.normal(size=(25, 3, 40)) + 5
    attributes = pd.DataFrame({"attr_few": [1] * 9 + [0] * 16, "attr_ok": [1] * 12 + [0] * 13})
    vectors = {"joy": rng.normal(size=(3, 40))}
    metadata = {"model": "m", "position": "last"}
    made = make_directions(vectors, probe, attributes, [1, 2], 12, rng, metadata)
    centred = probe[:, 2] - probe[:, 2].mean(0)
    basis = np.linalg.svd(centred, full_matrices=False)[2][:24]
    for kind, name, vector in zip(made.kinds, made.names, made.vectors[:, 1], strict=True):
        inside = np.linalg.norm(basis @ vector)
        if kind == "covariance":
            assert inside == pytest.approx(1)
        if kind == "random":
            assert inside < 0.99
        if kind == "attribute":
            assert name == "attr_ok"
            mean = probe[:12, 2].mean(0) - probe[12:, 2].mean(0)
            assert np.allclose(vector, mean / np.linalg.norm(mean))
    vectors["joy"][2] = 0
    with pytest.raises(InputError, match=r"vector of joy is zero at depth 2 of m, position last"):
        make_directions(vectors, probe, attributes, [1, 2], 12, rng, metadata)


def test_carried_direction_of_a_rotated_twin_is_the_rotated_one() -> None:
    from emovec.steering.carry import carry

    rng = np.random.default_rng(1)
    rotation = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]
    own = directions(rng.normal(size=WIDTH))
    own = Directions(
        own.metadata | {"source": "a"}, [1], own.kinds, own.names, own.vectors[:, :1], own.norms
    )
    source = rng.normal(size=(300, WIDTH)) + 4
    found = carry(own, source, source @ rotation, 2)
    assert found.depths == [2] and found.names == own.names
    assert np.sum(found.vectors[:, 0] * (own.vectors[:, 0] @ rotation), -1).min() > 0.98
    with pytest.raises(InputError, match="a and tiny have no probe sentences in common"):
        carry(own, source[:0], source[:0], 2)


def test_words_are_told_by_single_tokens_or_by_their_first(tiny_root: Path) -> None:
    path = model_folder("gpt2", tiny_root) / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))  # one token per byte

    def ids(text: str) -> set[int]:
        return {tokenizer.encode(c, add_special_tokens=False).ids[0] for c in text}

    found = word_tokens(tokenizer, {"a": ["x"], "b": ["yes", "maybe"]}, ["a", "b"])
    assert set(found["a"]) == ids("xX") and set(found["b"]) == ids("yYmM")
    with pytest.raises(InputError, match="No word of a can be told by its first token"):
        word_tokens(tokenizer, {"a": ["thanks"], "b": ["tired"]}, ["a", "b"])
    sets = {"a": ["thanks"], "b": ["tired"], "c": ["x"]}
    assert known_words(tokenizer, sets, ["a", "b", "c", "d"]) == {"c": sorted(ids("xX"))}


def test_token_that_the_model_does_not_know(gpt2: Steerer, tiny_root: Path, tmp_path: Path) -> None:
    """In an opening or among the words: the tokenizer is that of another model."""
    folder = tmp_path / "m"
    shutil.copytree(model_folder("gpt2", tiny_root), folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens(["ladder"])
    tokenizer.save(str(folder / "tokenizer.json"))
    openings = tmp_path / "openings.csv"
    halves = ["choose", "choose", "report", "report"]
    texts = ["It rained", "A ladder", "It snowed", "It thawed"]
    rows = [
        f"o{i},t,{text},{half}" for i, (text, half) in enumerate(zip(texts, halves, strict=True))
    ]
    openings.write_text("\n".join(["id,topic,text,half", *rows]))
    given = ({"prepend_bos": True}, {"device": "cpu", "dtype": "float32"}, {"tokens": 4})
    says = r"Opening 'o1' of .*openings\.csv has the token 257, where one knows 257 tokens"
    with pytest.raises(InputError, match=says):
        load_steerer("one", folder, *given, tmp_path / "none", openings)
    with pytest.raises(InputError, match=r"A word of anger in steering\.words has the token 257"):
        read_outs(gpt2, [], NAMES, {"anger": [3, 257]})
