"""What several test files share."""

from __future__ import annotations

from pathlib import Path

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
