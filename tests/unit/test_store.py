"""An activations file is whole, or says that it is not."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from disks import small
from emovec.activations.brought import adopt
from emovec.activations.store import (
    Activations,
    ActivationsWriter,
    check_same_sentences,
    open_activations,
)
from emovec.errors import InputError

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


def test_flipped_bit_is_said_or_makes_no_difference(path: Path) -> None:
    """One bit anywhere: in numbers, text, or what leads to them.

    But for the heap of attributes and axis names, which HDF5 keeps without checksums.
    """
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


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_brought_value_that_is_not_finite(path: Path, tmp_path: Path, value: float) -> None:
    with h5py.File(path, "a") as file:
        streams = file["probe/residual/suffix"][...].astype("f8")
        streams[3, 2, 1] = value
        del file["probe/residual/suffix"]
        file["probe/residual/suffix"] = streams
    with pytest.raises(InputError, match="for 'p3' at position suffix, depth 2"):
        adopt(
            open_activations(path),
            tmp_path / "new.h5",
            model="m",
            prompts=PROMPTS,
            probe=PROBE,
            positions=["last", "suffix"],
            attributes={},
        )


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
