"""A data directory with two collections, made once and copied for every attack."""

from pathlib import Path

import pytest

from resift.tests.hostile.data_folders import OTHER, VICTIM, make


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose data directory holds the collections `victim` and `other`; copy it before using it."""
    return make(tmp_path_factory.mktemp("library"), (VICTIM, OTHER))
