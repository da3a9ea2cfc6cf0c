"""Whatever comes in, a run ends in a result or in one sentence of an InputError.

`make test` tries 200 cases, the same each time, `make nightly` thousands of new ones. What once
failed is an `example`.
"""

import copy
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import designs
import h5py
import numpy as np
import pandas as pd
import yaml
from designs import NIGHTLY, names
from emovec.activations.store import open_activations
from emovec.audit.audit import audit
from emovec.config import check
from emovec.decoding.table import decode_texts
from emovec.errors import InputError
from emovec.prompts.design import Design
from emovec.prompts.sentences import read_probe, read_prompts
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from library_run import LibraryRun, adopted
from matplotlib import pyplot as plt
from project import ROOT

EMOTIONS = names(2)


def tries(number: int) -> settings:
    return settings(
        max_examples=number * (30 if NIGHTLY else 1), derandomize=not NIGHTLY, deadline=None,
        database=None, suppress_health_check=list(HealthCheck),
    )  # fmt: skip


# Configurations -----------------------------------------------------------------------------------

CONFIG = yaml.safe_load((ROOT / "config/smoke.yaml").read_text())
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
    st.sampled_from(["..", "a/b", "{x}", "true", "007", "last", "=1", "\0", "x" * 300]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(scalars, inner, max_size=3),
    max_leaves=4,
)


def places(tree: object, path: tuple = ()) -> list[tuple]:
    inner = tree.items() if isinstance(tree, dict) else []
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


@tries(100)
@given(st.lists(st.tuples(st.sampled_from(places(CONFIG)[1:]), scalars | st.just(...), values)))
def test_configuration(changes: list[tuple]) -> None:
    """Values replaced anywhere, and keys put beside them."""
    config = copy.deepcopy(CONFIG)
    for path, beside, value in changes:
        at = config
        with suppress(KeyError, TypeError, AttributeError):
            for key in path[:-1]:
                at = at[key]
            if isinstance(at, dict):
                at[path[-1] if beside is ... else beside] = value
    with suppress(InputError):
        whole = check(config)
        assert check(copy.deepcopy(whole)) == whole


# Prompt files -------------------------------------------------------------------------------------

texts = st.text(max_size=30) | st.sampled_from(
    ["", " ", "🙂", "?!", "\u200b", "A\nb", 'say "so"', "=1+1", "The river was calm.", "\ufeff"]
)


@tries(54)
@given(
    st.integers(1, 3),
    st.integers(1, 4),
    st.dictionaries(
        st.tuples(
            st.integers(0, 15),
            st.sampled_from(["text"] * 9 + ["phrase"] * 2 + ["emotion_word", "id", "topic"]),
        ),
        texts,
        max_size=20,
    ),
    st.just(b"") | st.binary(max_size=3),
)
@example(1, 2, {(0, "text"): "a", (1, "text"): "b", (2, "text"): "🙂", (3, "text"): "🙂"}, b"")
@example(2, 2, {(row, "text"): "🙂" for row in (0, 1, 3, 4)}, b"")
def test_prompt_file(emotions: int, topics: int, cells: dict, tail: bytes) -> None:
    """Any text in any cell, and any bytes after the last row."""
    rows = [
        row | {"phrase": "", "emotion_word": ""} for row in designs.rows(names(emotions), topics)
    ]
    for (row, column), text in cells.items():
        rows[row % len(rows)][column] = text
    with tempfile.TemporaryDirectory() as folder, suppress(InputError):
        path = Path(folder, "prompts.csv")
        designs.write_rows(path, rows)
        path.write_bytes(path.read_bytes() + tail)
        prompts = read_prompts(path, names(emotions), "neutral")
        probe = pd.DataFrame(designs.probe_rows(8)).astype({"attr_0": int})
        found = audit(
            Design(prompts), probe, {}, emotions=names(emotions), neutral="neutral", seed=1
        )
        assert len(found.confounds)
        told = decode_texts(
            prompts, names(emotions), "neutral", n_folds=5, alpha=0.05,
            rng=np.random.default_rng(0),
        )  # fmt: skip
        assert told.auroc.dropna().between(0, 1).all()


# Brought files ------------------------------------------------------------------------------------

arrays = st.one_of(
    st.tuples(
        st.lists(st.integers(0, 9), min_size=0, max_size=4),
        st.sampled_from(["f2", "f4", "f8", "i8", "u1", "?", "S3", "c8"]),
        st.sampled_from([0, 1, np.nan, 1e30]),
    )
)
DATASETS = [
    "residual", "residual/last", "probe", "probe/residual/last", "probe/id", "prompts/id",
    "prompts/topic", "prompts/emotion", "prompts/text", "depth",
]  # fmt: skip


@tries(40)
@given(
    st.dictionaries(st.sampled_from(DATASETS), st.none() | arrays, max_size=2),
    st.dictionaries(
        st.sampled_from(["space", "suffix", "dtype", "n_layers", "d_model", "model", "prepend_bos",
                         "normalization", "schema_version", "license"]),
        st.text(max_size=5) | st.integers(-3, 9) | st.booleans() | st.floats(),
        max_size=3,
    ),
)  # fmt: skip
def test_brought_file(changed: dict, attributes: dict) -> None:
    """Datasets taken away or of any shape and type, attributes of any value."""
    with tempfile.TemporaryDirectory() as name, suppress(InputError):
        folder = Path(name)
        config = check(designs.write_design(folder, emotions=2, models=1, topics=2))
        with h5py.File(folder / "m0.h5", "a") as file:
            for path, array in changed.items():
                with suppress(KeyError, ValueError):
                    del file[path]
                if array is not None:
                    shape, dtype, value = array
                    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                        content = np.full(shape, value).astype(dtype)
                    with suppress(ValueError, OSError):
                        file[path] = content
            with suppress(ValueError, OverflowError):
                file.attrs.update(attributes)
        prompts = read_prompts(folder / "prompts.csv", EMOTIONS, "neutral")
        path = adopted(folder, config, "m0", prompts, read_probe(folder / "probe.csv"))
        assert open_activations(path).by_class("last", [*EMOTIONS, "neutral"]).ndim == 4


# Designs ------------------------------------------------------------------------------------------


@tries(6)
@given(
    emotions=st.integers(1, 4),
    models=st.integers(1, 2),
    topics=st.integers(2, 5),
    depths=st.integers(2, 3),
    d_model=st.integers(1, 5),
    fault=st.sampled_from(["", "constant", "equal", "huge", "tiny", "one axis", "probe"]),
    normalization=st.sampled_from(["LayerNorm", "RMSNorm"]),
    folds=st.integers(2, 6),
)
@example(1, 1, 2, 2, 1, "", "LayerNorm", 2)
@example(2, 2, 2, 2, 3, "constant", "LayerNorm", 5)
@example(2, 1, 3, 2, 3, "equal", "RMSNorm", 5)
@example(2, 1, 3, 2, 3, "probe", "LayerNorm", 5)
def test_design(
    emotions: int, models: int, topics: int, depths: int, d_model: int, fault: str,
    normalization: str, folds: int,
) -> None:  # fmt: skip
    """Any size, on streams that may not vary, or only along one axis, or without measure."""
    with tempfile.TemporaryDirectory() as name, suppress(InputError), np.errstate(all="ignore"):
        folder = Path(name)
        config = designs.write_design(
            folder, emotions=emotions, models=models, topics=topics, depths=depths,
            d_model=d_model, normalization=normalization,
        )  # fmt: skip
        config["statistics"]["folds"] = folds
        for k in range(models):
            with h5py.File(folder / f"m{k}.h5", "a") as file:
                disturb(file, fault)
        with warnings.catch_warnings(action="ignore"):
            run = LibraryRun(folder, config)
            assert len(run.tables["verdicts"])
            for _name, figure in run.figures() if NIGHTLY else []:
                figure.canvas.draw()
                plt.close(figure)
            assert not NIGHTLY or "<html" in run.report()


def disturb(file: h5py.File, fault: str) -> None:
    own = file["residual/last"][...]
    if fault == "constant":
        own[:] = 1
    elif fault == "equal":  # the sentences of all classes
        own[:] = own[:1]
    elif fault in ("huge", "tiny"):
        own *= 1e18 if fault == "huge" else 1e-30
    elif fault == "one axis":
        own[..., 1:] = 0
    elif fault == "probe":
        file["probe/residual/last"][...] = 0
    file["residual/last"][...] = own
