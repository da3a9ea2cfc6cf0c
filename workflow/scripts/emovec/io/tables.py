"""Tidy CSV tables: their columns with their types, written in one form, read back exactly."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from emovec.errors import InputError
from emovec.io.files import whole

SEPARATOR = ";"  # between the codes of one cell


TEXT, INTEGER, NUMBER, TRUTH = "str", "Int64", "float64", "boolean"


TYPES = {
    TEXT: "model model_a model_b train_model test_model source position scope emotion emotion_a "
    "emotion_b metric norm stat space estimator method way kind direction contrast split operation "
    "measure reading precision opening prompt_id class topic text null family flag verdict reason "
    "check statistic dimensions against part role words aligned span outcome",
    INTEGER: "depth depth_a depth_b depth_train depth_test d_model_a d_model_b n_topics n_map "
    "n_emotions "
    "n_test n_null agree compared n_depths n_undefined n_openings n_controls n_tokens sign token "
    "sample block head place rank",
    TRUTH: "gate_ok decodes study chosen ok read",
}
TYPE_OF = {name: dtype for dtype, names in TYPES.items() for name in names.split()}


STATISTIC = "value ci_low ci_high null_low null_high null p p_adjusted"
PLACES = "position depth_a depth_b relative_depth_a relative_depth_b"
CONDITION = "operation kind direction depth strength sign"
OVER = " ".join(
    f"over_{other}{part}"
    for other in ("words", "depth0", "untrained")
    for part in ("", "_low", "_high", "_p")
)
TEXTS = f"{CONDITION} opening sample text n_tokens log_probability"


# {table: {column: type}}; a column that TYPES does not name holds numbers
COLUMNS: dict[str, dict[str, str]] = {
    table: {name: TYPE_OF.get(name, NUMBER) for name in names.split()}
    for table, names in {
        "layer_norms": "model position depth relative_depth emotion norm value chance flag",
        "within_model_similarity": "model position depth relative_depth metric emotion_a emotion_b "
        f"stat {STATISTIC} family n_topics n_depths n_undefined "
        "dimensions gate_ok flag",
        "cross_model_similarity": f"model_a model_b {PLACES} emotion_a emotion_b method stat "
        f"{STATISTIC} n_null family map_r2 n_map reliability_a reliability_b "
        "reliability_low_a reliability_low_b d_model_a d_model_b "
        "gate_ok flag",
        "maps": f"model_a model_b {PLACES} method k_or_alpha r2_loo r2_null_high p cka_debiased "
        "mknn mknn_chance n_map component_a component_b flag",
        "decoding": "train_model test_model direction contrast position depth_train depth_test "
        f"split metric auroc se ci_low ci_high null_low null_high p p_adjusted n_test {OVER} flag",
        "verdicts": "emotion model_a model_b position cosine ci_low ci_high p_common own_cosine "
        "own_low own_high p_specific reliability_low_a reliability_low_b matched matched_low "
        "least_cosine bound verdict decodes agree compared reason",
        "multiverse": "model position space metric estimator precision emotion_a emotion_b value "
        "ci_low ci_high study flag model_b relative_depth n_depths n_undefined null_low null_high "
        "gate_ok",
        "ways": "model model_b position relative_depth depth_a depth_b way stat emotion_a "
        "emotion_b value ci_low ci_high null null_low null_high n_null reliability_a "
        "reliability_b reliability_low_a reliability_low_b n_topics flag",
        "precision": "model model_b position precision stat depth relative_depth emotion_a "
        "emotion_b value ci_low ci_high other other_low other_high moved moved_low moved_high "
        "n_topics gate_ok flag",
        "published": "kind model_a model_b emotion_a emotion_b published this_run null_low "
        "null_high corrected ci_low ci_high method n_depths flag",
        "steering": "model source position scope depth relative_depth operation strength sign "
        f"direction measure reading {STATISTIC} family n_openings n_controls chosen flag",
        "readings": "model position prompt_id token text read",
        "token_projections": "model position depth relative_depth direction prompt_id class topic "
        "token text projection beyond flag",
        "trajectories": "model position depth relative_depth direction against words aligned place "
        "value ci_low ci_high null_low null_high n_null p p_adjusted n_topics gate_ok flag",
        "components": "model position depth relative_depth metric emotion against part block head "
        "value ci_low ci_high p p_adjusted null_low null_high n_null role gate_ok flag",
        "attention": "model position depth relative_depth emotion block head span attention "
        "value ci_low ci_high null_low null_high p p_adjusted n_topics",
        "typical": "model position depth relative_depth emotion part block head rank prompt_id "
        "text value",
        "geometry": f"model source depth stat emotion emotion_b {STATISTIC} over_words "
        "over_words_p over_start over_start_p n_emotions n_topics",
        "geometry_between": "model_a model_b stat emotion emotion_b value ci_low ci_high p "
        "p_adjusted n_emotions n_topics gate_ok verdict",
        "ablations": "model position depth relative_depth method outcome direction kind emotion "
        "part block head share value ci_low ci_high null_low null_high n_null p p_adjusted "
        "first_token n_topics gate_ok flag",
        "confounds": "check scope model statistic value threshold ok",
        "read_outs": f"{CONDITION} alpha opening kl",
        "texts": TEXTS,
        "scores": TEXTS,
        "classified": "",
    }.items()
}


SCORED = {
    "read_outs",
    "texts",
    "scores",
    "classified",
}  # further columns are numbers, one for each measure


FORMULA = r"'*[=+\-@＝＋－＠\t\r\n]"  # how a text begins that gets one more apostrophe


def _texts(kind: str) -> list[str]:
    return [name for name, dtype in COLUMNS[kind].items() if dtype == TEXT]


def typed(rows: pd.DataFrame | Sequence[Mapping], kind: str) -> pd.DataFrame:
    """A table of `kind`: its columns in order and of their types; what no row states is empty.

    Raises
    ------
    ValueError
        If there are other columns or a cell is not of its column's type.
    """
    frame, columns = pd.DataFrame(rows), COLUMNS[kind]
    further = [name for name in frame if name not in columns]
    if further and kind not in SCORED:
        raise ValueError(f"{kind} has other columns than it should: {sorted(further)}")
    try:
        return frame.reindex(columns=[*columns, *further]).astype(columns)
    except TypeError as error:
        raise ValueError(f"{kind} has a cell of another type than its column: {error}") from error


def write_table(frame: pd.DataFrame, path: str | Path, kind: str) -> None:
    """Write a table of `kind`, whole or not at all; floats read back exactly.

    Cells are quoted where a column is called text: a carriage return ends a line otherwise. A text
    that a spreadsheet would run as a formula gets an apostrophe, which `read_table` takes off.

    Raises
    ------
    ValueError
        If the frame has other columns than the table or a cell of another type.
    """
    if absent := [name for name in COLUMNS[kind] if name not in frame]:
        raise ValueError(f"{kind} has other columns than it should: it lacks {absent}")
    table = typed(frame, kind)
    for name in _texts(kind):
        table[name] = table[name].str.replace(rf"^(?={FORMULA})", "'", regex=True)
    quoting = csv.QUOTE_NONNUMERIC if "text" in table else csv.QUOTE_MINIMAL
    with whole(path) as part:
        table.to_csv(part, index=False, lineterminator="\n", quoting=quoting)


def read_table(path: str | Path, kind: str) -> pd.DataFrame:
    """Read a table of `kind`; an empty cell is missing, and "NA" or "007" is a text as it stands.

    Raises
    ------
    InputError
        If the file is missing or is no table of this kind.
    """
    try:
        table = pd.read_csv(path, dtype=COLUMNS[kind], keep_default_na=False, na_values=[""])
        if absent := [name for name in COLUMNS[kind] if name not in table]:
            raise ValueError(f"there is no column {absent[0]}")
        for name in _texts(kind):
            table[name] = table[name].str.replace(rf"^'(?={FORMULA})", "", regex=True)
        return table
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a table ({error}): make it anew.") from error


def join_tables(paths: list[str | Path], path: str | Path) -> None:
    """Write tables of one kind one below the other."""
    with whole(path) as new, new.open("wb") as joined:
        for number, part in enumerate(paths):
            head, rows = Path(part).read_bytes().split(b"\n", 1)
            joined.write(rows if number else head + b"\n" + rows)
