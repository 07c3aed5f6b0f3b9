"""Clients of every kind at once: no error, and every acknowledged document is there exactly once."""

from pathlib import Path

import pytest

from resift.tests.hostile.load.traffic import (
    Caller,
    Counter,
    HttpCaller,
    StdioCaller,
    TerminalCaller,
    acknowledged,
    drive,
    stored,
)
from resift.tests.server.processes import http_server, stop_engine

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

CALLS = 12  # of each client


async def test_clients_and_commands_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    with http_server(tmp_path) as url:
        callers: list[Caller] = [*(StdioCaller(tmp_path) for _ in range(4)), *(HttpCaller(url) for _ in range(8))]
        callers.append(TerminalCaller(tmp_path))
        told = drive(callers, are_done=lambda calls: calls == CALLS, counter=(counter := Counter()))
        for each in callers:
            each.close()
    stop_engine(tmp_path)
    assert counter.calls == len(callers) * CALLS
    assert sum(len(tally.acknowledged) for tally in told) == len(acknowledged(told))
    found = await stored(tmp_path)
    assert found.documents == acknowledged(told)
    assert found.passages == len(found.documents)
