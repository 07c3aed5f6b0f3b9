"""A folder to ingest, and a server with collections that other programs made."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from resift.settings.load import Settings, load_settings
from resift.tests.standins.qdrant import Serving, serving


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "brakes.md").write_text("# Brakes\n\nWorn brake pads squeal. Replace the pads of both wheels.\n")
    return folder


@pytest.fixture(scope="module")
async def server() -> AsyncGenerator[Serving]:
    async with serving() as running:
        yield running


@pytest.fixture(scope="module")
def settings(server: Serving, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("adopting")
    return load_settings(data_dir=folder, qdrant_url=server.url, qdrant={"grpc_port": server.grpc_port})
