"""The workflow with its files in S3: a mock server on this machine."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from designs import at_night
from emovec.io.files import read_json, sha256
from project import CONFIG, ROOT, Project
from side import python_with
from tiny import model_folder

pytest.importorskip("torch")
pytestmark = [at_night, pytest.mark.model]  # the plugin and the server come from the Python index

BUCKET, KEY = "runs", "test"
TABLES = ["results/tests/within_model/one.csv", "results/tests/cross_model/one__one@twin.csv"]
PROVENANCE = "results/tests/provenance.json"
SERVER = "import sys; from moto.server import main; main(sys.argv[1:])"
CLIENT = """
import sys, boto3
endpoint, key, bucket, action, *paths = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                  aws_access_key_id=key, aws_secret_access_key=key)
if action == "put":
    s3.create_bucket(Bucket=bucket)
    for path in paths:
        s3.upload_file(path, bucket, f"study/{path}")
elif action == "get":
    for path in paths:
        s3.download_file(bucket, f"study/{path}", path.replace("/", "_"))
elif action == "list":
    for item in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        print(item["Key"].removeprefix("study/"))
"""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A running server: its `endpoint`, and the `python` that can talk to it."""
    python = python_with(ROOT / "tests/s3/requirements.lock")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("s3") / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [python, "-c", SERVER, "-H", "127.0.0.1", "-p", str(port)],
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        yield SimpleNamespace(endpoint=f"http://127.0.0.1:{port}", python=python)
    finally:
        server.kill()
        server.wait()


def bucket(s3: SimpleNamespace, folder: Path, action: str, *paths: str) -> list[str]:
    """Put files of `folder` into the bucket, get them, or list what it holds."""
    command = [s3.python, "-c", CLIENT, s3.endpoint, KEY, BUCKET, action, *paths]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_run_in_a_bucket_gives_the_tables_of_a_local_run(
    s3: SimpleNamespace, finished: Project, tiny_root: Path, tmp_path: Path
) -> None:
    config = CONFIG | {"models": {"one": {"source": {"path": "mine"}}}}
    remote, local = (Project(tmp_path / name, config) for name in ("remote", "local"))
    for project in (remote, local):
        shutil.copytree(model_folder("gpt2", tiny_root), project.folder / "mine")
    local.build(*TABLES)

    remote.config["activations"] = {"shards": 2}
    remote.python = s3.python
    prompts = sorted(config["prompts"].values())
    bucket(s3, remote.folder, "put", *prompts)
    options = [
        *("--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}/study"),
        *("--storage-s3-endpoint-url", s3.endpoint, "--storage-s3-region", "us-east-1"),
        *("--storage-s3-access-key", KEY, "--storage-s3-secret-key", KEY),
    ]
    environment = {"AWS_EC2_METADATA_DISABLED": "true"}
    remote.build(*options, *TABLES, **environment)

    held = bucket(s3, remote.folder, "list")
    assert {*prompts, *TABLES, "results/tests/activations/one.h5"} <= set(held)
    assert not any("activations/one/" in name for name in held)  # parts are gone
    assert sum("resources/readings/one/" in name for name in held) == 2
    assert not remote.results.exists()
    bucket(s3, remote.folder, "get", *TABLES)
    for table in TABLES:
        here = remote.folder / table.replace("/", "_")
        assert here.read_bytes() == (local.folder / table).read_bytes()
    assert "Nothing to be done" in remote.build(*options, *TABLES, **environment).text

    # what is recorded, with tables of another run for those that were not made
    recorded = read_json(finished.folder / PROVENANCE)["tables"]
    tables = [f"results/tests/{name}" for name in recorded if "two" not in name]
    bucket(s3, finished.folder, "put", *(set(tables) - set(TABLES)))
    remote.build("--allowed-rules", "write_provenance", *options, PROVENANCE, **environment)
    bucket(s3, remote.folder, "get", PROVENANCE)
    provenance = read_json(remote.folder / PROVENANCE.replace("/", "_"))
    assert [f"results/tests/{name}" for name in provenance["tables"]] == tables
    for table in TABLES:
        digest = provenance["tables"][table.removeprefix("results/tests/")]
        assert digest == sha256(local.folder / table)
    # files are named as in the config, not as they were copied
    assert list(provenance["inputs"]) == prompts and ".snakemake" not in json.dumps(provenance)
