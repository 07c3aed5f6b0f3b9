"""A language model makes one client, beside the event loop, and closes it."""

from collections.abc import Iterator
from threading import get_ident
from typing import Any

import anyio
import pytest
from anyio import from_thread
from openai import AsyncOpenAI

from resift.models.endpoint.chat import ChatRequest, LanguageModel
from resift.models.endpoint.client import Endpoint
from resift.tests.standins.chat import ChatStandIn, chat_stand_in, watch_clients

pytestmark = pytest.mark.anyio

ASKED = ChatRequest("Be brief.", "What hums?")


@pytest.fixture
def server() -> Iterator[ChatStandIn]:
    with chat_stand_in() as server:
        server.reply = "The pump."
        yield server


def model_at(server: ChatStandIn) -> LanguageModel:
    return LanguageModel(Endpoint("small", server.url))


async def test_client_is_made_beside_the_event_loop(server: ChatStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    made_by = watch_clients(monkeypatch)
    model = model_at(server)
    await model.load()
    await model.ask(ASKED)
    await model_at(server).ask(ASKED)
    assert len(made_by) == 2
    assert get_ident() not in made_by


async def test_first_requests_at_once_share_one_client(server: ChatStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    made_by = watch_clients(monkeypatch)
    model = model_at(server)
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(model.ask, ASKED)
    await model.close()
    assert (len(server.asked), len(made_by)) == (5, 1)


async def test_client_is_closed_that_nobody_waits_for(server: ChatStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[AsyncOpenAI] = []
    begins, close = anyio.Event(), AsyncOpenAI.close
    make = AsyncOpenAI.__init__

    def made(self: AsyncOpenAI, *values: Any, **options: Any) -> None:
        from_thread.run_sync(begins.set)
        make(self, *values, **options)

    async def watched(self: AsyncOpenAI) -> None:
        closed.append(self)
        await close(self)

    monkeypatch.setattr(AsyncOpenAI, "__init__", made)
    monkeypatch.setattr(AsyncOpenAI, "close", watched)
    model = model_at(server)
    async with anyio.create_task_group() as group:
        group.start_soon(model.load)
        await begins.wait()
        group.cancel_scope.cancel()
    await model.close()
    assert len(closed) == 1
