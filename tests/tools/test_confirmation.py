"""Deleting many documents asks the client's user first, in both protocol eras, where the client can ask."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.context import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from resift.api.caller import ANYONE, CALLER, Caller
from resift.api.resift import Resift
from resift.core.errors import NotFound
from resift.factories.engine import Engine
from resift.server.mcp.assembly import create_server
from resift.tests.tools.asking import Asker
from resift.tests.tools.conftest import ERAS

pytestmark = pytest.mark.anyio

MANY, FEW = [f"d{number}" for number in range(12)], ["d0", "d1"]
YES = ElicitResult(action="accept", content={"delete": True})
REFUSALS = {
    "declined": (ElicitResult(action="decline"), "The user declined: nothing was deleted."),
    "no": (ElicitResult(action="accept", content={"delete": False}), "The user declined: nothing was deleted."),
    "cancelled": (
        ElicitResult(action="cancel"),
        "The user closed the question without an answer: nothing was deleted.",
    ),
}


class User:
    """Answers every question in the same way, and keeps the questions."""

    def __init__(self, answer: ElicitResult) -> None:
        self.answer = answer
        self.questions: list[str] = []

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        self.questions.append(params.message)
        return self.answer


Connect = Callable[..., AbstractAsyncContextManager[Asker]]


@pytest.fixture
def connect(engine: Engine, era: str) -> Connect:
    """Return a function that connects a client with or without a user to ask, to a collection of 20 documents."""

    @asynccontextmanager
    async def connected(collection: str, user: User | None, caller: Caller = ANYONE) -> AsyncGenerator[Asker]:
        texts = [{"id": f"d{number}", "text": f"Note {number}.", "metadata": {"n": number}} for number in range(20)]
        await Resift(engine=engine).ingest(documents=texts, collection=collection)  # pyright: ignore[reportArgumentType]
        token = CALLER.set(caller)
        async with Client(create_server(engine), mode=era, elicitation_callback=user) as client:
            assert client.protocol_version == ERAS[era]
            yield Asker(client, {tool.name: tool for tool in (await client.list_tools()).tools})
        CALLER.reset(token)

    return connected


async def held(asker: Asker, collection: str) -> int:
    listed = await asker.call("list_collections", {"collection": collection})
    return listed["collections"][0]["documents"]


async def test_user_who_agrees_is_asked_once_with_what_would_go(connect: Connect) -> None:
    user = User(YES)
    async with connect("agreed", user) as asker:
        gone = await asker.call("delete_documents", {"collection": "agreed", "document_ids": MANY})
        assert (gone["documents"], gone["passages"], gone["notes"]) == (12, 12, [])
        assert await held(asker, "agreed") == 8
        whole = await asker.call("delete_documents", {"collection": "agreed", "everything": True})
        assert (whole["documents"], whole["dropped"]) == (8, True)
    assert user.questions == [
        "Delete 12 documents (12 passages) from the collection 'agreed'? Files on disk are not touched.",
        "Delete the whole collection 'agreed'? It holds 8 documents (8 passages). Files on disk are not touched.",
    ]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("arguments", [{"document_ids": MANY}, {"filter": {"n": {"lt": 15}}}, {"everything": True}])
async def test_without_consent_nothing_is_deleted_and_the_reply_says_so(
    connect: Connect, refusal: str, arguments: dict[str, Any]
) -> None:
    answer, told = REFUSALS[refusal]
    user = User(answer)
    async with connect("refused", user) as asker:
        kept = await asker.call("delete_documents", {"collection": "refused", **arguments})
        assert kept["notes"] == [told]
        assert (kept["documents"], kept["passages"], kept["dropped"]) == (0, 0, False)
        assert await held(asker, "refused") == 20
    assert len(user.questions) == 1


async def test_few_documents_go_without_a_question(connect: Connect) -> None:
    user = User(REFUSALS["declined"][0])
    async with connect("few", user) as asker:
        gone = await asker.call("delete_documents", {"collection": "few", "document_ids": FEW})
        assert gone["documents"] == 2
    assert user.questions == []


async def test_client_that_cannot_ask_deletes_as_told(connect: Connect) -> None:
    async with connect("silent", None) as asker:
        gone = await asker.call("delete_documents", {"collection": "silent", "document_ids": MANY})
        assert gone["documents"] == 12
        whole = await asker.call("delete_documents", {"collection": "silent", "everything": True})
        assert whole["dropped"]


async def test_call_that_would_be_refused_anyway_asks_nothing(connect: Connect) -> None:
    user = User(YES)
    async with connect("wrong", user) as asker:
        for arguments, told in (
            ({"collection": "wrong"}, "Give document_ids, a filter, or everything=true"),
            ({"collection": "nowhere", "everything": True}, "No collection 'nowhere'"),
            ({"collection": "wrong", "filter": {"n": {"gte": 0}}}, "all 20 documents"),
            ({"collection": "wrong", "everything": True, "document_ids": MANY}, "leave out the document ids"),
        ):
            assert told in await asker.refusal("delete_documents", arguments)
        gone = await asker.call("delete_documents", {"collection": "wrong", "document_ids": ["d99"] * 40})
        assert gone["missing"]
    assert user.questions == []


async def test_answer_that_is_none_deletes_nothing(connect: Connect) -> None:
    async with connect("unclear", User(ElicitResult(action="accept", content={"delete": "perhaps"}))) as asker:
        await asker.refusal("delete_documents", {"collection": "unclear", "everything": True})
        assert await held(asker, "unclear") == 20


async def test_dry_run_counts_and_deletes_nothing(engine: Engine) -> None:
    resift = Resift(engine=engine)
    await resift.ingest(documents=[{"id": each, "text": each} for each in MANY], collection="dry")
    counted = await resift.delete("dry", document_ids=FEW, dry_run=True)
    assert (counted.documents, counted.passages) == (2, 2)
    assert (await resift.delete("dry", everything=True, dry_run=True)).documents == 12
    assert (await resift.collections("dry"))[0].documents == 12
    with pytest.raises(NotFound):
        await resift.delete("nowhere", everything=True, dry_run=True)


async def test_caller_who_may_not_delete_is_refused_without_a_question(connect: Connect) -> None:
    user = User(YES)
    async with connect("safe", user, Caller(may_write=False)) as asker:
        refused = await asker.refusal("delete_documents", {"collection": "safe", "everything": True})
    assert "may only read" in refused
    assert user.questions == []
