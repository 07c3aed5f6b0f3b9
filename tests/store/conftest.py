from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from resift.core.vectors import standard_vectors
from resift.encoders.bm25 import Bm25Options
from resift.store.edge.store import EdgeStore
from resift.store.manifest import Manifest


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    """Of vectors small enough to write by hand."""
    return Manifest(standard_vectors("by-hand@1", 4), Bm25Options(average_length=10), chunking="200/40/40")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EdgeStore]:
    opened = EdgeStore(tmp_path / "data", reserve_bytes=0)
    yield opened
    await opened.close()
