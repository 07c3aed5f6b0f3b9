from collections.abc import Iterator

import pytest

from resift.ingest.processes.limits import Limits
from resift.ingest.processes.pool import ParserPool
from resift.tests.plugins.installed import PLUGINS, installed


@pytest.fixture(scope="module", autouse=True)
def hostile_parser() -> Iterator[None]:
    """Install a parser that crashes, hangs or swells when a document says so."""
    with installed(PLUGINS / "hostile"):
        yield


@pytest.fixture(scope="module")
def pool(hostile_parser: None) -> Iterator[ParserPool]:
    """A pool of one process, whose replies are small."""
    pool = ParserPool(1, limits=Limits(reply_bytes=1_000_000))
    yield pool
    pool.close()
