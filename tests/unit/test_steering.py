"""A change to the stream acts where the stream is read, on whom it should, and leaves no trace."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from emovec.errors import InputError
from emovec.io.files import read_json
from emovec.prompts.positions import plan_readings
from emovec.prompts.tokenizer import load_encoder
from tiny import ARCHITECTURES, SUFFIX, model_folder

torch = pytest.importorskip("torch")
from emovec.activations.capture import read_streams  # noqa: E402
from emovec.activations.resume import resumed  # noqa: E402
from emovec.models.loading import load_model  # noqa: E402
from emovec.steering.generation import (  # noqa: E402
    generate,
    next_log_probabilities,
    read_back,
    read_prefix,
    starts_at,
)
from emovec.steering.hooks import Change, steered  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

OPENINGS = [
    "The man at the counter said,",
    "She wrote:",
    "At the end of the shift the nurse turned to all of us and said,",
    "A",
]
N_LAYERS, WIDTH, TOKENS = 3, 32, 9
GREEDY = np.full((len(OPENINGS), TOKENS), np.nan)
DRAWS = np.random.default_rng(3).random((len(OPENINGS), TOKENS))
NEVER = frozenset()
EMBEDDINGS = ("wte", "wpe", "embed", "lm_head")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models as small as these only wait for one another's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Tiny:
    """One tiny model under TransformerLens, and the same one as transformers runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        manifest = read_json(folder / "manifest.json")
        self.bridge = load_model(folder)
        self.plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.encode = load_encoder(
            folder / "tokenizer.json", manifest["bos_token_id"], True, folder.name
        )
        self.openings = [list(self.encode(text).ids) for text in OPENINGS]

    def vector(self, seed: int = 0, length: float = 3.0):
        v = torch.randn(WIDTH, generator=torch.Generator().manual_seed(seed))
        return length * v / v.norm()

    def blocks(self):
        body = next(self.plain.children())
        return body.layers if hasattr(body, "layers") else body.h

    @contextmanager
    def changed(self, depth: int, function, first: int) -> Iterator[None]:
        """The plain model with its stream changed by torch's own hooks, from a token on."""

        def change(stream):
            return torch.cat([stream[:, :first], function(stream[:, first:])], dim=1)

        if depth < N_LAYERS:
            handle = self.blocks()[depth].register_forward_pre_hook(
                lambda _, given: (change(given[0]), *given[1:])
            )
        else:
            handle = self.blocks()[-1].register_forward_hook(
                lambda _, given, out: (
                    (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)
                )
            )
        try:
            yield
        finally:
            handle.remove()

    def logits(self, ids: list[int]):
        with torch.inference_mode():
            return self.plain(torch.tensor([ids]), use_cache=False).logits[0]


@cache
def made(architecture: str, root: Path) -> Tiny:
    """Fresh models hardly look at earlier tokens; in these every matrix is eight times as large."""
    folder = root / f"{architecture}-loud"
    shutil.copytree(model_folder(architecture, root), folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.ndim == 2 and not any(part in name for part in EMBEDDINGS):
                weights *= 8
    model.save_pretrained(folder)
    return Tiny(folder)


@pytest.fixture(params=ARCHITECTURES)
def tiny(request, tiny_root: Path) -> Tiny:
    return made(request.param, tiny_root)


@pytest.fixture
def gpt2(tiny_root: Path) -> Tiny:
    return made("gpt2", tiny_root)


def prefix_of(tiny: Tiny, scope: str, changes: list[Change]):
    if scope == "new":
        return read_prefix(tiny.bridge, tiny.openings)
    with steered(tiny.bridge, changes):
        return read_prefix(tiny.bridge, tiny.openings)


def output(tiny: Tiny):
    with torch.inference_mode():
        return tiny.bridge(torch.tensor([tiny.openings[2]]), return_type="logits").clone()


def hooks(bridge) -> list[int]:
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in bridge.modules()]


def every_change(tiny: Tiny) -> list[Change]:
    return [
        make(depth, tiny.vector(depth))
        for depth in range(N_LAYERS + 1)
        for make in (Change.adding, Change.removing)
    ]


# Nothing stays behind -----------------------------------------------------------------------------


def test_output_is_bit_identical_before_and_after_every_change(tiny: Tiny) -> None:
    before, attached = output(tiny), hooks(tiny.bridge)
    prefix = read_prefix(tiny.bridge, tiny.openings)
    next_before = next_log_probabilities(tiny.bridge, prefix)
    for change in every_change(tiny):
        with steered(tiny.bridge, [change]):
            assert not torch.equal(output(tiny), before)
            generate(tiny.bridge, prefix, 2, NEVER, GREEDY, 1.0)
        assert torch.equal(output(tiny), before)
        assert torch.equal(next_log_probabilities(tiny.bridge, prefix), next_before)
    assert hooks(tiny.bridge) == attached


def test_exception_inside_leaves_no_trace(tiny: Tiny) -> None:
    before, attached = output(tiny), hooks(tiny.bridge)
    for change in every_change(tiny):
        with pytest.raises(ZeroDivisionError), steered(tiny.bridge, [change]):
            output(tiny)
            raise ZeroDivisionError
    wrong = Change.adding(1, torch.zeros(2, WIDTH))  # two rows for a batch of four
    prefix = read_prefix(tiny.bridge, tiny.openings)
    with pytest.raises(RuntimeError), steered(tiny.bridge, [wrong]):
        next_log_probabilities(tiny.bridge, prefix)
    assert torch.equal(output(tiny), before)
    assert hooks(tiny.bridge) == attached


def test_failing_to_enter_leaves_no_trace(tiny: Tiny) -> None:
    before, attached = output(tiny), hooks(tiny.bridge)
    good = Change.adding(1, tiny.vector())
    for depth, width in ((N_LAYERS + 1, WIDTH), (-1, WIDTH), (1, WIDTH + 1), (1, 1)):
        wrong = Change.adding(depth, torch.ones(width))
        with (
            pytest.raises(InputError, match=rf"width {width} at depth {depth} does not fit"),
            steered(tiny.bridge, [good, wrong]),
        ):
            pass
    assert torch.equal(output(tiny), before)
    assert hooks(tiny.bridge) == attached


def test_changes_do_not_leak_between_conditions(tiny: Tiny) -> None:
    one, two = Change.adding(1, tiny.vector(1)), Change.removing(2, tiny.vector(2))

    def under(*changes: Change):
        with steered(tiny.bridge, changes):
            return output(tiny)

    plain, first, second, both = output(tiny), under(one), under(two), under(one, two)
    assert not torch.equal(first, second) and not torch.equal(both, first)
    for _ in range(2):
        assert torch.equal(under(two), second)
        assert torch.equal(under(one), first)
        assert torch.equal(under(one, two), both)
        assert torch.equal(under(), plain)
    with steered(tiny.bridge, [one]):
        with steered(tiny.bridge, [two]):
            assert torch.equal(output(tiny), both)
        assert torch.equal(output(tiny), first)
    assert torch.equal(output(tiny), plain)


def test_prefix_serves_every_condition_unchanged(tiny: Tiny) -> None:
    prefix = read_prefix(tiny.bridge, tiny.openings)
    before = next_log_probabilities(tiny.bridge, prefix)
    repeated = prefix.repeated(3)
    with steered(tiny.bridge, [Change.adding(2, tiny.vector())]):
        generate(tiny.bridge, prefix, 3, NEVER, GREEDY, 1.0)
        generate(tiny.bridge, repeated, 3, NEVER, GREEDY.repeat(3, 0), 1.0)
    read_back(tiny.bridge, prefix, [[5, 6]] * len(OPENINGS), 2, tiny.vector()[None])
    assert torch.equal(next_log_probabilities(tiny.bridge, prefix), before)
    again = next_log_probabilities(tiny.bridge, prefix.selected([2, 0]))
    assert torch.allclose(again, before[[2, 0]], rtol=1e-5)
    apart = next_log_probabilities(tiny.bridge, repeated)
    assert torch.allclose(apart, before.repeat_interleave(3, 0), rtol=1e-5)


# Nothing is nothing -------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["new", "all"])
def test_change_of_zero_is_the_baseline_bit_for_bit(tiny: Tiny, scope: str) -> None:
    plain = read_prefix(tiny.bridge, tiny.openings)
    expected = next_log_probabilities(tiny.bridge, plain)
    texts = [generate(tiny.bridge, plain, TOKENS, NEVER, d, 0.9) for d in (GREEDY, DRAWS)]
    for depth in range(N_LAYERS + 1):
        zero = [Change.adding(depth, 0 * tiny.vector())]
        prefix = prefix_of(tiny, scope, zero)
        with steered(tiny.bridge, zero):
            assert torch.equal(next_log_probabilities(tiny.bridge, prefix), expected)
            for draws, text in zip((GREEDY, DRAWS), texts, strict=True):
                assert generate(tiny.bridge, prefix, TOKENS, NEVER, draws, 0.9) == text


def test_a_change_acts_on_its_own_row_alone(tiny: Tiny) -> None:
    prefix = read_prefix(tiny.bridge, tiny.openings)
    before = next_log_probabilities(tiny.bridge, prefix)
    for depth in range(N_LAYERS + 1):
        add = torch.zeros(len(OPENINGS), WIDTH)
        add[2] = tiny.vector()
        with steered(tiny.bridge, [Change(depth, add, torch.zeros_like(add))]):
            after = next_log_probabilities(tiny.bridge, prefix)
        assert torch.equal(after[[0, 1, 3]], before[[0, 1, 3]])
        assert not torch.allclose(after[2], before[2], atol=1e-3)


# Where a change acts ------------------------------------------------------------------------------


def streams(tiny: Tiny) -> np.ndarray:
    """[depth, d_model] at the last token, as capture reads it."""
    [reading] = plan_readings(tiny.encode, [OPENINGS[0]], None, ["row"], ["last"], SUFFIX)
    return read_streams(tiny.bridge, [reading], ["last"], False)["last"][1][0]


def test_change_lands_where_capture_reads(tiny: Tiny) -> None:
    before = streams(tiny)
    for depth in range(N_LAYERS + 1):
        v = tiny.vector(depth)
        with steered(tiny.bridge, [Change.adding(depth, v)]):
            after = streams(tiny)
        assert np.array_equal(after[:depth], before[:depth])
        assert np.array_equal(after[depth], before[depth] + v.numpy())
        for later in range(depth + 1, N_LAYERS + 1):
            assert not np.allclose(after[later], before[later] + v.numpy(), atol=1e-4)
    assert np.array_equal(streams(tiny), before)


def test_removing_takes_out_the_direction_and_nothing_else(tiny: Tiny) -> None:
    before = streams(tiny).astype(float)
    for depth in range(N_LAYERS + 1):
        v = tiny.vector(depth, length=17.0)
        u = v.double().numpy() / np.linalg.norm(v.double().numpy())
        with steered(tiny.bridge, [Change.removing(depth, v)]):
            after = streams(tiny).astype(float)
        length = np.linalg.norm(before[depth])
        assert abs(before[depth] @ u) > 1e-3 * length  # there is something to remove
        assert abs(after[depth] @ u) < 1e-6 * length
        assert np.abs(after[depth] - (before[depth] - before[depth] @ u * u)).max() < 1e-6 * length
        assert np.array_equal(after[:depth], before[:depth])


def test_removing_does_nothing_to_a_stream_without_the_direction() -> None:
    stream = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    stream[..., 3] = 0
    v = torch.zeros(8)
    v[3] = -2.5
    assert torch.equal(Change.removing(0, v)(stream), stream)


@pytest.mark.parametrize("scope", ["new", "all"])
@pytest.mark.parametrize("operation", ["add", "remove"])
def test_cached_generation_equals_computing_all_anew(
    tiny: Tiny, scope: str, operation: str
) -> None:
    """Against torch's own hooks on transformers' own model, without cache, one text at a time."""
    plain = generate(
        tiny.bridge, read_prefix(tiny.bridge, tiny.openings), TOKENS, NEVER, GREEDY, 1.0
    )
    for depth in range(N_LAYERS + 1):
        change = (Change.adding if operation == "add" else Change.removing)(
            depth, tiny.vector(depth, 6.0)
        )
        prefix = prefix_of(tiny, scope, [change])
        with steered(tiny.bridge, [change]):
            logp = next_log_probabilities(tiny.bridge, prefix)
            texts = generate(tiny.bridge, prefix, TOKENS, NEVER, GREEDY, 1.0)
        if operation == "add":
            assert texts != plain
        for row, opening in enumerate(tiny.openings):
            first = len(opening) - 1 if scope == "new" else 0
            ids = list(opening)
            with tiny.changed(depth, change, first):
                expected = tiny.logits(ids)[-1].log_softmax(-1)
                assert torch.allclose(logp[row], expected, rtol=1e-5, atol=1e-5)
                for _ in range(TOKENS):
                    ids.append(int(tiny.logits(ids)[-1].argmax()))
            assert texts[row] == ids[len(opening) :]


def test_scopes_differ_where_there_are_earlier_tokens(tiny: Tiny) -> None:
    change = [Change.adding(1, tiny.vector())]
    with steered(tiny.bridge, change):
        new, everywhere = (
            next_log_probabilities(tiny.bridge, prefix_of(tiny, scope, change))
            for scope in ("new", "all")
        )
    assert (new - everywhere).abs().amax(
        -1
    ).min() > 0.01  # 1000 tolerances; the BOS is one before "A"


# Openings of different lengths --------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["new", "all"])
def test_batches_give_what_one_by_one_gives(tiny: Tiny, scope: str) -> None:
    change = [Change.adding(1, tiny.vector())]
    prefix = prefix_of(tiny, scope, change)
    with steered(tiny.bridge, change):
        together = next_log_probabilities(tiny.bridge, prefix)
        texts = [generate(tiny.bridge, prefix, TOKENS, NEVER, d, 0.8) for d in (GREEDY, DRAWS)]
    vectors = torch.stack([tiny.vector(), tiny.vector().flip(0)])
    likely, along = read_back(tiny.bridge, prefix, texts[0], 2, vectors)
    for row in range(len(OPENINGS)):
        alone = Tiny.__new__(Tiny)
        alone.bridge, alone.openings = tiny.bridge, [tiny.openings[row]]
        one = prefix_of(alone, scope, change)
        with steered(tiny.bridge, change):
            assert torch.allclose(
                next_log_probabilities(tiny.bridge, one)[0], together[row], rtol=1e-5, atol=1e-6
            )
            for draws, text in zip((GREEDY, DRAWS), texts, strict=True):
                [found] = generate(tiny.bridge, one, TOKENS, NEVER, draws[row : row + 1], 0.8)
                assert found == text[row]
        single, beside = read_back(tiny.bridge, one, [texts[0][row]], 2, vectors)
        assert np.isclose(single, likely[row], rtol=1e-5)
        assert np.allclose(beside, along[row], rtol=1e-4, atol=1e-5)


def test_opening_of_a_single_token(tiny: Tiny) -> None:
    """There is nothing before it to keep."""
    prefix = read_prefix(tiny.bridge, [[7], [9]])
    found = next_log_probabilities(tiny.bridge, prefix.repeated(2).selected([3, 0]))
    for row, token in enumerate((9, 7)):
        assert torch.allclose(found[row], tiny.logits([token])[-1].log_softmax(-1), atol=1e-5)
    beside = next_log_probabilities(tiny.bridge, read_prefix(tiny.bridge, [[7], [3, 4, 5]]))
    assert torch.allclose(beside[0], found[1], rtol=1e-5, atol=1e-6)


def test_opening_without_a_token_is_refused(gpt2: Tiny) -> None:
    with pytest.raises(InputError, match="number 2 has no token"):
        read_prefix(gpt2.bridge, [[1], []])


# What is generated --------------------------------------------------------------------------------


def test_greedy_unsteered_is_what_transformers_generates(tiny: Tiny) -> None:
    prefix = read_prefix(tiny.bridge, tiny.openings)
    ours = generate(tiny.bridge, prefix, 16, frozenset([0]), GREEDY[:, :1].repeat(16, 1), 1.0)
    for row, ids in enumerate(tiny.openings):
        with torch.inference_mode():
            theirs = tiny.plain.generate(
                torch.tensor([ids]), max_new_tokens=16, do_sample=False, pad_token_id=0
            )[0, len(ids) :].tolist()
        assert ours[row] == (theirs[: theirs.index(0)] if 0 in theirs else theirs)


def test_draws_pick_tokens_from_the_cumulated_probabilities(gpt2: Tiny) -> None:
    prefix = read_prefix(gpt2.bridge, gpt2.openings)
    size = gpt2.bridge.cfg.d_vocab
    for u, token in ((0.0, 0), (1 - 2**-53, size - 1)):
        rows = generate(gpt2.bridge, prefix, 3, NEVER, np.full((4, 3), u), 1.0)
        assert rows == [[token] * 3] * 4
    for temperature in (0.5, 2.0):
        rows = generate(gpt2.bridge, prefix, TOKENS, NEVER, DRAWS, temperature)
        for row, ids in enumerate(gpt2.openings):
            text = list(ids)
            for u in DRAWS[row]:
                p = (gpt2.logits(text)[-1].double() / temperature).softmax(-1).numpy()
                text.append(int(np.argmax(np.cumsum(p) > u)))
            assert rows[row] == text[len(ids) :]


def test_same_numbers_write_the_same_text_wherever_the_row_stands(gpt2: Tiny) -> None:
    prefix = read_prefix(gpt2.bridge, gpt2.openings)
    texts = generate(gpt2.bridge, prefix, TOKENS, NEVER, DRAWS, 1.0)
    assert generate(gpt2.bridge, prefix, TOKENS, NEVER, DRAWS, 1.0) == texts
    order = [3, 1, 0, 2]
    assert generate(
        gpt2.bridge, prefix.selected(order), TOKENS, NEVER, DRAWS[order], 1.0
    ) == [texts[row] for row in order]  # fmt: skip
    other = np.random.default_rng(4).random(DRAWS.shape)
    assert generate(gpt2.bridge, prefix, TOKENS, NEVER, other, 1.0) != texts
    mixed = np.where([[True], [False], [True], [False]], DRAWS, np.nan)  # rows 1 and 3 greedy
    greedy = generate(gpt2.bridge, prefix, TOKENS, NEVER, GREEDY, 1.0)
    assert generate(gpt2.bridge, prefix, TOKENS, NEVER, mixed, 1.0) == [
        texts[0], greedy[1], texts[2], greedy[3]
    ]  # fmt: skip


def test_text_stops_at_an_end_token_which_is_left_out(gpt2: Tiny) -> None:
    prefix = read_prefix(gpt2.bridge, gpt2.openings)
    free = generate(gpt2.bridge, prefix, TOKENS, NEVER, DRAWS, 1.0)
    ends = frozenset([free[0][4], free[1][0]])
    stopped = generate(gpt2.bridge, prefix, TOKENS, ends, DRAWS, 1.0)
    for row, text in enumerate(free):
        stop = next((i for i, token in enumerate(text) if token in ends), TOKENS)
        assert stopped[row] == text[:stop]
    assert len(stopped[0]) <= 4 and stopped[1] == []
    assert max(map(len, stopped)) > 4  # others go on


def test_no_new_token_is_an_empty_text(gpt2: Tiny) -> None:
    prefix = read_prefix(gpt2.bridge, gpt2.openings)
    assert generate(gpt2.bridge, prefix, 0, NEVER, GREEDY[:, :0], 1.0) == [[]] * 4


def test_text_is_read_back_as_in_one_full_pass(tiny: Tiny) -> None:
    prefix = read_prefix(tiny.bridge, tiny.openings)
    texts = [[5, 6, 7, 8, 9], [], [11], [30, 200, 4]]
    vectors = torch.stack([tiny.vector(), tiny.vector().flip(0)])
    likely, along = read_back(tiny.bridge, prefix, texts, 2, vectors)
    assert np.isnan(likely).tolist() == [False, True, False, False]
    assert np.isnan(along).all(axis=1).tolist() == [False, True, False, False]
    for row in (0, 2, 3):
        ids, text = tiny.openings[row], texts[row]
        logp = tiny.logits([*ids, *text]).log_softmax(-1)[len(ids) - 1 : -1]
        assert np.isclose(likely[row], float(logp[range(len(text)), text].mean()), rtol=1e-5)
        states = tiny.plain(torch.tensor([[*ids, *text]]), output_hidden_states=True).hidden_states
        mean = states[2][0, len(ids) :].mean(0)
        assert np.allclose(along[row], (vectors @ mean).detach().numpy(), rtol=1e-3, atol=1e-5)
    likely, along = read_back(tiny.bridge, prefix, [[]] * 4, 2, vectors)
    assert np.isnan(likely).all() and np.isnan(along).all() and along.shape == (4, 2)


@pytest.mark.parametrize("numbers", [1, 10**9])
def test_texts_of_a_row_are_read_back_each_as_alone(
    tiny: Tiny, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether one at a time or all at once."""
    monkeypatch.setattr("emovec.steering.generation.NUMBERS", numbers)
    prefix = read_prefix(tiny.bridge, tiny.openings)
    texts = [[5, 6, 7], [5, 6, 7], [], [11], [11], [30, 4], [5, 6, 7], [5, 6]]  # two of each row
    vectors = tiny.vector()[None]
    likely, along = read_back(tiny.bridge, prefix, texts, 2, vectors)
    for place, text in enumerate(texts):
        alone = prefix.selected([place // 2])
        single, beside = read_back(tiny.bridge, alone, [text], 2, vectors)
        assert np.allclose(likely[place], single[0], rtol=1e-5, equal_nan=True)
        assert np.allclose(along[place], beside[0], rtol=1e-3, atol=1e-5, equal_nan=True)
    assert likely[0] == likely[1] != likely[6] and likely[5] != likely[7]


# From a depth on ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["new", "all"])
def test_model_resumed_at_the_depth_of_a_change_gives_what_the_whole_gives(
    tiny: Tiny, scope: str
) -> None:
    attached, whole = hooks(tiny.bridge), output(tiny)
    plain = read_prefix(tiny.bridge, tiny.openings)
    before, starts = starts_at(tiny.bridge, plain, range(N_LAYERS + 1))
    assert torch.equal(before, next_log_probabilities(tiny.bridge, plain))
    assert list(starts) == [1, 2, 3]  # nothing is below depth 0
    rows = [2, 2, 0, 3]
    for depth, start in starts.items():
        for make in (Change.adding, Change.removing):
            change = [make(depth, tiny.vector(depth))]
            prefix = prefix_of(tiny, scope, change).selected(rows)
            with steered(tiny.bridge, change):
                expected = next_log_probabilities(tiny.bridge, prefix)
                with resumed(tiny.bridge, start.selected(rows)):
                    found = next_log_probabilities(tiny.bridge, prefix)
            assert torch.allclose(found, expected, rtol=1e-6, atol=1e-6)
            assert not torch.allclose(found, before[rows], atol=1e-3)
    assert hooks(tiny.bridge) == attached and torch.equal(output(tiny), whole)


def test_no_block_below_is_run_when_a_model_is_resumed(tiny: Tiny) -> None:
    prefix = read_prefix(tiny.bridge, tiny.openings)
    _, starts = starts_at(tiny.bridge, prefix, [2])
    ran = []
    inside = [next(block.original_component.children()) for block in tiny.bridge.blocks]
    handles = [
        module.register_forward_pre_hook(lambda *_, k=k: ran.append(k))
        for k, module in enumerate(inside)
    ]
    try:
        with resumed(tiny.bridge, starts[2]):
            next_log_probabilities(tiny.bridge, prefix)
    finally:
        for handle in handles:
            handle.remove()
    assert ran == [2]


def test_model_whose_blocks_read_more_than_the_stream_is_run_whole(gpt2: Tiny) -> None:
    """Block 2 here also adds what block 0 gave out in the same pass."""
    blocks = [block.original_component for block in gpt2.bridge.blocks]
    gave = []

    def remember(block, given, output):
        gave[:] = [output[0] if isinstance(output, tuple) else output]

    def add(block, given):
        return (given[0] + gave.pop() if gave else given[0], *given[1:])

    inside = next(blocks[0].children())
    handles = [
        inside.register_forward_hook(remember),
        blocks[2].register_forward_pre_hook(add),
    ]
    try:
        prefix = read_prefix(gpt2.bridge, gpt2.openings)
        _, starts = starts_at(gpt2.bridge, prefix, [1, 2, 3])
    finally:
        for handle in handles:
            handle.remove()
    assert list(starts) == [3]


def test_model_in_half_precision_is_steered_in_half_precision(
    tiny_root: Path,
) -> None:
    for architecture in ("gpt2", "llama"):
        tiny = made(architecture, tiny_root)
        bridge = load_model(tiny.folder, dtype="bfloat16")
        seen = []

        def watch(stream, hook, seen=seen):
            seen.append(stream.dtype)

        plain = read_prefix(bridge, tiny.openings)
        before = next_log_probabilities(bridge, plain)
        for change in (
            Change.adding(1, tiny.vector()),
            Change.removing(1, tiny.vector()),
        ):
            with (
                steered(bridge, [change]),
                bridge.hooks(fwd_hooks=[("blocks.0.hook_resid_post", watch)]),
            ):
                after = next_log_probabilities(bridge, plain)
                generate(bridge, plain, 3, NEVER, GREEDY, 1.0)
            assert after.isfinite().all() and (after - before).abs().max() > 0.01
        assert set(seen) == {torch.bfloat16}
        with steered(bridge, [Change.adding(1, torch.zeros(WIDTH))]):
            assert torch.equal(next_log_probabilities(bridge, plain), before)
        assert torch.equal(next_log_probabilities(bridge, plain), before)
