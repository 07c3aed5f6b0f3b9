"""The engine killed under load: every client goes on, and nothing acknowledged is lost or doubled."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from resift.tests.hostile.load.traffic import Counter, StdioCaller, Tally, acknowledged, drive, stored
from resift.tests.server.processes import engine_pid, stop_engine

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

CLIENTS = 4
KILLS = 4
MOST_CALLS = 25  # between two kills
SEED = 13


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[list[StdioCaller]]:
    callers = [StdioCaller(tmp_path) for _ in range(CLIENTS)]
    yield callers
    for each in callers:
        each.server.process.kill()
    stop_engine(tmp_path)


def kill_under_load(folder: Path, clients: Sequence[StdioCaller], *, kills: int) -> list[Tally]:
    """Kill the engine at random moments while the clients work; return what each of them was told."""
    counter, is_over, random, told = Counter(), threading.Event(), Random(SEED), list[Tally]()
    work = threading.Thread(
        target=lambda: told.extend(drive(clients, are_done=lambda _: is_over.is_set(), counter=counter))
    )
    work.start()
    try:
        for _ in range(kills):
            counter.wait_for(random.randint(1, MOST_CALLS))
            os.kill(engine_pid(folder), signal.SIGKILL)
        counter.wait_for(2 * len(clients))
    finally:
        is_over.set()
        work.join()
    return told


async def test_clients_go_on_when_the_engine_is_killed_again_and_again(
    clients: list[StdioCaller], tmp_path: Path
) -> None:
    told = kill_under_load(tmp_path, clients, kills=KILLS)
    assert len(told) == CLIENTS
    for each in clients:
        each.search("Which pump shows a sign of wear?")
        each.close()
    stop_engine(tmp_path)
    found, promised = await stored(tmp_path), acknowledged(told)
    assert promised <= found.documents, sorted(promised - found.documents)
    assert found.passages == len(found.documents)
    interrupted = {name for tally in told for name in tally.interrupted}
    assert {name.rpartition("-")[0] for name in found.documents - promised} <= interrupted
