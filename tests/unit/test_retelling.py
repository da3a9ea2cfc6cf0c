"""Every sentence that a table may hold is retold, each in words of its own."""

from dataclasses import replace
from itertools import product

import pytest
from emovec.between_models import raw_cosines, rows
from emovec.between_models.verdict import Evidence, decide
from emovec.within_model import rows as within_rows
from emovec.wording import language
from retold import retold

GATES = ("signal_ok", "map_ok", "confound_ok")
OPEN = Evidence(**dict.fromkeys(GATES, True))
WIDE, SMALL = ((-0.3, 0.9),), ((-0.1, 0.1),)


def reasons() -> set[str]:
    """Whatever evidence there is, the reasons that verdicts give."""
    gates = [
        replace(OPEN, **dict(zip(GATES, values, strict=True)), reliable=reliable)
        for values in product((None, False, True), repeat=3)
        for reliable in (False, True)
    ]
    tests = [
        Evidence(
            **dict.fromkeys(GATES, True),
            p_aligned=aligned, cosines=cosines, intervals=intervals, p_floor=floor,
            p_specific=specific, p_transfer=transfer, positive_control=control,
        )
        for aligned, specific, transfer in product((None, 0.001, 0.5), repeat=3)
        for cosines in ((0.5,), (-0.5,))
        for intervals in (WIDE, SMALL)
        for floor in (None, 0.123)
        for control in (None, 0.1, 0.9)
    ]  # fmt: skip
    return {decide(found).reason for found in gates + tests}


def test_reasons_of_verdicts() -> None:
    found = reasons()
    assert len(found) > 20
    assert len({retold(reason) for reason in found}) == len(found)


@pytest.mark.parametrize(
    "flag",
    [
        rows.NO_NORM, raw_cosines.UNRELATED, within_rows.NO_DIFFERENCE, within_rows.NO_SPREAD,
        within_rows.NO_NORM,
        within_rows.AVERAGED, within_rows.DOMINATED,
        "no map", "no control null", "no variance between sentences", "exploratory",
        "for comparison", "5-fold R²", "attribute not reliable enough", "zero vector",
        "d_model differs (576 and 640)", "the direction of one@twin does not decode",
        "not in this run", "not reliable enough", "no controls", "no opening with a value",
    ],
)  # fmt: skip
def test_remarks(flag: str) -> None:
    retold(flag)


def test_several_remarks_in_one_cell() -> None:
    told = retold("norm not positive; reliability -0.21 in a-b@twin; reliability nan in c; no map")
    assert told == (
        "ノルムが正でない；a-b@twin での信頼性 -0.21；c での信頼性 nan；写像が成立しない"
    )
    assert "exploratory での信頼性" in retold("reliability 0.20 in exploratory")  # a name stays
    retold("mean over depths; 3 undefined")
    retold("mean over 1 of 4 depths; d_model differs (64 and 48)")
    retold("one component carries 61% of one; one component carries 57% of two")


def test_what_no_form_fits_stays() -> None:
    language.speak("ja")
    try:
        for text in ("", "102 231 399", "A sentence of nobody."):
            assert language.retell(text) == text
    finally:
        language.speak("en")
    assert language.retell("no map") == "no map"
