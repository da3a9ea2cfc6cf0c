"""An activations file is whole, or says that it is not."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import designs
import h5py
import numpy as np
import pandas as pd
import pytest
from disks import small
from emovec.activations import store
from emovec.activations.brought import adopt
from emovec.activations.store import (
    Activations,
    ActivationsWriter,
    check_same_sentences,
    open_activations,
)
from emovec.between_models.compare import compare_files
from emovec.between_models.pair import Plan
from emovec.config import check
from emovec.errors import InputError
from emovec.io import hdf5
from emovec.prompts.sentences import read_probe, read_prompts
from emovec.report.provenance import record
from emovec.steering.carry import carried
from emovec.vectors.directions import EmotionVectors
from library_run import adopted

CLASSES = ["joy", "fear", "none"]
N_DEPTHS, D_MODEL = 3, 8
PROMPTS = pd.DataFrame(
    [(f"{topic}-{name}", topic, name, f"Of {topic}, in {name} – 雨.") for topic in ("rain", "train")
     for name in CLASSES],
    columns=["id", "topic", "emotion", "text"],
)  # fmt: skip
PROBE = pd.DataFrame([(f"p{i}", f"We walk {i} miles.") for i in range(5)], columns=["id", "text"])


def write(path: Path, n_depths: int = N_DEPTHS) -> Path:
    rng = np.random.default_rng(0)
    with ActivationsWriter(path, n_depths, D_MODEL) as writer:
        writer.attributes({"model": "m"})
        for group, table in (("prompts", PROMPTS), ("probe", PROBE)):
            for position in ("last", "suffix"):
                data = writer.residual(group, position, len(table))
                data[...] = rng.normal(size=data.shape)
            writer.table(group, {name: table[name].tolist() for name in table})
    return path


def content(path: Path) -> list[object]:
    """Everything that an analysis takes from a file."""
    file = open_activations(path)
    found: list[object] = [file.prompts.to_csv(), file.positions, file.n_layers, file.d_model]
    for position in ("last", "suffix"):
        found += [file.by_class(position, CLASSES).tobytes(), file.probe(position, list(PROBE.id))]
    return [x.tobytes() if isinstance(x, np.ndarray) else x for x in found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "m.h5")


def refusal(path: Path, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        content(path)
    sentence = str(caught.value)
    assert str(path) in sentence and sentence.endswith(".") and "\n" not in sentence


def test_what_is_written_is_read(path: Path) -> None:
    file = open_activations(path)
    assert file.prompts.equals(PROMPTS)
    assert file.residual("last").shape == (len(PROMPTS), N_DEPTHS, D_MODEL)
    assert file.probe("last", ["p3", "p0"]).shape == (2, N_DEPTHS, D_MODEL)


def test_flipped_bit_is_said_or_makes_no_difference(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bit anywhere: in numbers, text, or what leads to them.

    But for the heap of attributes and axis names, which HDF5 keeps without checksums.
    """
    monkeypatch.setattr(store, "survive", lambda *_: None)  # no damage but there needs it
    whole, expected = path.read_bytes(), content(path)
    heap = whole.index(b"GCOL")
    heap_end = heap + int.from_bytes(whole[heap + 8 : heap + 16], "little")
    assert whole.count(b"GCOL") == 1 and heap_end - heap <= 4096
    places = [*range(heap), *range(heap_end, len(whole))]
    rng = np.random.default_rng(1)
    refused = 0
    for place, bit in zip(rng.choice(places, size=300), rng.integers(8, size=300), strict=True):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            assert content(path) == expected, place
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 100


def test_flipped_bit_in_the_heap_of_attributes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no checksums, and how long its words are can keep the library for ever."""
    monkeypatch.setattr(hdf5, "PATIENCE", 1)
    whole = path.read_bytes()
    heap = whole.index(b"GCOL")
    for place in (8, 9, 16, 18, 24, 25, 32, 49, 64):
        damaged = bytearray(whole)
        damaged[heap + place] ^= 8
        path.write_bytes(damaged)
        if place == 25:  # the length of a word, on which the library goes round and round
            refusal(path, "does not come back")
            continue
        with suppress(InputError):
            content(path)


def test_file_cut_short_anywhere(path: Path) -> None:
    whole = path.read_bytes()
    for size in [0, 7, *range(100, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:size])
        refusal(path, "cannot be read")


@pytest.mark.parametrize("content", [b"", b"id,text\n", b"\x80\x04N.", b"PK\x03\x04" + bytes(99)])
def test_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.h5").write_bytes(content)
    refusal(tmp_path / "m.h5", "cannot be read as HDF5")


def test_hdf5_file_with_something_else(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["weights"] = np.zeros((2, 2))
    refusal(tmp_path / "m.h5", "is no activations file: it lacks residual, prompts/id")


def test_probe_without_ids(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["probe/id"]
    refusal(path, "is no activations file: it lacks probe/id")


@pytest.mark.parametrize("kind", ["external", "hidden", "virtual", "raw"])
def test_file_that_would_read_another(path: Path, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as file:
        file["x"] = np.ones((len(PROMPTS), N_DEPTHS, D_MODEL), "f4")
    shape = (len(PROMPTS), N_DEPTHS, D_MODEL)
    with h5py.File(path, "a") as file:
        if kind == "hidden":
            file["more/inside"] = h5py.ExternalLink(str(secret), "x")
        else:
            del file["residual/last"]
        if kind == "external":
            file["residual/last"] = h5py.ExternalLink(str(secret), "x")
        elif kind == "virtual":
            layout = h5py.VirtualLayout(shape, "f4")
            layout[...] = h5py.VirtualSource(str(secret), "x", shape)
            file.create_virtual_dataset("residual/last", layout)
        elif kind == "raw":
            where = [(str(secret), 0, 4 * int(np.prod(shape)))]
            file.create_dataset("residual/last", shape, "f4", external=where)
    name = "more/inside" if kind == "hidden" else "residual/last"
    refusal(path, f"takes /{name} from another file")


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((len(PROMPTS) - 1, N_DEPTHS, D_MODEL)),
        np.zeros((len(PROMPTS), N_DEPTHS, D_MODEL + 1)),
        np.zeros((len(PROMPTS), N_DEPTHS, D_MODEL), int),
        np.zeros((len(PROMPTS), N_DEPTHS, D_MODEL), complex),
    ],
    ids=["rows", "width", "integers", "complex"],
)
def test_streams_of_another_shape_or_kind(path: Path, values: np.ndarray) -> None:
    with h5py.File(path, "a") as file:
        del file["residual/suffix"]
        file["residual/suffix"] = values
    refusal(path, "/residual/suffix is .* where floating-point numbers")


def test_shape_that_is_only_claimed_takes_no_memory(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["residual/suffix"]
        file.create_dataset("residual/suffix", (10**9, N_DEPTHS, D_MODEL), "f4", chunks=True)
    refusal(path, "a row for each id")


def test_columns_that_are_only_claimed_take_no_memory(path: Path) -> None:
    shape = (N_DEPTHS, 2**31)
    with h5py.File(path, "a") as file:
        for group, rows in (("residual", len(PROMPTS)), ("probe/residual", len(PROBE))):
            for position in ("last", "suffix"):
                del file[f"{group}/{position}"]
                chunks = (1, 1, 1024)
                file.create_dataset(f"{group}/{position}", (rows, *shape), "f4", chunks=chunks)
    refusal(path, r"/residual/last claims \[6, 3, 2147483648\] and holds 0 bytes")


def test_compressed_streams_are_whole(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["residual/suffix"]
        streams = np.zeros((len(PROMPTS), N_DEPTHS, D_MODEL), "f4")
        file.create_dataset("residual/suffix", data=streams, compression="gzip")
    assert not open_activations(path).residual("suffix").any()


@pytest.mark.parametrize(("deep", "round"), [(5000, 0), (0, 1), (0, 8)])
def test_groups_without_end(path: Path, deep: int, round: int) -> None:
    with h5py.File(path, "a") as file:
        group = file
        for _ in range(deep):
            group = group.create_group("g")
        for k in range(round):  # eight ways on from every group, and no time to go them all
            file[f"more{k}"] = file["/"]
    refusal(path, "nests groups more than 20 deep, or has more than 1000 parts")


@pytest.mark.parametrize(
    ("read", "says"),
    [(lambda: time.sleep(60), "come back"), (lambda: os.kill(os.getpid(), 9), "status -9")],
)
def test_library_that_never_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable, says: str
) -> None:
    monkeypatch.setattr(hdf5, "PATIENCE", 0.5)
    with pytest.raises(InputError, match=says) as caught:
        hdf5.survive(tmp_path / "m.h5", read)
    assert str(tmp_path / "m.h5") in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_brought_value_that_is_not_finite(path: Path, tmp_path: Path, value: float) -> None:
    with h5py.File(path, "a") as file:
        streams = file["probe/residual/suffix"][...].astype("f8")
        streams[3, 2, 1] = value
        del file["probe/residual/suffix"]
        file["probe/residual/suffix"] = streams
    with pytest.raises(InputError, match="for 'p3' at position suffix, depth 2"):
        take(path, tmp_path / "new.h5")


SAID = {
    "space": "raw", "prepend_bos": True, "suffix": " So.", "source": {"activations": "m.h5"},
    "template": "none",
    "prompts_sha256": "a" * 64, "probe_sha256": "b" * 64,
}  # fmt: skip


def take(path: Path, new: Path, **said: object) -> dict:
    """Bring the file as the model m; the attributes of what comes of it."""
    adopt(
        open_activations(path), new, model="m", prompts=PROMPTS, probe=PROBE,
        positions=["last", "suffix"], said=SAID | said,
    )  # fmt: skip
    return open_activations(new).attributes


def bare(path: Path, **attributes: object) -> Path:
    """Without the texts, and with these attributes alone."""
    with h5py.File(path, "a") as file:
        for group in ("prompts", "probe"):
            del file[f"{group}/text"]
        file.attrs.clear()
        file.attrs.update(attributes)
    return path


def test_what_a_brought_file_does_not_state_is_not_stated(path: Path, tmp_path: Path) -> None:
    found = take(path, tmp_path / "new.h5")
    digests = {name: found[name] for name in SAID if name.endswith("sha256")}
    assert digests == {"prompts_sha256": "a" * 64, "probe_sha256": "b" * 64}  # by their texts
    found = take(bare(path), tmp_path / "new.h5")
    assert found["space"] == "raw" and found["n_layers"] == N_DEPTHS - 1
    for name in (
        *("prompts_sha256", "probe_sha256", "suffix", "template", "dtype", "prepend_bos"),
        "license",
    ):
        assert found[name] == "not stated", name


def test_word_of_a_brought_file_holds(path: Path, tmp_path: Path) -> None:
    own = {"dtype": "bfloat16", "license": "MIT", "prompts_sha256": "a" * 64, "suffix": " So."}
    found = take(bare(path, **own), tmp_path / "new.h5")
    assert {name: found[name] for name in own} == own


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"space": "centered"}, "states space 'centered' and the config 'raw'"),
        ({"suffix": " Other."}, "states suffix ' Other.' and the config ' So.'"),
        ({"prepend_bos": False}, r"correct models\.m\.prepend_bos"),
        ({"template": "chat"}, "states template 'chat' and the config 'none'"),
        ({"prompts_sha256": "c" * 64}, "another file of prompts"),
        ({"probe_sha256": "c" * 64}, "another file of probe"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_brought_file_that_contradicts_the_config(
    path: Path, tmp_path: Path, own: dict, says: str
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        take(bare(path, **own), tmp_path / "new.h5")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("group", ["prompts", "probe"])
def test_brought_streams_of_another_sentence(path: Path, tmp_path: Path, group: str) -> None:
    with h5py.File(path, "a") as file:
        text, key = file[f"{group}/text"].asstr()[...], file[f"{group}/id"].asstr()[3]
        del file[f"{group}/text"]
        text[3:] = "Another."
        file[f"{group}/text"] = text.astype(object)
    with pytest.raises(InputError, match=f"another text for '{key}' .*'Another.' instead of"):
        take(path, tmp_path / "new.h5")


@pytest.mark.parametrize("centred", [False, True])
def test_space_of_brought_streams_is_what_it_is_called(
    path: Path, tmp_path: Path, centred: bool
) -> None:
    names = ("raw", "centered")
    with h5py.File(path, "a") as file:
        for name in ("last", "suffix"):
            for data in (file[f"residual/{name}"], file[f"probe/residual/{name}"]):
                data[...] -= data[...].mean(-1, keepdims=True) if centred else 0
    assert take(path, tmp_path / "new.h5", space=names[centred])["space"] == names[centred]
    with pytest.raises(InputError, match=f"and at position last they are {names[centred]}"):
        take(path, tmp_path / "new.h5", space=names[not centred])


@pytest.mark.parametrize(
    ("shape", "says"), [((1, D_MODEL), "one depth alone"), ((N_DEPTHS, 0), "3 depths of 0 numbers")]
)
def test_brought_streams_with_nothing_to_compare(
    path: Path, tmp_path: Path, shape: tuple, says: str
) -> None:
    with h5py.File(path, "a") as file:
        for group, table in (("", PROMPTS), ("probe/", PROBE)):
            for position in ("last", "suffix"):
                del file[f"{group}residual/{position}"]
                file[f"{group}residual/{position}"] = np.ones((len(table), *shape), "f4")
    with pytest.raises(InputError, match=says) as caught:
        take(path, tmp_path / "new.h5")
    assert str(path) in str(caught.value)


def test_disk_that_is_too_small_is_said_before_anything_is_computed(tmp_path: Path) -> None:
    with small(tmp_path / "disk", "64k"), pytest.raises(InputError, match="make room"):
        write(tmp_path / "disk/m.h5", n_depths=10_000)


def test_disk_that_fills_up_meanwhile(tmp_path: Path) -> None:
    """In a process of its own: HDF5 must not bring it down before it has said its sentence."""
    script = f"""
from emovec.io.job import job
with job("capture_activations", r"{tmp_path / "log"}"):
    from pathlib import Path
    import numpy as np
    from emovec.io.files import whole
    from emovec.activations.store import ActivationsWriter
    disk = Path(r"{tmp_path / "disk"}")
    with whole(disk / "m.h5") as part, ActivationsWriter(part, 4, 1024) as writer:
        data = writer.residual("prompts", "last", 60)
        (disk / "other").write_bytes(bytes(900_000))
        for row in range(60):
            data[row] = np.ones((4, 1024))
"""
    with small(tmp_path / "disk", "1m"):
        (tmp_path / "disk/m.h5").write_bytes(b"old")
        run = subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 1
        assert run.stderr == (
            f"capture_activations: {tmp_path}/disk/m.h5 cannot be written (No space left on "
            "device): make room there, or let it be written to, and run again. "
            f"(log: {tmp_path}/log)\n"
        )
        assert sorted(p.name for p in (tmp_path / "disk").iterdir()) == ["m.h5", "other"]
        assert (tmp_path / "disk/m.h5").read_bytes() == b"old"


def test_files_made_of_different_sentences_are_told_apart(tmp_path: Path) -> None:
    def file(name: str, **digests: str) -> Activations:
        return Activations(tmp_path / name, digests, pd.DataFrame(), None, ["last"])

    one = file("one.h5", prompts_sha256="a", probe_sha256="b")
    check_same_sentences([one, one, file("brought.h5", prompts_sha256="not stated")])
    with pytest.raises(InputError, match=r"one\.h5 and .*two\.h5 differ in the probe file"):
        check_same_sentences([one, file("two.h5", prompts_sha256="a", probe_sha256="c")])
    (tmp_path / "prompts.csv").write_text("changed")
    with pytest.raises(InputError, match=r"prompts\.csv and .*one\.h5 differ in the prompts file"):
        check_same_sentences([one], prompts=tmp_path / "prompts.csv")


def test_joint_steps_stop_over_different_sentences(tmp_path: Path) -> None:
    config = check(designs.write_design(tmp_path, emotions=1, models=2, topics=2))
    classes, names = ["gratitude", "neutral"], list(config["models"])
    prompts = read_prompts(tmp_path / "prompts.csv", classes[:1], classes[1])
    probe = read_probe(tmp_path / "probe.csv")
    paths = [adopted(tmp_path, config, name, prompts, probe) for name in names]
    for path, digit in zip(paths, "01", strict=True):
        with h5py.File(path, "a") as file:
            file.attrs["probe_sha256"] = digit * 64
    plan = Plan.of(classes[:1], classes[1], config["statistics"])
    with pytest.raises(InputError, match=r"m0.*h5 and .*m1.*h5 differ in the probe file"):
        compare_files((paths[0], paths[1]), ("m0", "m1"), prompts, probe, ["last"], plan, 1)
    with pytest.raises(InputError, match=r"probe\.csv and .*m0.*h5 differ in the probe file"):
        record(config, tmp_path / "prompts.csv", tmp_path / "probe.csv", {}, [], paths, tmp_path)
    source, target = map(open_activations, paths)
    vectors = EmotionVectors({}, classes[:1], {"last": np.ones((1, 3, 6))})
    with pytest.raises(InputError, match=r"m0.*h5 and .*m1.*h5 differ in the probe file"):
        carried(
            source, target, vectors, probe, position="last", depth=1, controls=1,
            rng=np.random.default_rng(0),
        )  # fmt: skip
