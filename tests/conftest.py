"""What several test files share."""

from __future__ import annotations

import os
from pathlib import Path

# before anything that reads them: processes side by side have one thread each
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import pytest
import worlds

ROOT = Path(__file__).parents[1]
worlds.seeds()  # before processes part that collect the same tests


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny models of this session are kept."""
    return tmp_path_factory.mktemp("models")
