"""Progress notifications, on a clock of the test's own."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from resift.tools.notifications import MAX_SILENCE_S, MIN_INTERVAL_S, Notifications, call_with_progress

pytestmark = pytest.mark.anyio


@dataclass
class Client:
    """Receives notifications, and has the clock."""

    now: float = 100.0
    received: list[tuple[float, float | None, str]] = field(default_factory=list[tuple[float, float | None, str]])

    async def receive(self, progress: float, total: float | None, message: str) -> None:
        self.received.append((progress, total, message))

    def notifications(self) -> Notifications:
        return Notifications(self.receive, clock=lambda: self.now)


async def test_first_status_is_sent_at_once_even_without_a_total() -> None:
    client = Client()
    await client.notifications().report(0, 0, "Looking for files")
    assert client.received == [(0, None, "Looking for files")]


async def test_statuses_in_quick_succession_are_sent_once_but_the_last_always() -> None:
    client = Client()
    notifications = client.notifications()
    for done in range(9):
        await notifications.report(done + 0.5, 9, f"{done}")
    await notifications.report(9, 9, "all")
    assert client.received == [(0, 9, "0"), (9, 9, "all")]


async def test_numbers_are_whole_and_rise() -> None:
    client = Client()
    notifications = client.notifications()
    for done in (0.2, 0.9, 1.1, 1.9, 2.5, 2.5):
        client.now += MIN_INTERVAL_S
        await notifications.report(done, 3, "")
    assert [each[:2] for each in client.received] == [(0, 3), (1, 3), (2, 3)]


async def test_silence_is_broken_by_the_last_status_and_the_numbers_still_rise() -> None:
    client = Client()
    notifications = client.notifications()
    await notifications.report(3, 10, "Embedding")
    await notifications.repeat()
    assert len(client.received) == 1
    for _ in range(2):
        client.now += MAX_SILENCE_S
        await notifications.repeat()
    client.now += 1
    await notifications.report(4, 10, "Embedding more")
    assert client.received == [
        (3, 10, "Embedding"),
        (4, 11, "Embedding (5 s)"),
        (5, 12, "Embedding (10 s)"),
        (6, 12, "Embedding more"),
    ]


async def test_silence_from_the_start_is_broken() -> None:
    client = Client()
    notifications = client.notifications()
    client.now += MAX_SILENCE_S
    await notifications.repeat()
    assert client.received == [(0, None, " (5 s)")]


async def test_what_a_call_raises_is_raised_alone() -> None:
    class Context:
        async def report_progress(self, *_: Any) -> None:
            raise BrokenPipeError

    async def fail(_: Any) -> None:
        raise KeyError("missing")

    async def report(progress: Any) -> None:
        await progress(1, 2, "half of it")

    context: Any = Context()
    with pytest.raises(KeyError):
        await call_with_progress(context, fail)
    with pytest.raises(BrokenPipeError):
        await call_with_progress(context, report)
