from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from resift.search.edge import EdgeStore
from resift.search.manifest import Lexical, Manifest
from resift.search.vectors import standard_vectors


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    """Of vectors small enough to write by hand."""
    return Manifest(standard_vectors("by-hand@1", 4), Lexical(average_length=10), chunking="200/40/40")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EdgeStore]:
    opened = EdgeStore(tmp_path / "data", reserve_bytes=0)
    yield opened
    await opened.close()
