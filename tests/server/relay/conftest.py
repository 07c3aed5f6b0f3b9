"""A folder whose engine ends with the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.tests.server.processes import stop_engine


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_engine(tmp_path)
