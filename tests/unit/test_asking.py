"""Asking instead of steering: what stands before an opening, and what of it is the emotion."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.errors import InputError
from emovec.explorer.texts import written_texts
from emovec.figures.asking import asking
from emovec.io.tables import typed
from emovec.prompts.openings import PLAIN, read_instructions
from emovec.report.asking import asking_facts
from emovec.steering.asking import INSTRUCT, PRECEDE, Asked, asked, to_ask
from emovec.steering.asking_effects import (
    EXTRA,
    OVER_ADDED,
    OVER_CONTROL,
    PRICE,
    asking_effects,
)
from emovec.steering.changes import READ_OUTS, TEXTS
from emovec.steering.conditions import CONDITION_COLUMNS
from emovec.steering.directions import EMOTION
from emovec.steering.families import OWN
from matplotlib import pyplot as plt
from scipy import stats

EMOTIONS = ["joy", "fear"]
WORDS = ["logp_joy", "logp_fear"]
TARGETS = {"steering read-outs": list(zip(EMOTIONS, WORDS, strict=True))}
CHOICE = {"depth": 2, "strength": 0.5}
OPENINGS = [f"o{i}" for i in range(8)]
RNG = np.random.default_rng(5)

# Instructions -------------------------------------------------------------------------------------

HEAD = "id,emotion,text\n"
ROWS = "a,joy,Write in a joyful voice.\nb,neutral,Write in a plain voice.\n"


def test_shipped_instructions_are_alike_and_there_for_every_shipped_emotion(root: Path) -> None:
    found = read_instructions(root / "resources/steering/instructions.csv")
    prompts = pd.read_csv(root / "resources/prompts/spectrum.csv")
    assert set(found) == set(prompts.emotion)
    assert len(set(found.values())) == len(found)
    assert all(len(text.split()) == 5 for text in found.values())
    assert all(
        text.startswith("Write in a") and text.endswith(" voice.") for text in found.values()
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + ROWS + "c,joy,Be glad.\n", "line 4 (id 'c'), is a second instruction of 'joy'"),
        (HEAD + "a,joy,Write in a joyful voice.\n", "no row with emotion 'neutral'"),
        (HEAD, "no row with emotion 'neutral'"),
        ("", "no column 'id' in its first line (it reads nothing)"),
        ("id,emotion\na,joy\n", "no column 'text'"),
        (HEAD + ROWS.replace("Write in a plain voice.", " "), "nothing in the column text"),
    ],
)
def test_instructions_that_cannot_be_used(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "instructions.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_instructions(path)
    assert str(path) in str(caught.value) and says in str(caught.value)


def test_instructions_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"correct steering\.instructions in the config"):
        read_instructions(tmp_path / "none.csv")


# What is put before openings ----------------------------------------------------------------------


def prompts(classes: list[str], topics: int = 6) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"id": f"{t}-{c}", "topic": f"t{t}", "emotion": c, "text": f"{c} {'x' * (t + 1)}"}
            for t in range(topics)
            for c in classes
        ]
    )


def made(neutral: str | None = "even", **changes: object) -> list[Asked]:
    told = {"joy": "Be glad.", "fear": "Be afraid.", PLAIN: "Be plain."}
    classes = [*EMOTIONS, *([neutral] if neutral else [])]
    given = {"instructions": told, "prompts": prompts(classes), "openings": 5} | changes
    given |= {"rng": np.random.default_rng(1)}
    given.setdefault("fits", lambda text: True)
    return to_ask(emotions=EMOTIONS, neutral=neutral, **given)


def test_sentences_before_an_opening_are_of_one_topic_and_topics_are_not_repeated() -> None:
    found = made()
    assert [(a.condition.operation, a.condition.kind, a.condition.name) for a in found] == [
        (way, kind, name)
        for way in (INSTRUCT, PRECEDE)
        for kind, name in ((EMOTION, "joy"), (EMOTION, "fear"), (PLAIN, PLAIN))
    ]
    assert all(
        set(a.texts) == {t}
        for a, t in zip(found[:3], ["Be glad.", "Be afraid.", "Be plain."], strict=True)
    )
    topics = [[text.split()[-1] for text in a.texts] for a in found[3:]]
    assert topics[0] == topics[1] == topics[2] and len(set(topics[0])) == 5
    assert all(text.startswith("even") for text in found[5].texts)
    assert [a.texts for a in made()] == [a.texts for a in found]
    assert len(set(made(openings=8)[3].texts)) == 6  # then they are


def test_only_sentences_with_room_are_drawn() -> None:
    found = made(fits=lambda text: len(text) < 11)
    assert {len(text.split()[-1]) for text in found[3].texts} == {1, 2, 3, 4, 5}
    with pytest.raises(
        InputError, match=r"No topic of prompts\.file has sentences that leave room"
    ):
        made(fits=lambda text: text.startswith("Be"))
    with pytest.raises(
        InputError, match=r"The instruction of 'fear' in steering\.instructions leav"
    ):
        made(fits=lambda text: text != "Be afraid.")


def test_emotion_without_an_instruction_and_no_neutral_class() -> None:
    found = made(neutral=None, instructions={"fear": "Be afraid.", PLAIN: "Be plain."})
    assert [(a.condition.operation, a.condition.name) for a in found] == [
        (INSTRUCT, "fear"), (INSTRUCT, PLAIN), (PRECEDE, "joy"), (PRECEDE, "fear")
    ]  # fmt: skip
    none = made(neutral=None, instructions={PLAIN: "Be plain."})
    assert {a.condition.operation for a in none} == {PRECEDE}


# Effects ------------------------------------------------------------------------------------------


def read_outs() -> tuple[pd.DataFrame, dict[tuple[str, str], np.ndarray]]:
    """Random changes of the words of joy under every condition."""
    base, found, rows = RNG.normal(-5, 1, len(OPENINGS)), {}, []
    plan = [("none", "baseline", "baseline", 0, 0.0, 0)]
    plan += [("add", EMOTION, e, 2, s, 1) for e in EMOTIONS for s in (0.5, 1.0)]
    for way in (INSTRUCT, PRECEDE):
        plan += [(way, EMOTION, e, 0, 0.0, 1) for e in EMOTIONS]
        plan += [(way, PLAIN, PLAIN, 0, 0.0, 0)]
    for cells in plan:
        change = RNG.normal(0.5, 1, len(OPENINGS)) * (cells[0] != "none")
        found[cells[0], cells[2], cells[4]] = change
        for opening, level, more in zip(OPENINGS, base, change, strict=True):
            rows.append(
                dict(zip([*CONDITION_COLUMNS, "opening"], [*cells, opening], strict=True))
                | {"logp_joy": level + more, "logp_fear": -3.0, EXTRA: 7.0 * (cells[0] == PRECEDE)}
            )
    return pd.DataFrame(rows).sample(frac=1, random_state=2), found


def shown(table: pd.DataFrame, emotions: list[str] = EMOTIONS) -> pd.DataFrame:
    return asking_effects(table, WORDS, TARGETS, CHOICE, emotions, 0.05, READ_OUTS)


def test_effects_are_paired_with_the_control_the_other_emotions_and_adding() -> None:
    table, change = read_outs()
    found = shown(table).set_index(["operation", "direction", "measure"])
    for way in (INSTRUCT, PRECEDE):
        joy, fear, plain = (change[way, name, 0.0] for name in (*EMOTIONS, PLAIN))
        added = change["add", "joy", 0.5] - change["add", "fear", 0.5]
        for name, values in (("joy", joy), (PLAIN, plain)):
            row = found.loc[(way, name, "logp_joy")]
            assert row.value == pytest.approx(values.mean()) and np.isnan(row.p)
        for part, values, side in (
            (OVER_CONTROL, joy - plain, "greater"),
            (OWN, joy - fear, "greater"),
            (OVER_ADDED, joy - fear - added, "two-sided"),
        ):
            row = found.loc[(way, "joy", f"logp_joy{part}")]
            known = stats.ttest_1samp(values, 0, alternative=side)
            interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
            assert (row.value, row.p) == pytest.approx((values.mean(), known.pvalue))
            assert (row.ci_low, row.ci_high) == pytest.approx(tuple(interval))
            assert row.family == "asking read-outs" and row.p_adjusted >= row.p
    assert found.loc[(PRECEDE, "joy", EXTRA)].value == 7
    assert found.loc[(INSTRUCT, "joy", EXTRA)].value == 0
    own = found[found.index.get_level_values("measure") == f"logp_joy{OWN}"]
    assert np.allclose(sorted(own.p_adjusted)[0], 2 * own.p.min())  # of the two ways; fear has no p


def test_emotion_alone_is_compared_with_the_control_and_adding_as_it_is() -> None:
    table, change = read_outs()
    table = table[(table.direction != "fear")]
    found = shown(table, ["joy"]).set_index(["operation", "direction", "measure"])
    assert (INSTRUCT, "joy", f"logp_joy{OWN}") not in found.index
    values = change[INSTRUCT, "joy", 0.0] - change[INSTRUCT, PLAIN, 0.0] - change["add", "joy", 0.5]
    row = found.loc[(INSTRUCT, "joy", f"logp_joy{OVER_ADDED}")]
    assert row.value == pytest.approx(values.mean())


def test_without_control_there_is_no_difference_to_it() -> None:
    table, _ = read_outs()
    found = shown(table[table.kind != PLAIN])
    assert not found.measure.str.endswith(OVER_CONTROL).any()
    assert found.measure.str.endswith(OWN).any()


def test_price_is_that_beyond_adding() -> None:
    table, change = read_outs()
    table = table.rename(columns={"logp_joy": PRICE})
    found = asking_effects(table, [PRICE], {}, CHOICE, EMOTIONS, 0.05, TEXTS)
    found = found.set_index(["operation", "direction", "measure"])
    more = change[PRECEDE, "joy", 0.0] - change["add", "joy", 0.5]
    assert found.loc[(PRECEDE, "joy", PRICE + OVER_ADDED)].value == pytest.approx(more.mean())
    assert (PRECEDE, PLAIN, PRICE + OVER_ADDED) not in found.index


def test_differences_are_found_at_the_level() -> None:
    """Emotions whose prefixes do no more than the control: one-sided tests at 5 %."""
    rng, rejected = np.random.default_rng(3), []
    table, _ = read_outs()
    for _ in range(60):
        table["logp_joy"] = rng.normal(size=len(table))
        found = shown(table)
        rejected.append(
            (found.p_adjusted[found.measure == f"logp_joy{OVER_CONTROL}"] <= 0.05).any()
        )
    assert np.mean(rejected) < 0.15


# What is said and drawn ---------------------------------------------------------------------------


def table(more: float, p: float) -> pd.DataFrame:
    """What is reported of one model; asking raises the words of joy by `more` than adding."""
    numbers = {
        "logp_joy": 1.0, f"logp_joy{OVER_ADDED}": more, f"words_joy{OVER_CONTROL}": 0.2,
        f"words_joy{OWN}": 0.2, "log_perplexity": 0.3, EXTRA: 7.0,
    }  # fmt: skip
    rows = [
        {"model": "m", "source": "m", "operation": operation, "direction": name, "sign": sign,
         "strength": 0.5 * (operation == "add"), "depth": 2 if operation == "add" else None,
         "measure": measure, "value": value, "ci_low": value - 0.1, "ci_high": value + 0.1, "p": p,
         "null_low": -0.5, "null_high": 0.5, "null": "all", "chosen": True,
         "reading": READ_OUTS if measure[0] != "w" and measure != "log_perplexity" else TEXTS}
        for operation, name, sign in (
            (INSTRUCT, "joy", 1), (INSTRUCT, PLAIN, 0), ("add", "joy", 1), ("remove", "joy", 0))
        for measure, value in numbers.items()
    ]  # fmt: skip
    return typed(rows, "steering")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (0.7, "larger than with the direction added for joy (0.70 [0.60, 0.80])"),
        (-0.7, "smaller than with the direction added for joy (−0.70 [−0.80, −0.60])"),
        (
            0.05,
            "not shown to differ from that with the direction added for joy (0.05 [−0.05, 0.15])",
        ),
    ],
)
def test_report_says_which_does_more_and_at_what_price(more: float, said: str) -> None:
    nothing = {"value": np.nan, "ci_low": np.nan, "p": np.nan}
    added = [{"emotion": "joy", "sign": 1, "cost": {"value": 0.4}, "judged": nothing}]
    facts = asking_facts(table(more, 0.01), EMOTIONS, {}, added, 0.05)
    [sentence] = facts["compared"]
    assert said in sentence and facts["missing"] == ["fear"]
    assert "0.30 with an instruction before the opening, which is 7 more tokens" in facts["price"]
    assert "0.40 with the direction added, which is one vector" in facts["price"]
    assert "joy with an instruction" in facts["texts"]
    assert "none with the direction added" in facts["texts"]
    unsure = asking_facts(table(more, 0.2), EMOTIONS, {}, added, 0.05)
    assert "none with an instruction" in unsure["texts"]
    steered = table(more, 0.01)
    assert asking_facts(steered[steered.operation == "add"], EMOTIONS, {}, added, 0.05) is None


def test_figure_has_every_mark_with_its_name_and_controls() -> None:
    figure = asking(table(0.7, 0.01), CHOICE, ["joy"], "m", 0.05)
    [axis] = figure.axes
    names = [text.get_text() for text in axis.texts if text.get_text()]
    assert sorted(names) == ["direction added", "instruction before it", "projected out"]
    marks = [line for line in axis.lines if line.get_marker() in ("o", "^", "v", "s")]
    assert len(marks) == 4  # those, and the control of the instruction
    assert {tuple(np.ravel(line.get_xydata())) for line in marks} == {(0.3, 1.0)}
    assert axis.patches[0].get_xy() == (-0.5, -0.5)
    plt.close(figure)


def test_page_shows_what_was_asked_beside_what_was_steered() -> None:
    plan = [("none", "baseline", "baseline", 0), (INSTRUCT, EMOTION, "joy", 1),
            (PRECEDE, PLAIN, PLAIN, 0), ("add", EMOTION, "joy", -1)]  # fmt: skip
    scores = pd.DataFrame(plan, columns=["operation", "kind", "direction", "sign"])
    scores = scores.assign(strength=0.5, depth=2, opening="a", sample=0, text="Oh.", vader=0.1)
    openings = pd.DataFrame({"id": ["a"], "text": ["He said,"]})
    found = written_texts(scores, openings, "m", {})
    assert found.said.tolist() == [
        "not steered", "joy · an instruction before the opening",
        "a sentence before the opening, without an emotion", "− joy",
    ]  # fmt: skip
    assert found.direction.fillna("").tolist() == ["", "joy", "", "joy"]
    assert found.sign.fillna("").tolist() == ["", "", "", "−"]


# A model ------------------------------------------------------------------------------------------


def test_marker_in_an_instruction_raises_its_word_and_the_control_does_not(tiny_root: Path) -> None:
    torch = pytest.importorskip("torch")
    import planted
    from emovec.activations.capture import Reader
    from emovec.models.loading import load_model
    from emovec.prompts.tokenizer import load_encoder
    from emovec.steering.asker import ask, with_room
    from emovec.steering.directions import make_directions
    from emovec.steering.generation import next_log_probabilities, read_prefix
    from emovec.steering.steerer import Sampling, Steerer
    from tiny import model_folder

    torch.set_num_threads(1)
    folder = model_folder("gpt2", tiny_root)
    encode = load_encoder(folder / "tokenizer.json", 0, True, "tiny")
    reader = Reader("tiny", load_model(folder), encode, "", 512, centered=False)
    planted.plant(reader, 3, block=1, head=2, gain=6.0)
    bridge = reader.bridge
    rng = np.random.default_rng(2)
    names = [f"o{i}" for i in range(12)]
    openings = pd.DataFrame(
        {"id": names, "text": ["".join(rng.choice(list("abcdef"), 9)) for _ in names]}
    )
    ids = [encode(text).ids for text in openings.text]
    given = {name: rng.normal(size=(4, 32)) for name in ("marked", "idle")}
    directions = make_directions(
        given,
        np.empty((0, 4, 32)),
        pd.DataFrame(),
        [2],
        0,
        rng,
        {"model": "tiny", "position": "last"},
    )
    steerer = Steerer(bridge, ids, directions, "new")
    texts = {"marked": "ab+cd", "idle": "ab-cd", PLAIN: "ab-ce"}
    plan = [
        Asked(asked(INSTRUCT, PLAIN if name == PLAIN else EMOTION, name), [text] * 8)
        for name, text in texts.items()
    ]
    sets = {"marked": encode("!").ids[-1:], "idle": encode("?").ids[-1:]}
    reported = openings.iloc[4:]
    sampling = Sampling(4, 1, 1.0, 3, frozenset())
    read, written = ask(steerer, plan, reported, sets, sampling, 2, encode)
    again = ask(steerer, plan, reported, sets, sampling, 2, encode)
    assert read.equals(again[0]) and written.equals(again[1])

    plain = next_log_probabilities(bridge, read_prefix(bridge, ids[4:]))
    base = pd.DataFrame(
        {"operation": "none", "kind": "baseline", "direction": "baseline", "depth": 0,
         "strength": 0.0, "sign": 0, "opening": names[4:], EXTRA: 0}
        | {f"logp_{name}": plain[:, one].logsumexp(-1).numpy() for name, one in sets.items()}
    )  # fmt: skip
    emotions, words = ["marked", "idle"], ["logp_marked", "logp_idle"]
    targets = {"steering read-outs": list(zip(emotions, words, strict=True))}
    both = pd.concat([base, read], ignore_index=True)
    found = asking_effects(both, words, targets, CHOICE, emotions, 0.05, READ_OUTS)
    found = found.set_index(["direction", "measure"])
    for part in (OVER_CONTROL, OWN):
        row = found.loc[("marked", f"logp_marked{part}")]
        assert row.ci_low > 0.1 and row.p_adjusted < 0.01
        assert not found.p_adjusted[("idle", f"logp_idle{part}")] <= 0.05
    assert found.value[("marked", EXTRA)] == len("ab+cd\n")

    # what is written is the emotion's own, greedy and sampled; read again after the plain opening
    assert written.groupby("direction")["sample"].agg(set).to_dict() == {
        "marked": {0, 1}, "idle": {0, 1}, PLAIN: {0}
    }  # fmt: skip
    row = written[(written.direction == "marked") & (written["sample"] == 0)].iloc[2]
    place = names.index(row.opening)
    alone = read_prefix(bridge, [encode(f"ab+cd\n{openings.text[place]}").ids])
    [new] = sampling.continued(bridge, alone, 0, [row.opening])
    assert encode.tokenizer.decode(new) == row.text
    with torch.inference_mode():
        logp = bridge(torch.tensor([ids[place] + new]), return_type="logits")[0].log_softmax(-1)
    likely = logp[len(ids[place]) - 1 : -1][range(4), new].mean()
    assert row.log_probability == pytest.approx(float(likely), rel=1e-4, abs=1e-5)

    longest = max(openings.text, key=len)
    room = len(encode(f"abc\n{longest}").ids) + 4
    assert with_room(encode, openings.text, 4, room)("abc")
    assert not with_room(encode, openings.text, 4, room - 1)("abc")
    assert with_room(encode, openings.text, 4, None)("abc" * 1000)
