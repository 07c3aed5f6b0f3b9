"""Async tests run on asyncio, the loop that the server uses."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
