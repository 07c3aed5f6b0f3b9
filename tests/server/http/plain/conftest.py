"""Clients of the plain API: one to read with, and one for each test that writes."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from resift.tests.server.http.application import client_of, client_with_documents, engine_of


@pytest.fixture(scope="module")
async def client(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server whose collection "default" holds the test documents; only for reading."""
    async with client_with_documents(ingested, tmp_path_factory.mktemp("plain")) as opened:
        yield opened


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server without documents, which may read the files in `tmp_path / "files"`."""
    (tmp_path / "files").mkdir()
    async with client_of(engine_of(tmp_path, ingest_roots=[tmp_path / "files"])) as opened:
        yield opened
