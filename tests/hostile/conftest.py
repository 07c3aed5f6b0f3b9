"""A data directory with two collections, made once and copied for every attack."""

from pathlib import Path

import pytest

from resift.tests.hostile import data_folders


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose data directory holds the collections `victim` and `other`; copy it before using it."""
    return data_folders.make(tmp_path_factory.mktemp("library"))
