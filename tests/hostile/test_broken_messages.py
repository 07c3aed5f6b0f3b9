"""Messages that no client should send: each is answered, and the server stays."""

import random
from pathlib import Path

import pytest

from resift.tests.hostile.broken_messages import BrokenMessage, broken_messages
from resift.tests.hostile.data_folders import DOCUMENTS, OTHER, assert_whole, copy
from resift.tests.hostile.server_process import Fault, Message, ServerProcess

pytestmark = pytest.mark.slow

SEED = 2
MESSAGES = broken_messages(random.Random(SEED))
PARTS = 4
MOST_FAULTS = 5  # of one part; each may cost the wait for what hangs


def _is_answer(message: Message, broken: BrokenMessage) -> bool:
    if "method" in message or not {"result", "error"} & set(message):
        return False
    if broken.id is not None and message.get("id") == broken.id:
        return True
    return broken.expected == "error" and "error" in message and message.get("id") is None


def assert_answered(server: ServerProcess, broken: BrokenMessage) -> None:
    """Send a broken message and a ping, and check that both are answered."""
    server.unmatched.clear()
    server.send(broken.line)
    if "error" in (ping := server.request("ping", {})):
        raise Fault(f"a ping after it was refused: {ping}")
    if broken.expected in ("silence", "anything"):
        return
    while not any(_is_answer(message, broken) for message in server.unmatched):
        server.unmatched.append(server.receive())


@pytest.mark.parametrize("part", range(PARTS))
def test_broken_messages_are_answered_and_the_server_stays(part: int, library: Path, tmp_path: Path) -> None:
    folder = copy(library, tmp_path)
    faults: list[str] = []
    server = ServerProcess(folder)
    for number, broken in enumerate(MESSAGES):
        if number % PARTS != part or len(faults) == MOST_FAULTS:
            continue
        try:
            assert_answered(server, broken)
        except Fault as fault:
            faults.append(f"message {number}, {broken.line[:500]!r} ({len(broken.line):,} bytes): {fault}")
            with server:
                server = ServerProcess(folder)
    with server:
        assert_whole(server, OTHER, range(DOCUMENTS))
        server.finish()
    assert faults == []


def test_there_are_enough_broken_messages() -> None:
    assert len(MESSAGES) >= 500
