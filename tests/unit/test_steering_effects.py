"""Effects of steering have the values worked out by hand, and nulls that hold what they say."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from emovec.errors import InputError
from emovec.io.tables import COLUMNS
from emovec.steering.changes import READ_OUTS, changes, check_texts
from emovec.steering.choice import choose
from emovec.steering.conditions import CONDITION_COLUMNS, to_show
from emovec.steering.directions import Directions
from emovec.steering.dose import dose_response
from emovec.steering.effects import adjust, effects, steering_table
from emovec.steering.families import OWN, corrected, stand_ins
from scipy import stats

EMOTIONS = ["joy", "fear"]
WORDS = ["logp_joy", "logp_fear"]
OPENINGS = [f"o{i}" for i in range(6)]
CHOICE = {"depth": 2, "strength": 0.5}
BASE = pd.Series([-4.0, -9.0, -3.5, -7.0, -5.0, -6.0], OPENINGS)

Effect = Callable[[str, str, int, float, int, str], dict[str, float]]


def rows(kind: str, name: str, depth: int, strength: float, sign: int, values) -> pd.DataFrame:
    operation = "none" if kind == "baseline" else "add" if strength else "remove"
    keys = dict(zip(CONDITION_COLUMNS, (operation, kind, name, depth, strength, sign), strict=True))
    return pd.DataFrame([keys | value for value in values])


def read_outs(
    effect: Effect,
    *,
    controls: int = 20,
    kinds: Sequence[str] = ("random",),
    depths: Sequence[int] = (2,),
    strengths: Sequence[float] = (0.5,),
    openings: Sequence[str] = tuple(OPENINGS),
) -> pd.DataFrame:
    """A table of read-outs whose changes are `effect(kind, name, depth, dose, sign, opening)`."""
    parts = [
        rows("baseline", "baseline", 0, 0.0, 0,
             [{"opening": o, "kl": 0.0} | dict.fromkeys(WORDS, BASE.get(o, -5.0))
              for o in openings])
    ]  # fmt: skip
    for depth in depths:
        for strength in strengths:
            named = [("emotion", e, s) for e in EMOTIONS for s in (1, -1)]
            named += [(kind, f"{kind} {i}", 1) for kind in kinds for i in range(controls)]
            for kind, name, sign in named:
                values = []
                for o in openings:
                    change = effect(kind, name, depth, strength, sign, o)
                    words = {w: BASE.get(o, -5.0) + change.get(w, 0.0) for w in WORDS}
                    values.append({"opening": o, "kl": change.get("kl", 0.1)} | words)
                parts.append(rows(kind, name, depth, strength, sign, values))
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=1)  # order is nothing


def number(name: str) -> int:
    return int(name.split()[1])


def planted(kind, name, depth, strength, sign, opening) -> dict[str, float]:
    """joy moves its words by the place of the opening; controls by −0.19 to 0.19; fear by 0."""
    if kind == "emotion":
        return {"logp_joy": sign * (1.0 + OPENINGS.index(opening))} if name == "joy" else {}
    return dict.fromkeys(WORDS, 0.02 * (number(name) - 9.5))


def one(table: pd.DataFrame, **cells: object) -> pd.Series:
    for column, cell in cells.items():
        table = table[table[column] == cell]
    assert len(table) == 1, table
    return table.iloc[0]


# Changes and effects ------------------------------------------------------------------------------


def test_changes_are_paired_by_opening() -> None:
    less = changes(read_outs(planted), WORDS)
    joy = less[(less.direction == "joy") & (less.sign == 1)].set_index("opening").logp_joy
    assert np.allclose(joy[OPENINGS], [1, 2, 3, 4, 5, 6])
    assert np.allclose(less[less.operation == "none"][WORDS], 0)


def test_changes_are_paired_by_opening_and_sample() -> None:
    table = pd.DataFrame(
        [
            ("none", "baseline", "baseline", 0, 0.0, 0, o, s, 10.0 * i + s)
            for i, o in enumerate("ab")
            for s in (0, 1)
        ]
        + [("add", "emotion", "joy", 1, 1.0, 1, o, s, 7.0) for o in "ba" for s in (1, 0)],
        columns=[*CONDITION_COLUMNS, "opening", "sample", "vader"],
    )
    less = changes(table, ["vader"])
    added = less[less.operation == "add"].set_index(["opening", "sample"]).vader
    assert added.to_dict() == {("a", 0): 7, ("a", 1): 6, ("b", 0): -3, ("b", 1): -4}


def test_effect_is_the_mean_with_a_t_interval() -> None:
    table = effects(read_outs(planted), WORDS, EMOTIONS, 0.05, READ_OUTS)
    row = one(table, direction="joy", measure="logp_joy", sign=1)
    assert row.value == pytest.approx(3.5)
    half = stats.t.ppf(0.975, 5) * np.std([1, 2, 3, 4, 5, 6], ddof=1) / np.sqrt(6)
    assert (row.ci_low, row.ci_high) == pytest.approx((3.5 - half, 3.5 + half))
    assert row.n_openings == 6 and row.n_controls == 20
    assert (row.null_low, row.null_high) == pytest.approx((-0.1805, 0.1805))
    assert row["null"] == "random" and row.reading == READ_OUTS
    assert row.p == pytest.approx(1 / 21)  # outside all controls
    away = one(table, direction="joy", measure="logp_joy", sign=-1)
    assert (away.value, away.p) == pytest.approx((-3.5, 1 / 21))
    still = one(table, direction="fear", measure="logp_fear", sign=1)
    assert still.value == pytest.approx(0) and still.p > 0.9


def test_effects_agree_with_scipys_paired_t_interval() -> None:
    rng = np.random.default_rng(0)
    noise = {(n, o): rng.normal() for n in [*EMOTIONS, *(f"random {i}" for i in range(20))]
             for o in OPENINGS}  # fmt: skip
    table = read_outs(lambda k, n, d, s, sign, o: {"logp_joy": noise[n, o]})
    row = one(
        effects(table, ["logp_joy"], EMOTIONS, 0.1, READ_OUTS), direction="joy", sign=1
    )  # fmt: skip
    known = stats.ttest_1samp([noise["joy", o] for o in OPENINGS], 0).confidence_interval(0.9)
    assert (row.ci_low, row.ci_high) == pytest.approx(tuple(known))


def test_each_kind_of_control_is_a_null_of_its_own() -> None:
    def effect(kind, name, depth, strength, sign, opening):
        if kind == "emotion":
            return dict.fromkeys(WORDS, sign * 0.5)
        return dict.fromkeys(WORDS, (2 if kind == "covariance" else 0.02) * (number(name) - 9.5))

    table = effects(
        read_outs(effect, kinds=("random", "covariance")), WORDS, EMOTIONS, 0.05, READ_OUTS
    )
    at = {"direction": "joy", "measure": "logp_joy", "sign": 1}
    assert one(table, **at, null="random").p == pytest.approx(1 / 21)
    assert one(table, **at, null="covariance").p > 0.5


def test_few_controls_are_no_null() -> None:
    table = effects(read_outs(planted, controls=9), WORDS, EMOTIONS, 0.05, READ_OUTS)
    row = one(table, direction="joy", measure="logp_joy", sign=1)
    assert row.value == pytest.approx(3.5)
    assert np.isnan(row.p) and np.isnan(row.null_low) and row.n_controls == 0 and row["null"] == ""


def test_undefined_openings_are_left_out_and_not_counted() -> None:
    table = read_outs(planted)
    steered = (table.direction == "joy") & (table.sign == 1)
    table.loc[steered & table.opening.isin(["o4", "o5"]), "logp_joy"] = np.nan
    found = effects(table, WORDS, EMOTIONS, 0.05, READ_OUTS)
    row = one(found, direction="joy", measure="logp_joy", sign=1)
    assert row.value == pytest.approx(2.5) and row.n_openings == 4
    table.loc[steered & (table.opening != "o0"), "logp_joy"] = np.nan
    found = effects(table, WORDS, EMOTIONS, 0.05, READ_OUTS)
    row = one(found, direction="joy", measure="logp_joy", sign=1)
    assert np.isnan([row.value, row.ci_low, row.p]).all() and row.n_openings == 1


def test_a_push_that_does_the_same_both_ways_is_no_effect_of_either_sign() -> None:
    """Whatever is pushed, rare words gain and the output moves: ±v must not look special."""
    rng = np.random.default_rng(5)
    own = {name: rng.normal() for name in [*EMOTIONS, *(f"random {i}" for i in range(20))]}

    def effect(kind, name, depth, strength, sign, opening):
        linear = 0.1 * sign * own[name]
        return dict.fromkeys(WORDS, 3 + linear) | {"kl": 0.4 + linear / 10}

    table = read_outs(effect, strengths=(0.5, 1.0))
    found = effects(table, [*WORDS, "kl"], EMOTIONS, 0.05, READ_OUTS)
    assert found.value.min() > 0.3 and found.p.min() > 0.1
    assert (found.null_low > 0).all()
    slopes = dose_response(table, EMOTIONS, 0.05)
    slopes = slopes[slopes.measure.str.startswith("slope")]
    assert slopes.p.min() > 0.1


def test_p_of_either_sign_is_uniform_where_the_direction_is_a_random_one() -> None:
    rng = np.random.default_rng(11)
    p = []
    for _ in range(150):
        draw = {n: rng.normal(size=2) for n in ["joy", "fear", *(f"random {i}" for i in range(19))]}

        def effect(kind, name, depth, strength, sign, opening, draw=draw):
            return {"logp_joy": sign * draw[name][0] + 2 + draw[name][1] / 3}

        table = read_outs(effect, controls=19, openings=["o0", "o1"])
        p.append(effects(table, ["logp_joy"], EMOTIONS, 0.05, READ_OUTS))
    p = pd.concat(p)
    for _, cell in p.groupby(["direction", "sign"]):
        for level in (0.05, 0.2):
            share = (cell.p <= level + 1e-9).mean()
            assert abs(share - level) < 3.5 * np.sqrt(level * (1 - level) / 150)


# The choice of depth and strength -----------------------------------------------------------------


def hidden(kind, name, depth, strength, sign, opening) -> dict[str, float]:
    """Emotions raise their own words most at depth 3 on the openings a, at depth 1 on b."""
    if kind != "emotion":
        return dict.fromkeys(WORDS, 0.1 * (number(name) - 9.5) * strength) | {"kl": 9.0}
    best = {"a": 3, "b": 1}[opening[0]]
    slope = 5.0 if depth == best else 1.0
    words = {word: slope * (word == f"logp_{name}") + 9 for word in WORDS}  # 9 is of all emotions
    return {word: each * strength * sign for word, each in words.items()} | {"kl": strength}


HALVES = ["a1", "a2", "b1", "b2"]
GRID = {"depths": (1, 2, 3), "strengths": (0.5, 1.0, 2.0), "openings": HALVES}


def test_planted_depth_is_chosen_on_the_openings_given_alone() -> None:
    table = read_outs(hidden, **GRID)
    chosen = choose(table, ["a1", "a2"], EMOTIONS, 10)
    assert (chosen["depth"], chosen["strength"], chosen["within_max_kl"]) == (3, 2.0, True)
    assert len(chosen["cells"]) == 9
    assert choose(table, ["b1", "b2"], EMOTIONS, 10)["depth"] == 1
    unread = table.opening.isin(["b1", "b2"]) | (table.kind == "random")
    table.loc[unread, [*WORDS, "kl"]] = 1e6  # neither the other half nor the controls
    assert choose(table, ["a1", "a2"], EMOTIONS, 10) == chosen
    assert chosen["score"] == pytest.approx(10)  # 5 a strength, less nothing by the other emotion
    assert chosen["kl"] == pytest.approx(2.0)  # of the emotions, not of the controls


def test_strengths_that_change_the_model_too_much_are_out() -> None:
    table = read_outs(hidden, **GRID)
    chosen = choose(table, ["b1", "b2"], EMOTIONS, 1.5)
    assert (chosen["depth"], chosen["strength"], chosen["within_max_kl"]) == (1, 1.0, True)
    gentlest = choose(table, ["b1", "b2"], EMOTIONS, 0.1)
    assert (gentlest["depth"], gentlest["strength"]) == (1, 0.5)
    assert not gentlest["within_max_kl"]


def test_emotions_that_shrink_their_own_words_are_not_chosen() -> None:
    def effect(kind, name, depth, strength, sign, opening):
        if kind != "emotion":
            return dict.fromkeys(WORDS, 0.1 * (number(name) - 9.5))
        return {f"logp_{name}": sign * (-9.0 if depth == 1 else 0.3)}

    table = read_outs(effect, depths=(1, 2))
    assert choose(table, OPENINGS, EMOTIONS, 1)["depth"] == 2


# Dose and response --------------------------------------------------------------------------------


def test_slopes_of_a_line_are_exact() -> None:
    against = {"o1": -1.0, "o4": -2.0}

    def effect(kind, name, depth, strength, sign, opening):
        if kind == "emotion":
            slope = against.get(opening, 4.0) if name == "joy" else 0.0
            return dict.fromkeys(WORDS, slope * sign * strength)
        return dict.fromkeys(WORDS, 0.01 * (number(name) - 3) * strength)

    table = read_outs(effect, strengths=(0.25, 0.5, 2.0))
    found = dose_response(table, EMOTIONS, 0.05)
    slope = one(found, measure="slope_logp_joy", direction="joy")
    assert slope.value == pytest.approx(13 / 6) and slope.n_controls == 20
    assert (slope.null_low, slope.null_high) == pytest.approx((-0.02525, 0.15525))
    assert slope.p == pytest.approx(1 / 21)
    assert one(found, measure="linearity_logp_joy").value == pytest.approx(1)
    anti = one(found, measure="anti_steerable_logp_joy")
    low, high = stats.beta.ppf([0.025, 0.975], [2, 3], [5, 4])  # Clopper and Pearson, 2 of 6
    assert (anti.value, anti.ci_low, anti.ci_high) == pytest.approx((2 / 6, low, high))
    none = one(found, measure="anti_steerable_logp_fear")
    assert (none.value, none.ci_low) == (0, 0)
    assert np.isnan(one(found, measure="linearity_logp_fear").value)  # nothing changes


def test_response_that_bends_is_less_linear() -> None:
    def effect(kind, name, depth, strength, sign, opening):
        scale = 1 if kind == "emotion" else 0.01 * number(name)
        return dict.fromkeys(WORDS, scale * (strength**2 if name == "joy" else strength) * sign)

    found = dose_response(read_outs(effect, strengths=(1.0, 2.0)), EMOTIONS, 0.05)
    # least squares through 0 of (1, 1), (2, 4) and their mirror images has slope 9/5
    left = ((1 - 9 / 5) ** 2 + (4 - 18 / 5) ** 2) / (1 + 16)
    assert one(found, measure="linearity_logp_joy").value == pytest.approx(1 - left)
    assert one(found, measure="slope_logp_joy").value == pytest.approx(9 / 5)

    def even(kind, name, depth, strength, sign, opening):
        return dict.fromkeys(WORDS, strength if kind == "emotion" else 0.1 * number(name))

    found = dose_response(read_outs(even, strengths=(1.0, 2.0)), EMOTIONS, 0.05)
    assert one(found, measure="slope_logp_joy").value == pytest.approx(1)  # of adding alone
    assert one(found, measure="linearity_logp_joy").value == pytest.approx(0)


# Correction over the family -----------------------------------------------------------------------

TARGETS = [("joy", "logp_joy"), ("fear", "logp_fear")]


def test_adjusted_p_is_no_smaller_and_where_it_belongs() -> None:
    rng = np.random.default_rng(2)
    draw = {}

    def effect(kind, name, depth, strength, sign, opening):
        value = draw.setdefault((name, strength), rng.normal(size=2))
        return dict(zip(WORDS, sign * value, strict=True))

    table = read_outs(effect, strengths=(0.5, 1.0), kinds=("random", "covariance"))
    shown = effects(table, [*WORDS, "kl"], EMOTIONS, 0.05, READ_OUTS, TARGETS)
    p = adjust(table, shown, EMOTIONS, TARGETS)
    primary = shown[p.notna()]
    assert len(primary) == 2 * 2 * 2 * 2 * 3  # emotion, part, sign, strength, kind or all
    assert set(primary.measure.str.removesuffix(OWN)) == set(WORDS)
    assert (primary.measure.str.removesuffix(OWN) == "logp_" + primary.direction).all()
    assert (p[p.notna()] >= primary.p - 1e-12).all()
    assert (p[p.notna()] > primary.p + 1e-12).any()


def test_measure_without_a_value_has_no_p() -> None:
    """As where a model writes nothing that could be read."""
    table = read_outs(planted).assign(logp_joy=np.nan, logp_fear=np.nan)
    shown = effects(table, WORDS, EMOTIONS, 0.05, READ_OUTS, TARGETS)
    assert adjust(table, shown, EMOTIONS, TARGETS).isna().all()


def test_own_part_is_less_what_the_other_emotions_do() -> None:
    def effect(kind, name, depth, strength, sign, opening):
        if kind == "emotion":  # both raise all emotional words by 5; joy its own by 2 more
            own = 2.0 * (name == "joy")
            return {"logp_joy": sign * (5 + own + OPENINGS.index(opening)), "logp_fear": 5.0 * sign}
        return dict.fromkeys(WORDS, 0.02 * (number(name) - 9.5))

    table = read_outs(effect)
    shown = effects(table, WORDS, EMOTIONS, 0.05, READ_OUTS, TARGETS)
    shown = shown.assign(p_adjusted=adjust(table, shown, EMOTIONS, TARGETS))
    joy = one(shown, direction="joy", measure="logp_joy.own", sign=1)
    # of the words of joy: what joy does less what fear does, opening by opening
    assert joy.value == pytest.approx(2) and joy.ci_high - joy.ci_low == pytest.approx(0)
    assert joy.p_adjusted == pytest.approx(1 / 21)
    fear = one(shown, direction="fear", measure="logp_fear.own", sign=1)
    assert fear.value == pytest.approx(0) and fear.p_adjusted > 0.3
    assert one(shown, direction="fear", measure="logp_fear", sign=1).p_adjusted < 0.05
    pushed = np.array([0.02 * number(name) for name in sorted(f"random {i}" for i in range(20))])
    band = np.quantile(pushed - np.roll(pushed, -10), [0.025, 0.975])  # one for joy, one for fear
    assert (joy.null_low, joy.null_high) == pytest.approx(tuple(band))


def test_kinds_that_differ_are_not_mixed_in_an_own_part() -> None:
    """Attributes lower all words by 9; that is no difference between emotions."""

    def effect(kind, name, depth, strength, sign, opening):
        if kind == "emotion":
            return {"logp_joy": 1.0 * sign * (name == "joy")}
        return dict.fromkeys(WORDS, 0.01 * number(name) - 9 * (kind == "attribute"))

    table = read_outs(effect, kinds=("random", "attribute"))
    shown = effects(table, WORDS, EMOTIONS, 0.05, READ_OUTS, TARGETS)
    shown = shown.assign(p_adjusted=adjust(table, shown, EMOTIONS, TARGETS))
    joy = one(shown, direction="joy", measure="logp_joy.own", sign=1, null="all")
    assert joy.null_high < 0.3 and joy.p_adjusted == pytest.approx(1 / 41)


def test_controls_stand_once_in_every_place_and_apart() -> None:
    kinds = ["random"] * 20 + ["attribute"] * 12
    drawn = stand_ins(np.arange(32), kinds, 3)
    assert drawn.shape == (32, 3)
    assert all(sorted(drawn[:, place]) == list(range(32)) for place in range(3))
    assert ((drawn < 20).all(axis=1) | (drawn >= 20).all(axis=1)).all()  # each draw is of one kind
    assert np.abs(np.diff(drawn, axis=1)).min() >= 4
    assert stand_ins(np.arange(10), kinds[:10], 32).shape == (10, 32)


def test_grid_is_searched_at_the_level() -> None:
    """Emotions that are but more directions, read at nine cells of which the best is taken."""
    rng = np.random.default_rng(8)
    found = []
    for _ in range(400):
        effects = rng.normal(size=(63, 3, 9)) + 0.5 * rng.normal(size=(63, 3, 1))
        p = corrected(effects[:3], effects[3:], ["random"] * 60, [(0, 0), (1, 1), (2, 2)])
        found.append((p.reshape(-1, 2) <= 0.05).any(axis=0))
    assert (np.abs(np.mean(found, axis=0) - 0.05) < 0.035).all()


# Texts --------------------------------------------------------------------------------------------


def scored(empty: int, degenerate: int, steered_empty: int, n: int = 10) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "operation": ["none"] * n + ["add"] * n,
            "empty_text": [1] * empty + [0] * (n - empty)
            + [1] * steered_empty + [0] * (n - steered_empty),
            "degenerate": [0] * (n - degenerate) + [1] * degenerate + [0] * n,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("empty", "degenerate", "steered", "refused"),
    [
        (0, 0, 0, False),
        (1, 1, 0, False),
        (2, 1, 0, True),
        (0, 3, 0, True),
        (0, 0, 4, False),  # 4 of 20
        (0, 0, 5, True),
        (10, 0, 10, True),
    ],
)
def test_texts_that_are_nothing_stop_the_run(empty, degenerate, steered, refused) -> None:
    scores = scored(empty, degenerate, steered)
    if not refused:
        check_texts(scores, 0.24, "mine.csv")
        return
    with pytest.raises(InputError, match=r"^mine\.csv: .*steering\.max_empty \(24%\)") as error:
        check_texts(scores, 0.24, "mine.csv")
    assert str(error.value).count(". ") == 0


# The whole table ----------------------------------------------------------------------------------


def texts(openings: Sequence[str], seed: int = 0) -> pd.DataFrame:
    """Scores of texts: joy raises its words, its class and the perplexity; the rest is noise."""
    rng = np.random.default_rng(seed)
    plan = [("none", "baseline", "baseline", 0, 0.0, 0)]
    plan += [("add", "emotion", e, 2, 0.5, s) for e in EMOTIONS for s in (1, -1)]
    plan += [("add", "covariance", f"covariance {i}", 2, 0.5, 1) for i in range(20)]
    found = []
    for keys in plan:
        for sample in (0, 1) if keys[1] in ("baseline", "emotion") else (0,):
            for opening in openings:
                up = keys[5] if keys[2] == "joy" else 0
                noise = 0.01 * rng.normal(size=3)
                found.append(
                    dict(
                        zip(
                            [*CONDITION_COLUMNS, "opening", "sample"],
                            [*keys, opening, sample],
                            strict=True,
                        )
                    )
                    | {"words_joy": 0.1 + 0.1 * up + noise[0], "words_fear": 0.1 + noise[1]}
                    | {"nade_joy": 0.5 + 0.3 * up + noise[2], "nade_fear": 0.5 + noise[0]}
                    | {"read_joy": 0.2 * up + noise[1], "read_fear": 0.3 + noise[2]}
                    | {"log_probability": -3 - 0.5 * abs(up), "vader": noise[1]}
                    | dict.fromkeys(["repeated", "distinct_2", "empty_text", "degenerate"], 0.0)
                    | {f"ends_{m}": 0.0 for m in ("period", "exclamation", "question")}
                )
    return pd.DataFrame(found)


def test_table_has_every_reading_on_the_reported_half_alone() -> None:
    openings = [*OPENINGS, "x1", "x2"]

    def effect(kind, name, depth, strength, sign, opening):
        if opening.startswith("x"):
            return dict.fromkeys(WORDS, 1e6 * number(name) if kind == "random" else 1e6)
        return planted(kind, name, depth, strength, sign, opening)

    table = read_outs(effect, openings=openings)
    found = steering_table(
        table, texts(OPENINGS), {"other": table}, OPENINGS, CHOICE, EMOTIONS,
        {"nade": {"joy": "joy", "fear": "fear"}}, 0.05,
    )  # fmt: skip
    assert list(found.columns) == list(COLUMNS["steering"])
    own = found[found.source.isna()]
    assert set(own.reading) == {"read-outs", "texts", "sampled texts"}
    assert set(found.source.dropna()) == {"other"} and found.chosen.all()
    row = one(own, direction="joy", measure="logp_joy", sign=1)
    assert row.value == pytest.approx(3.5) and row.p_adjusted <= 0.05
    assert row.family == "steering read-outs"
    carried = one(found[found.source == "other"], direction="joy", measure="logp_joy", sign=1)
    assert carried.value == row.value and carried.family == "carried directions"
    at = {"direction": "joy", "sign": 1, "reading": "texts"}
    judged = one(own, **at, measure="nade_joy")
    assert judged.value == pytest.approx(0.3, abs=0.05) and judged.p_adjusted <= 0.05
    assert judged.family == "steering texts" and judged["null"] == "covariance"
    back = one(own, **at, measure="read_joy.own")
    assert back.value == pytest.approx(0.2, abs=0.05) and back.p_adjusted <= 0.05
    assert back.family == "steering read-back"
    assert one(own, **at, measure="log_perplexity").value == pytest.approx(0.5)
    fear = own[(own.direction == "fear") & (own.reading == "texts") & (own.sign == 1)]
    assert fear.p_adjusted.dropna().min() > 0.05
    sampled = one(own, direction="joy", sign=1, measure="nade_joy", reading="sampled texts")
    assert sampled.value == pytest.approx(0.3, abs=0.05)
    assert np.isnan(sampled.p) and sampled.flag == "no_controls" and sampled.n_openings == 6


def test_each_classifier_is_a_judge_of_its_own_emotions() -> None:
    scores = texts(OPENINGS)
    scores = scores.assign(go_glad=scores.nade_joy, go_calm=scores.nade_fear)
    given = read_outs(planted), scores, {}, OPENINGS, CHOICE, EMOTIONS

    def judged(targets: dict) -> pd.DataFrame:
        return steering_table(*given, targets, 0.05)

    nade = {"nade": {"joy": "joy", "fear": "fear"}}
    alone, both = judged(nade), judged(nade | {"go": {"joy": "glad"}})
    at = {"direction": "joy", "sign": 1, "reading": "texts"}
    row = one(both, **at, measure="go_glad")
    assert row.value == pytest.approx(0.3, abs=0.05) and row.p_adjusted <= 0.05
    assert row.family == "steering texts"
    assert row.p == one(alone, **at, measure="nade_joy").p  # one-sided alike
    assert np.isnan(one(both, **at, measure="go_calm").p_adjusted)  # stands for no emotion
    assert not alone.measure.str.startswith("go_").any()
    rest = both[~both.measure.str.startswith("go_")].drop(columns="p_adjusted")
    pd.testing.assert_frame_equal(
        rest.reset_index(drop=True), alone.drop(columns="p_adjusted").reset_index(drop=True)
    )


def test_examples_are_written_along_and_against_each_emotion_and_along_one_control() -> None:
    kinds = ["emotion", "emotion", "covariance", "covariance", "random"]
    names = ["joy", "anger", "covariance 0", "covariance 1", "random 0"]
    directions = Directions({}, [2, 4], kinds, names, np.ones((5, 2, 3)), np.ones((5, 2)))
    shown = to_show(directions, ["covariance"], {"depth": 4, "strength": 0.5})
    assert [(one.operation, one.name, one.sign) for one in shown] == [
        ("none", "baseline", 0),
        ("add", "joy", 1), ("add", "joy", -1), ("add", "anger", 1), ("add", "anger", -1),
        ("add", "covariance 0", 1),
    ]  # fmt: skip
    assert {(one.depth, one.strength) for one in shown[1:]} == {(4, 0.5)}
    assert len(to_show(directions, [], {"depth": 4, "strength": 0.5})) == 5
