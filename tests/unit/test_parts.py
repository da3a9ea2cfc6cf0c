"""Parts put together are what one job would have written."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from emovec.activations.parts import part_of, read_attributes, read_blocks, write_part
from emovec.activations.store import Block, open_activations, write_activations
from emovec.errors import InputError
from emovec.io.files import sha256

ATTRIBUTES = {"model": "one", "n_layers": 2, "d_model": 5, "prepend_bos": True, "source": {"a": 1}}
POSITIONS = {"prompts": ["last", "suffix"], "probe": ["last"]}


def table(n: int) -> pd.DataFrame:
    texts = [f"Sentence {row} – かな" for row in range(n)]
    columns = {"id": [f"p{row}" for row in range(n)], "text": texts}
    return pd.DataFrame(columns | {"topic": "t", "emotion": "anger"})


def blocks(prompts: int = 23, probe: int = 9) -> list[Block]:
    """Batches of four rows in an order that is not that of the rows."""
    rng, found = np.random.default_rng(3), []
    for group, n in (("prompts", prompts), ("probe", probe)):
        rows = rng.permutation(n).tolist()
        for start in range(0, n, 4):
            for position in POSITIONS[group]:
                some = rows[start : start + 4]
                residual = rng.standard_normal((len(some), 3, 5), dtype=np.float32)
                found.append(Block(group, position, some, residual))
    return found


def whole(path: Path, attributes: dict, found: list[Block]) -> bytes:
    prompts, probe = table(23), table(9)
    ids = [[row, 1, 2][: 1 + row % 3] for row in range(23)]
    write_activations(path, attributes, prompts, probe, ids, POSITIONS, found)
    return path.read_bytes()


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 50])
def test_any_number_of_parts_gives_the_bytes_of_one_job(tmp_path: Path, shards: int) -> None:
    found, paths, tables = blocks(), [], {}
    digests = {}
    for group in POSITIONS:
        tables[group] = str(tmp_path / f"{group}.csv")
        Path(tables[group]).write_text(group)
        digests[f"{group}_sha256"] = sha256(tables[group])
    # a part of the probe knows neither the prompts nor what an experiment calls the model
    unknown = {"prompts": "probe_sha256", "probe": "prompts_sha256"}
    for group in POSITIONS:
        said = ATTRIBUTES | digests | {unknown[group]: None}
        said |= {"model": None} if group == "probe" else {}
        batches = [block for block in found if block.group == group]
        for shard in range(1, shards + 1):
            paths.append(str(tmp_path / f"{group}{shard}.h5"))
            write_part(Path(paths[-1]), said, part_of(batches, shard, shards), 23)
    attributes = read_attributes(paths, tables)
    merged = whole(tmp_path / "merged.h5", attributes, read_blocks(paths))
    assert merged == whole(tmp_path / "whole.h5", ATTRIBUTES | digests, found)
    streams = open_activations(tmp_path / "merged.h5").residual("suffix")
    for block in found:
        if (block.group, block.position) == ("prompts", "suffix"):
            assert np.array_equal(streams[block.rows], block.residual)


@pytest.mark.parametrize(("n", "shards"), [(0, 3), (2, 3), (10, 3), (97, 8)])
def test_parts_are_consecutive_and_of_like_size(n: int, shards: int) -> None:
    parts = [part_of(range(n), shard, shards) for shard in range(1, shards + 1)]
    assert [item for part in parts for item in part] == list(range(n))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_parts_of_other_circumstances_are_refused(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{n}.h5") for n in (1, 2)]
    for path, bos in zip(paths, (True, False), strict=True):
        write_part(Path(path), ATTRIBUTES | {"prepend_bos": bos}, blocks(), 55)
    with pytest.raises(InputError, match=r"1.h5 and .*2.h5 were captured with another prepend_bos"):
        read_attributes(paths, {})


def test_part_of_other_sentences_is_refused(tmp_path: Path) -> None:
    table, part = tmp_path / "probe.csv", tmp_path / "part.h5"
    table.write_text("before")
    write_part(part, ATTRIBUTES | {"probe_sha256": sha256(table)}, blocks(), 55)
    table.write_text("after")
    with pytest.raises(InputError, match=r"part.h5 was captured from another .*probe.csv than is"):
        read_attributes([str(part)], {"probe": str(table)})


def test_damaged_part_is_named(tmp_path: Path) -> None:
    path = tmp_path / "1.h5"
    write_part(path, ATTRIBUTES, blocks(), 55)
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"1.h5 is no file of activations"):
        read_attributes([str(path)], {})
    content[content.index(blocks()[5].residual.tobytes()[:20])] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"1.h5 is no file of activations"):
        list(read_blocks([str(path)]))
