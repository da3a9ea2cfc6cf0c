"""Worlds with planted answers, brought as activations, go through the whole statistics.

No model is run and torch cannot be imported: the jobs after capture need none.
"""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import worlds_cross
from emovec.activations.streams import Streams
from emovec.between_models.claim_rows import FAMILIES
from emovec.between_models.verdict import SHARING
from project import CONFIG, Project

SIZE = {
    "topics": 140, "probes": (500, 600), "widths": (110, 130), "latents": 80, "attributes": 22,
    "layers": 2, "s": 0.2,
}  # fmt: skip
CLASSES = [*worlds_cross.EMOTIONS, "neutral"]
FORBIDDEN = """
from pathlib import Path

Path(__file__).with_name("imported").touch()
raise ImportError("torch is not for us")
"""
WITHIN, CROSS, VERDICTS = (
    f"results/tests/{name}.csv"
    for name in ("within_model_similarity", "cross_model_similarity", "verdicts")
)
# what is looked at in each world
TABLES = {
    "shared": (WITHIN, CROSS, VERDICTS),
    "private": (VERDICTS,),
    "leading": (VERDICTS,),
    "no_signal": (CROSS, VERDICTS),
    "unrelated": (VERDICTS,),
    "rogue": (WITHIN,),
}


def write_prompts(folder: Path, probe: pd.DataFrame) -> None:
    rows = [
        {"id": f"{topic}-{name}", "topic": topic, "emotion": name, "text": f"{name} {topic}."}
        for topic in range(SIZE["topics"])
        for name in CLASSES
    ]
    pd.DataFrame(rows).to_csv(folder / "prompts.csv", index=False)
    texts = [f"Sentence {i}." for i in range(len(probe))]
    table = probe.assign(id=[f"p{i}" for i in range(len(probe))], text=texts)
    table.to_csv(folder / "probe.csv", index=False)


def write_activations(path: Path, streams: Streams) -> None:
    residual = streams.residual.transpose(1, 0, 2, 3)  # [topic, class, …], as the prompts
    with h5py.File(path, "w") as file:
        file["residual/suffix"] = residual.reshape(-1, *residual.shape[2:]).astype("f4")
        file["probe/residual/suffix"] = streams.probe.astype("f4")
        names = [(topic, name) for topic in range(SIZE["topics"]) for name in CLASSES]
        file["prompts/id"] = [f"{topic}-{name}" for topic, name in names]
        file["prompts/topic"] = [str(topic) for topic, _ in names]
        file["prompts/emotion"] = [name for _, name in names]
        file["probe/id"] = [f"p{i}" for i in range(len(streams.probe))]


@pytest.fixture(scope="module")
def outcome(python: str, tmp_path_factory: pytest.TempPathFactory):
    """The tables of a world, computed by the workflow once for each kind."""
    root = tmp_path_factory.mktemp("worlds")
    (root / "without_torch").mkdir()
    (root / "without_torch/torch.py").write_text(FORBIDDEN)
    kept: dict[str, dict[str, pd.DataFrame]] = {}

    def run(kind: str) -> dict[str, pd.DataFrame]:
        if kind in kept:
            return kept[kind]
        rng = np.random.default_rng(0)
        pair = worlds_cross.pair("shared" if kind == "rogue" else kind, rng, **SIZE)
        b = worlds_cross.with_rogue_dimension(pair.a, rng) if kind == "rogue" else pair.b
        project = Project(root / kind, CONFIG)
        project.config |= {
            "prompts": {"file": "prompts.csv", "probe": "probe.csv"},
            "activations": {"positions": ["suffix"]},
            "statistics": {"depths": [0.5, 1.0], "permutations": 999},
            "models": {
                "a": {"source": {"activations": "a.h5"}},
                "b": {"source": {"activations": "b.h5"}},
            },
        }
        write_prompts(project.folder, pair.probe)
        write_activations(project.folder / "a.h5", pair.a)
        write_activations(project.folder / "b.h5", b)
        if kind != "shared":  # the same jobs, with what is loaded
            project.python = python
        project.build(*TABLES[kind], PYTHONPATH=str(root / "without_torch"))
        # a job that swallows the error is found too
        assert not (root / "without_torch/imported").exists()
        kept[kind] = {path: pd.read_csv(project.folder / path) for path in TABLES[kind]}
        truth = pair.truth() if kind == "leading" else None
        kept[kind]["truth"] = truth and np.append(truth.common, truth.common_of_all)
        return kept[kind]

    return run


def between(tables: dict[str, pd.DataFrame], a: str = "a", b: str = "b") -> pd.DataFrame:
    table = tables[VERDICTS]
    found = table[(table.model_a == a) & (table.model_b == b)]
    assert len(found) == 3 + 1  # and all emotions together
    return found


def test_shared_directions_are_found_shared_across_widths(outcome) -> None:
    found = between(outcome("shared"))
    assert (found.verdict == "shared").all() and found.decodes[:3].all()
    raw = outcome("shared")[CROSS]
    raw = raw[(raw.method == "raw") & (raw.model_b == "b")]
    assert raw.value.isna().all()
    assert (raw.flag == "widths_differ").all()
    assert (raw.d_model_a == 110).all() and (raw.d_model_b == 130).all()


@pytest.mark.parametrize("model", ["a", "b"])
def test_rotated_twin_shares_everything_and_its_raw_cosine_is_chance(outcome, model: str) -> None:
    found = between(outcome("shared"), model, f"{model}@twin")
    assert (found.verdict == "shared").all() and (found.cosine > 0.99).all()
    table = outcome("shared")[CROSS]
    twin = table[(table.model_a == model) & (table.model_b == f"{model}@twin")]
    others = twin[(twin.family == "sensitivity") & twin.value.notna()]
    assert len(others) and (others.value > 0.99).all()
    raw = twin[twin.method == "raw"].value.dropna()
    assert len(raw) and raw.abs().max() < 5 / np.sqrt(110)


def test_private_directions_are_never_found_shared(outcome) -> None:
    found = between(outcome("private"))
    assert not found.verdict.isin(SHARING).any()
    # and that is not for want of a gate, or of a method that finds what is shared
    assert found.reason.isin(["not_shown", "small"]).all()
    assert (between(outcome("private"), "b", "b@twin").verdict == "shared").all()


def test_directions_in_few_dimensions_are_shared_only_where_they_are_alike(outcome) -> None:
    found, truth = between(outcome("leading")), outcome("leading")["truth"]
    assert (np.abs(truth) > 0.2).any()  # unrelated, and yet not small
    shared = found.verdict.isin(SHARING).to_numpy()
    assert not (shared & (truth <= 0.4)).any()
    assert (found.ci_low < truth).all() and (truth < found.ci_high).all()


def test_without_signal_nothing_is_concluded(outcome) -> None:
    found = between(outcome("no_signal"))
    assert (found.verdict == "inconclusive").all()
    assert (found.reason == "unreliable").all()
    cross = outcome("no_signal")[CROSS]
    claims = cross[cross.family.isin(FAMILIES)]
    assert claims.value.notna().any() and claims.p_adjusted.isna().all()


def test_without_correspondence_the_ruler_says_so(outcome) -> None:
    found = between(outcome("unrelated"))
    assert (found.verdict == "inconclusive").all()
    assert (found.reason == "no_ruler").all()


def test_shuffled_copies_have_no_signal(outcome) -> None:
    within = outcome("shared")[WITHIN]
    signal = within[(within.stat == "norm2_u") & within.emotion_a.isin(worlds_cross.EMOTIONS)]
    real = signal[~signal.model.str.contains("@") & (signal.depth > 0)]
    shuffled = signal[signal.model.str.endswith("@shuffled")]
    assert (real.p_adjusted == 0.001).all()
    assert (shuffled.p_adjusted < 0.05).mean() < 0.2
    assert not shuffled.gate_ok.any()


def test_rogue_dimension_is_told_and_taken_out(outcome) -> None:
    within = outcome("rogue")[WITHIN]
    pairs = within[within.emotion_b.isin(worlds_cross.EMOTIONS) & (within.depth > 0)]
    pairs = pairs[pairs.model.isin(["a", "b"])]
    raw = pairs[(pairs.metric == "raw") & (pairs.stat == "cos_naive")].set_index("model")
    assert (raw.loc["b"].value > 0.85).all()
    assert raw.loc["b"].flag.str.contains("rogue_dominated").all()
    assert raw.loc["a"].flag.isna().all()
    clean = pairs[(pairs.metric == "lda") & (pairs.stat == "cos_u")]
    assert clean.flag.isna().all()
    clean = clean.pivot(index=["depth", "emotion_a", "emotion_b"], columns="model", values="value")
    # one standard deviation along one of many whitened dimensions is what neutral's shift leaves
    assert np.abs(clean["a"] - clean["b"]).max() < 0.25
    zstd = pairs[(pairs.metric == "zstd") & (pairs.stat == "cos_u")]
    zstd = zstd.pivot(index=["depth", "emotion_a", "emotion_b"], columns="model", values="value")
    assert np.abs(zstd["a"] - zstd["b"]).max() < 0.25
