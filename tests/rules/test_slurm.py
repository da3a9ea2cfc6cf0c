"""The workflow on a Slurm cluster: one node, started here, whose jobs reach no network."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from designs import at_night
from project import CONFIG, ROOT, Project, finish

pytest.importorskip("torch")

COMMANDS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue")
missing = [command for command in COMMANDS if shutil.which(command) is None]
pytestmark = [
    at_night,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a Slurm cluster needs root"),
    pytest.mark.skipif(
        bool(missing),
        reason=f"no {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge",
    ),
]

SLURM = ROOT / "tests/slurm"
TABLES = ["results/tests/within_model/one.csv", "results/tests/cross_model/one__one@twin.csv"]
ANALYSIS = ("merge_activations", "compare_emotions", "compare_models")
# this node is small, keeps no accounts, and need not be polled gently
OPTIONS = [
    *("--profile", "profiles/slurm"),
    *("--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"),
    *("--default-resources", "mem_mb=500", "runtime=5"),
    *("slurm_account='none'", "slurm_partition='main'"),
    *("--set-resources", "capture_activations:mem_mb=attempt*1000"),
    "capture_probe:mem_mb=attempt*1000",
    *(f"{rule}:mem_mb=500" for rule in ANALYSIS),
    *("--groups", *(f"{rule}=analysis" for rule in ANALYSIS)),
    *("--max-threads", "1"),
]
NO_NETWORK = {
    f"{kind}_proxy": "http://127.0.0.1:9" for kind in ("http", "https", "HTTP", "HTTPS", "all")
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run(
        [SLURM / "start-slurm.sh", folder], stderr=subprocess.PIPE, text=True, timeout=120
    )
    try:
        assert started.returncode == 0, started.stderr
        yield
    finally:
        subprocess.run(["scancel", "--user", "root", "--quiet"], check=False)
        subprocess.run([SLURM / "stop-slurm.sh", folder], timeout=60, check=True)


def project(folder: Path, **activations: object) -> Project:
    return Project(folder, CONFIG | {"activations": {"batch_tokens": 300} | activations})


def jobs() -> list[str]:
    """What Slurm knows of each job."""
    shown = subprocess.run(
        ["scontrol", "show", "job", "--oneliner"], capture_output=True, text=True, check=True
    )
    return [line for line in shown.stdout.splitlines() if line.startswith("JobId=")]


def capturing(name: str) -> list[str]:
    return [job for job in jobs() if f"Comment=rule_capture_activations_wildcards_{name}" in job]


def cancel(job: str) -> None:
    number = re.search(r"JobId=(\d+)", job)[1]
    subprocess.run(["scancel", "--signal=KILL", number], check=True)


def test_run_with_a_killed_job_gives_the_tables_of_a_local_run(
    cluster: None, tmp_path: Path
) -> None:
    remote = project(tmp_path / "remote", shards=2)
    running = remote.start(*OPTIONS, "--keep-going", *TABLES, **NO_NETWORK)
    begun = remote.folder / "logs/tests/capture_activations/one/2-of-2.log"
    deadline = time.monotonic() + 120
    while not begun.exists() and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.1)
    [killed] = capturing("one_2")
    cancel(killed)
    run = finish(running, timeout=300)
    assert run.code == 0, run.text

    first, again = capturing("one_2")
    assert "JobState=COMPLETED" not in first and "JobState=COMPLETED" in again
    assert "mem=1000M" in first and ("mem=2000M" in again or "mem=2G" in again)
    assert all("JobState=COMPLETED" in job for job in jobs() if job != first)

    local = project(tmp_path / "local")
    local.build(*TABLES)
    for table in TABLES:
        assert (remote.folder / table).read_bytes() == (local.folder / table).read_bytes()
    activations = "results/tests/activations/one.h5"
    assert (remote.folder / activations).read_bytes() == (local.folder / activations).read_bytes()


def test_model_on_a_gpu_asks_for_one(cluster: None, tmp_path: Path) -> None:
    """The one of this node is a null device, which Slurm gives to the job and torch cannot use."""
    remote = project(tmp_path / "remote", device="cuda")
    activations = "results/tests/activations/one.h5"
    run = remote.snakemake(*OPTIONS, "--retries", "0", activations, **NO_NETWORK)
    assert run.code != 0
    assert "gres:gpu:1" in capturing("one ")[0]
    log = (remote.folder / "logs/tests/capture_activations/one.log").read_text()
    assert "activations.device is cuda but torch sees no GPU" in log
